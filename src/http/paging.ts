// Addresses of lists that are shown a part at a time.

/** Where a list continues, by the number of a row; undefined: at its beginning. */
export const parsePageCursor = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

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
