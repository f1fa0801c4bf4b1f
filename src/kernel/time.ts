/** A point in time: whole seconds since 1970-01-01T00:00:00Z, as in JWT NumericDate without the fraction (RFC 7519 §2). */
export type Instant = number & { readonly __brand: 'Instant' };

/** A length of time in whole seconds. */
export type Seconds = number & { readonly __brand: 'Seconds' };

/** Makes an Instant of whole Unix seconds; a fraction is cut off. */
export const instant = (unixSeconds: number): Instant => Math.trunc(unixSeconds) as Instant;

/** Makes a Seconds of a number; a fraction is cut off. */
export const seconds = (count: number): Seconds => Math.trunc(count) as Seconds;

/** The moment `span` after `at`. */
export const later = (at: Instant, span: Seconds): Instant => (at + span) as Instant;

/** True from the very second of `expiresAt` on: "expires exactly now" is expired. An absent expiry never comes. */
export const isPast = (expiresAt: Instant | null, now: Instant): boolean => expiresAt !== null && now >= expiresAt;
