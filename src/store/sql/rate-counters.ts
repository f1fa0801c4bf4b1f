import type { RateCounters } from '#accounts/records.ts';
import type { Driver } from '../driver.ts';
import type { Row } from './schema.ts';
import { execute, fetchOne, sql } from './statement.ts';

const findLimit = sql<Row<'limits'>>('SELECT * FROM limits WHERE key = :key');

const incrementCounter = sql<{ hits: number }>(`
  INSERT INTO limits (key, hits, expires_at) VALUES (:key, 1, :end) ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN limits.expires_at > :now THEN limits.hits + 1 ELSE 1 END,
    expires_at = CASE WHEN limits.expires_at > :now THEN limits.expires_at ELSE :end END
  RETURNING hits`);

const deleteLimit = sql('DELETE FROM limits WHERE key = :key');

/** Answers the counters of rate limits. */
export function makeRateCounters(driver: Driver): RateCounters {
  return {
    async increment(key, now, windowEndsAt) {
      const row = await driver.write(
        () => fetchOne(incrementCounter, { key, now, end: windowEndsAt }),
        'autocommit',
      );
      if (row === undefined) throw new Error('a counter did not come back');
      return row.hits;
    },
    async count(key, now) {
      const row = await driver.read(fetchOne(findLimit, { key }));
      return row !== undefined && row.expires_at > now ? row.hits : 0;
    },
    clear: async (key) =>
      void (await driver.write(() => execute(deleteLimit, { key }), 'autocommit')),
  };
}
