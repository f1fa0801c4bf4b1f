import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '#config/config.ts';
import { emptyStructure, parseConfigFile } from '#config/file.ts';
import { readConfig } from '#config/read-config.ts';
import { settingDescriptions } from '#config/setting-names.ts';
import { personActor } from '#harness/consents.ts';
import { TestServer } from '#harness/world.ts';

type Flags = Readonly<Record<string, string | undefined>>;
const whsec = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

/** Reads a configuration file beside flags, variables and other files. */
const read = (
  file: string,
  flags: Flags = {},
  environment: Flags = {},
  others: Readonly<Record<string, string>> = {},
) =>
  readConfig({ config: 'gate.yaml', ...flags }, environment, (path) => {
    const text = path === 'gate.yaml' ? file : others[path];
    if (text === undefined) throw new Error(`no file ${path}`);
    return text;
  });
function good(...given: Parameters<typeof read>): Config {
  const config = read(...given);
  assert.ok(config.ok, JSON.stringify(config));
  return config.value;
}
function problems(
  ...given: Parameters<typeof read>
): readonly (readonly [setting: string, source: string])[] {
  const config = read(...given);
  assert.ok(!config.ok);
  for (const { remedy } of config.refusal) assert.ok(remedy !== '' && !remedy.includes(whsec));
  return config.refusal.map(({ setting, source }) => [setting, source]);
}

// Single settings.

const single: readonly (readonly [line: string, key: keyof Config, value: unknown])[] = [
  ['port: 8080', 'port', 8080],
  ['port: "8080"', 'port', 8080],
  ['host: 0.0.0.0', 'host', '0.0.0.0'],
  ['data: /var/lib/gatehouse', 'data', '/var/lib/gatehouse'],
  ['issuer: https://auth.example.org/', 'issuer', 'https://auth.example.org'],
  ['issuer: https://auth.example.org/path', 'origin', 'https://auth.example.org'],
  ['port: 81', 'issuer', 'http://localhost:81'],
  ['site: wiki', 'site', 'wiki'],
  ['site_name: "Ünser: Wiki"', 'siteName', 'Ünser: Wiki'],
  ['mediawiki: off', 'mediawiki', false],
  ['mediawiki: false', 'mediawiki', false],
  ['oauth1_plaintext: true', 'oauth1Plaintext', true],
  ['oauth1_plaintext: 1', 'oauth1Plaintext', true],
  ['trust_proxy: 2', 'trustProxy', 2],
  ['scopes: scopes.json', 'scopesFile', 'scopes.json'],
  ['groups: groups.json', 'groupsFile', 'groups.json'],
  ['access_token_ttl: PT30M', 'accessTokenTtlSeconds', 1800],
  ['refresh_token_ttl: P1D', 'refreshTokenTtlSeconds', 86_400],
  ['refresh_grace: 0', 'refreshGraceSeconds', 0],
  ['log_level: silent', 'logLevel', 'silent'],
  ['read_only: Moving house', 'readOnly', 'Moving house'],
  ['read_only: ""', 'readOnly', null],
  ['idle_proposal_ttl: P7D', 'idleProposalTtlSeconds', 7 * 86_400],
  ['idle_proposal_ttl: 0', 'idleProposalTtlSeconds', null],
  ['mail_from: apps@example.org', 'mailFrom', 'apps@example.org'],
  ['issuer: https://auth.example.org', 'mailFrom', 'no-reply@auth.example.org'],
];
for (const [line, key, value] of single) {
  test(`${line} → ${key}: ${JSON.stringify(value)}`, () =>
    assert.deepEqual(good(`# a comment\n${line}\n`)[key], value));
}

test('every flag is a setting of the file, with _ for -; secrets and the file itself are not', () => {
  const line = ({ flag, fallback }: (typeof settingDescriptions)[number]) =>
    `${flag?.replaceAll('-', '_')}: ${JSON.stringify(fallback)}`;
  const settings = settingDescriptions.filter(({ flag }) => flag !== null && flag !== 'config');
  good(settings.map(line).join('\n'));
  for (const name of ['smtp_url', 'master_key', 'config', 'read-only', 'GATEHOUSE_PORT', 'Port'])
    assert.deepEqual(problems(`${name}: x`), [[name, 'gate.yaml']]);
});

for (const text of ['', '\n# nothing but words\n', 'null', '---\n', '{}']) {
  test(`nothing is said by ${JSON.stringify(text)}: all is ordinary`, () =>
    assert.deepEqual(good(text), good('', { config: undefined })));
}

