import type { Config } from '#config/config.ts';
import type { Dialect } from '#http/dialect.ts';
import { withOAuth1FailureLog, withOAuth2FailureLog } from '#http/oauth/refusal-log.ts';
import type { SiteId } from '#kernel/ids.ts';
import { seconds } from '#kernel/time.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { SigningKeys } from '#keys/signing.ts';
import { makeOAuth1 } from '#oauth1/oauth1.ts';
import { coreOAuth1Profile, type OAuth1Profile } from '#oauth1/profile.ts';
import { makeOAuth1Settings } from '#oauth1/verify.ts';
import { makeOAuth2 } from '#oauth2/oauth2.ts';
import { coreOAuth2Profile, type OAuth2Profile } from '#oauth2/profile.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { GrantType } from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { FailureRecorder } from '#registry/refused-requests.ts';
import type { UsageRecorder } from '#registry/usage.ts';
import type { Store } from '#store/store.ts';
import { cachedOAuth1, cachedOAuth2 } from './cached-protocols.ts';

interface ProtocolParts {
  readonly config: Config;
  /** Null: none is served. */
  readonly dialect: Dialect | null;
  readonly store: Store;
  readonly scopes: ScopeCatalogue;
  readonly idGenerator: IdGenerator;
  readonly secretBox: SecretBox;
  readonly signing: SigningKeys;
  readonly usage: UsageRecorder;
  readonly failures: FailureRecorder;
  readonly enabledGrantTypes: readonly GrantType[];
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/**
 * Builds the protocols under each profile: the core's, which is strict, and the dialect's over the
 * same rooms.
 */
export function makeProtocols({
  config,
  dialect,
  store,
  scopes,
  idGenerator,
  secretBox,
  signing,
  usage,
  failures,
  enabledGrantTypes,
  clock,
  entropy,
}: ProtocolParts) {
  const site = config.site as SiteId;
  const oauth2Settings = {
    issuer: config.issuer,
    site,
    codeTtlSeconds: seconds(600),
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
    refreshTokenTtlSeconds: config.refreshTokenTtlSeconds,
    refreshGraceSeconds: config.refreshGraceSeconds,
    grantTypes: enabledGrantTypes,
  };
  const oauth2Parts = {
    records: store,
    registry: store,
    accounts: store,
    scopes,
    idGenerator,
    clock,
    entropy,
    signing,
    usage,
    settings: oauth2Settings,
  };
  const coreProfile = coreOAuth2Profile(oauth2Settings);
  const oauth1Parts = {
    temporaryCredentials: store,
    tokenCredentials: store,
    registry: store,
    accounts: store,
    secretBox,
    idGenerator,
    clock,
    usage,
  };
  const cachedStore = store.cached && { ...store, ...store.cached };
  const protocolsFor = (oauth1Profile: OAuth1Profile, profile: OAuth2Profile) => {
    const settings = makeOAuth1Settings(oauth1Profile, {
      origin: config.origin,
      plaintext: config.oauth1Plaintext,
    });
    const oauth1 = makeOAuth1({ ...oauth1Parts, settings });
    const oauth2 = makeOAuth2({ ...oauth2Parts, profile });
    const cached = cachedStore && {
      oauth1: makeOAuth1({
        ...oauth1Parts,
        tokenCredentials: cachedStore,
        registry: cachedStore,
        accounts: cachedStore,
        settings,
      }),
      oauth2: makeOAuth2({
        ...oauth2Parts,
        records: cachedStore,
        registry: cachedStore,
        accounts: cachedStore,
        profile,
        saveOnlyIfClientUnchanged: true,
      }),
    };
    return {
      oauth1: withOAuth1FailureLog(cached ? cachedOAuth1(cached.oauth1, oauth1) : oauth1, failures),
      oauth2: withOAuth2FailureLog(cached ? cachedOAuth2(cached.oauth2, oauth2) : oauth2, failures),
    };
  };
  const coreProtocols = protocolsFor(coreOAuth1Profile, coreProfile);
  const dialectProfile = dialect?.makeOAuth2Profile({ issuer: config.issuer, site }) ?? null;
  const dialectProtocols =
    dialect && dialectProfile && protocolsFor(dialect.oauth1Profile, dialectProfile);
  return {
    coreProtocols,
    dialectProtocols,
    /** The profile of this name; the core's, where its dialect is not served. */
    oauth2ProfileNamed: (name: string): OAuth2Profile =>
      dialectProfile?.name === name ? dialectProfile : coreProfile,
  };
}
