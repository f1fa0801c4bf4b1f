import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import type { Outbox } from '#registry/notifications/notification.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { makeAuditLogStore, makeUsageStore } from './audit.ts';
import { makeAuthorizationRequestStore } from './authorization-requests.ts';
import { cacheConfiguredClients, fetchClientById } from './client-cache.ts';
import {
  fetchClientCount,
  fetchClients,
  fetchClientsByName,
  fetchIdleClients,
} from './client-lists.ts';
import { saveConfiguredRows } from './clients.ts';
import {
  acceptConsent,
  fetchConsentById,
  fetchConsentRow,
  fetchCredentialsRow,
  renounceConsent,
  saveConsent,
} from './consents.ts';
import { makeImpactStore } from './impact.ts';
import { applyChange } from './registry-changes.ts';
import { toConsent } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, sql } from './statement.ts';
import { makeTeamStore } from './team.ts';

const consumeSetting = sql('DELETE FROM settings WHERE name = :name');

const selectConsents = sql<Row<'consents'>>(
  `SELECT * FROM consents WHERE user_id = :user ORDER BY id DESC`,
);

type ClientVerbs =
  | 'findClient'
  | 'listClients'
  | 'countClients'
  | 'findClientsNamed'
  | 'applyChange'
  | 'listIdleProposals'
  | 'saveConfiguredClients';

/** Answers which clients there are, and writes their changes. */
export function makeClientStore(driver: Driver): Pick<RegistryRecords, ClientVerbs> {
  return {
    findClient: (id) => driver.read(fetchClientById(driver, id)),
    listClients: (filter) =>
      filter.allowStale
        ? driver.readReplica(() => fetchClients(driver, filter))
        : driver.read(fetchClients(driver, filter)),
    countClients: (filter) => driver.read(fetchClientCount(filter)),
    findClientsNamed: (ownerId, name) => driver.read(fetchClientsByName(driver, ownerId, name)),
    applyChange: (change) => driver.write(() => applyChange(driver, change), 'serialized-queue'),
    listIdleProposals: (before, limit) => driver.read(fetchIdleClients(driver, before, limit)),
    async saveConfiguredClients(clients, secrets) {
      const saved = await driver.write(() => saveConfiguredRows(clients), 'serialized-queue');
      if ('taken' in saved) return saved;
      cacheConfiguredClients(driver, clients, secrets, saved.rows);
      return 'saved';
    },
  };
}

type ConsentVerbs =
  | 'findConsent'
  | 'tokenOfConsent'
  | 'consumePkceNotice'
  | 'findConsentById'
  | 'listConsents'
  | 'acceptConsent'
  | 'saveConsent'
  | 'revokeConsent';

/** Answers what people allowed. */
export function makeConsentStore(driver: Driver): Pick<RegistryRecords, ConsentVerbs> {
  return {
    async findConsent(user, client, site) {
      const row = await driver.read(fetchConsentRow(user, client, site));
      return row && toConsent(row);
    },
    tokenOfConsent: async (id) => (await driver.read(fetchCredentialsRow(id)))?.token,
    consumePkceNotice: async () =>
      (await driver.write(() => execute(consumeSetting, { name: 'tell-of-pkce' }), 'autocommit')) >
      0,
    findConsentById: (id) => driver.read(fetchConsentById(id)),
    listConsents: async (user) =>
      (await driver.read(fetchAll(selectConsents, { user }))).map(toConsent),
    acceptConsent: (consent, credentials, audit, gate) =>
      driver.write(() => acceptConsent(consent, credentials, audit, gate), 'serialized-queue'),
    saveConsent: (consent, credentials, audit) =>
      driver.write(() => saveConsent(consent, credentials, audit), 'serialized-queue'),
    revokeConsent: async (id, user, audit) =>
      (await driver.write(() => renounceConsent(id, user, audit), 'serialized-queue'))
        ? 'revoked'
        : 'unknown',
  };
}

/** Answers the ports of the registry room. */
export const makeRegistryStore = (
  driver: Driver,
): Omit<RegistryRecords, keyof Outbox> & AuthorizationRequests => ({
  ...makeAuditLogStore(driver),
  ...makeUsageStore(driver),
  ...makeClientStore(driver),
  ...makeTeamStore(driver),
  ...makeImpactStore(driver),
  ...makeConsentStore(driver),
  ...makeAuthorizationRequestStore(driver),
});
