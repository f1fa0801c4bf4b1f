import type { Instant } from '#kernel/time.ts';

export const NO_KEYS_YET =
  'there are no keys yet: they are made when the server starts for the first time';

/** A time as JSON and people read it. */
export const isoTime = (at: Instant): string => new Date(at * 1000).toISOString();
