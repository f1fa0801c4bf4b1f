import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { NewClient, NewSecret } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { toClient } from './rows.ts';
import type { Row } from './schema.ts';
import { fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

export type ClientRow = Row<'clients'>;

export const findById = sql<ClientRow>('SELECT * FROM clients WHERE id = :id');

export const findRecordVersion = sql<{ changes: number }>(
  'SELECT changes FROM clients WHERE id = :id',
);

const selectSecrets = sql<Row<'client_secrets'>>(
  'SELECT * FROM client_secrets WHERE client_id = :client ORDER BY id',
);

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

export function* resolveClients(
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
