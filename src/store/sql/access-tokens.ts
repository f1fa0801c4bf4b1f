import type { ClientId, TokenId } from '#kernel/ids.ts';
import type { AccessToken, AccessTokenFacts, OAuth2Records } from '#oauth2/records.ts';
import type { Driver } from '../driver.ts';
import { toAccessToken } from './rows.ts';
import { execute, fetchOne, sql, type Transaction } from './statement.ts';
import {
  fetchTokenStatusAndClient,
  type Lookups,
  lookupsOf,
  selectWithFamilyOfClient,
} from './token-status.ts';

const insertToken = sql(`
  INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type,
    issued_at, expires_at, revoked)
  VALUES (:id, :client_id, :user_id, :consent_id, :family_id, :scopes, :grant_type, :issued_at,
    :expires_at, 0)`);

/**
 * The same, if the client has that version: what was judged from the cache is found out to be right
 * by the write itself.
 */
const insertTokenIfVersion = sql(`
  INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type, issued_at, expires_at, revoked)
  SELECT CAST(:id AS TEXT), id, CAST(:user_id AS BIGINT), CAST(:consent_id AS BIGINT), CAST(:family_id AS TEXT), CAST(:scopes AS TEXT),
    CAST(:grant_type AS TEXT), CAST(:issued_at AS BIGINT), CAST(:expires_at AS BIGINT), 0
  FROM clients WHERE id = :client_id AND changes = :edition`);

const findToken = selectWithFamilyOfClient('access_tokens', 'id');

export const revokeToken = sql('UPDATE access_tokens SET revoked = 1 WHERE id = :id');

const toTokenRow = (token: AccessToken) => ({
  id: token.id,
  client_id: token.clientId,
  user_id: token.userId,
  consent_id: token.consentId,
  family_id: token.familyId,
  scopes: JSON.stringify(token.scopes),
  grant_type: token.grantType,
  issued_at: token.issuedAt,
  expires_at: token.expiresAt,
});

/** Stores the row behind an access token, inside a transaction. */
export function* insertAccessToken(token: AccessToken): Transaction<number> {
  return yield* execute(insertToken, toTokenRow(token));
}

function* insertAccessTokenIfVersion(
  token: AccessToken,
  recordVersion: number,
): Transaction<number> {
  return yield* execute(insertTokenIfVersion, { ...toTokenRow(token), edition: recordVersion });
}

/**
 * Everything that decides whether an access token still stands; with `of`, one of that client
 * alone.
 */
export function* fetchAccessTokenFacts(
  id: TokenId,
  lookups: Lookups,
  of?: ClientId,
): Transaction<AccessTokenFacts | undefined> {
  const row = yield* fetchOne(findToken, { id, of: of ?? null });
  if (row === undefined) return undefined;
  return { token: toAccessToken(row), ...(yield* fetchTokenStatusAndClient(lookups, row)) };
}

type AccessTokenVerbs = 'saveAccessToken' | 'findAccessToken' | 'revokeAccessToken';

/** Answers access tokens. */
export function makeAccessTokenStore(driver: Driver): Pick<OAuth2Records, AccessTokenVerbs> {
  const lookups = lookupsOf(driver);
  return {
    async saveAccessToken(token, recordVersion) {
      const insertion = () =>
        recordVersion === undefined
          ? insertAccessToken(token)
          : insertAccessTokenIfVersion(token, recordVersion);
      return (await driver.write<number>(insertion, 'autocommit')) > 0 ? 'saved' : 'changed';
    },
    findAccessToken: (id, of) => driver.read(fetchAccessTokenFacts(id, lookups, of)),
    revokeAccessToken: async (id) =>
      void (await driver.write(() => execute(revokeToken, { id }), 'autocommit')),
  };
}
