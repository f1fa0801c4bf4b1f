import { readFileSync } from 'node:fs';
import type { Account } from '#accounts/account.ts';
import { makeEmailBudget } from '#accounts/email-budget.ts';
import { useTestClock } from '#harness/clock.ts';
import { consentCommands } from '#harness/consents.ts';
import type { SiteId, TokenId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { makeSecretBox } from '#keys/secret-box.ts';
import type { RegistrySettings } from '#registry/actions/context.ts';
import type { FieldRules } from '#registry/actions/fields.ts';
import { RIGHTS } from '#registry/actor.ts';
import { type ClientProposal, makeAdminCommands } from '#registry/admin-commands.ts';
import { grantTypes } from '#registry/model/client.ts';
import { loadScopes } from '#registry/model/scopes.ts';
import { makeSites } from '#registry/model/sites.ts';
import { makeRegistry } from '#registry/registry.ts';
import { openSqlite } from '#store/sqlite/open.ts';

/** Reads a data file below src/. */
export const bundled = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../src/${path}`, import.meta.url), 'utf8'));

/** A clock moved by hand and chance that counts. */
export function outside() {
  let now = 1_790_000_000;
  let drawn = 0;
  useTestClock({ now: () => instant(now) });
  return {
    clock: { now: () => instant(now), millis: () => now * 1000 },
    pass: (span: number) => {
      now += span;
    },
    entropy: {
      bytes: (count: number) =>
        Uint8Array.from({ length: count }, () => (drawn = (drawn * 167 + 13) % 251)),
    },
  };
}

export const scopes = loadScopes(bundled('registry/model/data/scopes.json'));

export const app = (changes: Partial<ClientProposal> = {}): ClientProposal => ({
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

export const rules: FieldRules = {
  sites: makeSites([
    { id: 'here' as SiteId, name: 'Here', origin: 'https://here.example' },
    { id: 'there' as SiteId, name: 'There', origin: null },
  ]),
  catalogue: scopes,
  grantTypes,
  localSuffixes: ['.localhost'],
};

const every: ReadonlySet<string> = new Set(Object.values(RIGHTS));
const none: ReadonlySet<string> = new Set();

/**
 * The registry over a database in memory, and two people; the settings are the ordinary ones unless
 * others are given.
 */
export async function registry(changes: Partial<RegistrySettings> = {}) {
  const { clock, pass, entropy } = outside();
  const store = openSqlite(':memory:');
  const mint = makeIdGenerator(clock, entropy);
  const sealer = makeSecretBox([{ id: 'm1', key: new Uint8Array(32) }], entropy);
  const person = async (name: string): Promise<Account> => {
    const made = await store.createAccount({
      name,
      email: `${name.toLowerCase()}@example.org`,
      emailConfirmedAt: clock.now(),
      realName: '',
      groups: [],
      passwordHash: null,
      createdAt: clock.now(),
    });
    if (made.outcome !== 'created') throw new Error(`${name} was not created`);
    return made.account;
  };
  const demoted = new Set<number>();
  const settings: RegistrySettings = {
    readOnly: null,
    autoApprove: [],
    twoPersonRisks: [],
    allowOwnApps: false,
    involvementSeconds: seconds(90 * 86_400),
    oldSecretsTtlSeconds: seconds(7 * 86_400),
    notifyGroups: [],
    emailEnabled: true,
    webhookEndpoints: [],
    idleProposalTtlSeconds: seconds(30 * 86_400),
    accessTokenTtlSeconds: seconds(3600),
    ...changes,
  };
  const desk = makeRegistry({
    records: store,
    emailBudget: makeEmailBudget({ limits: store, clock }),
    accounts: store,
    // Who holds what when a first yes is counted; everybody everything, unless a test takes it
    // away.
    rightsOf: ({ id }) => (demoted.has(id) ? none : every),
    rules,
    etagKey: new Uint8Array(32),
    settings,
    idGenerator: mint,
    secretBox: sealer,
    clock,
    issueOwnerToken: () => {
      const id = mint.tokenId() as TokenId;
      return {
        token: { id, issuedAt: clock.now(), expiresAt: instant(clock.now() + seconds(1000)) },
        jwt: `jwt ${id}`,
      };
    },
  });
  return {
    store,
    demoted,
    clock,
    pass,
    mint,
    sealer,
    person,
    registry: desk,
    clients: makeAdminCommands(desk),
    consents: consentCommands(desk, store),
    owner: await person('Olga'),
    user: await person('Uwe'),
  };
}
