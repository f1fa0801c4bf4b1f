import type { Client } from '#registry/model/client.ts';
import type { ClientFilter } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { type ClientRow, resolveClients } from './client-cache.ts';
import { fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

const selectByOwnerAndName = sql<ClientRow>(
  'SELECT * FROM clients WHERE owner_id = :owner AND name = :name ORDER BY number DESC',
);

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

/** Number of the latest client of an owner and a name; null: none. */
export function* latestNumberByName(owner: number, name: string): Transaction<number | null> {
  return (yield* fetchOne(selectByOwnerAndName, { owner, name }))?.number ?? null;
}
