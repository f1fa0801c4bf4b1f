import type { Account } from '#accounts/account.ts';
import type { ConsentId, SiteId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Actor } from '#registry/actor.ts';
import { currentConsent } from '#registry/consent-policy.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Registry } from '#registry/registry.ts';
import { testNow } from './clock.ts';

/**
 * A person in a browser who typed their password just now, or when `provenAt` says, without a page.
 */
export const personActor = (
  account: Account | null,
  rights: ReadonlySet<string>,
  via: Actor['via'] = 'api',
  provenAt: () => Instant = testNow,
): Actor => ({
  kind: 'person',
  account,
  rights,
  address: '192.0.2.7',
  via,
  authentication:
    account === null
      ? { kind: 'none' }
      : {
          kind: 'session',
          proof: {
            get at() {
              return provenAt();
            },
            method: 'password',
          },
        },
});

const consentRights = new Set(['mwoauthmanagemygrants']);

/** People's own verbs, as they press buttons. */
export const consentCommands = (registry: Registry, records: RegistryRecords) => ({
  async accept(client: Client, user: Account, scopes: readonly string[]): Promise<Consent> {
    const answer = await registry.submit(personActor(user, consentRights), 'accept', {
      clientId: client.id,
      scopes,
    });
    if (!answer.ok || answer.value.consent === null) throw new Error(JSON.stringify(answer));
    return answer.value.consent;
  },
  async revoke(id: ConsentId, user: Account): Promise<'renounced' | 'unknown'> {
    return (await registry.submit(personActor(user, consentRights), 'renounce', { consentId: id }))
      .ok
      ? 'renounced'
      : 'unknown';
  },
  current: (client: Client, user: Account, site: SiteId) =>
    currentConsent(records, client, user, site),
  list: (user: Account) => records.listConsents(user.id),
});
