// Lists of pages and of the API, a part at a time: one row more than is shown is asked for, which
// tells whether there is more.

/** Where a list continues, by the number of a row; undefined: at its beginning. */
export const parsePageCursor = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

/**
 * The rows to show, of at most `limit + 1` that were found. `next`: the cursor after the last of
 * them; null: the list ends here.
 */
export function slicePage<Row, Cursor>(
  found: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => Cursor,
): { readonly rows: readonly Row[]; readonly next: Cursor | null } {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: found.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** The address of a list with what was asked for; empty values are left out. */
export function listPath(path: string, query: Readonly<Record<string, string>>): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '');
  return filled.length === 0 ? path : `${path}?${new URLSearchParams(filled)}`;
}

/**
 * Links that go on through a list: to its first page, where this is another, and to the next, where
 * there is one.
 */
export const pageLinks = (
  path: string,
  query: Readonly<Record<string, string>>,
  { isFirst, next }: { readonly isFirst: boolean; readonly next: number | string | null },
): { readonly first: string | null; readonly next: string | null } => ({
  first: isFirst ? null : listPath(path, query),
  next: next === null ? null : listPath(path, { ...query, after: String(next) }),
});
