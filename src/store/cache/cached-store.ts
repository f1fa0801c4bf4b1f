import type { AccountRecords } from '#accounts/records.ts';
import type { TokenCredentialRecords } from '#oauth1/records.ts';
import type { OAuth2Records } from '#oauth2/records.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { accountById } from '../sql/accounts.ts';
import { clientNow } from '../sql/clients.ts';
import { consentById } from '../sql/consents.ts';
import { credentialsByToken, pairOf } from '../sql/oauth1.ts';
import { accessTokenFacts } from '../sql/oauth2.ts';
import type { Unit } from '../sql/statement.ts';
import type { Kind, Kinds, Memory } from './cache.ts';

/**
 * The questions that are asked with every request, answered as things were at most a lease ago (ADR
 * 12). For letting somebody in: what these answers would refuse has to be asked of the store.
 */
export type Recent = Pick<RegistryRecords, 'findClient'> &
  Pick<AccountRecords, 'findAccount'> &
  Pick<TokenCredentialRecords, 'findTokenCredentials'> &
  Pick<OAuth2Records, 'findAccessToken'> & {
    /** Whether answers come from memory just now; otherwise each question is asked. */
    vouched(): boolean;
  };

/**
 * Answers from memory what it knows, and asks for the rest. `wanted` is told that somebody asks.
 */
export function recentStore(driver: Driver, memory: Memory, wanted: () => void): Recent {
  const through = <K extends Kind, I extends string | number>(
    kind: K,
    ask: (id: I) => Unit<Kinds[K] | undefined>,
  ) =>
    function* (id: I): Unit<Kinds[K] | undefined> {
      const known = memory.recall(kind, id);
      if (known !== undefined) return known;
      const learn = memory.learner();
      const found = yield* ask(id);
      if (found !== undefined) learn(kind, id, found);
      return found;
    };
  const client = through('client', (id: Parameters<Recent['findClient']>[0]) =>
    clientNow(driver, id),
  );
  const account = through('account', accountById);
  const consent = through('consent', consentById);
  const pair = through('pair', credentialsByToken);
  const read = <T>(unit: Unit<T>): Promise<T> => {
    wanted();
    return driver.read(unit);
  };
  return {
    vouched: memory.vouched,
    findClient: (id) => read(client(id)),
    findAccount: (id) => read(account(id)),
    findTokenCredentials: (token) => read(pairOf(token, pair, consent)),
    // Whether the token itself was revoked is asked each time.
    findAccessToken: (id, of) => read(accessTokenFacts(id, { client, account, consent }, of)),
  };
}
