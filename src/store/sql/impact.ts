import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Impact } from '#registry/usage.ts';
import type { Driver } from '../driver.ts';
import { firstKeyAt } from './key-range.ts';
import { fetchOne, sql, type Transaction } from './statement.ts';

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

/** Answers what suspending a client would stop. */
export function makeImpactStore(driver: Driver): Pick<RegistryRecords, 'impactOf'> {
  return {
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
  };
}
