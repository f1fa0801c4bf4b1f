import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { confusableSkeleton } from '#encoding/confusables.ts';
import { TestServer } from '#harness/world.ts';
import type { UserId } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';
import { loadScopes } from '#registry/model/scopes.ts';
import { assessRisk, type RiskRule, type RiskSubject, riskRules } from '#registry/review/risk.ts';
import { app, registry, scopes } from './world.ts';

const NOW = 1_790_000_000;
const DAY = 86_400;
const account = (createdAt: number): Account => ({
  id: 1 as UserId,
  name: 'Olga',
  email: null,
  emailConfirmedAt: null,
  realName: '',
  groups: [],
  blocked: false,
  createdAt: instant(createdAt),
  language: null,
});

const next: RiskSubject['next'] = {
  name: 'Reader',
  redirectUri: 'https://reader.example/cb',
  redirectIsPrefix: false,
  scopes: ['basic', 'editpage'],
  ownerOnly: false,
  confidential: true,
  protocol: 'oauth2',
  grantTypes: ['authorization_code', 'refresh_token'],
  pkceOptional: false,
};
const live = { name: next.name, redirectUri: next.redirectUri, scopes: next.scopes };

/** A new app of somebody known, about which nothing is to be said, but for the changes. */
const subject = (
  changes: Partial<RiskSubject['next']> = {},
  around: Partial<RiskSubject> = {},
): RiskSubject => ({
  next: { ...next, ...changes },
  live: null,
  owner: account(NOW - 30 * DAY),
  trusted: true,
  otherNames: [],
  catalogue: scopes,
  localSuffixes: ['.localhost'],
  now: NOW as Instant,
  ...around,
});

test('an ordinary app has no risk, new or changed', () => {
  assert.deepEqual(assessRisk(subject()), { total: 0, findings: [] });
  assert.deepEqual(assessRisk(subject({}, { live })), { total: 0, findings: [] });
});

type Case = readonly [changes: Partial<RiskSubject['next']>, around?: Partial<RiskSubject>];
/**
 * The rule alone holds for the first, and not for those after it, which are only just different.
 */
const rules: Readonly<
  Record<
    RiskRule,
    readonly (readonly [weight: number, evidence: string, holds: Case, ...not: Case[]])[]
  >
