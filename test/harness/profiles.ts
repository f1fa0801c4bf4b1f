import type { Dialect } from '#http/dialect.ts';
import { coreOAuth1Profile, type OAuth1Profile } from '#oauth1/profile.ts';
import { installedDialect } from '#server/installed-dialect.ts';

/** Labels of the OAuth 1 profiles that tests speak of. */
export type OAuth1ProfileName = 'rfc5849' | 'mediawiki';

/**
 * Whether this server has a dialect: what is tested of it beside other things is left out without.
 */
export const hasDialect = installedDialect !== null;

/** The dialect, for tests of it. */
export function theDialect(): Dialect {
  if (installedDialect === null) throw new Error('this server has no dialect');
  return installedDialect;
}

/** An OAuth 1 profile by its label. */
export const oauth1ProfileNamed = (name: OAuth1ProfileName): OAuth1Profile =>
  name === coreOAuth1Profile.name ? coreOAuth1Profile : theDialect().oauth1Profile;
