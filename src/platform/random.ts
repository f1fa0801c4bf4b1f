/** Chance. Tests hand in a counted one, so that tokens are predictable. */
export interface Entropy {
  /** `count` unpredictable bytes. The caller owns the array. */
  bytes(count: number): Uint8Array;
}
