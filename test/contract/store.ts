import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Store } from '#store/store.ts';
import { accountCases } from './accounts.ts';
import { claimCases } from './claims.ts';
import { clockCases, timeCases } from './clocks.ts';
import { handshakeCases } from './handshakes.ts';
import { oauth2Cases } from './oauth2.ts';
import { peopleCases } from './people.ts';
import { registryCases } from './registry.ts';
import { trailCases } from './trail.ts';

/** What every store must do: a name, and a test that is fine with whatever else is in the store. */
export type Case = readonly [name: string, run: (store: Store) => Promise<void>];

const cases: Readonly<Record<string, readonly Case[]>> = {
  accounts: accountCases,
  people: peopleCases,
  registry: registryCases,
  'review claims': claimCases,
  handshakes: handshakeCases,
  'OAuth 2': oauth2Cases,
  'trail, outbox and reaper': trailCases,
  'wrong clocks': clockCases,
  'time that is kept': timeCases,
};

/**
 * Runs the one body of contract tests on a store. `open` answers an empty one, ready to be asked.
 */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    before(async () => {
      store = await open();
    });
    after(() => store?.close());
    for (const [port, all] of Object.entries(cases))
      for (const [what, run] of all) test(`${port}: ${what}`, () => run(store));
    test('the store answers, and has nothing to migrate', async () => {
      await store.ping();
      const { from, to } = await store.planMigration();
      assert.equal(from, to);
      await store.prepareSchema();
      await store.prepareSchema({ migrate: false });
    });
  });
}
