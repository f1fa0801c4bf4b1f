import type { PageCall, PageResponse } from '../page.ts';
import { returnPathOf } from './return-path.ts';

/** A mailed link was used already, is too old, or never was one. */
export const linkGone = { status: 404, note: 'link-gone' } as const satisfies PageResponse;

/**
 * Answers a link that does nothing any more. One that was used by whoever is signed in now, and
 * leads somewhere, has done its work: it was opened twice.
 */
export function linkGoneResponse(call: PageCall, status: number = linkGone.status): PageResponse {
  const returnPath = returnPathOf(call);
  return call.user !== null && returnPath !== '/' ? { to: returnPath } : { ...linkGone, status };
}

/** The secret of a mailed link; no longer text is looked up. */
export const truncateToken = (token: string | undefined): string => (token ?? '').slice(0, 200);
