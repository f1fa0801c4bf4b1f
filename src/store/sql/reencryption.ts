import type { Sealed } from '#kernel/ids.ts';
import type { SealedKind, SealedRecords } from '#registry/reencryption.ts';
import type { Driver } from '../driver.ts';
import { all, param, type Statement, sql, statement, write } from './statement.ts';

interface Row {
  readonly key: string | number;
  readonly sealed: string | null;
}
interface Words {
  /** Before every key there is. */
  readonly first: string | number;
  readonly list: Statement<Row>;
  readonly replace: Statement<unknown>;
}

const words: Readonly<Record<SealedKind, Words>> = {
  'client secrets': {
    first: 0,
    list: statement(
      sql
        .selectFrom('client_secrets')
        .select(['id as key', 'sealed'])
        .where('id', '>', param<number>('after'))
        .where('sealed', 'is not', null)
        .orderBy('id')
        .limit(param<number>('limit')),
    ),
    replace: statement(
      sql
        .updateTable('client_secrets')
        .set({ sealed: param<string>('to') })
        .where('id', '=', param<number>('key'))
        .where('sealed', '=', param<string>('from')),
    ),
  },
  'token secrets': {
    first: '',
    list: statement(
      sql
        .selectFrom('token_credentials')
        .select(['token as key', 'secret_sealed as sealed'])
        .where('token', '>', param<string>('after'))
        .orderBy('token')
        .limit(param<number>('limit')),
    ),
    replace: statement(
      sql
        .updateTable('token_credentials')
        .set({ secret_sealed: param<string>('to') })
        .where('token', '=', param<string>('key'))
        .where('secret_sealed', '=', param<string>('from')),
    ),
  },
};

/**
 * Sealed texts, to be sealed again. A client's count of changes stays as it is: nothing anybody can
 * see has changed, and a process that remembers the old text can still open it.
 */
export function resealingStore(driver: Driver): SealedRecords {
  return {
    async listSealed(kind, after, limit) {
      const { list, first } = words[kind];
      const rows = await driver.read(all(list, { after: after ?? first, limit }));
      return rows.flatMap(({ key, sealed }) =>
        sealed === null ? [] : [{ key, sealed: sealed as Sealed }],
      );
    },
    replaceSealed: (kind, changes) =>
      driver.write(function* () {
        let done = 0;
        for (const change of changes) done += yield* write(words[kind].replace, change);
        return done;
      }, 'rows'),
  };
}
