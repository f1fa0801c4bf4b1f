import { readFileSync } from 'node:fs';
import type { Account } from '#accounts/account.ts';
import type { TokenId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { makeMint } from '#keys/mint.ts';
import { makeSealer } from '#keys/sealer.ts';
import { makeClients, type Proposal } from '#registry/clients.ts';
import { makeConsents } from '#registry/consents.ts';
import { loadScopes } from '#registry/scopes.ts';
import { openSqlite } from '#store/sqlite.ts';

/** Reads a data file below src/. */
export const bundled = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../../src/${path}`, import.meta.url), 'utf8'));

/** A clock moved by hand and chance that counts. */
export function outside() {
  let now = 1_790_000_000;
  let drawn = 0;
  return {
    clock: { now: () => instant(now), millis: () => now * 1000 },
    pass: (span: number) => {
      now += span;
    },
    entropy: { bytes: (count: number) => Uint8Array.from({ length: count }, () => (drawn = (drawn * 167 + 13) % 251)) },
  };
}

export const scopes = loadScopes(bundled('registry/data/scopes.json'));

export const app = (changes: Partial<Proposal> = {}): Proposal => ({
  name: 'Reader',
  version: '1.0',
  description: 'Reads',
  email: 'olga@example.org',
  protocol: 'oauth2',
  ownerOnly: false,
  confidential: true,
  redirectUri: 'https://reader.example/cb',
  redirectIsPrefix: false,
  grantTypes: ['authorization_code', 'refresh_token'],
  pkceOptional: false,
  tokenAlgorithm: 'ES256',
  site: '*',
  scopes: ['editpage'],
  rsaPublicKey: null,
  ...changes,
});

/** The registry over a database in memory, and two people. */
export async function registry() {
  const { clock, pass, entropy } = outside();
  const store = openSqlite(':memory:');
  const mint = makeMint(clock, entropy);
  const sealer = makeSealer([{ id: 'm1', key: new Uint8Array(32) }], entropy);
  const person = async (name: string): Promise<Account> => {
    const made = await store.createAccount({
      name,
      email: null,
      emailConfirmedAt: null,
      realName: '',
      groups: [],
      passwordHash: null,
      createdAt: clock.now(),
    });
    if (made.outcome !== 'created') throw new Error(`${name} was not created`);
    return made.account;
  };
  const clients = makeClients({
    records: store,
    scopes,
    mint,
    sealer,
    clock,
    mintOwnerToken: () => {
      const id = mint.tokenId() as TokenId;
      return { token: { id, issuedAt: clock.now(), expiresAt: instant(clock.now() + seconds(1000)) }, jwt: `jwt ${id}` };
    },
  });
  const consents = makeConsents({ records: store, mint, sealer, clock });
  return { store, clock, pass, mint, sealer, clients, consents, owner: await person('Olga'), user: await person('Uwe') };
}
