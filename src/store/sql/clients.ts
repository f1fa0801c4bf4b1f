import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { ClientFilter, NewClient, NewSecret } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { toClient } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

type ClientRow = Row<'clients'>;

const findById = sql<ClientRow>('SELECT * FROM clients WHERE id = :id');
const findRecordVersion = sql<{ changes: number }>('SELECT changes FROM clients WHERE id = :id');
const selectSecrets = sql<Row<'client_secrets'>>(
  'SELECT * FROM client_secrets WHERE client_id = :client ORDER BY id',
);
const selectByOwnerAndName = sql<ClientRow>(
  'SELECT * FROM clients WHERE owner_id = :owner AND name = :name ORDER BY number DESC',
);
const findIdByOwnerNameVersion = sql<{ id: string }>(
  'SELECT id FROM clients WHERE owner_id = :owner AND name = :name AND version = :version',
);
const columns = [
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
  'introspector',
  'plain_pkce_until',
  'token_algorithm',
  'site',
  'scopes',
  'optional_scopes',
  'rsa_public_key',
  'restrictions',
  'stage',
  'stage_at',
  'suppressed',
  'suspension',
  'registered_at',
];
const insertClientRow = sql<ClientRow>(`
  INSERT INTO clients (${columns.join(', ')})
  VALUES (${columns.map((column) => `:${column}`).join(', ')}) RETURNING *`);
const updateClientRow = sql(
  `UPDATE clients SET ${columns.map((column) => `${column} = :${column}`).join(', ')} WHERE id = :id`,
  ['client', 'id'],
);
/** The one gate of every change: of two that were decided on the same edition, one passes. */
const incrementVersion = sql(
  'UPDATE clients SET changes = changes + 1 WHERE id = :id AND changes = :edition',
  ['client', 'id'],
);
const insertSecret = sql(
  `
  INSERT INTO client_secrets (client_id, label, digest, sealed, created_at, expires_at)
  VALUES (:client_id, :label, :digest, :sealed, :created_at, :expires_at)`,
  ['client', 'client_id'],
);
const deleteSecret = sql('DELETE FROM client_secrets WHERE id = :id AND client_id = :client', [
  'client',
  'client',
]);

const filterConditions = `
  (CAST(:owner AS BIGINT) IS NULL OR owner_id = :owner)
  AND (CAST(:manager AS BIGINT) IS NULL OR owner_id = :manager OR id IN (SELECT client_id FROM maintainers WHERE user_id = :manager AND accepted_at IS NOT NULL))
  AND (CAST(:stage AS TEXT) IS NULL OR stage = :stage)
  AND (CAST(:protocol AS TEXT) IS NULL OR protocol = :protocol)
  AND (CAST(:name AS TEXT) IS NULL OR name = :name)
  AND (CAST(:part AS TEXT) IS NULL OR name LIKE :part ESCAPE '!' OR lower(name) LIKE :lowered ESCAPE '!')
  AND (CAST(:scope AS TEXT) IS NULL OR scopes LIKE :scope ESCAPE '!')
  AND (CAST(:site AS TEXT) IS NULL OR site = :site OR site = '*')
  AND (CAST(:live AS BIGINT) IS NULL OR stage IN ('approved', 'configured'))
  AND (CAST(:ownerOnly AS BIGINT) IS NULL OR owner_only = :ownerOnly)
  AND (CAST(:revised AS BIGINT) IS NULL OR :revised =
    CASE WHEN EXISTS (SELECT 1 FROM revisions r WHERE r.client_id = clients.id AND r.stage = 'proposed') THEN 1 ELSE 0 END)
  AND (CAST(:orphaned AS BIGINT) IS NULL OR :orphaned =
    CASE WHEN EXISTS (SELECT 1 FROM accounts a WHERE a.id = clients.owner_id AND a.blocked = 0) THEN 0 ELSE 1 END)
  AND (CAST(:suppressed AS BIGINT) IS NULL OR suppressed = :suppressed)`;
const selectClients = sql<ClientRow>(
  `SELECT * FROM clients WHERE ${filterConditions} AND (CAST(:below AS BIGINT) IS NULL OR number < :below) ORDER BY number DESC LIMIT :limit`,
);
const selectClientCount = sql<{ total: number }>(
  `SELECT count(*) AS total FROM clients WHERE ${filterConditions}`,
);
const selectIdle = sql<ClientRow>(
  `SELECT * FROM clients WHERE stage = 'proposed' AND stage_at < :before ORDER BY stage_at LIMIT :limit`,
);

/** As a limit that nothing reaches. */
const NO_LIMIT = 2_147_483_647;