> = {
  'risky-scopes': [
    [
      6,
      'security: import',
      [{ scopes: ['basic', 'import'] }],
      [{ scopes: ['basic', 'import'] }, { live: { ...live, scopes: ['sendemail'] } }],
    ],
    [
      3,
      'vandalism: delete, protect',
      [{ scopes: ['basic', 'delete', 'protect'] }],
      [{ scopes: ['basic', 'rollback'] }],
    ],
    [
      3,
      'vandalism: delete',
      [{ scopes: ['delete'] }, { live }],
      [{ scopes: ['delete'] }, { live: { ...live, scopes: ['blockusers'] } }],
    ],
    [
      6,
      'security: oauthmanageownclient',
      [{ scopes: ['oauthmanageownclient'] }],
      [{ scopes: ['mwoauth-authonly'] }],
    ],
    [
      2,
      'unknown: editmywatchlist',
      [{ scopes: ['editmywatchlist'] }],
      [{ scopes: ['viewmywatchlist'] }],
    ],
    [2, 'unknown: gone', [{ scopes: ['basic', 'gone'] }], [{ scopes: ['basic'] }]],
  ],
  'any-port-callback': [
    [
      6,
      'https://reader.example:1/cb',
      [{ redirectUri: 'https://reader.example:1/cb', redirectIsPrefix: true, protocol: 'oauth1' }],
      [{ redirectUri: 'https://reader.example:1/cb', protocol: 'oauth1' }],
      [{ redirectUri: 'https://reader.example:1/cb', redirectIsPrefix: true, ownerOnly: true }],
    ],
  ],
  'prefix-callback': [
    [
      1,
      'https://reader.example:11/cb',
      [{ redirectUri: 'https://reader.example:11/cb', redirectIsPrefix: true }],
      [{ redirectUri: 'https://reader.example:11/cb' }],
      [{ redirectIsPrefix: true }, { live }],
    ],
  ],
  'loopback-callback': [
    [
      1,
      'https://localhost/cb',
      [{ redirectUri: 'https://localhost/cb' }],
      [{ redirectUri: 'https://localhost.example/cb' }],
    ],
    [
      1,
      'http://127.0.0.1:80/cb',
      [{ redirectUri: 'http://127.0.0.1:80/cb' }],
      [{ redirectUri: 'https://127.0.0.1.example/cb' }],
    ],
    [
      1,
      'http://[::1]/cb',
      [{ redirectUri: 'http://[::1]/cb' }],
      [{ redirectUri: 'https://[::2]/cb' }],
    ],
    [
      1,
      'http://a.localhost/cb',
      [{ redirectUri: 'http://a.localhost/cb' }],
      [{ redirectUri: 'https://alocalhost/cb' }],
    ],
  ],
  'custom-scheme': [
    [
      2,
      'org.example.app',
      [{ redirectUri: 'org.example.app:/cb' }],
      [{ redirectUri: 'HTTPS://reader.example/cb' }],
    ],
    [
      2,
      'org.example.app',
      [{ redirectUri: 'ORG.example.app://x' }],
      [{ redirectUri: 'org.example.app:/cb', ownerOnly: true }],
    ],
  ],
  'plain-http-callback': [
    [
      2,
      'http://reader.example/cb',
      [{ redirectUri: 'http://reader.example/cb', protocol: 'oauth1' }],
      [{ redirectUri: 'https://reader.example/cb', protocol: 'oauth1' }],
      [
        { redirectUri: 'http://reader.example/cb' },
        { live: { ...live, redirectUri: 'http://reader.example/cb' } },
      ],
    ],
  ],
  'redirect-host-changed': [
    [
      4,
      'https://reader.example/cb → https://other.example/cb',
      [{ redirectUri: 'https://other.example/cb' }, { live }],
      [{ redirectUri: 'https://reader.example/other?x=1' }, { live }],
      [{ redirectUri: 'https://other.example/cb' }],
    ],
    [
      4,
      'https://reader.example/cb → https://reader.example:8443/cb',
      [{ redirectUri: 'https://reader.example:8443/cb' }, { live }],
      [{ redirectUri: 'https://reader.example:443/cb' }, { live }],
    ],
  ],
  'name-changed': [
    [1, 'Reader → Writer', [{ name: 'Writer' }, { live }], [{}, { live }], [{ name: 'Writer' }]],
  ],
  'invisible-characters': [
    [5, 'U+200B', [{ name: 'Rea\u200bder' }], [{ name: 'Rea der' }]],
    [5, 'U+AD U+3164', [{ name: 'Rea\u00adder\u3164' }], [{ name: 'Reader 📖 – “ok”' }]],
    [5, 'U+E000', [{ name: 'Reader\ue000' }], [{ name: 'Reader\u00a0' }]],
    [5, 'U+E0041', [{ name: 'Reader\u{e0041}' }], [{ name: 'Readeŕ' }]],
  ],
  'mixed-scripts': [
    [4, 'Latin and Cyrillic', [{ name: 'Reаder' }], [{ name: 'Читатель 2.0' }]],
    [4, 'Latin and Greek', [{ name: 'Reαder' }], [{ name: 'Αναγνώστης' }]],
    [4, 'Cyrillic and Han', [{ name: 'Читатель読' }], [{ name: 'Wiki 読むリーダーです' }]],
    [
      4,
      'Hiragana and Hangul',
      [{ name: 'よ읽' }],
      [{ name: 'Wiki 읽기 讀' }],
      [{ name: '讀者ㄉㄨ Wiki' }],
    ],
  ],
  'look-alike-name': [
    [
      5,
      'Reader',
      [{ name: 'R3ADER' }, { otherNames: ['Writer', 'Reader'] }],
      [{ name: 'Readers' }, { otherNames: ['Reader'] }],
    ],
  ],
  'claims-trust': [
    [
      3,
      'Gatehouse',
      [{ name: 'My G\u0430tehouse' }, { siteNames: ['Gatehouse'] }],
      [{ name: 'Reader' }, { siteNames: ['Gatehouse'] }],
    ],
    [
      3,
      '\u2713',
      [{ name: 'Reader \u2713' }],
      [{ name: 'Reader \u2713' }, { live: { ...live, name: 'Reader \u2713' } }],
    ],
  ],
  'public-client': [
    [
      1,
      'it cannot keep a secret',
      [{ confidential: false }],
      [{ confidential: false, protocol: 'oauth1' }],
      [{ confidential: false }, { live }],
    ],
  ],
  'pkce-optional': [
    [
      1,
      'codes may be used without PKCE',
      [{ pkceOptional: true }],
      [{ pkceOptional: true }, { live }],
    ],
  ],
  'acts-for-itself': [
    [
      1,
      'client_credentials',
      [{ grantTypes: ['authorization_code', 'client_credentials'] }],
      [{ grantTypes: ['client_credentials'], ownerOnly: true }],
      [{ grantTypes: ['client_credentials'] }, { live }],
    ],
  ],
  'young-owner': [
    [
      2,
      'account of 29 days',
      [{}, { owner: account(NOW - 30 * DAY + 1) }],
      [{}, { owner: account(NOW - 30 * DAY) }],
    ],
    [2, 'account of 0 days', [{}, { owner: account(NOW), live }], [{}, { owner: null }]],
  ],
  'first-app': [
    [
      1,
      'no app of this owner was approved before',
      [{}, { trusted: false }],
      [{}, { trusted: false, live }],
    ],
  ],
};

