import type { Dialect } from '#http/dialect.ts';
import { mediawikiHttp } from './http/mediawiki-http.ts';
import { mediawikiOAuth1Profile } from './oauth1-profile.ts';
import { makeMediawikiOAuth2Profile } from './oauth2-profile.ts';
import { isMediawikiTarget } from './titles.ts';

/** The dialect as the server takes it in. */
export const mediawikiDialect: Dialect = {
  ...mediawikiHttp,
  // Of the reference's own community (registry 4.3).
  localSuffixes: ['com', 'net', 'org'].map((end) => `.local.wmftest.${end}`),
  oauth1Profile: mediawikiOAuth1Profile,
  makeOAuth2Profile: makeMediawikiOAuth2Profile,
  ownsTarget: isMediawikiTarget,
};