test('the configuration cannot be changed afterwards', () =>
  assert.ok(Object.isFrozen(good('port: 1'))));

// Which one holds.

const places: readonly (readonly [
  name: string,
  flags: Flags,
  environment: Flags,
  file: string,
  port: number,
])[] = [
  [
    'the flag first',
    { port: '1' },
    { GATEHOUSE_PORT: '2', GATEHOUSE_PORT_FILE: 'port' },
    'port: 4',
    1,
  ],
  ['then the variable', {}, { GATEHOUSE_PORT: '2', GATEHOUSE_PORT_FILE: 'port' }, 'port: 4', 2],
  ['then the file a variable names', {}, { GATEHOUSE_PORT_FILE: 'port' }, 'port: 4', 3],
  ['then the configuration file', {}, {}, 'port: 4', 4],
  ['then the default', {}, {}, '', 4400],
  ['a flag without a value is none', { port: undefined }, {}, 'port: 4', 4],
];
for (const [name, flags, environment, file, port] of places) {
  test(`of several places: ${name}`, () =>
    assert.equal(good(file, flags, environment, { port: '3\n' }).port, port));
}

test('a value that does not hold is not looked at', () =>
  assert.equal(good('port: nonsense', { port: '1' }).port, 1));

test('the file is named by the flag, else by the variable', () => {
  const others = { 'other.yaml': 'port: 9' };
  assert.equal(
    good('port: 4', { config: 'other.yaml' }, { GATEHOUSE_CONFIG: 'gate.yaml' }, others).port,
    9,
  );
  assert.equal(
    good('port: 4', { config: undefined }, { GATEHOUSE_CONFIG: 'other.yaml' }, others).port,
    9,
  );
  assert.equal(good('port: 4', { config: undefined }, { GATEHOUSE_CONFIG: '' }, others).port, 4400);
  assert.deepEqual(problems('', { config: 'gone.yaml' }), [['config', 'gone.yaml']]);
});

// What is wrong.

test('every problem is told at once: of flags, variables, files, single settings, sections and secrets', () => {
  const file = `
port: 70000
log_level: loud
colour: red
site: [a]
sites:
  - { id: "a b", name: A }
  - { id: b, name: B, colour: red }
grant_types: [password]
notices:
  webhooks:
    - { name: ops, url: "https://hooks.example/", secret_file: gone }
    - { name: ops, url: "https://hooks.example/" }
`;
  const found = problems(
    file,
    { issuer: 'nonsense', 'trust-proxy': '99' },
    { GATEHOUSE_HOST: '', GATEHOUSE_SMTP_URL_FILE: 'gone' },
  );
  const from = (source: string) =>
    found.filter(([, where]) => where === source).map(([setting]) => setting);
  assert.deepEqual(from('--issuer'), ['issuer']);
  assert.deepEqual(from('--trust-proxy'), ['trust-proxy']);
  assert.deepEqual(from('GATEHOUSE_HOST'), ['host']);
  assert.deepEqual(from('GATEHOUSE_SMTP_URL_FILE'), ['GATEHOUSE_SMTP_URL']);
  assert.deepEqual([...new Set(from('gate.yaml'))].sort(), [
    'colour',
    'grant_types.0',
    'log-level',
    'notices.webhooks',
    'notices.webhooks.ops',
    'port',
    'site',
    'sites.0.id',
    'sites.1.colour',
  ]);
});

