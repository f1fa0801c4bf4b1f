import type { Config } from '#config/config.ts';
import { watchOAuth1, watchOAuth2 } from '#http/oauth/refusal-log.ts';
import type { SiteId } from '#kernel/ids.ts';
import { seconds } from '#kernel/time.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Sealer } from '#keys/secret-box.ts';
import type { SigningKeys } from '#keys/signing.ts';
import { makeMediawikiReading } from '#mediawiki/profile.ts';
import { makeOAuth1 } from '#oauth1/oauth1.ts';
import { coreSettings, type OAuth1Settings } from '#oauth1/verify.ts';
import { makeOAuth2 } from '#oauth2/oauth2.ts';
import { coreReading, type OAuth2Reading } from '#oauth2/profile.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { GrantType } from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { FailureNotes } from '#registry/refused-requests.ts';
import type { UsageNotes } from '#registry/usage.ts';
import type { Store } from '#store/store.ts';
import { quickOAuth1, quickOAuth2 } from './cached-protocols.ts';

interface FaceParts {
  readonly config: Config;
  readonly store: Store;
  readonly scopes: ScopeCatalogue;
  readonly mint: Mint;
  readonly sealer: Sealer;
  readonly signing: SigningKeys;
  readonly usage: UsageNotes;
  readonly failures: FailureNotes;
  readonly offered: readonly GrantType[];
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/**
 * Builds the faces of the protocols: the core's, which is strict, and the dialect's over the same
 * rooms.
 */
export function makeFaces({
  config,
  store,
  scopes,
  mint,
  sealer,
  signing,
  usage,
  failures,
  offered,
  clock,
  entropy,
}: FaceParts) {
  const site = config.site as SiteId;
  const oauth2Settings = {
    issuer: config.issuer,
    site,
    codeFor: seconds(600),
    accessTokenFor: config.accessTokenFor,
    refreshTokenFor: config.refreshTokenFor,
    refreshGraceFor: config.refreshGraceFor,
    grantTypes: offered,
  };
  const oauth2Parts = {
    records: store,
    registry: store,
    accounts: store,
    scopes,
    mint,
    clock,
    entropy,
    signing,
    usage,
    settings: oauth2Settings,
  };
  const core = coreReading(oauth2Settings);
  const oauth1Parts = {
    handshakes: store,
    tokens: store,
    registry: store,
    accounts: store,
    sealer,
    mint,
    clock,
    usage,
  };
  const recent = store.recent && { ...store, ...store.recent };
  const face = (settings: OAuth1Settings, reading: OAuth2Reading) => {
    const oauth1 = makeOAuth1({ ...oauth1Parts, settings });
    const oauth2 = makeOAuth2({ ...oauth2Parts, reading });
    const quick = recent && {
      oauth1: makeOAuth1({
        ...oauth1Parts,
        tokens: recent,
        registry: recent,
        accounts: recent,
        settings,
      }),
      oauth2: makeOAuth2({
        ...oauth2Parts,
        records: recent,
        registry: recent,
        accounts: recent,
        reading,
        fromMemory: true,
      }),
    };
    return {
      oauth1: watchOAuth1(
        quick ? quickOAuth1(quick.oauth1, oauth1) : oauth1,
        settings.reading,
        store,
        failures,
      ),
      oauth2: watchOAuth2(quick ? quickOAuth2(quick.oauth2, oauth2) : oauth2, store, failures),
    };
  };
  const coreFace = face(
    coreSettings({ origin: config.origin, plaintext: config.oauth1Plaintext }),
    core,
  );
  const mediawiki = makeMediawikiReading({
    issuer: config.issuer,
    origin: config.origin,
    site,
    plaintext: config.oauth1Plaintext,
  });
  const dialectFace = face(mediawiki.oauth1, mediawiki.oauth2);
  return { coreFace, dialectFace, readings: { core, mediawiki: mediawiki.oauth2 } };
}
