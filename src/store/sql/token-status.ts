import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId, UserId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Driver } from '../driver.ts';
import { fetchAccountById } from './accounts.ts';
import { fetchClientById } from './client-cache.ts';
import { fetchConsentById } from './consents.ts';
import type { Row } from './schema.ts';
import { pipeline, sql, type Transaction } from './statement.ts';

/**
 * A row of these tables, and whether its family was revoked: asked together, for one answer is of
 * no use without the other.
 */
export const selectWithFamily = <T extends 'codes' | 'access_tokens' | 'refresh_tokens'>(
  table: T,
  key: string,
  condition = '',
) =>
  sql<Row<T> & { readonly family_revoked: number }>(`
    SELECT t.*, CASE WHEN f.id IS NULL THEN 0 ELSE 1 END AS family_revoked
    FROM ${table} t LEFT JOIN revoked_families f ON f.id = t.family_id WHERE t.${key} = :${key} ${condition}`);

/** The same of one client alone, when one is named. */
export const selectWithFamilyOfClient = <T extends 'access_tokens' | 'refresh_tokens'>(
  table: T,
  key: string,
) => selectWithFamily(table, key, 'AND (CAST(:of AS TEXT) IS NULL OR t.client_id = :of)');

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
export function* fetchTokenStatus({ account, consent }: Lookups, row: StatusColumns) {
  const [user, foundConsent] = yield* pipeline(
    row.user_id === null ? skipLookup() : account(row.user_id as UserId),
    row.consent_id === null ? skipLookup() : consent(row.consent_id as ConsentId),
  );
  return { familyRevoked: row.family_revoked === 1, user, consent: foundConsent };
}

/** The same, and the client. */
export function* fetchTokenStatusAndClient(
  lookups: Lookups,
  row: StatusColumns & { readonly client_id: string },
) {
  const [client, status] = yield* pipeline(
    lookups.client(row.client_id as ClientId),
    fetchTokenStatus(lookups, row),
  );
  return { client, ...status };
}

/** How a store finds them in its tables. */
export const lookupsOf = (driver: Driver): Lookups => ({
  client: (id) => fetchClientById(driver, id),
  account: fetchAccountById,
  consent: fetchConsentById,
});