test('every rule is in the table', () =>
  assert.deepEqual(Object.keys(rules).sort(), [...riskRules].sort()));

for (const [rule, cases] of Object.entries(rules)) {
  for (const [weight, evidence, holds, ...not] of cases) {
    test(`${rule} holds: ${evidence}`, () => {
      const found = assessRisk(subject(...holds));
      assert.deepEqual(
        found.findings.filter((finding) => finding.rule === rule),
        [{ rule, weight, evidence }],
      );
      assert.equal(
        found.total,
        found.findings.reduce((sum, finding) => sum + finding.weight, 0),
      );
    });
    for (const [index, just] of not.entries()) {
      test(`${rule} just does not hold beside ${evidence}${index > 0 ? ` (${index + 1})` : ''}`, () =>
        assert.deepEqual(
          assessRisk(subject(...just)).findings.filter((finding) => finding.rule === rule),
          [],
        ));
    }
  }
}

test('each risk of scopes weighs on its own; hidden ones, low ones and what was there before do not', () => {
  const { total, findings } = assessRisk(
    subject({ scopes: ['basic', 'editpage', 'delete', 'import', 'sendemail'] }),
  );
  assert.deepEqual(
    findings.map(({ weight, evidence }) => [weight, evidence]),
    [
      [3, 'vandalism: delete'],
      [6, 'security: import, sendemail'],
    ],
  );
  assert.equal(total, 9);
  const had = { ...live, scopes: ['basic', 'import'] };
  assert.deepEqual(
    assessRisk(
      subject({ scopes: ['basic', 'delete', 'import', 'sendemail'] }, { live: had }),
    ).findings.map(({ evidence }) => evidence),
    ['vandalism: delete'],
  );
});

test('a risk the operator made up weighs like one not assessed', () => {
  const catalogue = loadScopes({
    groups: { all: 'All' },
    risks: { nuclear: 'Nuclear' },
    scopes: [{ name: 'launch', description: 'Launch', group: 'all', risk: 'nuclear', rights: [] }],
  });
  const { findings } = assessRisk(subject({ scopes: ['launch'] }, { catalogue }));
  assert.deepEqual(findings, [{ rule: 'risky-scopes', weight: 2, evidence: 'nuclear: launch' }]);
});

test('a callback is one kind of prefix, not two', () => {
  const rulesOf = (redirectUri: string) =>
    assessRisk(subject({ redirectUri, redirectIsPrefix: true, protocol: 'oauth1' })).findings.map(
      ({ rule }) => rule,
    );
  assert.deepEqual(rulesOf('http://localhost:1/'), ['any-port-callback', 'loopback-callback']);
  assert.deepEqual(rulesOf('http://reader.example:81/'), [
    'prefix-callback',
    'plain-http-callback',
  ]);
});

// Names that are easily taken for each other.

const alike: readonly (readonly [string, string])[] = [
  ['Reader', 'reader'],
  ['Reader', 'R e-a_d.e r!'],
  ['Reader', 'Reаder'],
  ['Reader', 'Rеаdеr'],
  ['Reader', 'Ｒｅａｄｅｒ'],
  ['Reader', 'Řéâďèř'],
  ['Reader', 'Rea\u200bder'],
  ['Reader', 'R3@d3r'],
  ['Inbox', 'lnbox'],
  ['Inbox', '1nb0x'],
  ['Inbox', '|nbox'],
  ['PayPal', 'РауРаl'],
  ['modern', 'modem'],
  ['Writer', 'VVriter'],
  ['Bingo', 'BΙNGΟ'],
  ['Istanbul', 'İstanbul'],
  ['Ⅸ', 'lx'],
];
for (const [one, other] of alike) {
  test(`${one} is easily taken for ${other}, and the other way round`, () => {
    assert.equal(confusableSkeleton(one), confusableSkeleton(other));
    for (const [name, taken] of [
      [one, other],
      [other, one],
    ] as const)
      assert.ok(
        assessRisk(subject({ name }, { otherNames: [taken] })).findings.some(
          ({ rule, evidence }) => rule === 'look-alike-name' && evidence === taken,
        ),
      );
  });
}
for (const [one, other] of [
  ['Reader', 'Readers'],
  ['Reader', 'Rader'],
  ['Reader', 'Reader 2'],
  ['Reader', 'Leader'],
  ['Читатель', 'Reader'],
  ['!!!', '???'],
  ['📖', '📕'],
] as const) {
  test(`${one} is not taken for ${other}`, () =>
    assert.ok(
      !assessRisk(subject({ name: one }, { otherNames: [other] })).findings.some(
        ({ rule }) => rule === 'look-alike-name',
      ),
    ));
}

