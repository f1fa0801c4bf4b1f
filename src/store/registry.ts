import type { ClientId, ConsentId, SiteId, UserId } from '#kernel/ids.ts';
import type { AuthorizationRequest, AuthorizationRequests } from '#registry/authorization-request.ts';
import type { Client } from '#registry/client.ts';
import type { Consent } from '#registry/consent.ts';
import type { NewClient, NewConsent, NewTokenCredentials, OwnerGrant, RegistryRecords } from '#registry/records.ts';
import { insertAccessToken } from './oauth2.ts';
import { toClient, toConsent } from './sql/rows.ts';
import { all, one, param, params, sql, statement, type Unit, write } from './sql/statement.ts';
import type { Driver } from './sqlite-driver.ts';

const byId = statement(sql.selectFrom('clients').selectAll().where('id', '=', param<string>('id')));
const versionOf = statement(sql.selectFrom('clients').select('changes').where('id', '=', param<string>('id')));
const everyClient = statement(sql.selectFrom('clients').selectAll().orderBy('number', 'desc'));
const named = statement(
  sql
    .selectFrom('clients')
    .selectAll()
    .where('owner_id', '=', param<number>('owner'))
    .where('name', '=', param<string>('name'))
    .orderBy('number', 'desc'),
);
const insertClient = statement(
  sql
    .insertInto('clients')
    .values(
      params(
        'id',
        'name',
        'version',
        'description',
        'owner_id',
        'email',
        'protocol',
        'owner_only',
        'confidential',
        'redirect_uri',
        'redirect_is_prefix',
        'grant_types',
        'pkce_optional',
        'token_algorithm',
        'site',
        'scopes',
        'secret_digest',
        'secret_sealed',
        'rsa_public_key',
        'restrictions',
        'stage',
        'stage_at',
        'suppressed',
        'registered_at',
      ),
    )
    .onConflict((conflict) => conflict.columns(['owner_id', 'name', 'version']).doNothing())
    .returningAll(),
);
const move = statement(
  sql
    .updateTable('clients')
    .set((row) => ({
      stage: param<string>('to'),
      suppressed: param<number>('suppressed'),
      stage_at: param<number>('at'),
      changes: row('changes', '+', 1),
    }))
    .where('id', '=', param<string>('id'))
    .where('stage', '=', param<string>('from'))
    .where('stage_at', '=', param<number>('fromAt')),
);
const setSecret = statement(
  sql
    .updateTable('clients')
    .set((row) => ({ secret_digest: param<string>('digest'), secret_sealed: param<string>('sealed'), changes: row('changes', '+', 1) }))
    .where('id', '=', param<string>('id')),
);

const consentOf = statement(
  sql
    .selectFrom('consents')
    .selectAll()
    .where('user_id', '=', param<number>('user'))
    .where('client_id', '=', param<string>('client'))
    .where('site', '=', param<string>('site')),
);
const consentBy = statement(sql.selectFrom('consents').selectAll().where('id', '=', param<number>('id')));
const consentsOf = statement(sql.selectFrom('consents').selectAll().where('user_id', '=', param<number>('user')).orderBy('id', 'desc'));
const insertConsent = statement(
  sql
    .insertInto('consents')
    .values(params('user_id', 'client_id', 'site', 'scopes', 'accepted_at'))
    .returningAll(),
);
const setScopes = statement(
  sql
    .updateTable('consents')
    .set({ scopes: param<string>('scopes') })
    .where('id', '=', param<number>('id'))
    .returningAll(),
);
const deleteConsent = statement(
  sql.deleteFrom('consents').where('id', '=', param<number>('id')).where('user_id', '=', param<number>('user')),
);
const insertCredentials = statement(
  sql
    .insertInto('token_credentials')
    .values(params('token', 'consent_id', 'secret_sealed'))
    .onConflict((conflict) => conflict.column('consent_id').doNothing()),
);
const credentialsOf = statement(sql.selectFrom('token_credentials').selectAll().where('consent_id', '=', param<number>('consent')));

const insertRequest = statement(
  sql.insertInto('authorization_requests').values(params('digest', 'client_id', 'user_id', 'request', 'expires_at')),
);
const findRequest = statement(
  sql
    .selectFrom('authorization_requests')
    .selectAll()
    .where('digest', '=', param<string>('digest'))
    .where('expires_at', '>', param<number>('now')),
);
const takeRequest = statement(
  sql
    .deleteFrom('authorization_requests')
    .where('digest', '=', param<string>('digest'))
    .where('expires_at', '>', param<number>('now'))
    .returningAll(),
);

const MOST_KEPT = 1000;
const parsed = new WeakMap<Driver, Map<string, { readonly changes: number; readonly client: Client }>>();

/** A client by id. The row is read whole only when it changed since it was last read: most questions cost one small lookup. */
export function* clientById(driver: Driver, id: ClientId): Unit<Client | undefined> {
  let memory = parsed.get(driver);
  if (memory === undefined || memory.size >= MOST_KEPT) {
    memory = new Map();
    parsed.set(driver, memory);
  }
  const known = memory.get(id);
  if (known !== undefined && (yield* one(versionOf, { id }))?.changes === known.changes) return known.client;
  const row = yield* one(byId, { id });
  if (row === undefined) return undefined;
  const client = toClient(row);
  memory.set(id, { changes: row.changes, client });
  return client;
}

/** A consent by id. */
export function* consentById(id: ConsentId): Unit<Consent | undefined> {
  const row = yield* one(consentBy, { id });
  return row && toConsent(row);
}

function* addConsent(consent: NewConsent): Unit<Consent> {
  const row = yield* one(insertConsent, {
    user_id: consent.userId,
    client_id: consent.clientId,
    site: consent.site,
    scopes: JSON.stringify(consent.scopes),
    accepted_at: consent.acceptedAt,
  });
  if (row === undefined) throw new Error('an inserted consent did not come back');
  return toConsent(row);
}

