import type { Selectable } from 'kysely';
import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { ClientFilter, NewClient, NewSecret } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { toClient } from './rows.ts';
import type { Schema } from './schema.ts';
import { all, one, param, params, sql, statement, type Unit, write, written } from './statement.ts';

type Row = Selectable<Schema['clients']>;

const columns = [
  ...([
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
  ] as const),
  ...([
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
  ] as const),
  ...(['stage', 'stage_at', 'suppressed', 'halted', 'registered_at'] as const),
] as const;

const byId = statement(sql.selectFrom('clients').selectAll().where('id', '=', param<string>('id')));
const changesOf = statement(
  sql.selectFrom('clients').select('changes').where('id', '=', param<string>('id')),
);
const secretsOf = statement(
  sql
    .selectFrom('client_secrets')
    .selectAll()
    .where('client_id', '=', param<string>('client'))
    .orderBy('id'),
);
const named = statement(
  sql
    .selectFrom('clients')
    .selectAll()
    .where('owner_id', '=', param<number>('owner'))
    .where('name', '=', param<string>('name'))
    .orderBy('number', 'desc'),
);
const namesake = statement(
  sql
    .selectFrom('clients')
    .select('id')
    .where('owner_id', '=', param<number>('owner'))
    .where('name', '=', param<string>('name'))
    .where('version', '=', param<string>('version')),
);
const insert = statement(
  sql
    .insertInto('clients')
    .values(params(...columns))
    .returningAll(),
);
const save = statement(
  sql
    .updateTable('clients')
    .set(params(...columns))
    .where('id', '=', param<string>('id')),
  ['client', 'id'],
);
/** The one gate of every change: of two that were decided on the same edition, one passes. */
const bump = statement(
  sql
    .updateTable('clients')
    .set((row) => ({ changes: row('changes', '+', 1) }))
    .where('id', '=', param<string>('id'))
    .where('changes', '=', param<number>('edition')),
  ['client', 'id'],
);
const insertSecret = statement(
  sql
    .insertInto('client_secrets')
    .values(params('client_id', 'label', 'digest', 'sealed', 'created_at', 'expires_at')),
  ['client', 'client_id'],
);
const deleteSecret = statement(
  sql
    .deleteFrom('client_secrets')
    .where('id', '=', param<number>('id'))
    .where('client_id', '=', param<string>('client')),
  ['client', 'client'],
);

