import type { Config } from '#config/config.ts';
import type { SiteId } from '#kernel/ids.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { makeSecretBox } from '#keys/secret-box.ts';
import { makeSigningKeys } from '#keys/signing.ts';
import type { FieldRules } from '#registry/actions/fields.ts';
import { grantTypes } from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import { makeSites } from '#registry/model/sites.ts';
import { makeFailures } from '#registry/refused-requests.ts';
import { makeUsage } from '#registry/usage.ts';
import { monitorClock } from './clock-watch.ts';
import { installedDialect } from './installed-dialect.ts';
import type { Platform } from './platform.ts';
import { loadTables } from './tables.ts';

/** What everything else stands on: tables and sites, store and clock, keys, and what is counted. */
export type Foundation = ReturnType<typeof composeFoundation>;

/** Opens the store, and makes what is made once for every part of a server. */
export function composeFoundation(config: Config, platform: Platform) {
  const { clock, entropy, log } = platform;
  const { rights, scopes } = loadTables(config);
  const store = platform.openStore({ log, clock });
  const dialect = config.mediawiki ? installedDialect : null;
  const sites = configuredSites(config);
  const enabledGrantTypes = config.structure.grant_types ?? grantTypes;
  return {
    config,
    platform,
    clock,
    entropy,
    log,
    store,
    dialect,
    rights,
    scopes,
    sites,
    enabledGrantTypes,
    rules: fieldRules(config, { sites, scopes, dialect, enabledGrantTypes }),
    clockMonitor: monitorClock({
      clock,
      monotonicClock: platform.monotonicClock ?? null,
      store,
      log,
    }),
    idGenerator: makeIdGenerator(clock, entropy),
    secretBox: makeSecretBox(platform.masterKeys, entropy),
    signing: makeSigningKeys(platform.signingKeys, clock),
    usage: makeUsage(clock, store),
    failures: makeFailures(clock, store),
  };
}

/** The sites of the configuration, and this server's own in front unless it is one of them. */
function configuredSites({ site, siteName, origin, structure }: Config) {
  const listed = structure.sites.map((one) => ({ ...one, id: one.id as SiteId }));
  const own = { id: site as SiteId, name: siteName, origin };
  return makeSites(listed.some(({ id }) => id === own.id) ? listed : [own, ...listed]);
}

/** What the fields of an app may hold here. */
const fieldRules = (
  { siteName, structure }: Config,
  parts: {
    readonly sites: ReturnType<typeof makeSites>;
    readonly scopes: ScopeCatalogue;
    readonly dialect: typeof installedDialect;
    readonly enabledGrantTypes: FieldRules['grantTypes'];
  },
): FieldRules => ({
  sites: parts.sites,
  catalogue: parts.scopes,
  grantTypes: parts.enabledGrantTypes,
  reservedNames: [siteName, ...structure.sites.map(({ name }) => name)],
  // Hosts that resolve to the developer's own machine (registry 4.3).
  localSuffixes: ['.localhost', ...(parts.dialect?.localSuffixes ?? [])],
});
