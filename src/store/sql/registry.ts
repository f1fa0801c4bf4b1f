import type { Selectable } from 'kysely';
import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Impact } from '#registry/usage.ts';
import type { Driver } from '../driver.ts';
import { keyAt } from '../postgres/partitions/bounds.ts';
import { trailStore } from './audit.ts';
import {
  clientById,
  clientsNamed,
  countClients,
  holdConfigured,
  idleClients,
  keepConfigured,
  listClients,
} from './clients.ts';
import {
  acceptConsent,
  consentById,
  consentFor,
  credentialsOf,
  renounceConsent,
  saveConsent,
} from './consents.ts';
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
import type { Schema } from './schema.ts';
import { all, one, param, params, sql, statement, type Unit, write, written } from './statement.ts';

type Row<T extends keyof Schema> = Selectable<Schema[T]>;

const takeSetting = statement(sql.deleteFrom('settings').where('name', '=', param<string>('name')));
const openRevision = written<Row<'revisions'>>(
  `SELECT * FROM revisions WHERE client_id = :client AND stage = 'proposed'`,
);
const revisions = written<Row<'revisions'>>(
  `SELECT * FROM revisions WHERE client_id = :client ORDER BY id DESC`,
);
const maintainers = written<Row<'maintainers'>>(
  `SELECT * FROM maintainers WHERE client_id = :client ORDER BY invited_at, user_id`,
);
const offer = written<Row<'offers'>>(`SELECT * FROM offers WHERE client_id = :client`);
const invitations = written<{ client_id: string; kind: 'maintain' | 'own' }>(`
  SELECT client_id, 'maintain' AS kind FROM maintainers WHERE user_id = :user AND accepted_at IS NULL
  UNION ALL SELECT client_id, 'own' AS kind FROM offers WHERE to_id = :user`);
const openInvitation = written<{ found: number }>(
  `SELECT 1 AS found FROM maintainers WHERE user_id = :to AND invited_by = :from AND accepted_at IS NULL LIMIT 1`,
);
const declined = written<{ found: number }>(
  `SELECT 1 AS found FROM invitations_declined WHERE user_id = :user`,
);
const decline = written(
  `INSERT INTO invitations_declined (user_id) VALUES (:user) ON CONFLICT DO NOTHING`,
);
const welcome = written(`DELETE FROM invitations_declined WHERE user_id = :user`);
const approvals = written<Row<'approvals'>>(
  `SELECT * FROM approvals WHERE client_id = :client AND revision_id = :revision ORDER BY at`,
);
const involvements = written<Row<'involvements'>>(
  `SELECT * FROM involvements WHERE client_id = :client ORDER BY until, user_id, part`,
);
const accountsIn = written<Row<'accounts'>>({
  sqlite: `
    SELECT * FROM accounts WHERE blocked = 0 AND EXISTS (
      SELECT 1 FROM json_each(accounts.groups) g WHERE g.value IN (SELECT value FROM json_each(:groups))) ORDER BY id LIMIT :limit`,
  postgres: `
    SELECT * FROM accounts WHERE blocked = 0 AND EXISTS (
      SELECT 1 FROM json_array_elements_text(CAST(accounts.groups AS json)) g (name)
      WHERE g.name IN (SELECT json_array_elements_text(CAST(:groups AS json)))) ORDER BY id LIMIT :limit`,
});
const consentsOf = written<Row<'consents'>>(
  `SELECT * FROM consents WHERE user_id = :user ORDER BY id DESC`,
);

const people = written<{ users: number; pairs: number }>(`
  SELECT count(DISTINCT c.user_id) AS users, count(t.token) AS pairs
  FROM consents c LEFT JOIN token_credentials t ON t.consent_id = c.id WHERE c.client_id = :client`);
