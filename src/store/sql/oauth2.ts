import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId, FamilyId, TokenId, UserId } from '#kernel/ids.ts';
import type {
  AccessToken,
  AccessTokenFacts,
  OAuth2Records,
  RefreshToken,
} from '#oauth2/records.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Driver } from '../driver.ts';
import { fetchAccountById } from './accounts.ts';
import { fetchClientById } from './clients.ts';
import { fetchConsentById } from './consents.ts';
import { toAccessToken, toCode, toRefreshToken } from './rows.ts';
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

const insertCode = sql(`
  INSERT INTO codes (digest, client_id, user_id, consent_id, family_id, redirect_uri, scopes,
    code_challenge, code_challenge_method, profile, issued_at, expires_at, used)
  VALUES (:digest, :client_id, :user_id, :consent_id, :family_id, :redirect_uri, :scopes,
    :code_challenge, :code_challenge_method, :profile, :issued_at, :expires_at, 0)`);
/**
 * A row of these tables, and whether its family was revoked: asked together, for one answer is of
 * no use without the other.
 */
const selectWithFamily = <T extends 'codes' | 'access_tokens' | 'refresh_tokens'>(
  table: T,
  key: string,
  condition = '',
) =>
  sql<Row<T> & { readonly family_revoked: number }>(`
    SELECT t.*, CASE WHEN f.id IS NULL THEN 0 ELSE 1 END AS family_revoked
    FROM ${table} t LEFT JOIN revoked_families f ON f.id = t.family_id WHERE t.${key} = :${key} ${condition}`);
/** The same of one client alone, when one is named. */
const selectWithFamilyOfClient = <T extends 'access_tokens' | 'refresh_tokens'>(
  table: T,
  key: string,
) => selectWithFamily(table, key, 'AND (CAST(:of AS TEXT) IS NULL OR t.client_id = :of)');
const findCode = selectWithFamily('codes', 'digest');
const findCodeForUpdate = forUpdate(
  sql<Row<'codes'>>('SELECT * FROM codes WHERE digest = :digest'),
);
const markCodeUsed = sql('UPDATE codes SET used = 1 WHERE digest = :digest');
const insertToken = sql(`
  INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type,
    issued_at, expires_at, revoked)
  VALUES (:id, :client_id, :user_id, :consent_id, :family_id, :scopes, :grant_type, :issued_at,
    :expires_at, 0)`);
/**
 * The same, if the client is in that edition: what was judged from memory is found out to be right
 * by the write itself.
 */
const insertTokenIfVersion = sql(`
  INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type, issued_at, expires_at, revoked)
  SELECT CAST(:id AS TEXT), id, CAST(:user_id AS BIGINT), CAST(:consent_id AS BIGINT), CAST(:family_id AS TEXT), CAST(:scopes AS TEXT),
    CAST(:grant_type AS TEXT), CAST(:issued_at AS BIGINT), CAST(:expires_at AS BIGINT), 0
  FROM clients WHERE id = :client_id AND changes = :edition`);
const findToken = selectWithFamilyOfClient('access_tokens', 'id');
const revokeToken = sql('UPDATE access_tokens SET revoked = 1 WHERE id = :id');
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
const findRevokedFamilyOfCode = sql(
  'SELECT id FROM revoked_families WHERE id = (SELECT family_id FROM codes WHERE digest = :digest)',
);
const insertRevokedFamily = sql(`
  INSERT INTO revoked_families (id, revoked_at) VALUES (:id, :revoked_at)
  ON CONFLICT (id) DO NOTHING`);

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

/** Stores the row behind an access token, inside a unit of work. */
export function* insertAccessToken(token: AccessToken): Transaction<number> {
  return yield* execute(insertToken, toTokenRow(token));
}

function* insertAccessTokenIfVersion(
  token: AccessToken,
  recordVersion: number,
): Transaction<number> {
  return yield* execute(insertTokenIfVersion, { ...toTokenRow(token), edition: recordVersion });
}

function* insertRefreshToken(token: RefreshToken): Transaction<number> {
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

/** How the rows are found that a token stands on. */
export interface Lookups {
  client(id: ClientId): Transaction<Client | undefined>;
  account(id: UserId): Transaction<Account | undefined>;
  consent(id: ConsentId): Transaction<Consent | undefined>;
}

// biome-ignore lint/correctness/useYield: a unit that asks nothing
function* skipLookup(): Transaction<undefined> {
  return undefined;
}

interface StatusColumns {
  readonly user_id: number | null;
  readonly consent_id: number | null;
  readonly family_revoked: number;
}

/** What a code or a token stands on besides itself and its client. */
function* fetchTokenStatus({ account, consent }: Lookups, row: StatusColumns) {
  const [user, foundConsent] = yield* pipeline(
    row.user_id === null ? skipLookup() : account(row.user_id as UserId),
    row.consent_id === null ? skipLookup() : consent(row.consent_id as ConsentId),
  );
  return { familyRevoked: row.family_revoked === 1, user, consent: foundConsent };
}

/** The same, and the client. */
function* fetchTokenStatusAndClient(
  lookups: Lookups,
  row: StatusColumns & { readonly client_id: string },
) {
  const [client, status] = yield* pipeline(
    lookups.client(row.client_id as ClientId),
    fetchTokenStatus(lookups, row),
  );
  return { client, ...status };
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

/** Answers the ports of the oauth2 room. */
export function makeOAuth2Store(driver: Driver): OAuth2Records {
  const lookups: Lookups = {
    client: (id) => fetchClientById(driver, id),
    account: fetchAccountById,
    consent: fetchConsentById,
  };
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
