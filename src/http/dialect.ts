import type { SiteId } from '#kernel/ids.ts';
import type { OAuth1Profile } from '#oauth1/profile.ts';
import type { OAuth2Profile } from '#oauth2/profile.ts';
import type { HttpDialect } from './world.ts';

/**
 * Another server's addresses and rules, spoken beside the core's over the same registry. Everything
 * that is the dialect's alone lives in its own folder, which the server takes in as one value.
 */
export interface Dialect extends HttpDialect {
  /** Ends of host names that lead to a developer's own machine, beside `.localhost`. */
  readonly localSuffixes: readonly string[];
  readonly oauth1Profile: OAuth1Profile;
  makeOAuth2Profile(server: { readonly issuer: string; readonly site: SiteId }): OAuth2Profile;
  /** Whether a request target is one of the dialect's: what is signed there is judged by it. */
  ownsTarget(target: string): boolean;
}
