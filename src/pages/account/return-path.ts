import { safeLocalPath } from '#http/redirects.ts';
import type { PageCall } from '../page.ts';

// Where people go after they signed in, registered or set a password.

/** Where a page or form says that its person is going. */
export const returnPathOf = ({ query, form }: PageCall): string =>
  safeLocalPath(form.get('returnto') ?? query.get('returnto'));

/** Where somebody arrives who was on the way; otherwise at the page that says what was done. */
export function destinationOr(call: PageCall, fallback: string): string {
  const returnPath = returnPathOf(call);
  return returnPath === '/' ? fallback : returnPath;
}
