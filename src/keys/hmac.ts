import { createHmac } from 'node:crypto';

/** HMAC over text, in base64 with padding (RFC 2104; RFC 5849 §3.4.2). */
export const hmac = (algorithm: 'sha1' | 'sha256', key: string, text: string): string =>
  createHmac(algorithm, key).update(text).digest('base64');
