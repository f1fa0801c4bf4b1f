import type { ClientId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { ReviewClaim, ReviewClaims, WaitingFilter } from '#registry/review/assignments.ts';
import type { Driver } from '../driver.ts';
import { all, one, write, written } from './statement.ts';

const claim = written(`
  INSERT INTO review_claims (client_id, reviewer_id, at) VALUES (:client, :reviewer, :now)
  ON CONFLICT (client_id) DO UPDATE SET reviewer_id = :reviewer, at = :now
  WHERE review_claims.reviewer_id = :reviewer OR review_claims.at <= :ended OR CAST(:over AS BIGINT) = 1`);
const release = written(
  `DELETE FROM review_claims WHERE client_id = :client AND (CAST(:reviewer AS BIGINT) IS NULL OR reviewer_id = :reviewer)`,
);
const claimOf = written<{ reviewer_id: number; at: number }>(
  `SELECT reviewer_id, at FROM review_claims WHERE client_id = :client AND at > :ended`,
);

// A client with an open revision is not proposed, so it waits once.
const waiting = `
  (SELECT c.id AS client_id, 0 AS revision_id, c.stage_at AS since, c.suppressed, c.owner_id FROM clients c WHERE c.stage = 'proposed'
   UNION ALL
   SELECT c.id AS client_id, r.id AS revision_id, r.proposed_at AS since, c.suppressed, c.owner_id
   FROM revisions r JOIN clients c ON c.id = r.client_id WHERE r.stage = 'proposed') waiting
  WHERE (CAST(:suppressed AS BIGINT) IS NULL OR suppressed = :suppressed)`;
const listed = written<{ client_id: string; revision_id: number; since: number }>(`
  SELECT client_id, revision_id, since FROM ${waiting}
  AND (since > :since OR (since = :since AND client_id > :client))
  AND (CAST(:reviewer AS BIGINT) IS NULL OR (owner_id <> :reviewer
    AND NOT EXISTS (SELECT 1 FROM maintainers m WHERE m.client_id = waiting.client_id AND m.user_id = :reviewer AND m.accepted_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM involvements i WHERE i.client_id = waiting.client_id AND i.user_id = :reviewer)
    AND NOT EXISTS (SELECT 1 FROM review_claims k WHERE k.client_id = waiting.client_id AND k.at > :ended AND k.reviewer_id <> :reviewer)
    AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.client_id = waiting.client_id AND a.revision_id = waiting.revision_id
      AND a.reviewer_id = :reviewer)))
  ORDER BY since, client_id LIMIT :limit`);
const counted = written<{ total: number }>(`SELECT count(*) AS total FROM ${waiting}`);

const hidden = ({ suppressed }: Pick<WaitingFilter, 'suppressed'>) =>
  suppressed === undefined ? null : Number(suppressed);

/** Answers who looks at what, and what waits for a review. */
export function claimStore(driver: Driver): ReviewClaims {
  return {
    async claim(client, reviewer, { now, endedAt, over = false }) {
      const values = { client, reviewer, now, ended: endedAt, over: Number(over) };
      return (await driver.write(() => write(claim, values), 'once')) > 0 ? 'claimed' : 'held';
    },
    release: async (client, reviewer) =>
      void (await driver.write(() => write(release, { client, reviewer }), 'once')),
    claimsOf: (ids, endedAt) =>
      driver.read(
        (function* () {
          const claims = new Map<ClientId, ReviewClaim>();
          for (const clientId of ids) {
            const row = yield* one(claimOf, { client: clientId, ended: endedAt });
            if (row)
              claims.set(clientId, {
                clientId,
                reviewerId: row.reviewer_id as UserId,
                at: row.at as Instant,
              });
          }
          return claims;
        })(),
      ),
    async listWaiting({ after, freeFor, limit, ...rest }) {
      const rows = await driver.read(
        all(listed, {
          suppressed: hidden(rest),
          since: after?.since ?? -1,
          client: after?.clientId ?? '',
          reviewer: freeFor?.reviewerId ?? null,
          ended: freeFor?.endedAt ?? 0,
          limit,
        }),
      );
      return rows.map(({ client_id, revision_id, since }) => ({
        clientId: client_id as ClientId,
        revisionId: revision_id === 0 ? null : revision_id,
        since: since as Instant,
      }));
    },
    countWaiting: async (filter) =>
      (await driver.read(one(counted, { suppressed: hidden(filter) })))?.total ?? 0,
  };
}
