import type { FamilyId } from '#kernel/ids.ts';
import type { OAuth2Records, RefreshToken } from '#oauth2/records.ts';
import type { Driver } from '../driver.ts';
import { insertAccessToken, revokeToken } from './access-tokens.ts';
import { toRefreshToken } from './rows.ts';
import type { Row } from './schema.ts';
import {
  execute,
  fetchOne,
  forUpdate,
  pipeline,
  sql,
  type Transaction,
  withCommit,
} from './statement.ts';
import { fetchTokenStatusAndClient, lookupsOf, selectWithFamilyOfClient } from './token-status.ts';

const insertRefresh = sql(`
  INSERT INTO refresh_tokens (digest, family_id, client_id, user_id, consent_id, scopes,
    access_token_id, profile, issued_at, expires_at, used_at, answer_sealed)
  VALUES (:digest, :family_id, :client_id, :user_id, :consent_id, :scopes, :access_token_id,
    :profile, :issued_at, :expires_at, NULL, NULL)`);

const findRefresh = selectWithFamilyOfClient('refresh_tokens', 'digest');

const findRefreshForUpdate = forUpdate(
  sql<Row<'refresh_tokens'>>('SELECT * FROM refresh_tokens WHERE digest = :digest'),
);

const markRefreshUsed = sql(
  'UPDATE refresh_tokens SET used_at = :at, answer_sealed = :answer WHERE digest = :digest',
);

/** Asked after a row was taken: they see what came before that. */
const findRevokedFamily = sql<{ id: string }>('SELECT id FROM revoked_families WHERE id = :id');

export const insertRevokedFamily = sql(`
  INSERT INTO revoked_families (id, revoked_at) VALUES (:id, :revoked_at)
  ON CONFLICT (id) DO NOTHING`);

export function* insertRefreshToken(token: RefreshToken): Transaction<number> {
  return yield* execute(insertRefresh, {
    digest: token.digest,
    family_id: token.familyId,
    client_id: token.clientId,
    user_id: token.userId,
    consent_id: token.consentId,
    scopes: JSON.stringify(token.scopes),
    access_token_id: token.accessTokenId,
    profile: token.profile,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
  });
}

type RefreshTokenVerbs = 'findRefreshToken' | 'rotateRefreshToken' | 'revokeFamily';

/** Answers refresh tokens and their families. */
export function makeRefreshTokenStore(driver: Driver): Pick<OAuth2Records, RefreshTokenVerbs> {
  const lookups = lookupsOf(driver);
  return {
    findRefreshToken: (digest, of) =>
      driver.read(
        (function* () {
          const row = yield* fetchOne(findRefresh, { digest, of: of ?? null });
          if (row === undefined) return undefined;
          return {
            token: toRefreshToken(row),
            ...(yield* fetchTokenStatusAndClient(lookups, row)),
          };
        })(),
      ),
    rotateRefreshToken: (digest, at, encryptedResponse, { access, refresh }, revokePrevious) =>
      driver.write(function* () {
        const [row, revoked] = yield* pipeline(
          fetchOne(findRefreshForUpdate, { digest }),
          fetchOne(findRevokedFamily, { id: refresh.familyId }),
        );
        if (row === undefined) return { outcome: 'unknown' as const };
        if (row.family_id !== refresh.familyId)
          throw new Error('a refresh token may not leave its family');
        if (revoked !== undefined) return { outcome: 'family-revoked' as const };
        const { usedAt, encryptedResponse: earlierResponse } = toRefreshToken(row);
        if (usedAt !== null)
          return { outcome: 'already-used' as const, usedAt, encryptedResponse: earlierResponse };
        yield* withCommit(
          pipeline(
            execute(markRefreshUsed, { digest, at, answer: encryptedResponse }),
            ...(revokePrevious ? [execute(revokeToken, { id: row.access_token_id })] : []),
            insertAccessToken(access),
            insertRefreshToken(refresh),
          ),
        );
        return { outcome: 'rotated' as const };
      }, 'read-committed'),
    revokeFamily: async (id: FamilyId, at) =>
      void (await driver.write(
        () => execute(insertRevokedFamily, { id, revoked_at: at }),
        'autocommit',
      )),
  };
}
