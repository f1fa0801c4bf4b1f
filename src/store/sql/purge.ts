import type { Instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import type { KeyRange } from './key-range.ts';
import type { Schema } from './schema.ts';
import { execute, type Statement, sql } from './statement.ts';

/**
 * Two years, the longest life that a setting gives a refresh token, and a day for clocks: nothing
 * of the family lives by then.
 */
const FAMILY_RETENTION_SECONDS = 731 * 86_400;

/** Some of the rows of a table that had expired. */
const deleteExpired = (table: keyof Schema, key: string) =>
  sql(`
    DELETE FROM ${table} WHERE ${key} IN (
      SELECT ${key} FROM ${table} WHERE expires_at <= :now LIMIT :limit)`);
const purgeTokens = deleteExpired('access_tokens', 'id');
/** The same where most tokens go with their partition, without looking into that. */
const purgeTokensInRange = sql(`
  DELETE FROM access_tokens WHERE id >= :from AND id < :to AND id IN (
    SELECT id FROM access_tokens WHERE expires_at <= :now AND id >= :from AND id < :to LIMIT :limit)`);

/**
 * Nonces go after it was written down, and committed, up to when: whoever still has one of them
 * from before is refused. No later than the latest that goes, so that a clock that is years ahead
 * keeps out what was sent with it, and nothing else.
 */
const recordPurgedNonces = sql(`
  INSERT INTO purged_until (kind, until) SELECT 'nonce', max(expires_at) FROM (
    SELECT expires_at FROM nonces WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit) due WHERE 1 = 1 HAVING max(expires_at) IS NOT NULL
  ON CONFLICT (kind) DO UPDATE SET until = excluded.until WHERE purged_until.until < excluded.until`);
const purgeNonces = sql(`
  DELETE FROM nonces WHERE key IN (
    SELECT key FROM nonces WHERE expires_at <= :now AND expires_at <= (SELECT until FROM purged_until WHERE kind = 'nonce') LIMIT :limit)`);

/**
 * What stays a day longer: codes and refresh tokens, so that a late replay still kills its family,
 * and requests for a decision, so that a person who comes late is shown which app they were for.
 */
const retainedForADay: ReadonlySet<string> = new Set([
  'codes',
  'refresh_tokens',
  'authorization_requests',
]);

/** The longest grace that a setting allows. */
const MAX_GRACE_SECONDS = 3600;

export interface PurgeOptions {
  /**
   * How long the answer of a rotation may be asked for again: the grace of refresh tokens. Default:
   * the longest there can be.
   */
  readonly answersTtlSeconds?: number;
}

/** What may go once it has expired. */
const purgeRules: readonly {
  readonly statement: Statement<unknown>;
  readonly retentionSeconds: number;
}[] = [
  { statement: deleteExpired('limits', 'key'), retentionSeconds: 0 },
  { statement: deleteExpired('temporary_credentials', 'token'), retentionSeconds: 0 },
  ...(
    [
      'sessions',
      'account_tokens',
      'authorization_requests',
      'kept_requests',
      'codes',
      'refresh_tokens',
    ] as const
  ).map((table) => ({
    statement: deleteExpired(table, 'digest'),
    retentionSeconds: retainedForADay.has(table) ? 86_400 : 0,
  })),
  {
    statement: sql(
      'DELETE FROM revoked_families WHERE id IN (SELECT id FROM revoked_families WHERE revoked_at <= :now ORDER BY revoked_at LIMIT :limit)',
    ),
    retentionSeconds: FAMILY_RETENTION_SECONDS,
  },
  {
    statement: sql(
      'DELETE FROM failures WHERE id IN (SELECT id FROM failures WHERE at <= :now ORDER BY id LIMIT :limit)',
    ),
    retentionSeconds: 7 * 86_400,
  },
  // What was delivered, and the calls of past days, stay as long as somebody may ask about them.
  {
    statement: sql(
      `DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE state <> 'waiting' AND created_at <= :now ORDER BY id LIMIT :limit)`,
    ),
    retentionSeconds: 30 * 86_400,
  },
  {
    statement: sql(
      'DELETE FROM usage WHERE (client_id, hour) IN (SELECT client_id, hour FROM usage WHERE hour * 3600 <= :now LIMIT :limit)',
    ),
    retentionSeconds: 14 * 86_400,
  },
  {
    statement: sql(
      `DELETE FROM client_secrets WHERE id IN (SELECT id FROM client_secrets WHERE expires_at <= :now AND expires_at IS NOT NULL LIMIT :limit)`,
    ),
    retentionSeconds: 30 * 86_400,
  },
];

/**
 * The encrypted response of a rotation, a kilobyte, is given during the grace alone; reuse shows in
 * the row without it.
 */
const clearAnswers = sql(`
  UPDATE refresh_tokens SET answer_sealed = NULL WHERE digest IN (
    SELECT digest FROM refresh_tokens WHERE answer_sealed IS NOT NULL AND used_at <= :now ORDER BY used_at LIMIT :limit)`);
/**
 * For how many days the day of the last use is kept. A consent or secret that ends takes its own
 * along.
 */
const LAST_USED_RETENTION_DAYS = [
  ['token', 92],
  ['client', 800],
  ['consent', 800],
  ['secret', 800],
] as const;
const purgeLastUsed = sql(`
  DELETE FROM last_used WHERE kind = :kind AND id IN (SELECT id FROM last_used WHERE kind = :kind AND day <= :day LIMIT :limit)`);

/** Empties what outlived its use without being expired, at most `limit` rows of each kind. */
async function purgeOutlived(
  driver: Driver,
  now: Instant,
  limit: number,
  answersTtlSeconds: number,
): Promise<number> {
  let deleted = await driver.write(
    () => execute(clearAnswers, { now: now - answersTtlSeconds, limit }),
    'autocommit',
  );
  for (const [kind, days] of LAST_USED_RETENTION_DAYS)
    deleted += await driver.write(
      () => execute(purgeLastUsed, { kind, day: Math.floor(now / 86_400) - days, limit }),
      'autocommit',
    );
  return deleted;
}

/**
 * Deletes expired rows, at most `limit` of each table, each table in a transaction of its own.
 * `spans`: the table of access tokens has partitions, and is to be cleared only there.
 */
export async function purgeExpired(
  driver: Driver,
  now: Instant,
  limit: number,
  {
    spans = null,
    answersTtlSeconds = MAX_GRACE_SECONDS,
  }: PurgeOptions & { readonly spans?: readonly KeyRange[] | null } = {},
): Promise<number> {
  await driver.write(() => execute(recordPurgedNonces, { now, limit }), 'autocommit');
  let deleted = await driver.write(() => execute(purgeNonces, { now, limit }), 'autocommit');
  deleted += await purgeOutlived(driver, now, limit, answersTtlSeconds);
  for (const { statement: purge, retentionSeconds } of purgeRules)
    deleted += await driver.write(
      () => execute(purge, { now: now - retentionSeconds, limit }),
      'autocommit',
    );
  if (spans === null)
    return deleted + (await driver.write(() => execute(purgeTokens, { now, limit }), 'autocommit'));
  for (const [from, to] of spans)
    deleted += await driver.write(
      () => execute(purgeTokensInRange, { from, to, now, limit }),
      'autocommit',
    );
  return deleted;
}
