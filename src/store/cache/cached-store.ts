import type { AccountRecords } from '#accounts/records.ts';
import type { TokenCredentialRecords } from '#oauth1/records.ts';
import type { OAuth2Records } from '#oauth2/records.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { fetchAccessTokenFacts } from '../sql/access-tokens.ts';
import { fetchAccountById } from '../sql/accounts.ts';
import { fetchCurrentClient } from '../sql/client-cache.ts';
import { fetchConsentById } from '../sql/consents.ts';
import { fetchTokenCredentials, resolveTokenCredentials } from '../sql/oauth1.ts';
import type { Transaction } from '../sql/statement.ts';
import type { CachedKind, CachedRows, RowCache } from './cache.ts';

/**
 * The questions that are asked with every request, answered as things were at most a lease ago (ADR
 * 12). For letting somebody in: what these answers would refuse has to be asked of the store.
 */
export type CachedReads = Pick<RegistryRecords, 'findClient'> &
  Pick<AccountRecords, 'findAccount'> &
  Pick<TokenCredentialRecords, 'findTokenCredentials'> &
  Pick<OAuth2Records, 'findAccessToken'> & {
    /** Whether answers come from the cache just now; otherwise each question is asked. */
    isLeaseValid(): boolean;
  };

/**
 * Answers from the cache what is there, and asks for the rest. `onRead` is called with each read.
 */
export function makeCachedReads(driver: Driver, cache: RowCache, onRead: () => void): CachedReads {
  const readThrough = <K extends CachedKind, I extends string | number>(
    kind: K,
    load: (id: I) => Transaction<CachedRows[K] | undefined>,
  ) =>
    function* (id: I): Transaction<CachedRows[K] | undefined> {
      const cachedRow = cache.lookup(kind, id);
      if (cachedRow !== undefined) return cachedRow;
      const cacheRow = cache.beginRead();
      const found = yield* load(id);
      if (found !== undefined) cacheRow(kind, id, found);
      return found;
    };
  const client = readThrough('client', (id: Parameters<CachedReads['findClient']>[0]) =>
    fetchCurrentClient(driver, id),
  );
  const account = readThrough('account', fetchAccountById);
  const consent = readThrough('consent', fetchConsentById);
  const credentials = readThrough('tokenCredentials', fetchTokenCredentials);
  const read = <T>(transaction: Transaction<T>): Promise<T> => {
    onRead();
    return driver.read(transaction);
  };
  return {
    isLeaseValid: cache.isLeaseValid,
    findClient: (id) => read(client(id)),
    findAccount: (id) => read(account(id)),
    findTokenCredentials: (token) => read(resolveTokenCredentials(token, credentials, consent)),
    // Whether the token itself was revoked is asked each time.
    findAccessToken: (id, of) => read(fetchAccessTokenFacts(id, { client, account, consent }, of)),
  };
}
