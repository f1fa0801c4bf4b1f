import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import type { Outbox } from '#registry/notifications/notification.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Impact } from '#registry/usage.ts';
import type { Driver } from '../driver.ts';
import { makeAuditLogStore } from './audit.ts';
import {
  cacheConfiguredClients,
  fetchClientById,
  fetchClientCount,
  fetchClients,
  fetchClientsByName,
  fetchIdleClients,
  saveConfiguredRows,
} from './clients.ts';
import {
  acceptConsent,
  fetchConsentById,
  fetchConsentRow,
  fetchCredentialsRow,
  renounceConsent,
  saveConsent,
} from './consents.ts';
import { inEachDialect } from './dialect.ts';
import { firstKeyAt } from './key-range.ts';
import { applyChange } from './registry-changes.ts';
import {
  toAccount,
  toApproval,
  toConsent,
  toInvolvement,
  toMaintainer,
  toOffer,
  toRevision,
} from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

const consumeSetting = sql('DELETE FROM settings WHERE name = :name');
const findOpenRevision = sql<Row<'revisions'>>(
  `SELECT * FROM revisions WHERE client_id = :client AND stage = 'proposed'`,
);
const selectRevisions = sql<Row<'revisions'>>(
  `SELECT * FROM revisions WHERE client_id = :client ORDER BY id DESC`,
);
const selectMaintainers = sql<Row<'maintainers'>>(
  `SELECT * FROM maintainers WHERE client_id = :client ORDER BY invited_at, user_id`,
);
const findOffer = sql<Row<'offers'>>(`SELECT * FROM offers WHERE client_id = :client`);
const selectInvitations = sql<{ client_id: string; kind: 'maintain' | 'own' }>(`
  SELECT client_id, 'maintain' AS kind FROM maintainers WHERE user_id = :user AND accepted_at IS NULL
  UNION ALL SELECT client_id, 'own' AS kind FROM offers WHERE to_id = :user`);
const findOpenInvitation = sql<{ found: number }>(
  `SELECT 1 AS found FROM maintainers WHERE user_id = :to AND invited_by = :from AND accepted_at IS NULL LIMIT 1`,
);
const findDeclined = sql<{ found: number }>(
  `SELECT 1 AS found FROM invitations_declined WHERE user_id = :user`,
);
const insertDeclined = sql(
  `INSERT INTO invitations_declined (user_id) VALUES (:user) ON CONFLICT DO NOTHING`,
);
const deleteDeclined = sql(`DELETE FROM invitations_declined WHERE user_id = :user`);
const selectApprovals = sql<Row<'approvals'>>(
  `SELECT * FROM approvals WHERE client_id = :client AND revision_id = :revision ORDER BY at`,
);
const selectInvolvements = sql<Row<'involvements'>>(
  `SELECT * FROM involvements WHERE client_id = :client ORDER BY until, user_id, part`,
);
const selectAccountsInGroups = sql<Row<'accounts'>>(
  inEachDialect(
    ({ selectJsonTexts }) => `
  SELECT * FROM accounts WHERE blocked = 0
    AND EXISTS (${selectJsonTexts('accounts.groups')} INTERSECT ${selectJsonTexts(':groups')})
  ORDER BY id LIMIT :limit`,
  ),
);
const selectConsents = sql<Row<'consents'>>(
  `SELECT * FROM consents WHERE user_id = :user ORDER BY id DESC`,
);

const countUsers = sql<{ users: number; pairs: number }>(`
  SELECT count(DISTINCT c.user_id) AS users, count(t.token) AS pairs
  FROM consents c LEFT JOIN token_credentials t ON t.consent_id = c.id WHERE c.client_id = :client`);
// Keys of these tables begin with the time: only those that can still be alive are read, a page at
// a time.
const countLiveTokensPage = sql<{ tokens: number; last: string | null }>(`
  SELECT sum(CASE WHEN client_id = :client AND grant_type <> 'owner-only' AND revoked = 0 AND expires_at > :now
    AND (consent_id IS NULL OR EXISTS (SELECT 1 FROM consents c WHERE c.id = consent_id))
    AND NOT EXISTS (SELECT 1 FROM revoked_families f WHERE f.id = family_id) THEN 1 ELSE 0 END) AS tokens, max(id) AS last
  FROM (SELECT * FROM access_tokens WHERE id > :after ORDER BY id LIMIT 20000) page`);
// Only the newest refresh token of a family is unused.
const countLiveFamiliesPage = sql<{ tokens: number; last: string | null }>(`
  SELECT sum(CASE WHEN client_id = :client AND used_at IS NULL AND expires_at > :now
    AND EXISTS (SELECT 1 FROM consents c WHERE c.id = consent_id)
    AND NOT EXISTS (SELECT 1 FROM revoked_families f WHERE f.id = family_id) THEN 1 ELSE 0 END) AS tokens, max(digest) AS last
  FROM (SELECT * FROM refresh_tokens WHERE digest > :after ORDER BY digest LIMIT 20000) page`);
const countOwnerTokens = sql<{ tokens: number }>(`
  SELECT count(*) AS tokens FROM access_tokens t JOIN consents c ON c.id = t.consent_id
  WHERE t.client_id = :client AND t.grant_type = 'owner-only' AND t.revoked = 0`);
