/** The order of P-256 (SEC 2 §2.4.2), and half of it. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF = Buffer.from((ORDER / 2n).toString(16).padStart(64, '0'), 'hex');
const LENGTH = 64;

/**
 * Whether a signature of P-256 in 64 bytes (RFC 7518 §3.4) is the one of its two forms that is
 * accepted: with `s`, the negative of `s` verifies as well, and one token would have two spellings.
 * The smaller one counts.
 */
export const isLowS = (signature: Uint8Array): boolean =>
  signature.length === LENGTH && Buffer.compare(signature.subarray(LENGTH / 2), HALF) <= 0;

/** The accepted form of a signature. */
export function toLowS(signature: Buffer): Buffer {
  if (isLowS(signature)) return signature;
  const s = ORDER - BigInt(`0x${signature.subarray(LENGTH / 2).toString('hex')}`);
  return Buffer.concat([
    signature.subarray(0, LENGTH / 2),
    Buffer.from(s.toString(16).padStart(LENGTH, '0'), 'hex'),
  ]);
}
