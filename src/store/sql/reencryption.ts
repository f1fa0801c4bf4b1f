import type { EncryptedSecret } from '#kernel/ids.ts';
import type { EncryptedKind, EncryptedRecords } from '#registry/reencryption.ts';
import type { Driver } from '../driver.ts';
import { execute, fetchAll, type Statement, sql } from './statement.ts';

interface EncryptedRow {
  readonly key: string | number;
  readonly sealed: string | null;
}
interface SecretStatements {
  /** Before every key there is. */
  readonly first: string | number;
  readonly list: Statement<EncryptedRow>;
  readonly replace: Statement<unknown>;
}

const statementsByKind: Readonly<Record<EncryptedKind, SecretStatements>> = {
  'client secrets': {
    first: 0,
    list: sql(`
  SELECT id AS key, sealed FROM client_secrets WHERE id > :after AND sealed IS NOT NULL
  ORDER BY id LIMIT :limit`),
    replace: sql('UPDATE client_secrets SET sealed = :to WHERE id = :key AND sealed = :from'),
  },
  'token secrets': {
    first: '',
    list: sql(`
  SELECT token AS key, secret_sealed AS sealed FROM token_credentials WHERE token > :after
  ORDER BY token LIMIT :limit`),
    replace: sql(
      'UPDATE token_credentials SET secret_sealed = :to WHERE token = :key AND secret_sealed = :from',
    ),
  },
  'account emails': {
    first: 0,
    list: sql(`
  SELECT id AS key, encrypted_email AS sealed FROM notices
  WHERE id > :after AND encrypted_email IS NOT NULL ORDER BY id LIMIT :limit`),
    replace: sql(
      'UPDATE notices SET encrypted_email = :to WHERE id = :key AND encrypted_email = :from',
    ),
  },
};

/**
 * Encrypted texts, to be encrypted again. A client's count of changes stays as it is: nothing
 * anybody can see has changed, and a process that remembers the old text can still open it.
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