const sumCallsSince = sql<{ calls: number | null }>(
  `SELECT sum(calls) AS calls FROM usage WHERE client_id = :client AND hour > :hour`,
);

const insertRequest = sql(`
  INSERT INTO authorization_requests (digest, client_id, user_id, request, expires_at)
  VALUES (:digest, :client_id, :user_id, :request, :expires_at)`);
const findRequest = sql<Row<'authorization_requests'>>(
  `SELECT * FROM authorization_requests WHERE digest = :digest AND expires_at > :now`,
);
/**
 * A request is written by `JSON.stringify` alone, so its text is the same as long as nobody changed
 * it.
 */
const replaceRequest = sql(
  `UPDATE authorization_requests SET request = :next, expires_at = :expires_at WHERE digest = :digest AND request = :found`,
);

const toRequest = (row: { readonly request: string }) =>
  JSON.parse(row.request) as AuthorizationRequest;

/**
 * Counts a client's live tokens page by page, other work in between, so that nobody waits for a
 * long table to be read through.
 */
async function countLiveTokens(
  driver: Driver,
  pages: typeof countLiveTokensPage,
  client: ClientId,
  now: Instant,
  from: string,
): Promise<number> {
  for (let tokens = 0, after = from; ; ) {
    const page = await driver.read(fetchOne(pages, { client, now, after }));
    if (page?.last == null) return tokens;
    tokens += page.tokens;
    after = page.last;
    await new Promise(setImmediate);
  }
}

function* fetchUsersAndCalls(client: ClientId, now: Instant): Transaction<Impact> {
  const counted = yield* fetchOne(countUsers, { client });
  const owned = yield* fetchOne(countOwnerTokens, { client });
  const calls = yield* fetchOne(sumCallsSince, { client, hour: Math.floor(now / 3600) - 24 });
  return {
    users: counted?.users ?? 0,
    tokens: (counted?.pairs ?? 0) + (owned?.tokens ?? 0),
    calls: calls?.calls ?? 0,
  };
}

/** Answers the ports of the registry room. */
export function makeRegistryStore(
  driver: Driver,
): Omit<RegistryRecords, keyof Outbox> & AuthorizationRequests {
  return {
    ...makeAuditLogStore(driver),
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

    async openRevision(client) {
      const row = await driver.read(fetchOne(findOpenRevision, { client }));
      return row && toRevision(row);
    },
    listRevisions: async (client) =>
      (await driver.read(fetchAll(selectRevisions, { client }))).map(toRevision),
    teamOf: (client) =>
      driver.read(
        (function* () {
          const rows = yield* fetchAll(selectMaintainers, { client });
          const offered = yield* fetchOne(findOffer, { client });
          return { maintainers: rows.map(toMaintainer), offer: offered ? toOffer(offered) : null };
        })(),
      ),
    invitationsOf: async (user) =>
      (await driver.read(fetchAll(selectInvitations, { user }))).map(({ client_id, kind }) => ({
        clientId: client_id as ClientId,
        kind,
      })),
    hasOpenInvitation: async (from, to) =>
      (await driver.read(fetchOne(findOpenInvitation, { from, to }))) !== undefined,
    declinesInvitations: async (user) =>
      (await driver.read(fetchOne(findDeclined, { user }))) !== undefined,
    setInvitationsDeclined: async (user, off) =>
      void (await driver.write(
        () => execute(off ? insertDeclined : deleteDeclined, { user }),
        'autocommit',
      )),
    approvalsOf: async (client, revisionId) =>
      (await driver.read(fetchAll(selectApprovals, { client, revision: revisionId ?? 0 }))).map(
        toApproval,
      ),
    involvementsIn: async (client) =>
      (await driver.read(fetchAll(selectInvolvements, { client }))).map(toInvolvement),
    async impactOf(client, now, issuedSince) {
      const impact = await driver.readReplica(() => fetchUsersAndCalls(client, now));
      // Access tokens that can be alive are the latest; of refresh tokens, any can.
      const access = await countLiveTokens(
        driver,
        countLiveTokensPage,
        client,
        now,
        firstKeyAt(issuedSince),
      );
      return {
        ...impact,
        tokens:
          impact.tokens +
          access +
          (await countLiveTokens(driver, countLiveFamiliesPage, client, now, '')),
      };
    },
    listAccountsInGroups: async (groups, limit) =>
      groups.length === 0
        ? []
        : (
            await driver.read(
              fetchAll(selectAccountsInGroups, { groups: JSON.stringify(groups), limit }),
            )
          ).map(toAccount),

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

    saveRequest: async (request) =>
      void (await driver.write(
        () =>
          execute(insertRequest, {
            digest: request.digest,
            client_id: request.clientId,
            user_id: request.userId,
            request: JSON.stringify(request),
            expires_at: request.expiresAt,
          }),
        'autocommit',
      )),
    async findRequest(digest, now) {
      const row = await driver.read(fetchOne(findRequest, { digest, now }));
      return row && toRequest(row);
    },
    async replaceRequest(found, next) {
      const texts = { found: JSON.stringify(found), next: JSON.stringify(next) };
      const { digest, expiresAt: expires_at } = next;
      return (await driver.write<number>(
        () => execute(replaceRequest, { digest, expires_at, ...texts }),
        'autocommit',
      )) > 0
        ? 'replaced'
        : 'changed';
    },
  };
}
