import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Entropy } from '#platform/random.ts';

/**
 * Memory in KiB, passes and lanes: the first choice for constrained servers of RFC 9106 §4 is
 * larger; these are OWASP's for sign-in pages.
 */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const MAX_CONCURRENT = 2;
const MAX_WAITING = 64;

const derive = promisify(argon2);
let running = 0;
const waiting: (() => void)[] = [];

/** Thrown when more people sign in at once than can be checked: tell them to try again. */
export class PasswordsBusy extends Error {}

async function withConcurrencyLimit<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_CONCURRENT) {
    if (waiting.length >= MAX_WAITING)
      throw new PasswordsBusy('too many passwords are being checked');
    await new Promise<void>((go) => waiting.push(go));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

const computeHash = (plain: string, salt: Uint8Array, { memory, passes, parallelism } = cost) =>
  withConcurrencyLimit(() =>
    derive('argon2id', {
      message: plain.normalize('NFC'),
      nonce: salt,
      memory,
      passes,
      parallelism,
      tagLength: 32,
    }),
  );

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replaceAll('=', '');

/** Hashes a password with argon2id (RFC 9106); answers a PHC string. */
export async function hashPassword(plain: string, entropy: Entropy): Promise<string> {
  const salt = entropy.bytes(16);
  const tag = await computeHash(plain, salt);
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/**
 * True when the password is the one hashed. Without a hash the same work is done and the answer is
 * no, so that time does not tell.
 */
export async function verifyPassword(plain: string, hashed: string | null): Promise<boolean> {
  const parts = hashed === null ? null : phc.exec(hashed);
  if (parts === null) {
    await computeHash(plain, new Uint8Array(16));
    return false;
  }
  const [, memory, passes, parallelism, salt = '', tag = ''] = parts;
  const found = await computeHash(plain, Buffer.from(salt, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
  const wanted = Buffer.from(tag, 'base64');
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}
