/** A part of a list. */
export interface Page<T, Cursor = number> {
  /** Fewer than were asked for where some are not shown to whoever asks. */
  readonly items: readonly T[];
  /** Where the next part continues; null: this is the end. */
  readonly next: Cursor | null;
}

/** Cuts rows of which one more than `limit` was asked for, which tells whether there is more. */
export function cutPage<T, Cursor>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => Cursor,
): Page<T, Cursor> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
