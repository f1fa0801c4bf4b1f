import type { OAuth2Records } from '#oauth2/records.ts';
import type { Driver } from '../driver.ts';
import { insertAccessToken } from './access-tokens.ts';
import { insertRefreshToken, insertRevokedFamily } from './refresh-tokens.ts';
import { toCode } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchOne, forUpdate, pipeline, sql, withCommit } from './statement.ts';
import { fetchTokenStatus, lookupsOf, selectWithFamily } from './token-status.ts';

const insertCode = sql(`
  INSERT INTO codes (digest, client_id, user_id, consent_id, family_id, redirect_uri, scopes,
    code_challenge, code_challenge_method, profile, issued_at, expires_at, used)
  VALUES (:digest, :client_id, :user_id, :consent_id, :family_id, :redirect_uri, :scopes,
    :code_challenge, :code_challenge_method, :profile, :issued_at, :expires_at, 0)`);

const findCode = selectWithFamily('codes', 'digest');

const findCodeForUpdate = forUpdate(
  sql<Row<'codes'>>('SELECT * FROM codes WHERE digest = :digest'),
);

const markCodeUsed = sql('UPDATE codes SET used = 1 WHERE digest = :digest');

const findRevokedFamilyOfCode = sql(
  'SELECT id FROM revoked_families WHERE id = (SELECT family_id FROM codes WHERE digest = :digest)',
);

type CodeVerbs = 'saveCode' | 'findCode' | 'redeemCode';

/** Answers authorization codes. */
export function makeCodeStore(driver: Driver): Pick<OAuth2Records, CodeVerbs> {
  const lookups = lookupsOf(driver);
  return {
    saveCode: async (code) =>
      void (await driver.write(
        () =>
          execute(insertCode, {
            digest: code.digest,
            client_id: code.clientId,
            user_id: code.userId,
            consent_id: code.consentId,
            family_id: code.familyId,
            redirect_uri: code.redirectUri,
            scopes: JSON.stringify(code.scopes),
            code_challenge: code.codeChallenge,
            code_challenge_method: code.codeChallengeMethod,
            profile: code.profile,
            issued_at: code.issuedAt,
            expires_at: code.expiresAt,
          }),
        'autocommit',
      )),
    findCode: (digest) =>
      driver.read(
        (function* () {
          const row = yield* fetchOne(findCode, { digest });
          return row && { code: toCode(row), ...(yield* fetchTokenStatus(lookups, row)) };
        })(),
      ),
    redeemCode: (digest, at, { access, refresh }) =>
      driver.write(function* () {
        const [row, revoked] = yield* pipeline(
          fetchOne(findCodeForUpdate, { digest }),
          fetchOne(findRevokedFamilyOfCode, { digest }),
        );
        if (row === undefined) return 'unknown' as const;
        if (row.used === 1 || revoked !== undefined) {
          yield* withCommit(execute(insertRevokedFamily, { id: row.family_id, revoked_at: at }));
          return 'replayed' as const;
        }
        const tokens = [
          insertAccessToken(access),
          ...(refresh ? [insertRefreshToken(refresh)] : []),
        ];
        yield* withCommit(pipeline(execute(markCodeUsed, { digest }), ...tokens));
        return 'redeemed' as const;
      }, 'read-committed'),
  };
}
