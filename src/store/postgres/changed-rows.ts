import type { RowChange } from '../cache/cache.ts';
import type { Transaction } from '../sql/statement.ts';

/** The same unit, which also notes what it is about to change. */
export const trackChanges = <T>(
  makeTransaction: () => Transaction<T>,
  changedRows: Set<RowChange>,
) =>
  function* (): Transaction<T> {
    const transaction = makeTransaction();
    let next = transaction.next();
    while (!next.done) {
      for (const { statement, values } of next.value.steps)
        if (statement.changedRow) changedRows.add(statement.changedRow(values));
      next = transaction.next(yield next.value);
    }
    return next.value;
  };
