import { hash, timingSafeEqual } from 'node:crypto';
import type { Digest } from '#kernel/ids.ts';

const timeOrderedSecret = /^[\w-]{51}$/;

/**
 * The one-way image under which the store knows a secret: SHA-256, in base64url. A secret of the
 * generator keeps its eight characters of time in front, so that rows stay in order of arrival;
 * secrecy comes from the rest. Only for machine-made secrets.
 */
export function digestOf(secret: string): Digest {
  const image = hash('sha256', secret, 'base64url');
  return (timeOrderedSecret.test(secret) ? secret.slice(0, 8) + image : image) as Digest;
}

/** Compares two digests in constant time. */
export function equalDigests(one: Digest, other: Digest): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Compares two secrets of any length in constant time. */
export function equalSecrets(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}
