import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Failure, FailureRecords } from '#registry/refused-requests.ts';
import type { Driver } from '../driver.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, sql } from './statement.ts';

const insertFailure = sql(
  'INSERT INTO failures (client_id, kind, at, facts) VALUES (:client, :kind, :at, :facts)',
);
const deleteOldest = sql(`
  DELETE FROM failures WHERE client_id = :client AND id NOT IN (
    SELECT id FROM failures WHERE client_id = :client ORDER BY id DESC LIMIT :most)`);
const selectLatest = sql<Row<'failures'>>(
  'SELECT * FROM failures WHERE client_id = :client ORDER BY id DESC LIMIT :limit',
);

/** Recent failed requests of apps. */
export function makeFailureStore(driver: Driver): FailureRecords {
  return {
    saveFailures: (failures, most) =>
      driver.write(function* () {
        for (const { clientId, kind, at, facts } of failures)
          yield* execute(insertFailure, {
            client: clientId,
            kind,
            at,
            facts: JSON.stringify(facts),
          });
        for (const client of new Set(failures.map(({ clientId }) => clientId)))
          yield* execute(deleteOldest, { client, most });
      }),
    listFailures: async (clientId, limit) =>
      (await driver.read(fetchAll(selectLatest, { client: clientId, limit }))).map((row) => ({
        id: row.id,
        clientId: row.client_id as ClientId,
        kind: row.kind as Failure['kind'],
        at: row.at as Instant,
        facts: JSON.parse(row.facts) as Failure['facts'],
      })),
  };
}
