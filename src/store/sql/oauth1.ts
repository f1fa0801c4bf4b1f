import { timingSafeEqual } from 'node:crypto';
import type { ConsentId } from '#kernel/ids.ts';
import type {
  NonceClaim,
  TemporaryCredentialRecords,
  TemporaryCredentials,
  TokenCredentialRecords,
  TokenCredentials,
} from '#oauth1/records.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Driver } from '../driver.ts';
import { fetchConsentById } from './consents.ts';
import { toTemporaryCredentials } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchOne, forUpdate, sql, type Transaction, withCommit } from './statement.ts';

/**
 * One that may have been deleted with those that had expired by some clock is not new, whatever
 * that clock is worth (ADR 14).
 */
const insertNonce = sql(`
  INSERT INTO nonces (key, expires_at) SELECT CAST(:key AS TEXT), CAST(:expires_at AS BIGINT)
  WHERE NOT EXISTS (SELECT 1 FROM purged_until WHERE kind = 'nonce' AND until >= :expires_at) ON CONFLICT (key) DO NOTHING`);
const insertTemporary = sql(`
  INSERT INTO temporary_credentials (token, client_id, secret_sealed, callback, expires_at,
    used)
  VALUES (:token, :client_id, :secret_sealed, :callback, :expires_at, 0)`);
const findTemporary = sql<Row<'temporary_credentials'>>(
  'SELECT * FROM temporary_credentials WHERE token = :token AND expires_at > :now',
);
const findTemporaryForUpdate = forUpdate(findTemporary);
const setAuthorized = sql(`
  UPDATE temporary_credentials
  SET user_id = :user, consent_id = :consent, verifier_digest = :verifier, expires_at =
    :expiresAt
  WHERE token = :token`);
const deleteTemporary = sql('DELETE FROM temporary_credentials WHERE token = :token');
const markUsed = sql(
  'UPDATE temporary_credentials SET used = 1, expires_at = :usedUntil WHERE token = :token',
);
const findCredentials = sql<Row<'token_credentials'>>(
  'SELECT * FROM token_credentials WHERE token = :token',
);
const findCredentialsOf = sql<Row<'token_credentials'>>(
  'SELECT * FROM token_credentials WHERE consent_id = :consent',
);

function* insertNewNonce(nonce: NonceClaim): Transaction<boolean> {
  return (yield* execute(insertNonce, { key: nonce.key, expires_at: nonce.expiresAt })) === 1;
}

const equalInConstantTime = (one: string, other: string) => {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const toCredentials = (row: { token: string; consent_id: number; secret_sealed: string }) =>
  ({
    token: row.token,
    consentId: row.consent_id,
    encryptedSecret: row.secret_sealed,
  }) as unknown as TokenCredentials;

/**
 * A pair with the consent it belongs to, each found as the caller finds it; a pair without a
 * consent does not exist.
 */
export function* resolveTokenCredentials(
  token: string,
  lookupCredentials: (token: string) => Transaction<TokenCredentials | undefined>,
  lookupConsent: (id: ConsentId) => Transaction<Consent | undefined>,
) {
  const credentials = yield* lookupCredentials(token);
  const consent = credentials && (yield* lookupConsent(credentials.consentId));
  return credentials && consent && { credentials, consent };
}

/** The permanent pair of a token. */
export function* fetchTokenCredentials(token: string): Transaction<TokenCredentials | undefined> {
  const row = yield* fetchOne(findCredentials, { token });
  return row && toCredentials(row);
}

/** Answers nonces and temporary credentials. */
export function makeTemporaryCredentialStore(driver: Driver): TemporaryCredentialRecords {
  return {
    claimNonce: async (nonce) =>
      (await driver.write(() => insertNewNonce(nonce), 'autocommit')) ? 'first' : 'seen',
    saveTemporaryCredentials: (nonce, credentials: TemporaryCredentials) =>
      driver.write(function* () {
        if (!(yield* insertNewNonce(nonce))) return 'nonce-seen' as const;
        yield* withCommit(
          execute(insertTemporary, {
            token: credentials.token,
            client_id: credentials.clientId,
            secret_sealed: credentials.encryptedSecret,
            callback: credentials.callback,
            expires_at: credentials.expiresAt,
          }),
        );
        return 'saved' as const;
      }, 'read-committed'),
    async findTemporaryCredentials(token, now) {
      const row = await driver.read(fetchOne(findTemporary, { token, now }));
      return row && toTemporaryCredentials(row);
    },
    authorizeTemporaryCredentials: (token, approval, now, expiresAt) =>
      driver.write(function* () {
        const row = yield* fetchOne(findTemporaryForUpdate, { token, now });
        if (row === undefined || row.used === 1) return 'gone' as const;
        const claimed =
          row.user_id === approval.userId &&
          row.consent_id === null &&
          equalInConstantTime(row.verifier_digest ?? '', approval.verifierDigest);
        if (row.user_id !== null && !claimed) return 'already-authorized' as const;
        yield* withCommit(
          execute(setAuthorized, {
            token,
            user: approval.userId,
            consent: approval.consentId,
            verifier: approval.verifierDigest,
            expiresAt,
          }),
        );
        return 'authorized' as const;
      }, 'read-committed'),
    deleteTemporaryCredentials: async (token) =>
      void (await driver.write(() => execute(deleteTemporary, { token }), 'autocommit')),
    redeemTemporaryCredentials: (nonce, token, verifierDigest, now, usedUntil) =>
      driver.write(function* () {
        if (!(yield* insertNewNonce(nonce))) return 'nonce-seen' as const;
        const row = yield* fetchOne(findTemporaryForUpdate, { token, now });
        if (row === undefined) return 'gone' as const;
        if (row.used === 1) return 'already-used' as const;
        if (row.verifier_digest === null || row.consent_id === null)
          return 'not-authorized' as const;
        if (!equalInConstantTime(row.verifier_digest, verifierDigest))
          return 'wrong-verifier' as const;
        yield* withCommit(execute(markUsed, { token, usedUntil }));
        return 'redeemed' as const;
      }, 'read-committed'),
  };
}

/** Answers token credentials. */
export function makeTokenCredentialStore(driver: Driver): TokenCredentialRecords {
  return {
    findTokenCredentials: (token) =>
      driver.read(resolveTokenCredentials(token, fetchTokenCredentials, fetchConsentById)),
    async findTokenCredentialsByConsent(consent) {
      const row = await driver.read(fetchOne(findCredentialsOf, { consent }));
      return row && toCredentials(row);
    },
  };
}
