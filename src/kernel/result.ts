/**
 * An accepted value, or exactly why there is none. A refusal is something a stranger can
 * cause; faults are thrown.
 */
export type Result<T, R> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: R };

/** Accepts, with a value. */
export const accept = <T>(value: T): { readonly ok: true; readonly value: T } => ({
  ok: true,
  value,
});

/** Says no, with the reason as a value. */
export const refuse = <const R>(refusal: R): { readonly ok: false; readonly refusal: R } => ({
  ok: false,
  refusal,
});