const wanted = `
  (CAST(:owner AS BIGINT) IS NULL OR owner_id = :owner)
  AND (CAST(:keeper AS BIGINT) IS NULL OR owner_id = :keeper OR id IN (SELECT client_id FROM maintainers WHERE user_id = :keeper AND accepted_at IS NOT NULL))
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
const listed = written<Row>(
  `SELECT * FROM clients WHERE ${wanted} AND (CAST(:below AS BIGINT) IS NULL OR number < :below) ORDER BY number DESC LIMIT :limit`,
);
const counted = written<{ total: number }>(`SELECT count(*) AS total FROM clients WHERE ${wanted}`);
const idle = written<Row>(
  `SELECT * FROM clients WHERE stage = 'proposed' AND stage_at < :before ORDER BY stage_at LIMIT :limit`,
);

/** As a limit that nothing reaches. */
const EVERY = 2_147_483_647;

const nullable = <T>(value: T | undefined): T | null => value ?? null;
const flagOf = (value: boolean | undefined) => (value === undefined ? null : Number(value));
/** A pattern of LIKE for texts that hold this one. */
const holding = (part: string | undefined) =>
  part === undefined ? null : `%${part.replace(/[%_!]/g, '!$&')}%`;
const filterValues = ({
  ownerId,
  keeperId,
  stage,
  protocol,
  name,
  revised,
  orphaned,
  suppressed,
  ...more
}: ClientFilter) => ({
  owner: nullable(ownerId),
  keeper: nullable(keeperId),
  stage: nullable(stage),
  protocol: nullable(protocol),
  name: nullable(name),
  part: holding(more.nameHas),
  // SQLite lowers ASCII alone: other letters are found as they were written.
  lowered: holding(more.nameHas?.toLowerCase()),
  scope: holding(more.scope === undefined ? undefined : JSON.stringify(more.scope)),
  site: nullable(more.actsOn),
  live: flagOf(more.live),
  ownerOnly: flagOf(more.ownerOnly),
  revised: flagOf(revised),
  orphaned: flagOf(orphaned),
  suppressed: flagOf(suppressed),
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
  halted: client.halted,
  registered_at: client.registeredAt,
});

const MOST_KEPT = 1000;
interface Memory {
  parsed: Map<string, Client>;
  /** Clients of the configuration, whose rows say nothing but that they exist. */
  configured: ReadonlyMap<string, Client>;
}
const memories = new WeakMap<Driver, Memory>();

function memoryOf(driver: Driver): Memory {
  const memory = memories.get(driver) ?? { parsed: new Map(), configured: new Map() };
  memories.set(driver, memory);
  return memory;
}

/**
 * Reads a client whole when it is asked for next, or all of them: its row may have changed without
 * a word.
 */
export function forgetParsed(driver: Driver, id: string | null): void {
  const { parsed } = memoryOf(driver);
  if (id === null) parsed.clear();
  else parsed.delete(id);
}

/** The value of a row: what the configuration says, where it says anything. */
function* clientOf(driver: Driver, row: Row): Unit<Client> {
  return (
    memoryOf(driver).configured.get(row.id) ??
    toClient(row, yield* all(secretsOf, { client: row.id }))
  );
}

function* valuesOf(driver: Driver, rows: readonly Row[]): Unit<readonly Client[]> {
  const clients: Client[] = [];
  for (const row of rows) clients.push(yield* clientOf(driver, row));
  return clients;
}

/**
 * A client by id. The row is read whole only when it changed since it was last read: most questions
 * cost one small lookup.
 */
export function* clientById(driver: Driver, id: ClientId): Unit<Client | undefined> {
  const memory = memoryOf(driver);
  const configured = memory.configured.get(id);
  if (configured) return configured;
  const known = memory.parsed.get(id);
  if (known !== undefined && (yield* one(changesOf, { id }))?.changes === known.edition)
    return known;
  const client = yield* clientNow(driver, id);
  if (client === undefined) return undefined;
  if (memory.parsed.size >= MOST_KEPT) memory.parsed.clear();
  memory.parsed.set(id, client);
  return client;
}

/**
 * A client as its row is now. Inside a transaction, whose outcome is not known yet, nothing may be
 * remembered.
 */
export function* clientNow(driver: Driver, id: ClientId): Unit<Client | undefined> {
  const row = yield* one(byId, { id });
  return row && (yield* clientOf(driver, row));
}

/** Clients of one owner with one name, the latest first. */
export function* clientsNamed(
  driver: Driver,
  owner: number,
  name: string,
): Unit<readonly Client[]> {
  return yield* valuesOf(driver, yield* all(named, { owner, name }));
}

/** Newest first. */
export function* listClients(driver: Driver, filter: ClientFilter): Unit<readonly Client[]> {
  const rows = yield* all(listed, {
    ...filterValues(filter),
    below: nullable(filter.below),
    limit: filter.limit ?? EVERY,
  });
  return yield* valuesOf(driver, rows);
}

export function* countClients(filter: ClientFilter): Unit<number> {
  return (yield* one(counted, filterValues(filter)))?.total ?? 0;
}

export function* idleClients(
  driver: Driver,
  before: number,
  limit: number,
): Unit<readonly Client[]> {
  return yield* valuesOf(driver, yield* all(idle, { before, limit }));
}

/** The row itself, whatever the configuration says. */
export function* rowExists(id: ClientId): Unit<boolean> {
  return (yield* one(changesOf, { id })) !== undefined;
}

/** True when another client has that owner, name and version. */
export function* nameTaken(
  id: ClientId,
  { ownerId, name, version }: Pick<Client, 'ownerId' | 'name' | 'version'>,
): Unit<boolean> {
  const found = yield* one(namesake, { owner: ownerId, name, version });
  return found !== undefined && found.id !== id;
}

/** Number of the latest client of an owner and a name; null: none. */
export function* latestNamed(owner: number, name: string): Unit<number | null> {
  return (yield* one(named, { owner, name }))?.number ?? null;
}

/** Lets one change of an edition pass. */
export function* nextEdition(id: ClientId, edition: number): Unit<boolean> {
  return (yield* write(bump, { id, edition })) > 0;
}

export function* insertClient(client: NewClient): Unit<void> {
  yield* one(insert, toRow(client));
}

export function* saveClient(client: NewClient): Unit<void> {
  yield* write(save, toRow(client));
}

export function* addSecret(client: ClientId, secret: NewSecret): Unit<void> {
  yield* write(insertSecret, {
    client_id: client,
    label: secret.label,
    digest: secret.digest,
    sealed: secret.sealed,
    created_at: secret.createdAt,
    expires_at: secret.expiresAt,
  });
}

export function* removeSecret(client: ClientId, id: number): Unit<void> {
  yield* write(deleteSecret, { client, id });
}

/**
 * Writes the shadow rows of the configuration's clients; answers the one whose place is taken, if
 * any. Nothing is written then.
 */
export function* keepConfigured(
  clients: readonly NewClient[],
): Unit<{ readonly taken: ClientId } | { readonly rows: readonly Row[] }> {
  const known = new Map<ClientId, Row>();
  for (const client of clients) {
    const row = yield* one(byId, { id: client.id });
    if ((row !== undefined && row.stage !== 'configured') || (yield* nameTaken(client.id, client)))
      return { taken: client.id };
    if (row) known.set(client.id, row);
  }
  const rows: Row[] = [];
  for (const client of clients) {
    const old = known.get(client.id);
    if (old)
      yield* saveClient({
        ...client,
        registeredAt: old.registered_at as never,
        stageAt: old.stage_at as never,
      });
    else yield* insertClient(client);
    const row = yield* one(byId, { id: client.id });
    if (row) rows.push(row);
  }
  return { rows };
}

/** Takes over what the configuration says, in place of what it said before. */
export function holdConfigured(
  driver: Driver,
  clients: readonly NewClient[],
  secrets: ReadonlyMap<ClientId, NewSecret>,
  rows: readonly Row[],
) {
  const byKey = new Map(rows.map((row) => [row.id, row]));
  const held = new Map<string, Client>();
  for (const client of clients) {
    const row = byKey.get(client.id);
    if (row === undefined) throw new Error('a configured client has no row');
    const secret = secrets.get(client.id);
    // Its number is its own: rows of secrets count upwards from one.
    held.set(client.id, {
      ...client,
      number: row.number,
      edition: row.changes,
      registeredAt: row.registered_at as never,
      stageAt: row.stage_at as never,
      secrets: secret ? [{ ...secret, id: -row.number }] : [],
    });
  }
  memoryOf(driver).configured = held;
  memoryOf(driver).parsed.clear();
}
