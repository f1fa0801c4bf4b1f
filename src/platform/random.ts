import { randomBytes } from 'node:crypto';

/** Chance. Tests hand in a counted one, so that tokens are predictable. */
export interface Entropy {
  /** `count` unpredictable bytes. The caller owns the array. */
  bytes(count: number): Uint8Array;
}

const POOL = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Chance from the operating system, drawn 4 KiB at a time; what was handed out is wiped. */
export const systemEntropy: Entropy = {
  bytes: (count) => {
    if (count > POOL / 4) return randomBytes(count);
    if (used + count > pool.length) {
      pool = randomBytes(POOL);
      used = 0;
    }
    const handed = Uint8Array.prototype.slice.call(pool, used, used + count);
    pool.fill(0, used, used + count);
    used += count;
    return handed;
  },
};