const nullable = <T>(value: T | undefined): T | null => value ?? null;
const toFlag = (value: boolean | undefined) => (value === undefined ? null : Number(value));
/** A pattern of LIKE for texts that hold this one. */
const likePattern = (part: string | undefined) =>
  part === undefined ? null : `%${part.replace(/[%_!]/g, '!$&')}%`;
const toFilterValues = ({
  ownerId,
  managerId,
  stage,
  protocol,
  name,
  hasOpenRevision: revised,
  orphaned,
  suppressed,
  ...more
}: ClientFilter) => ({
  owner: nullable(ownerId),
  manager: nullable(managerId),
  stage: nullable(stage),
  protocol: nullable(protocol),
  name: nullable(name),
  part: likePattern(more.nameContains),
  // SQLite lowers ASCII alone: other letters are found as they were written.
  lowered: likePattern(more.nameContains?.toLowerCase()),
  scope: likePattern(more.scope === undefined ? undefined : JSON.stringify(more.scope)),
  site: nullable(more.actsOnSite),
  live: toFlag(more.live),
  ownerOnly: toFlag(more.ownerOnly),
  revised: toFlag(revised),
  orphaned: toFlag(orphaned),
  suppressed: toFlag(suppressed),
});

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
  introspector: Number(client.introspector),
  plain_pkce_until: client.plainPkceUntil,
  token_algorithm: client.tokenAlgorithm,
  site: client.site,
  scopes: JSON.stringify(client.scopes),
  optional_scopes: JSON.stringify(client.optionalScopes),
  rsa_public_key: client.rsaPublicKey,
  restrictions: JSON.stringify(client.restrictions),
  stage: client.managed ? 'configured' : client.stage,
  stage_at: client.stageAt,
  suppressed: Number(client.suppressed),
  suspension: client.suspension,
  registered_at: client.registeredAt,
});

const MAX_PARSED_CLIENTS = 1000;
interface ClientCache {
  parsed: Map<string, Client>;
  /** Clients of the configuration, whose rows say nothing but that they exist. */
  configured: ReadonlyMap<string, Client>;
}
const clientCaches = new WeakMap<Driver, ClientCache>();

function clientCacheOf(driver: Driver): ClientCache {
  const cache = clientCaches.get(driver) ?? { parsed: new Map(), configured: new Map() };
  clientCaches.set(driver, cache);
  return cache;
}

/**
 * Reads a client whole when it is asked for next, or all of them: its row may have changed without
 * a word.
 */
export function evictParsedClients(driver: Driver, id: string | null): void {
  const { parsed } = clientCacheOf(driver);
  if (id === null) parsed.clear();
  else parsed.delete(id);
}

/** The value of a row: what the configuration says, where it says anything. */
function* resolveClient(driver: Driver, row: ClientRow): Transaction<Client> {
  return (
    clientCacheOf(driver).configured.get(row.id) ??
    toClient(row, yield* fetchAll(selectSecrets, { client: row.id }))
  );
}

function* resolveClients(
  driver: Driver,
  rows: readonly ClientRow[],
): Transaction<readonly Client[]> {
  const clients: Client[] = [];
  for (const row of rows) clients.push(yield* resolveClient(driver, row));
  return clients;
}

/**
 * A client by id. The row is read whole only when it changed since it was last read: most questions
 * cost one small lookup.
 */
export function* fetchClientById(driver: Driver, id: ClientId): Transaction<Client | undefined> {
  const cache = clientCacheOf(driver);
  const configured = cache.configured.get(id);
  if (configured) return configured;
  const cachedClient = cache.parsed.get(id);
  if (
    cachedClient !== undefined &&
    (yield* fetchOne(findRecordVersion, { id }))?.changes === cachedClient.recordVersion
  )
    return cachedClient;
  const client = yield* fetchCurrentClient(driver, id);
  if (client === undefined) return undefined;
  if (cache.parsed.size >= MAX_PARSED_CLIENTS) cache.parsed.clear();
  cache.parsed.set(id, client);
  return client;
}

/**
 * A client as its row is now. Inside a transaction, whose outcome is not known yet, nothing may be
 * remembered.
 */
export function* fetchCurrentClient(driver: Driver, id: ClientId): Transaction<Client | undefined> {
  const row = yield* fetchOne(findById, { id });
  return row && (yield* resolveClient(driver, row));
}

/** Clients of one owner with one name, the latest first. */
export function* fetchClientsByName(
  driver: Driver,
  owner: number,
  name: string,
): Transaction<readonly Client[]> {
  return yield* resolveClients(driver, yield* fetchAll(selectByOwnerAndName, { owner, name }));
}

