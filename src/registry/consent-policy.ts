import type { Account } from '#accounts/account.ts';
import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import type { Client } from './model/client.ts';
import type { Consent } from './model/consent.ts';
import type { ScopeCatalogue } from './model/scopes.ts';
import type { RegistryRecords } from './records.ts';

/**
 * What a person accepts when they accept `requested`: hidden and identity scopes first, then the
 * rest, within what the client may ask for.
 */
export function acceptedScopes(
  requested: readonly string[],
  client: Pick<Client, 'scopes'>,
  catalogue: ScopeCatalogue,
): readonly string[] {
  const allowedScopes = new Set(client.scopes);
  return [...new Set([...catalogue.irrevocable, ...requested])].filter((scope) =>
    allowedScopes.has(scope),
  );
}

/** True when every scope only says who somebody is. */
export const isIdentityOnly = (scopes: readonly string[], catalogue: ScopeCatalogue): boolean =>
  scopes.length > 0 && scopes.every((scope) => catalogue.identityOnly.includes(scope));

/**
 * The consent in force: for the client's own site (the current one if it has none), else for every
 * site (registry 7.2).
 */
export async function currentConsent(
  records: Pick<RegistryRecords, 'findConsent'>,
  client: Client,
  user: Account,
  site: SiteId,
): Promise<Consent | undefined> {
  const first = client.site === EVERY_SITE ? site : client.site;
  return (
    (await records.findConsent(user.id, client.id, first)) ??
    records.findConsent(user.id, client.id, EVERY_SITE)
  );
}

/**
 * True when nobody need be asked: a first-party app of the configuration, sent back over https
 * (registry 7.6).
 */
export const needsNoConsent = (client: Client): boolean =>
  client.managed &&
  client.skipConsent &&
  client.protocol === 'oauth2' &&
  /^https:/i.test(client.redirectUri);