const unfit: readonly (readonly [line: string, ...settings: string[]])[] = [
  ['colour: red', 'colour'],
  ['colour: red\nshape: round', 'colour', 'shape'],
  ['"": red', 'YAML'],
  ['port: 1\nport: 2', 'YAML'],
  ['review: { own_apps: true, own_apps: false }', 'YAML'],
  ['__proto__: { clients: 5 }', '__proto__'],
  ['constructor: 5', 'constructor'],
  ['port:', 'port'],
  ['port: [80]', 'port'],
  ['port: { a: 80 }', 'port'],
  ['port: 80.5', 'port'],
  ['port: 1e9', 'port'],
  ['trust_proxy: true', 'trust-proxy'],
  ['read_only: [a]', 'read_only'],
  ['sites: here', 'sites'],
  ['clients: { a: 1 }', 'clients'],
  ['auto_approve: [{ stars: 5 }]', 'auto_approve.0.stars'],
  ['auto_approve: [{ grants: [basic] }]', 'auto_approve.0.grants'],
  ['auto_approve: [{ riskAtMost: 5 }]', 'auto_approve.0.riskAtMost'],
  ['auto_approve: [{ risk_at_most: -1 }]', 'auto_approve.0.risk_at_most'],
  ['auto_approve: [{ risk_at_most: 1.5 }]', 'auto_approve.0.risk_at_most'],
  ['auto_approve: [{ scopes: basic }]', 'auto_approve.0.scopes'],
  ['review: { two_person_risks: security }', 'review.two_person_risks'],
  ['review: { two_people: [security] }', 'review.two_people'],
  ['review:', 'review'],
  ['notices: { groups: [7] }', 'notices.groups.0'],
  ['notices: { hooks: [] }', 'notices.hooks'],
  ['grant_types: []', 'grant_types'],
  ['grant_types: [authorization_code, implicit]', 'grant_types.1'],
];
for (const [line, ...settings] of unfit) {
  test(`does not fit: ${JSON.stringify(line)}`, () =>
    assert.deepEqual(
      problems(line).map(([setting]) => setting),
      settings,
    ));
}

for (const text of [
  '- a',
  '7',
  'true',
  'words',
  '[',
  '{',
  'a: b: c',
  'port: 1\nport: 2',
  'a: 1\n---\nb: 2',
  '\tport: 1',
  'sites: *nowhere',
  '"\\q"',
]) {
  test(`is no map of settings: ${JSON.stringify(text)}`, () => {
    const found = problems(text);
    assert.ok(
      found.length > 0 &&
        found.every(([setting, source]) => setting === 'YAML' && source === 'gate.yaml'),
    );
  });
}

// Hostile text.

