import type { UserId } from '#kernel/ids.ts';
import { execute, sql, type Transaction } from './statement.ts';

const deleteApprovalsBy = sql('DELETE FROM approvals WHERE reviewer_id = :reviewer');

/** Ends the approvals of somebody that wait for a second one, for good. */
export function* endApprovalsBy(reviewer: UserId): Transaction<void> {
  yield* execute(deleteApprovalsBy, { reviewer });
}
