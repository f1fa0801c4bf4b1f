import type { Selectable } from 'kysely';
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
import { accountById } from './accounts.ts';
import { clientById } from './clients.ts';
import { consentById } from './consents.ts';
import { toAccessToken, toCode, toRefreshToken } from './rows.ts';
import type { Schema } from './schema.ts';
import {
  alongside,
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

const insertCode = statement(
  sql.insertInto('codes').values({
    ...params(
      'digest',
      'client_id',
      'user_id',
      'consent_id',
      'family_id',
      'redirect_uri',
      'scopes',
    ),
    ...params('code_challenge', 'code_challenge_method', 'profile', 'issued_at', 'expires_at'),
    used: 0,
  }),
);
/**
 * A row of these tables, and whether its family was revoked: asked together, for one answer is of
 * no use without the other.
 */
const withFamily = <T extends keyof Schema>(table: T, key: string, more = '') =>
  written<Selectable<Schema[T]> & { readonly family_revoked: number }>(`
    SELECT t.*, CASE WHEN f.id IS NULL THEN 0 ELSE 1 END AS family_revoked
    FROM ${table} t LEFT JOIN revoked_families f ON f.id = t.family_id WHERE t.${key} = :${key} ${more}`);
/** The same of one client alone, when one is named. */
const withFamilyOf = <T extends 'access_tokens' | 'refresh_tokens'>(table: T, key: string) =>
  withFamily(table, key, 'AND (CAST(:of AS TEXT) IS NULL OR t.client_id = :of)');
const findCode = withFamily('codes', 'digest');
const decideCode = held(
  statement(sql.selectFrom('codes').selectAll().where('digest', '=', param<string>('digest'))),
);
const useCode = statement(
  sql.updateTable('codes').set({ used: 1 }).where('digest', '=', param<string>('digest')),
);
const insertToken = statement(
  sql.insertInto('access_tokens').values({
    ...params(
      'id',
      'client_id',
      'user_id',
      'consent_id',
      'family_id',
      'scopes',
      'grant_type',
      'issued_at',
      'expires_at',
    ),
    revoked: 0,
  }),
);
/**
 * The same, if the client is in that edition: what was judged from memory is found out to be right
 * by the write itself.
 */
const insertTokenOf = written(`
  INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type, issued_at, expires_at, revoked)
  SELECT CAST(:id AS TEXT), id, CAST(:user_id AS BIGINT), CAST(:consent_id AS BIGINT), CAST(:family_id AS TEXT), CAST(:scopes AS TEXT),
    CAST(:grant_type AS TEXT), CAST(:issued_at AS BIGINT), CAST(:expires_at AS BIGINT), 0
  FROM clients WHERE id = :client_id AND changes = :edition`);
const findToken = withFamilyOf('access_tokens', 'id');
const revokeToken = statement(
  sql.updateTable('access_tokens').set({ revoked: 1 }).where('id', '=', param<string>('id')),
);
const insertRefresh = statement(
  sql.insertInto('refresh_tokens').values({
    ...params(
      'digest',
      'family_id',
      'client_id',
      'user_id',
      'consent_id',
      'scopes',
      'access_token_id',
      'profile',
      'issued_at',
      'expires_at',
    ),
    used_at: null,
    answer_sealed: null,
  }),
);
const findRefresh = withFamilyOf('refresh_tokens', 'digest');
const decideRefresh = held(
  statement(
    sql.selectFrom('refresh_tokens').selectAll().where('digest', '=', param<string>('digest')),
  ),
);
const useRefresh = statement(
  sql
    .updateTable('refresh_tokens')
    .set({ used_at: param<number>('at'), answer_sealed: param<string>('answer') })
    .where('digest', '=', param<string>('digest')),
);
/** Asked after a row was taken: they see what came before that. */
const isRevoked = statement(
  sql.selectFrom('revoked_families').select('id').where('id', '=', param<string>('id')),
);
const codeRevoked = written(
  'SELECT id FROM revoked_families WHERE id = (SELECT family_id FROM codes WHERE digest = :digest)',
);
const revoke = statement(
  sql
    .insertInto('revoked_families')
    .values(params('id', 'revoked_at'))
    .onConflict((conflict) => conflict.column('id').doNothing()),
);

const rowOf = (token: AccessToken) => ({
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
export function* insertAccessToken(token: AccessToken): Unit<number> {
  return yield* write(insertToken, rowOf(token));
}

function* insertAccessTokenOf(token: AccessToken, edition: number): Unit<number> {
  return yield* write(insertTokenOf, { ...rowOf(token), edition });
}

function* insertRefreshToken(token: RefreshToken): Unit<number> {
  return yield* write(insertRefresh, {
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
export interface Grounds {
  client(id: ClientId): Unit<Client | undefined>;
  account(id: UserId): Unit<Account | undefined>;
  consent(id: ConsentId): Unit<Consent | undefined>;
}

// biome-ignore lint/correctness/useYield: a unit that asks nothing
function* nobody(): Unit<undefined> {
  return undefined;
}

interface Standing {
  readonly user_id: number | null;
  readonly consent_id: number | null;
  readonly family_revoked: number;
}

/** What a code or a token stands on besides itself and its client. */
function* standing({ account, consent }: Grounds, row: Standing) {
  const [user, yes] = yield* alongside(
    row.user_id === null ? nobody() : account(row.user_id as UserId),
    row.consent_id === null ? nobody() : consent(row.consent_id as ConsentId),
  );
  return { familyRevoked: row.family_revoked === 1, user, consent: yes };
}

/** The same, and the client. */
function* standingOf(grounds: Grounds, row: Standing & { readonly client_id: string }) {
  const [client, rest] = yield* alongside(
    grounds.client(row.client_id as ClientId),
    standing(grounds, row),
  );
  return { client, ...rest };
}

/**
 * Everything that decides whether an access token still stands; with `of`, one of that client
 * alone.
 */
export function* accessTokenFacts(
  id: TokenId,
  grounds: Grounds,
  of?: ClientId,
): Unit<AccessTokenFacts | undefined> {
  const row = yield* one(findToken, { id, of: of ?? null });
  if (row === undefined) return undefined;
  return { token: toAccessToken(row), ...(yield* standingOf(grounds, row)) };
}

/** Answers the ports of the oauth2 room. */
export function oauth2Store(driver: Driver): OAuth2Records {
  const now: Grounds = {
    client: (id) => clientById(driver, id),
    account: accountById,
    consent: consentById,
  };
  return {
    saveCode: async (code) =>
      void (await driver.write(
        () =>
          write(insertCode, {
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
        'once',
      )),
    findCode: (digest) =>
      driver.read(
        (function* () {
          const row = yield* one(findCode, { digest });
          return row && { code: toCode(row), ...(yield* standing(now, row)) };
        })(),
      ),
    redeemCode: (digest, at, { access, refresh }) =>
      driver.write(function* () {
        const [row, revoked] = yield* alongside(
          one(decideCode, { digest }),
          one(codeRevoked, { digest }),
        );
        if (row === undefined) return 'unknown' as const;
        if (row.used === 1 || revoked !== undefined) {
          yield* lastly(write(revoke, { id: row.family_id, revoked_at: at }));
          return 'replayed' as const;
        }
        const tokens = [
          insertAccessToken(access),
          ...(refresh ? [insertRefreshToken(refresh)] : []),
        ];
        yield* lastly(alongside(write(useCode, { digest }), ...tokens));
        return 'redeemed' as const;
      }, 'rows'),
    async saveAccessToken(token, edition) {
      const saved = () =>
        edition === undefined ? insertAccessToken(token) : insertAccessTokenOf(token, edition);
      return (await driver.write<number>(saved, 'once')) > 0 ? 'saved' : 'changed';
    },
    findAccessToken: (id, of) => driver.read(accessTokenFacts(id, now, of)),
    revokeAccessToken: async (id) =>
      void (await driver.write(() => write(revokeToken, { id }), 'once')),
    findRefreshToken: (digest, of) =>
      driver.read(
        (function* () {
          const row = yield* one(findRefresh, { digest, of: of ?? null });
          if (row === undefined) return undefined;
          return { token: toRefreshToken(row), ...(yield* standingOf(now, row)) };
        })(),
      ),
    rotateRefreshToken: (digest, at, answerSealed, { access, refresh }, revokePrevious) =>
      driver.write(function* () {
        const [row, revoked] = yield* alongside(
          one(decideRefresh, { digest }),
          one(isRevoked, { id: refresh.familyId }),
        );
        if (row === undefined) return { outcome: 'unknown' as const };
        if (row.family_id !== refresh.familyId)
          throw new Error('a refresh token may not leave its family');
        if (revoked !== undefined) return { outcome: 'family-revoked' as const };
        const { usedAt, answerSealed: earlier } = toRefreshToken(row);
        if (usedAt !== null)
          return { outcome: 'already-used' as const, usedAt, answerSealed: earlier };
        yield* lastly(
          alongside(
            write(useRefresh, { digest, at, answer: answerSealed }),
            ...(revokePrevious ? [write(revokeToken, { id: row.access_token_id })] : []),
            insertAccessToken(access),
            insertRefreshToken(refresh),
          ),
        );
        return { outcome: 'rotated' as const };
      }, 'rows'),
    revokeFamily: async (id: FamilyId, at) =>
      void (await driver.write(() => write(revoke, { id, revoked_at: at }), 'once')),
  };
}