/** Newest first. */
export function* fetchClients(
  driver: Driver,
  filter: ClientFilter,
): Transaction<readonly Client[]> {
  const rows = yield* fetchAll(selectClients, {
    ...toFilterValues(filter),
    below: nullable(filter.below),
    limit: filter.limit ?? NO_LIMIT,
  });
  return yield* resolveClients(driver, rows);
}

export function* fetchClientCount(filter: ClientFilter): Transaction<number> {
  return (yield* fetchOne(selectClientCount, toFilterValues(filter)))?.total ?? 0;
}

export function* fetchIdleClients(
  driver: Driver,
  before: number,
  limit: number,
): Transaction<readonly Client[]> {
  return yield* resolveClients(driver, yield* fetchAll(selectIdle, { before, limit }));
}

/** The row itself, whatever the configuration says. */
export function* clientRowExists(id: ClientId): Transaction<boolean> {
  return (yield* fetchOne(findRecordVersion, { id })) !== undefined;
}

/** True when another client has that owner, name and version. */
export function* isNameTaken(
  id: ClientId,
  { ownerId, name, version }: Pick<Client, 'ownerId' | 'name' | 'version'>,
): Transaction<boolean> {
  const found = yield* fetchOne(findIdByOwnerNameVersion, { owner: ownerId, name, version });
  return found !== undefined && found.id !== id;
}

/** Number of the latest client of an owner and a name; null: none. */
export function* latestNumberByName(owner: number, name: string): Transaction<number | null> {
  return (yield* fetchOne(selectByOwnerAndName, { owner, name }))?.number ?? null;
}

/** Lets one change of an edition pass. */
export function* incrementRecordVersion(id: ClientId, recordVersion: number): Transaction<boolean> {
  return (yield* execute(incrementVersion, { id, edition: recordVersion })) > 0;
}

export function* insertClient(client: NewClient): Transaction<void> {
  yield* fetchOne(insertClientRow, toRow(client));
}

export function* saveClient(client: NewClient): Transaction<void> {
  yield* execute(updateClientRow, toRow(client));
}

export function* insertClientSecret(client: ClientId, secret: NewSecret): Transaction<void> {
  yield* execute(insertSecret, {
    client_id: client,
    label: secret.label,
    digest: secret.digest,
    sealed: secret.encrypted,
    created_at: secret.createdAt,
    expires_at: secret.expiresAt,
  });
}

export function* deleteClientSecret(client: ClientId, id: number): Transaction<void> {
  yield* execute(deleteSecret, { client, id });
}

/**
 * Writes the shadow rows of the configuration's clients; answers the one whose place is taken, if
 * any. Nothing is written then.
 */
export function* saveConfiguredRows(
  clients: readonly NewClient[],
): Transaction<{ readonly taken: ClientId } | { readonly rows: readonly ClientRow[] }> {
  const known = new Map<ClientId, ClientRow>();
  for (const client of clients) {
    const row = yield* fetchOne(findById, { id: client.id });
    if (
      (row !== undefined && row.stage !== 'configured') ||
      (yield* isNameTaken(client.id, client))
    )
      return { taken: client.id };
    if (row) known.set(client.id, row);
  }
  const rows: ClientRow[] = [];
  for (const client of clients) {
    const old = known.get(client.id);
    if (old)
      yield* saveClient({
        ...client,
        registeredAt: old.registered_at as never,
        stageAt: old.stage_at as never,
      });
    else yield* insertClient(client);
    const row = yield* fetchOne(findById, { id: client.id });
    if (row) rows.push(row);
  }
  return { rows };
}

/** Takes over what the configuration says, in place of what it said before. */
export function cacheConfiguredClients(
  driver: Driver,
  clients: readonly NewClient[],
  secrets: ReadonlyMap<ClientId, NewSecret>,
  rows: readonly ClientRow[],
) {
  const byKey = new Map(rows.map((row) => [row.id, row]));
  const configuredClients = new Map<string, Client>();
  for (const client of clients) {
    const row = byKey.get(client.id);
    if (row === undefined) throw new Error('a configured client has no row');
    const secret = secrets.get(client.id);
    // Its number is its own: rows of secrets count upwards from one.
    configuredClients.set(client.id, {
      ...client,
      number: row.number,
      recordVersion: row.changes,
      registeredAt: row.registered_at as never,
      stageAt: row.stage_at as never,
      secrets: secret ? [{ ...secret, id: -row.number }] : [],
    });
  }
  clientCacheOf(driver).configured = configuredClients;
  clientCacheOf(driver).parsed.clear();
}
