import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '#harness/world.ts';
import { samplesFor } from '#pages/apps/samples.ts';
import { wordsOf } from '#pages/words.ts';

// The first minutes of whoever sets the server up or writes an app for it.

const setUp = async (world: TestServer, language = 'en') => {
  const issued = await world.server.services.accounts.issueSetupLink();
  assert.ok(issued.ok);
  const { pathname, search, searchParams } = new URL(issued.value);
  const headers = { accept: 'text/html', 'accept-language': language };
  const seen = await world.app.inject({ url: pathname + search, headers });
  const cookie = seen.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const answer = await world.app.inject({
    method: 'POST',
    url: '/setup',
    headers: { ...headers, cookie, 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({
      csrf: /name="csrf" value="([^"]+)"/.exec(seen.body)?.[1] ?? '',
      ...{
        token: searchParams.get('token') ?? '',
        name: 'Root',
        email: 'root@example.org',
        password: 'correct horse battery',
      },
    }).toString(),
  });
  const session = answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  return {
    answer,
    get: (url: string) => world.app.inject({ url, headers: { ...headers, cookie: session } }),
  };
};

describe('the operator', () => {
  for (const [language, done, next] of [
    ['en', /The server is set up, and you are its administrator/, /What to do next/],
    ['de', /Der Server ist eingerichtet/, /Die nächsten Schritte/],
    ['ar', /تم إعداد الخادم/, /الخطوات التالية/],
  ] as const)
    test(`is told that the set-up worked, and what to do next (${language})`, async () => {
      const world = new TestServer();
      const { answer, get } = await setUp(world, language);
      assert.equal(answer.headers.location, '/?done=set-up', answer.body);
      const { body } = await get('/?done=set-up');
      assert.match(body, done);
      assert.match(body, next);
      const steps =
        /<section class="card" aria-labelledby="next">([\s\S]*?)<\/section>/.exec(body)?.[1] ?? '';
      const links = [...steps.matchAll(/href="([^"]+)"/g)].map(([, href]) => href ?? '');
      assert.deepEqual(links, [
        '/account',
        '/admin',
        '/admin/scopes',
        '/admin/people',
        '/my/apps/new',
      ]);
      for (const link of links) assert.equal((await get(link)).statusCode, 200, link);
      await world.close();
    });

  test('is not told again once somebody else is there, and nobody else is', async () => {
    const world = new TestServer();
    const { get } = await setUp(world);
    assert.match((await get('/')).body, /What to do next/);
    assert.doesNotMatch((await world.app.inject({ url: '/' })).body, /What to do next/);
    await world.createPerson('Ada');
    assert.doesNotMatch((await get('/')).body, /What to do next/);
    await world.close();
  });

  test('a page that is not there keeps the header of whoever is signed in', async () => {
    const world = new TestServer();
    const { get } = await setUp(world);
    for (const path of ['/forgot', '/nothing/at/all', '/apps/none', '/my/apps/none']) {
      const { body, statusCode } = await get(path);
      assert.equal(statusCode, 404, path);
      assert.match(body, /Account of Root|name="sign-out"/, path);
    }
    const { body } = await world.app.inject({ url: '/nothing', headers: { accept: 'text/html' } });
    assert.doesNotMatch(body, /name="sign-out"/);
    await world.close();
  });
});

describe('a stranger on the first page', () => {
  for (const [title, settings, mail, shown] of [
    ['is offered an account where people may register', { registration: 'open' }, true, true],
    ['is not where nobody may', {}, true, false],
    ['is not where no letter can be sent', { registration: 'open' }, false, false],
  ] as const)
    test(title, async () => {
      const world = new TestServer(settings, '', mail ? {} : { mailTransport: null });
      const { body } = await world.app.inject({ url: '/' });
      assert.equal(body.includes('href="/register"'), shown);
      await world.close();
    });
});

describe('a developer', () => {
  let world: TestServer;
  let cookie = '';
  before(async () => {
    world = new TestServer();
    cookie = await world.sessionCookie(await world.createPerson('Ada', ['developer']));
  });
  after(() => world.close());

  for (const kind of ['server', 'device', 'service', 'own', 'oauth1', 'own-oauth1'])
    test(`reads on the form for ${kind} what each permission is called in a request`, async () => {
      const { body } = await world.app.inject({
        url: `/my/apps/new?kind=${kind}`,
        headers: { cookie },
      });
      const boxes = [...body.matchAll(/name="scope\.([^"]+)"/g)].map(([, name]) => name ?? '');
      assert.ok(boxes.length > 20);
      for (const name of boxes)
        assert.ok(body.includes(`<code class="quiet">${name}</code>`), name);
      // The groups' own line is left out where there is nothing to say.
      assert.doesNotMatch(body, /need not be ticked: \./);
    });
});

const facts = {
  ...{
    issuer: 'http://127.0.0.1:9',
    clientId: 'c'.repeat(32),
    secret: 's'.repeat(40),
    token: null,
    tokenSecret: null,
  },
  ...{
    redirectUri: 'https://app.example/cb',
    scopes: ['editpage'],
    actsForItself: false,
    probeUrl: 'http://127.0.0.1:9/api/v1/me',
  },
};
const bash = spawnSync('bash', ['--version']).status === 0;
const unless = {
  skip:
    bash || process.env.GATEHOUSE_REQUIRE_ALL === '1'
      ? false
      : 'left out: bash is not on this machine',
};

describe('a curl sample that is pasted into a shell, line by line', () => {
  for (const kind of ['server', 'device', 'oauth1'] as const)
    test(`asks for its line only when all of it is there (${kind})`, unless, async () => {
      const [[, samples] = assert.fail('no sample')] = samplesFor(wordsOf('en'), {
        ...facts,
        kind,
      });
      const commands = samples.curl.split('\n');
      assert.deepEqual([commands[0], commands.at(-1)], ['{', '}']);
      // What a terminal hands on is one stream: the sample, then what the person types. curl is one
      // that says what it was given.
      const child = spawn('bash', ['--norc', '-s'], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.end(
        `curl() { echo "CURL $*"; }\n${samples.curl}\ntyped-by-the-person\necho 'THE NEXT COMMAND'\n`,
      );
      let said = '';
      for await (const part of child.stdout) said += part;
      assert.match(said, /THE NEXT COMMAND/);
      if (kind !== 'oauth1') assert.match(said, /CURL .*code=typed-by-the-person/);
      else assert.doesNotMatch(said, /^last=/m);
    });
});
