/** Why a request is not served. */
export type UnservedRequest =
  | { readonly kind: 'not-found' }
  | {
      readonly kind: 'method';
      readonly requestedMethod: string;
      readonly allowed: readonly string[];
    }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'media-type' }
  /** A form of several parts that breaks its own rules. */
  | { readonly kind: 'multipart' }
  | { readonly kind: 'address' }
  | { readonly kind: 'address-too-long' }
  | { readonly kind: 'fields-too-large' }
  | { readonly kind: 'no-host' }
  | { readonly kind: 'late' }
  /** `Expect` asks for what nobody knows (RFC 9110 §10.1.1). */
  | { readonly kind: 'expectation' }
  /** It is no HTTP. */
  | { readonly kind: 'unreadable' }
  /** Ours, and it passes. */
  | { readonly kind: 'unavailable'; readonly reference?: string }
  /** Ours; logged under the reference. */
  | { readonly kind: 'fault'; readonly reference: string };

/** Its statuses (RFC 9110 §15). */
export const unservedStatus = {
  'not-found': 404,
  method: 405,
  'too-large': 413,
  'media-type': 415,
  multipart: 400,
  address: 400,
  'address-too-long': 414,
  'fields-too-large': 431,
  'no-host': 400,
  late: 408,
  expectation: 417,
  unreadable: 400,
  unavailable: 503,
  fault: 500,
} as const satisfies Record<UnservedRequest['kind'], number>;
