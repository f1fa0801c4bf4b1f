import { type Instant, instant } from '#kernel/time.ts';

/** The first key of a row whose key begins with the time in milliseconds, 12 hexadecimal digits. */
export const firstKeyAt = (at: Instant): string => (at * 1000).toString(16).padStart(12, '0');
/** The time that such a key begins with. */
export const timeOfKey = (key: string): Instant =>
  instant(Number.parseInt(key.slice(0, 12), 16) / 1000);

/** Keys from the first to before the second. */
export type KeyRange = readonly [from: string, to: string];