// Keys of these tables begin with the time: only those that can still be alive are read, a page at
// a time.
const liveTokens = written<{ tokens: number; last: string | null }>(`
  SELECT sum(CASE WHEN client_id = :client AND grant_type <> 'owner-only' AND revoked = 0 AND expires_at > :now
    AND (consent_id IS NULL OR EXISTS (SELECT 1 FROM consents c WHERE c.id = consent_id))
    AND NOT EXISTS (SELECT 1 FROM revoked_families f WHERE f.id = family_id) THEN 1 ELSE 0 END) AS tokens, max(id) AS last
  FROM (SELECT * FROM access_tokens WHERE id > :after ORDER BY id LIMIT 20000) page`);
// Only the newest refresh token of a family is unused.
const liveFamilies = written<{ tokens: number; last: string | null }>(`
  SELECT sum(CASE WHEN client_id = :client AND used_at IS NULL AND expires_at > :now
    AND EXISTS (SELECT 1 FROM consents c WHERE c.id = consent_id)
    AND NOT EXISTS (SELECT 1 FROM revoked_families f WHERE f.id = family_id) THEN 1 ELSE 0 END) AS tokens, max(digest) AS last
  FROM (SELECT * FROM refresh_tokens WHERE digest > :after ORDER BY digest LIMIT 20000) page`);
const ownerTokens = written<{ tokens: number }>(`
  SELECT count(*) AS tokens FROM access_tokens t JOIN consents c ON c.id = t.consent_id
  WHERE t.client_id = :client AND t.grant_type = 'owner-only' AND t.revoked = 0`);
const callsSince = written<{ calls: number | null }>(
  `SELECT sum(calls) AS calls FROM usage WHERE client_id = :client AND hour > :hour`,
);

const insertRequest = statement(
  sql
    .insertInto('authorization_requests')
    .values(params('digest', 'client_id', 'user_id', 'request', 'expires_at')),
);
const findRequest = written<Row<'authorization_requests'>>(
  `SELECT * FROM authorization_requests WHERE digest = :digest AND expires_at > :now`,
);
/**
 * A request is written by `JSON.stringify` alone, so its text is the same as long as nobody changed
 * it.
 */
const replaceRequest = written(
  `UPDATE authorization_requests SET request = :next, expires_at = :expires_at WHERE digest = :digest AND request = :found`,
);

const toRequest = (row: { readonly request: string }) =>
  JSON.parse(row.request) as AuthorizationRequest;

/**
 * Counts a client's live tokens page by page, other work in between, so that nobody waits for a
 * long table to be read through.
 */
async function countLive(
  driver: Driver,
  pages: typeof liveTokens,
  client: ClientId,
  now: Instant,
  from: string,
): Promise<number> {
  for (let tokens = 0, after = from; ; ) {
    const page = await driver.read(one(pages, { client, now, after }));
    if (page?.last == null) return tokens;
    tokens += page.tokens;
    after = page.last;
    await new Promise(setImmediate);
  }
}

function* peopleAndCalls(client: ClientId, now: Instant): Unit<Impact> {
  const counted = yield* one(people, { client });
  const owned = yield* one(ownerTokens, { client });
  const calls = yield* one(callsSince, { client, hour: Math.floor(now / 3600) - 24 });
  return {
    users: counted?.users ?? 0,
    tokens: (counted?.pairs ?? 0) + (owned?.tokens ?? 0),
    calls: calls?.calls ?? 0,
  };
}

