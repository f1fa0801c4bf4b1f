import { timingSafeEqual } from 'node:crypto';
import type { ConsentId } from '#kernel/ids.ts';
import type {
  Handshakes,
  NonceClaim,
  TemporaryCredentials,
  TokenCredentialRecords,
  TokenCredentials,
} from '#oauth1/records.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Driver } from '../driver.ts';
import { consentById } from './consents.ts';
import { toTemporary } from './rows.ts';
import {
  held,
  lastly,
  one,
  param,
  params,
  sql,
  statement,
  type Unit,
  write,
  written,
} from './statement.ts';

/**
 * One that may have been deleted with those that had expired by some clock is not new, whatever
 * that clock is worth (ADR 14).
 */
const insertNonce = written(`
  INSERT INTO nonces (key, expires_at) SELECT CAST(:key AS TEXT), CAST(:expires_at AS BIGINT)
  WHERE NOT EXISTS (SELECT 1 FROM purged_until WHERE kind = 'nonce' AND until >= :expires_at) ON CONFLICT (key) DO NOTHING`);
const insertTemporary = statement(
  sql.insertInto('temporary_credentials').values({
    ...params('token', 'client_id', 'secret_sealed', 'callback', 'expires_at'),
    used: 0,
  }),
);
const findTemporary = statement(
  sql
    .selectFrom('temporary_credentials')
    .selectAll()
    .where('token', '=', param<string>('token'))
    .where('expires_at', '>', param<number>('now')),
);
const decideTemporary = held(findTemporary);
const authorize = statement(
  sql
    .updateTable('temporary_credentials')
    .set({
      user_id: param<number>('user'),
      consent_id: param<number | null>('consent'),
      verifier_digest: param<string>('verifier'),
      expires_at: param<number>('expiresAt'),
    })
    .where('token', '=', param<string>('token')),
);
const endTemporary = written('DELETE FROM temporary_credentials WHERE token = :token');
const useUp = statement(
  sql
    .updateTable('temporary_credentials')
    .set({ used: 1, expires_at: param<number>('usedUntil') })
    .where('token', '=', param<string>('token')),
);
const findCredentials = statement(
  sql.selectFrom('token_credentials').selectAll().where('token', '=', param<string>('token')),
);
const findCredentialsOf = statement(
  sql
    .selectFrom('token_credentials')
    .selectAll()
    .where('consent_id', '=', param<number>('consent')),
);

function* claim(nonce: NonceClaim): Unit<boolean> {
  return (yield* write(insertNonce, { key: nonce.key, expires_at: nonce.expiresAt })) === 1;
}

const same = (one: string, other: string) => {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const toCredentials = (row: { token: string; consent_id: number; secret_sealed: string }) =>
  ({
    token: row.token,
    consentId: row.consent_id,
    secretSealed: row.secret_sealed,
  }) as unknown as TokenCredentials;

/**
 * A pair with the consent it belongs to, each found as the caller finds it; a pair without a
 * consent does not exist.
 */
export function* pairOf(
  token: string,
  pair: (token: string) => Unit<TokenCredentials | undefined>,
  consentOf: (id: ConsentId) => Unit<Consent | undefined>,
) {
  const credentials = yield* pair(token);
  const consent = credentials && (yield* consentOf(credentials.consentId));
  return credentials && consent && { credentials, consent };
}

/** The permanent pair of a token. */
export function* credentialsByToken(token: string): Unit<TokenCredentials | undefined> {
  const row = yield* one(findCredentials, { token });
  return row && toCredentials(row);
}

/** Answers the ports of the oauth1 room. */
export function oauth1Store(driver: Driver): Handshakes & TokenCredentialRecords {
  return {
    claimNonce: async (nonce) =>
      (await driver.write(() => claim(nonce), 'once')) ? 'first' : 'seen',
    saveTemporary: (nonce, credentials: TemporaryCredentials) =>
      driver.write(function* () {
        if (!(yield* claim(nonce))) return 'nonce-seen' as const;
        yield* lastly(
          write(insertTemporary, {
            token: credentials.token,
            client_id: credentials.clientId,
            secret_sealed: credentials.secretSealed,
            callback: credentials.callback,
            expires_at: credentials.expiresAt,
          }),
        );
        return 'saved' as const;
      }, 'rows'),
    async findTemporary(token, now) {
      const row = await driver.read(one(findTemporary, { token, now }));
      return row && toTemporary(row);
    },
    authorizeTemporary: (token, yes, now, expiresAt) =>
      driver.write(function* () {
        const row = yield* one(decideTemporary, { token, now });
        if (row === undefined || row.used === 1) return 'gone' as const;
        const claimed =
          row.user_id === yes.userId &&
          row.consent_id === null &&
          same(row.verifier_digest ?? '', yes.verifierDigest);
        if (row.user_id !== null && !claimed) return 'already-authorized' as const;
        yield* lastly(
          write(authorize, {
            token,
            user: yes.userId,
            consent: yes.consentId,
            verifier: yes.verifierDigest,
            expiresAt,
          }),
        );
        return 'authorized' as const;
      }, 'rows'),
    endTemporary: async (token) =>
      void (await driver.write(() => write(endTemporary, { token }), 'once')),
    redeemTemporary: (nonce, token, verifierDigest, now, usedUntil) =>
      driver.write(function* () {
        if (!(yield* claim(nonce))) return 'nonce-seen' as const;
        const row = yield* one(decideTemporary, { token, now });
        if (row === undefined) return 'gone' as const;
        if (row.used === 1) return 'already-used' as const;
        if (row.verifier_digest === null || row.consent_id === null)
          return 'not-authorized' as const;
        if (!same(row.verifier_digest, verifierDigest)) return 'wrong-verifier' as const;
        yield* lastly(write(useUp, { token, usedUntil }));
        return 'redeemed' as const;
      }, 'rows'),
    findTokenCredentials: (token) => driver.read(pairOf(token, credentialsByToken, consentById)),
    async findTokenCredentialsOf(consent) {
      const row = await driver.read(one(findCredentialsOf, { consent }));
      return row && toCredentials(row);
    },
  };
}
