import type { TokenId } from '#kernel/ids.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';

/**
 * Makes every identifier and secret of the program. Those that become keys of rows start with the
 * time, so that rows arrive in order.
 */
export interface IdGenerator {
  /** A bearer secret: 8 characters of time, 43 of chance (256 bits). */
  secret(): string;
  /** 32 hexadecimal digits: 12 of time, 20 of chance. An identifier, not a secret. */
  hex32(): string;
  /** `bytes` random bytes as hexadecimal digits. */
  randomHex(bytes: number): string;
  /** A time-ordered identifier: 8 characters of time, 22 of chance. */
  id(): string;
  /** `jti`: 80 hexadecimal digits, 12 of time and 68 of chance. */
  tokenId(): TokenId;
}

const POOL = 4096;
const alphabet = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

/** Eight characters that sort as the milliseconds do. */
function encodeSortableTime(millis: number): string {
  let text = '';
  for (let rest = millis, place = 0; place < 8; place++, rest = Math.floor(rest / 64))
    text = alphabet[rest % 64] + text;
  return text;
}

/** Makes the generator. Random bytes are drawn 4 KiB at a time, and those handed out are wiped. */
export function makeIdGenerator(clock: Clock, entropy: Entropy): IdGenerator {
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;
  function randomText(count: number, encoding: 'hex' | 'base64url'): string {
    if (used + count > pool.length) {
      pool = Buffer.from(entropy.bytes(Math.max(POOL, count)));
      used = 0;
    }
    const part = pool.subarray(used, used + count);
    used += count;
    const written = part.toString(encoding);
    part.fill(0);
    return written;
  }
  const hexTime = () => clock.millis().toString(16).padStart(12, '0');
  return {
    secret: () => encodeSortableTime(clock.millis()) + randomText(32, 'base64url'),
    hex32: () => hexTime() + randomText(10, 'hex'),
    randomHex: (bytes) => randomText(bytes, 'hex'),
    id: () => encodeSortableTime(clock.millis()) + randomText(16, 'base64url'),
    tokenId: () => (hexTime() + randomText(34, 'hex')) as TokenId,
  };
}
