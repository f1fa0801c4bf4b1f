import type { ClientId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type {
  PendingReviewFilter,
  ReviewAssignment,
  ReviewAssignments,
} from '#registry/review/assignments.ts';
import type { Driver } from '../driver.ts';
import { execute, fetchAll, fetchOne, sql } from './statement.ts';

const upsertAssignment = sql(`
  INSERT INTO review_claims (client_id, reviewer_id, at) VALUES (:client, :reviewer, :now)
  ON CONFLICT (client_id) DO UPDATE SET reviewer_id = :reviewer, at = :now
  WHERE review_claims.reviewer_id = :reviewer OR review_claims.at <= :ended OR CAST(:over AS BIGINT) = 1`);
const deleteAssignment = sql(
  `DELETE FROM review_claims WHERE client_id = :client AND (CAST(:reviewer AS BIGINT) IS NULL OR reviewer_id = :reviewer)`,
);
const findAssignment = sql<{ reviewer_id: number; at: number }>(
  `SELECT reviewer_id, at FROM review_claims WHERE client_id = :client AND at > :ended`,
);

// A client with an open revision is not proposed, so it waits once.
const waitingForReview = `
  (SELECT c.id AS client_id, 0 AS revision_id, c.stage_at AS since, c.suppressed, c.owner_id FROM clients c WHERE c.stage = 'proposed'
   UNION ALL
   SELECT c.id AS client_id, r.id AS revision_id, r.proposed_at AS since, c.suppressed, c.owner_id
   FROM revisions r JOIN clients c ON c.id = r.client_id WHERE r.stage = 'proposed') waiting
  WHERE (CAST(:suppressed AS BIGINT) IS NULL OR suppressed = :suppressed)`;
const selectWaiting = sql<{ client_id: string; revision_id: number; since: number }>(`
  SELECT client_id, revision_id, since FROM ${waitingForReview}
  AND (since > :since OR (since = :since AND client_id > :client))
  AND (CAST(:reviewer AS BIGINT) IS NULL OR (owner_id <> :reviewer
    AND NOT EXISTS (SELECT 1 FROM maintainers m WHERE m.client_id = waiting.client_id AND m.user_id = :reviewer AND m.accepted_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM involvements i WHERE i.client_id = waiting.client_id AND i.user_id = :reviewer)
    AND NOT EXISTS (SELECT 1 FROM review_claims k WHERE k.client_id = waiting.client_id AND k.at > :ended AND k.reviewer_id <> :reviewer)
    AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.client_id = waiting.client_id AND a.revision_id = waiting.revision_id
      AND a.reviewer_id = :reviewer)))
  ORDER BY since, client_id LIMIT :limit`);
const countWaitingForReview = sql<{ total: number }>(
  `SELECT count(*) AS total FROM ${waitingForReview}`,
);

const suppressedFlag = ({ suppressed }: Pick<PendingReviewFilter, 'suppressed'>) =>
  suppressed === undefined ? null : Number(suppressed);

/** Answers who looks at what, and what waits for a review. */
export function makeReviewAssignmentStore(driver: Driver): ReviewAssignments {
  return {
    async assign(client, reviewer, { now, endedAt, takeOver: over = false }) {
      const values = { client, reviewer, now, ended: endedAt, over: Number(over) };
      return (await driver.write(() => execute(upsertAssignment, values), 'autocommit')) > 0
        ? 'assigned'
        : 'taken';
    },
    unassign: async (client, reviewer) =>
      void (await driver.write(
        () => execute(deleteAssignment, { client, reviewer }),
        'autocommit',
      )),
    assignmentsOf: (ids, endedAt) =>
      driver.read(
        (function* () {
          const assignments = new Map<ClientId, ReviewAssignment>();
          for (const clientId of ids) {
            const row = yield* fetchOne(findAssignment, { client: clientId, ended: endedAt });
            if (row)
              assignments.set(clientId, {
                clientId,
                reviewerId: row.reviewer_id as UserId,
                at: row.at as Instant,
              });
          }
          return assignments;
        })(),
      ),
    async listPendingReviews({ after, availableTo: freeFor, limit, ...rest }) {
      const rows = await driver.read(
        fetchAll(selectWaiting, {
          suppressed: suppressedFlag(rest),
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
    countPendingReviews: async (filter) =>
      (await driver.read(fetchOne(countWaitingForReview, { suppressed: suppressedFlag(filter) })))
        ?.total ?? 0,
  };
}
