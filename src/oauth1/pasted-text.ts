import type { RawRequest } from '#encoding/raw-request.ts';

/**
 * Largest request, and largest base string, that somebody may paste: as much as a server takes for
 * its header fields.
 */
export const MAX_PASTED_BYTES = 16_384;

/** A request, and the address that stood in it. */
export interface PastedRequest extends RawRequest {
  /** Scheme, host and port as they were typed; empty: the text names none but in header fields. */
  readonly typedOrigins: readonly string[];
}

export type PastedRequestRefusal =
  | { readonly kind: 'too-long'; readonly maxBytes: number }
  | {
      readonly kind: 'unreadable';
      readonly why: 'empty' | 'first-line' | 'header' | 'option' | 'address' | 'quotes' | 'shell';
      /** What cannot be read, cut. */
      readonly piece: string;
    };
