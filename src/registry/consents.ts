import type { Account } from '#accounts/account.ts';
import { type ConsentId, EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import type { Mint } from '#keys/mint.ts';
import type { Sealer } from '#keys/sealer.ts';
import type { Clock } from '#ports/clock.ts';
import type { Client } from './client.ts';
import type { Consent } from './consent.ts';
import type { RegistryRecords } from './records.ts';
import type { ScopeCatalogue } from './scopes.ts';

/** What sealed token secrets are bound to. */
export const TOKEN_SECRET = 'token secret';

/** What a person accepts when they accept `requested`: hidden and identity scopes first, then the rest, within what the client may ask for. */
export function acceptedScopes(requested: readonly string[], client: Client, catalogue: ScopeCatalogue): readonly string[] {
  const may = new Set(client.scopes);
  return [...new Set([...catalogue.irrevocable, ...requested])].filter((scope) => may.has(scope));
}

/** True when every scope only says who somebody is. */
export const isIdentityOnly = (scopes: readonly string[], catalogue: ScopeCatalogue): boolean =>
  scopes.length > 0 && scopes.every((scope) => catalogue.identityOnly.includes(scope));

export interface Consents {
  /** The consent in force: for the client's own site (the current one if it has none), else for every site (registry 7.2). */
  current(client: Client, user: Account, site: SiteId): Promise<Consent | undefined>;
  /**
   * Writes down a person's yes: replaces the scopes of a consent that exists for OAuth 2, leaves one unchanged for OAuth 1, whose
   * permanent credentials are made with the first (registry 7.5). Always for the client's own site value.
   */
  save(client: Client, user: Account, scopes: readonly string[]): Promise<Consent>;
  /** Ends a consent of this person; all that was issued under it stops at once. */
  renounce(id: ConsentId, user: Account): Promise<'renounced' | 'unknown'>;
  list(user: Account): Promise<readonly { readonly consent: Consent; readonly client: Client | undefined }[]>;
}

/** Consents over the registry's records. */
export function makeConsents(deps: {
  readonly records: RegistryRecords;
  readonly mint: Mint;
  readonly sealer: Sealer;
  readonly clock: Clock;
}): Consents {
  const { records, mint, sealer, clock } = deps;
  return {
    async current(client, user, site) {
      const first = client.site === EVERY_SITE ? site : client.site;
      return (await records.findConsent(user.id, client.id, first)) ?? records.findConsent(user.id, client.id, EVERY_SITE);
    },
    save(client, user, scopes) {
      const may = scopes.filter((scope) => client.scopes.includes(scope));
      const credentials =
        client.protocol === 'oauth1' ? { token: mint.hex32(), secretSealed: sealer.seal(mint.randomHex(20), TOKEN_SECRET) } : null;
      const consent = { userId: user.id, clientId: client.id, site: client.site, scopes: may, acceptedAt: clock.now() };
      return records.saveConsent(consent, client.protocol === 'oauth1' ? 'keep' : 'update', credentials);
    },
    renounce: (id, user) => records.renounceConsent(id, user.id),
    async list(user) {
      const consents = await records.listConsents(user.id);
      return Promise.all(consents.map(async (consent) => ({ consent, client: await records.findClient(consent.clientId) })));
    },
  };
}