// What the registry knows around an app.

async function desk() {
  const world = await registry();
  const make = async (
    changes: Partial<ClientProposal>,
    owner = world.owner,
    approve = true,
  ): Promise<Client> => {
    const made = await world.clients.create(app(changes), owner, { approve });
    assert.ok(made.ok, JSON.stringify(made));
    return made.value.client;
  };
  const rulesOf = async (client: Client, revision?: Parameters<typeof world.registry.risk>[1]) =>
    (await world.registry.risk(client, revision)).findings.map(({ rule }) => rule);
  return { ...world, make, rulesOf };
}

test('an owner is known by another approved app that is for others', async () => {
  const { make, rulesOf, clients, pass, store } = await desk();
  pass(40 * DAY);
  const subject = await make({ name: 'Subject' }, undefined, false);
  const first = ['first-app'];
  assert.deepEqual(await rulesOf(subject), first);
  await make({
    name: 'Mine',
    ownerOnly: true,
    redirectUri: '',
    grantTypes: ['client_credentials'],
  });
  assert.deepEqual(await rulesOf(subject), first);
  const other = await make({ name: 'Other' }, undefined, false);
  assert.deepEqual(await rulesOf(subject), first);
  await clients.approve(other.id);
  assert.deepEqual(await rulesOf(subject), []);
  await clients.disable(other.id);
  assert.deepEqual(await rulesOf(subject), first);
  await clients.approve(subject.id);
  assert.deepEqual(await rulesOf({ ...subject, stage: 'approved' }), first, 'not by itself');
  await store.close();
});

test("names are compared with other people's approved apps that are for others", async () => {
  const { make, rulesOf, clients, pass, user, store } = await desk();
  pass(40 * DAY);
  await make({ name: 'Known' });
  const subject = await make({ name: 'Reader' }, undefined, false);
  const held = async () => (await rulesOf(subject)).includes('look-alike-name');
  await make({ name: 'R3ader' });
  assert.equal(await held(), false, 'an own app');
  const other = await make({ name: 'Re ader' }, user, false);
  assert.equal(await held(), false, 'a proposal');
  await make(
    { name: 'READER', ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] },
    user,
  );
  assert.equal(await held(), false, 'an owner-only app');
  await clients.approve(other.id);
  assert.equal(await held(), true);
  await clients.disable(other.id);
  assert.equal(await held(), false, 'a disabled app');
  await store.close();
});

test("names are compared with those of the operator's own apps too, while they are there", async () => {
  const file = `
clients:
  - client_id: ${'a'.repeat(32)}
    name: Wiki Editor
    version: "1.0"
    description: ""
    owner: Ada
    protocol: oauth2
    confidential: false
    grant_types: [authorization_code]
    redirect_uri: https://editor.example/cb
    scopes: [editpage]
`;
  const world = new TestServer({}, file);
  const [, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const made = await world.createClient(ben, { name: 'Wiki Edit0r' }, false);
  const held = async () =>
    (await world.server.services.registry.risk(made.client)).findings
      .filter(({ rule }) => rule === 'look-alike-name')
      .map(({ evidence }) => evidence);
  assert.deepEqual(await held(), []);
  await world.server.prepare();
  assert.deepEqual(await held(), ['Wiki Editor']);
  await world.close();
});

test('the risk of a revision is that of its difference', async () => {
  const { make, rulesOf, pass, store } = await desk();
  pass(40 * DAY);
  const client = await make({
    scopes: ['delete'],
    grantTypes: ['authorization_code', 'client_credentials'],
    pkceOptional: true,
  });
  assert.deepEqual(await rulesOf(client), [
    'risky-scopes',
    'pkce-optional',
    'acts-for-itself',
    'first-app',
  ]);
  assert.deepEqual(await rulesOf(client, client), []);
  assert.deepEqual(await rulesOf(client, { ...client, scopes: ['delete', 'protect'] }), []);
  const more = {
    ...client,
    name: 'Writer',
    redirectUri: 'http://localhost/cb',
    scopes: ['delete', 'import'],
  };
  assert.deepEqual(await rulesOf(client, more), [
    'risky-scopes',
    'loopback-callback',
    'redirect-host-changed',
    'name-changed',
  ]);
  await store.close();
});
