/**
 * A point in time: whole seconds since 1970-01-01T00:00:00Z, as in JWT NumericDate without the
 * fraction (RFC 7519 §2).
 */
export type Instant = number & { readonly __brand: 'Instant' };

/** A length of time in whole seconds. */
export type Seconds = number & { readonly __brand: 'Seconds' };

/** Makes an Instant of whole Unix seconds; a fraction is cut off. */
export const instant = (unixSeconds: number): Instant => Math.trunc(unixSeconds) as Instant;

/** Makes a Seconds of a number; a fraction is cut off. */
export const seconds = (count: number): Seconds => Math.trunc(count) as Seconds;

/** The moment `span` after `at`. */
export const addSeconds = (at: Instant, span: Seconds): Instant => (at + span) as Instant;

/**
 * True from the very second of `expiresAt` on: "expires exactly now" is expired. An absent expiry
 * never comes.
 */
export const isExpired = (expiresAt: Instant | null, now: Instant): boolean =>
  expiresAt !== null && now >= expiresAt;

/** The moment as ISO 8601 has it, in UTC: `2026-01-31T12:00:00.000Z`. */
export const toIsoTime = (at: number): string => new Date(at * 1000).toISOString();

/** A thousand years: what stands for "never ends". */
const FOREVER = seconds(31_556_995_200);
const durationPattern =
  /^P(?!$)(?:(\d{1,5})Y)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?!$)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12})S)?)?$/;

/**
 * Reads a duration (ISO 8601 with years of 365 days, or whole seconds); `infinity` is a thousand
 * years. Undefined for anything else; months have no fixed length and are refused.
 */
export function parseDuration(text: string): Seconds | undefined {
  if (text === 'infinity') return FOREVER;
  if (/^\d{1,12}$/.test(text)) return seconds(Number(text));
  const parts = durationPattern.exec(text);
  if (parts === null) return undefined;
  const [years, weeks, days, hours, minutes, rest] = parts
    .slice(1)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  return seconds((((years * 365 + weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + rest);
}
