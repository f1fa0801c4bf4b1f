import { hash } from 'node:crypto';
import { equalSecrets } from './digest.ts';

/**
 * True for text of the grammar of verifiers and challenges: 43 to 128 unreserved characters (RFC
 * 7636 §4.1, §4.2).
 */
export const isPkceText = (text: string): boolean => /^[A-Za-z0-9\-._~]{43,128}$/.test(text);

/** The S256 challenge of a verifier (RFC 7636 §4.2). */
export const pkceChallenge = (verifier: string): string => hash('sha256', verifier, 'base64url');

/** True when the verifier fits the challenge (RFC 7636 §4.6). */
export const pkceMatches = (
  method: 'S256' | 'plain',
  challenge: string,
  verifier: string,
): boolean =>
  isPkceText(verifier) &&
  equalSecrets(method === 'S256' ? pkceChallenge(verifier) : verifier, challenge);