/** Nine in each of nine levels: 9^9 items, were it followed. */
const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...[...'bcdefghi'].map(
    (name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(', ')}]`,
  ),
].join('\n');
for (const [name, text] of [
  ['aliases of aliases', bomb],
  ['aliases of aliases in a section', `${bomb.replaceAll(/^/gm, '  ').replace(/^/, 'clients:\n')}`],
  ['lists in lists', '['.repeat(20_000)],
  ['lists below lists', '- '.repeat(20_000)],
] as const) {
  test(`${name} are refused, not followed`, () => {
    const found = problems(text);
    assert.ok(found.length > 0 && found.every(([setting]) => setting === 'YAML'));
  });
}

test('an anchor may be used, a hundred times too', () => {
  const file = `auto_approve:\n  - scopes: &all [basic, editpage]\n${'  - { scopes: *all, protocols: [https] }\n'.repeat(99)}`;
  assert.equal(good(file).structure.auto_approve.length, 100);
  assert.deepEqual(good(file).structure.auto_approve[99], {
    scopes: ['basic', 'editpage'],
    protocols: ['https'],
  });
});

test('the text of a tag is text, and a date is no date', () => {
  const { settings, problems: found } = parseConfigFile('site_name: 2026-01-01\nhost: !!str 7\n', [
    'site_name',
    'host',
  ]);
  assert.deepEqual([settings, found], [{ site_name: '2026-01-01', host: '7' }, []]);
});

test('what can be read of a file is read, whatever else is wrong', () => {
  const file = parseConfigFile('port: 7\ncolour: red\nsites: [{ id: a, name: A }]\nclients: 5', [
    'port',
  ]);
  assert.deepEqual(
    file.problems.map(({ setting }) => setting),
    ['clients', 'colour'],
  );
  assert.deepEqual(
    [file.settings, file.structure.sites, file.structure.clients],
    [{ port: '7' }, [{ id: 'a', name: 'A', origin: null }], []],
  );
  assert.deepEqual(parseConfigFile('[', []).structure, emptyStructure);
});

// Webhooks.

const hook = (more: string, name = 'ops') =>
  `notices: { webhooks: [{ name: ${name}, url: "https://hooks.example/T0", ${more} }] }`;

test('the secret of a webhook is there, or in a file', () => {
  const kept = { name: 'ops', url: 'https://hooks.example/T0', secret: whsec };
  assert.deepEqual(good(hook(`secret: "${whsec}"`)).webhooks, [kept]);
  assert.deepEqual(
    good(hook('secret_file: /run/hook'), {}, {}, { '/run/hook': ` ${whsec}\n` }).webhooks,
    [kept],
  );
  assert.deepEqual(good('').webhooks, []);
});

for (const [name, more, files] of [
  ['no secret', '', {}],
  ['a secret without whsec_', 'secret_file: f', { f: whsec.slice(6) }],
  ['a secret that is too short', 'secret_file: f', { f: 'whsec_c2hvcnQ=' }],
  ['a secret that is no base64', 'secret_file: f', { f: `whsec_${'?'.repeat(32)}` }],
  ['an empty file', 'secret_file: f', { f: '\n' }],
  ['a file that is not there', 'secret_file: f', {}],
] as const) {
  test(`a webhook does not fit: ${name}`, () => {
    const found = problems(hook(more), {}, {}, files);
    assert.deepEqual([...new Set(found.map(([setting]) => setting))], ['notices.webhooks.ops']);
  });
}

for (const [name, file, setting] of [
  ['a secret in the file that is none', hook('secret: whsec_short'), 'notices.webhooks.0.secret'],
  ['a name with a blank', hook(`secret: "${whsec}"`, '"a b"'), 'notices.webhooks.0.name'],
  ['an unknown key', hook(`secret: "${whsec}", retries: 5`), 'notices.webhooks.0.retries'],
  [
    'another scheme',
    hook(`secret: "${whsec}"`).replace('https:', 'ftp:'),
    'notices.webhooks.0.url',
  ],
  [
    'no host',
    hook(`secret: "${whsec}"`).replace('https://hooks.example/', 'https:///'),
    'notices.webhooks.0.url',
  ],
  [
    'no URL',
    hook(`secret: "${whsec}"`).replace('https://hooks.example/T0', 'hooks'),
    'notices.webhooks.0.url',
  ],
] as const) {
  test(`a webhook does not fit: ${name}`, () =>
    assert.deepEqual(
      problems(file).map(([found]) => found),
      [setting],
    ));
}

test('each webhook has a name of its own, and there are twenty at most', () => {
  const hooks = (count: number, name: (index: number) => string) =>
    JSON.stringify({
      notices: {
        webhooks: Array.from({ length: count }, (_, index) => ({
          name: name(index),
          url: 'https://h.example/',
          secret: whsec,
        })),
      },
    });
  assert.equal(good(hooks(20, (index) => `h${index}`)).webhooks.length, 20);
  assert.deepEqual(problems(hooks(21, (index) => `h${index}`)), [
    ['notices.webhooks', 'gate.yaml'],
  ]);
  assert.deepEqual(problems(hooks(2, () => 'same')), [['notices.webhooks', 'gate.yaml']]);
});

test('letters, webhooks and reviewers are reached as the file says', async () => {
  const file = `notices:\n  groups: [reviewer]\n  webhooks:\n    - { name: ops, url: "https://hooks.example/T0", secret: "${whsec}" }\n`;
  const world = new TestServer({ 'mail-from': 'apps@gate.example' }, file);
  const [ada] = [await world.createPerson('Ada'), await world.createPerson('Rex', ['reviewer'])];
  await world.createClient(ada, { name: 'web' }, false);
  await world.server.delivery.run();
  const went = world.outbox.map(
    (one) => (one as { to?: string; url?: string }).to ?? (one as { url: string }).url,
  );
  assert.deepEqual(went.sort(), ['https://hooks.example/T0', 'rex@example.org']);
  await world.close();
});

// Sites, rules of review, grant types.

test('a site has an identifier, a name and perhaps an origin', () => {
  const file =
    'sites:\n  - { id: en, name: English, origin: "https://en.example:8443" }\n  - { id: de, name: Deutsch }\n  - { id: fr, name: F, origin: null }';
  assert.deepEqual(good(file).structure.sites, [
    { id: 'en', name: 'English', origin: 'https://en.example:8443' },
    { id: 'de', name: 'Deutsch', origin: null },
    { id: 'fr', name: 'F', origin: null },
  ]);
});

for (const [name, site, ...settings] of [
  ['no identifier', '{ name: A }', 'sites.0.id'],
  ['no name', '{ id: a }', 'sites.0.name'],
  ['the identifier of all sites', '{ id: "*", name: A }', 'sites.0.id'],
  ['an identifier of 33 characters', `{ id: ${'a'.repeat(33)}, name: A }`, 'sites.0.id'],
  ['an empty name', '{ id: a, name: "" }', 'sites.0.name'],
  ['an origin with a path', '{ id: a, name: A, origin: "https://a.example/" }', 'sites.0.origin'],
  ['an origin that is none', '{ id: a, name: A, origin: a.example }', 'sites.0.origin'],
  ['an unknown key', '{ id: a, name: A, colour: red }', 'sites.0.colour'],
  ['one identifier twice', '{ id: a, name: A }, { id: a, name: B }', 'sites'],
] as const) {
  test(`a site does not fit: ${name}`, () =>
    assert.deepEqual(
      problems(`sites: [${site}]`).map(([setting]) => setting),
      settings,
    ));
}

test('the own site stands beside those listed, unless it is one of them', async () => {
  const beside = new TestServer(
    { site: 'main', 'site-name': 'Gate' },
    'sites: [{ id: en, name: English, origin: "https://en.example" }]',
  );
  const { sites } = beside.server.services;
  assert.deepEqual(
    sites.all.map(({ id, name, origin }) => [id, name, origin]),
    [
      ['main', 'Gate', 'https://gate.example'],
      ['en', 'English', 'https://en.example'],
    ],
  );
  assert.deepEqual(
    [sites.resolve('English'), sites.resolve('en'), sites.resolve('*'), sites.resolve('de')],
    ['en', 'en', '*', undefined],
  );
  const ada = await beside.createPerson('Ada');
  assert.equal(
    (await beside.createClient(ada, { name: 'web', site: 'English' })).client.site,
    'en',
  );
  await beside.close();
  const among = new TestServer({ site: 'en' }, 'sites: [{ id: en, name: English }]');
  assert.deepEqual(
    among.server.services.sites.all.map(({ id, name }) => [id, name]),
    [['en', 'English']],
  );
  await among.close();
});

test('grant types that are not offered are refused where they are asked for', async () => {
  const world = new TestServer({}, 'grant_types: [authorization_code]');
  const ada = await world.createPerson('Ada');
  const made = await world.clients.create(
    {
      name: 'web',
      protocol: 'oauth2',
      redirectUri: 'https://app.example/cb',
      grantTypes: ['authorization_code', 'refresh_token'],
    },
    ada,
    { approve: true },
  );
  assert.ok(
    !made.ok && made.refusal.kind === 'invalid_field' && made.refusal.field === 'grantTypes',
  );
  const payload = 'grant_type=client_credentials&client_id=x';
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal(
    (await world.app.inject({ method: 'POST', url: '/oauth2/token', headers, payload })).json()
      .error,
    'unsupported_grant_type',
  );
  await world.close();
});

for (const [file, proposals, stage] of [
  ['', { name: 'web' }, 'proposed'],
  ['auto_approve: [{ scopes: [basic, editpage], risk_at_most: 3 }]', { name: 'web' }, 'approved'],
  ['auto_approve: [{ scopes: [basic, editpage], risk_at_most: 2 }]', { name: 'web' }, 'proposed'],
  ['auto_approve: [{ protocols: [https] }]', { name: 'web', scopes: ['delete'] }, 'approved'],
] as const) {
  test(`a proposal under ${JSON.stringify(file)}: ${stage}`, async () => {
    const world = new TestServer({}, file);
    assert.equal(
      (await world.createClient(await world.createPerson('Ada'), proposals, false)).client.stage,
      stage,
    );
    await world.close();
  });
}

test('risks for which two must say yes, read-only mode and idle proposals are as the settings say', async () => {
  const world = new TestServer(
    {},
    'review: { two_person_risks: [vandalism] }\nidle_proposal_ttl: PT1H',
  );
  const [ada, rita] = [
    await world.createPerson('Ada'),
    await world.createPerson('Rita', ['reviewer']),
  ];
  const { registry, rights } = world.server.services;
  const { client } = await world.createClient(ada, { name: 'web', scopes: ['delete'] }, false);
  const actor = personActor(rita, rights.rightsOf(rita));
  const answer = await registry.submit(actor, 'approve', { clientId: client.id, reason: '' });
  assert.equal(answer.ok && answer.value.awaitsSecondApproval, true);
  world.advanceClock(3601);
  assert.equal(await registry.expireIdle(), 1);
  await world.close();
  const still = new TestServer({}, 'read_only: Moving house');
  const made = await still.clients.create(
    { name: 'web', protocol: 'oauth2' },
    await still.createPerson('Ada'),
    { approve: false },
  );
  assert.deepEqual(made, { ok: false, refusal: { kind: 'readonly', reason: 'Moving house' } });
  assert.equal(still.server.services.registry.readOnly, 'Moving house');
  await still.close();
});