/** Answers the ports of the registry room. */
export function registryStore(driver: Driver): RegistryRecords & AuthorizationRequests {
  return {
    ...trailStore(driver),
    findClient: (id) => driver.read(clientById(driver, id)),
    listClients: (filter) =>
      filter.mayBeOld
        ? driver.glance(() => listClients(driver, filter))
        : driver.read(listClients(driver, filter)),
    countClients: (filter) => driver.read(countClients(filter)),
    findClientsNamed: (ownerId, name) => driver.read(clientsNamed(driver, ownerId, name)),
    apply: (change) => driver.write(() => applyChange(driver, change), 'queue'),
    listIdle: (before, limit) => driver.read(idleClients(driver, before, limit)),
    async keepConfigured(clients, secrets) {
      const kept = await driver.write(() => keepConfigured(clients), 'queue');
      if ('taken' in kept) return kept;
      holdConfigured(driver, clients, secrets, kept.rows);
      return 'kept';
    },

    async openRevision(client) {
      const row = await driver.read(one(openRevision, { client }));
      return row && toRevision(row);
    },
    listRevisions: async (client) =>
      (await driver.read(all(revisions, { client }))).map(toRevision),
    teamOf: (client) =>
      driver.read(
        (function* () {
          const rows = yield* all(maintainers, { client });
          const offered = yield* one(offer, { client });
          return { maintainers: rows.map(toMaintainer), offer: offered ? toOffer(offered) : null };
        })(),
      ),
    invitationsOf: async (user) =>
      (await driver.read(all(invitations, { user }))).map(({ client_id, kind }) => ({
        clientId: client_id as ClientId,
        kind,
      })),
    hasOpenInvitation: async (from, to) =>
      (await driver.read(one(openInvitation, { from, to }))) !== undefined,
    declinesInvitations: async (user) => (await driver.read(one(declined, { user }))) !== undefined,
    setInvitationsDeclined: async (user, off) =>
      void (await driver.write(() => write(off ? decline : welcome, { user }), 'once')),
    approvalsOf: async (client, revisionId) =>
      (await driver.read(all(approvals, { client, revision: revisionId ?? 0 }))).map(toApproval),
    involvementsIn: async (client) =>
      (await driver.read(all(involvements, { client }))).map(toInvolvement),
    async impactOf(client, now, issuedSince) {
      const impact = await driver.glance(() => peopleAndCalls(client, now));
      // Access tokens that can be alive are the latest; of refresh tokens, any can.
      const access = await countLive(driver, liveTokens, client, now, keyAt(issuedSince));
      return {
        ...impact,
        tokens: impact.tokens + access + (await countLive(driver, liveFamilies, client, now, '')),
      };
    },
    accountsIn: async (groups, limit) =>
      groups.length === 0
        ? []
        : (await driver.read(all(accountsIn, { groups: JSON.stringify(groups), limit }))).map(
            toAccount,
          ),

    async findConsent(user, client, site) {
      const row = await driver.read(consentFor(user, client, site));
      return row && toConsent(row);
    },
    tokenOfConsent: async (id) => (await driver.read(credentialsOf(id)))?.token,
    takePkceNotice: async () =>
      (await driver.write(() => write(takeSetting, { name: 'tell-of-pkce' }), 'once')) > 0,
    findConsentById: (id) => driver.read(consentById(id)),
    listConsents: async (user) => (await driver.read(all(consentsOf, { user }))).map(toConsent),
    acceptConsent: (consent, credentials, audit, gate) =>
      driver.write(() => acceptConsent(consent, credentials, audit, gate), 'queue'),
    saveConsent: (consent, credentials, audit) =>
      driver.write(() => saveConsent(consent, credentials, audit), 'queue'),
    renounceConsent: async (id, user, audit) =>
      (await driver.write(() => renounceConsent(id, user, audit), 'queue'))
        ? 'renounced'
        : 'unknown',

    saveRequest: async (request) =>
      void (await driver.write(
        () =>
          write(insertRequest, {
            digest: request.digest,
            client_id: request.clientId,
            user_id: request.userId,
            request: JSON.stringify(request),
            expires_at: request.expiresAt,
          }),
        'once',
      )),
    async findRequest(digest, now) {
      const row = await driver.read(one(findRequest, { digest, now }));
      return row && toRequest(row);
    },
    async replaceRequest(found, next) {
      const texts = { found: JSON.stringify(found), next: JSON.stringify(next) };
      const { digest, expiresAt: expires_at } = next;
      return (await driver.write<number>(
        () => write(replaceRequest, { digest, expires_at, ...texts }),
        'once',
      )) > 0
        ? 'replaced'
        : 'changed';
    },
  };
}