function* addCredentials(consent: ConsentId, credentials: NewTokenCredentials | null): Unit<void> {
  if (credentials)
    yield* write(insertCredentials, { token: credentials.token, consent_id: consent, secret_sealed: credentials.secretSealed });
}

function* addGrant(client: ClientId, { consent, credentials, token }: OwnerGrant, keptToken?: string): Unit<void> {
  const { id } = yield* addConsent(consent);
  yield* addCredentials(id, credentials && { ...credentials, token: keptToken ?? credentials.token });
  if (token) {
    yield* insertAccessToken({
      id: token.id,
      clientId: client,
      userId: consent.userId,
      consentId: id,
      familyId: null,
      scopes: consent.scopes,
      grantType: 'owner-only',
      issuedAt: token.issuedAt,
      expiresAt: token.expiresAt,
      revoked: false,
    });
  }
}

const toRow = (client: NewClient) => ({
  id: client.id,
  name: client.name,
  version: client.version,
  description: client.description,
  owner_id: client.ownerId,
  email: client.email,
  protocol: client.protocol,
  owner_only: Number(client.ownerOnly),
  confidential: Number(client.confidential),
  redirect_uri: client.redirectUri,
  redirect_is_prefix: Number(client.redirectIsPrefix),
  grant_types: JSON.stringify(client.grantTypes),
  pkce_optional: Number(client.pkceOptional),
  token_algorithm: client.tokenAlgorithm,
  site: client.site,
  scopes: JSON.stringify(client.scopes),
  secret_digest: client.secretDigest,
  secret_sealed: client.secretSealed,
  rsa_public_key: client.rsaPublicKey,
  restrictions: JSON.stringify(client.restrictions),
  stage: client.stage,
  stage_at: client.stageAt,
  suppressed: Number(client.suppressed),
  registered_at: client.registeredAt,
});

const toRequest = (row: { readonly request: string }) => JSON.parse(row.request) as AuthorizationRequest;

/** Answers the ports of the registry room. */
export function registryStore(driver: Driver): RegistryRecords & AuthorizationRequests {
  const consentFor = (user: UserId, client: ClientId, site: SiteId) => one(consentOf, { user, client, site });
  return {
    findClient: (id) => driver.read(clientById(driver, id)),
    async listClients({ ownerId, stage, protocol }) {
      const rows = await driver.read(all(everyClient));
      return rows
        .filter(
          (row) =>
            (ownerId === undefined || row.owner_id === ownerId) &&
            (!stage || row.stage === stage) &&
            (!protocol || row.protocol === protocol),
        )
        .map(toClient);
    },
    findClientsNamed: async (ownerId, name) => (await driver.read(all(named, { owner: ownerId, name }))).map(toClient),
    createClient: (client, grant) =>
      driver.write(function* () {
        const row = yield* one(insertClient, toRow(client));
        if (row === undefined) return { outcome: 'exists' as const };
        if (grant) yield* addGrant(client.id, grant);
        return { outcome: 'created' as const, client: toClient(row) };
      }),
    moveStage: (id, from, fromAt, to, suppressed, at) =>
      driver.write(function* () {
        if ((yield* write(move, { id, from, fromAt, to, suppressed: Number(suppressed), at })) > 0) return 'moved' as const;
        return (yield* one(byId, { id })) ? ('stale' as const) : ('unknown' as const);
      }),
    resetSecret: (id, { digest, sealed }, grant) =>
      driver.write(function* () {
        if ((yield* write(setSecret, { id, digest, sealed })) === 0) return 'unknown' as const;
        if (grant) {
          // Its old access tokens die with the old consent: consent ids are never used again.
          const old = yield* consentFor(grant.consent.userId, id, grant.consent.site);
          const credentials = old && (yield* one(credentialsOf, { consent: old.id }));
          if (old) yield* write(deleteConsent, { id: old.id, user: old.user_id });
          yield* addGrant(id, grant, credentials?.token);
        }
        return 'reset' as const;
      }),

    async findConsent(user, client, site) {
      const row = await driver.read(consentFor(user, client, site));
      return row && toConsent(row);
    },
    tokenOfConsent: async (id) => (await driver.read(one(credentialsOf, { consent: id })))?.token,
    findConsentById: (id) => driver.read(consentById(id)),
    listConsents: async (user) => (await driver.read(all(consentsOf, { user }))).map(toConsent),
    saveConsent: (consent, mode, credentials) =>
      driver.write(function* () {
        const old = yield* consentFor(consent.userId, consent.clientId, consent.site);
        let saved: Consent;
        if (old === undefined) saved = yield* addConsent(consent);
        else if (mode === 'keep') saved = toConsent(old);
        else {
          const row = yield* one(setScopes, { id: old.id, scopes: JSON.stringify(consent.scopes) });
          saved = toConsent(row ?? old);
        }
        yield* addCredentials(saved.id, credentials);
        return saved;
      }),
    renounceConsent: async (id, user) => ((await driver.write(() => write(deleteConsent, { id, user }))) > 0 ? 'renounced' : 'unknown'),

    saveRequest: async (request) =>
      void (await driver.write(() =>
        write(insertRequest, {
          digest: request.digest,
          client_id: request.clientId,
          user_id: request.userId,
          request: JSON.stringify(request),
          expires_at: request.expiresAt,
        }),
      )),
    async findRequest(digest, now) {
      const row = await driver.read(one(findRequest, { digest, now }));
      return row && toRequest(row);
    },
    async takeRequest(digest, now) {
      const row = await driver.write(() => one(takeRequest, { digest, now }));
      return row && toRequest(row);
    },
  };
}
