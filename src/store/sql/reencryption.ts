import type { EncryptedSecret } from '#kernel/ids.ts';
import type { EncryptedKind, EncryptedRecords } from '#registry/reencryption.ts';
import type { Driver } from '../driver.ts';
import { execute, fetchAll, param, queryBuilder, type Statement, statement } from './statement.ts';

interface Row {
  readonly key: string | number;
  readonly sealed: string | null;
}
interface SecretStatements {
  /** Before every key there is. */
  readonly first: string | number;
  readonly list: Statement<Row>;
  readonly replace: Statement<unknown>;
}

const statementsByKind: Readonly<Record<EncryptedKind, SecretStatements>> = {
  'client secrets': {
    first: 0,
    list: statement(
      queryBuilder
        .selectFrom('client_secrets')
        .select(['id as key', 'sealed'])
        .where('id', '>', param<number>('after'))
        .where('sealed', 'is not', null)
        .orderBy('id')
        .limit(param<number>('limit')),
    ),
    replace: statement(
      queryBuilder
        .updateTable('client_secrets')
        .set({ sealed: param<string>('to') })
        .where('id', '=', param<number>('key'))
        .where('sealed', '=', param<string>('from')),
    ),
  },
  'token secrets': {
    first: '',
    list: statement(
      queryBuilder
        .selectFrom('token_credentials')
        .select(['token as key', 'secret_sealed as sealed'])
        .where('token', '>', param<string>('after'))
        .orderBy('token')
        .limit(param<number>('limit')),
    ),
    replace: statement(
      queryBuilder
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
export function makeReencryptionStore(driver: Driver): EncryptedRecords {
  return {
    async listEncrypted(kind, after, limit) {
      const { list, first } = statementsByKind[kind];
      const rows = await driver.read(fetchAll(list, { after: after ?? first, limit }));
      return rows.flatMap(({ key, sealed }) =>
        sealed === null ? [] : [{ key, encrypted: sealed as EncryptedSecret }],
      );
    },
    replaceEncrypted: (kind, changes) =>
      driver.write(function* () {
        let done = 0;
        for (const change of changes)
          done += yield* execute(statementsByKind[kind].replace, change);
        return done;
      }, 'read-committed'),
  };
}
