import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { TestServer } from '#harness/world.ts';
import { freePort } from '../../interop/server.ts';

describe('samples', () => {
  // The samples of the credentials page are programs: they are run as they stand there, against
  // this very server.

  let world: TestServer;
  let issuer: string;
  let ada: Account;
  let cookie: string;

  before(async () => {
    const port = await freePort();
    issuer = `http://localhost:${port}`;
    // Signatures carry the time of the machine they were made on.
    const now = () => Math.floor(Date.now() / 1000) as never;
    world = new TestServer({ issuer }, '', { clock: { now, millis: () => Date.now() } });
    ada = await world.createPerson('Ada', ['developer']);
    cookie = (await world.sessionCookie(ada)).replace('__Host-', '');
    await world.app.listen({ port, host: '127.0.0.1' });
  });
  after(() => world.close());

  const unescaped = (text: string) =>
    text.replace(
      /&(amp|lt|gt|quot|#39);/g,
      (_all, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name] ?? '',
    );
  const get = (url: string) => world.app.inject({ url, headers: { cookie } });
  const post = (url: string, form: Readonly<Record<string, string>>) =>
    world.app.inject({
      method: 'POST',
      url,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(form).toString(),
    });
  const csrfOf = (body: string) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';

  /**
   * Registers an app by its form and answers the samples of the page that follows, by language,
   * those of one purpose after the other.
   */
  async function samplesOf(kind: string, more: Readonly<Record<string, string>> = {}) {
    const form = (await get(`/my/apps/new?kind=${kind}`)).body;
    const answer = await post('/my/apps/new', {
      csrf: csrfOf(form),
      kind,
      name: `Sample ${kind} ${Object.keys(more)}`,
      version: '1.0',
      description: 'Runs.',
      redirectUri: "https://sample.example/it's/cb?x=$(here)&%22x",
      site: '*',
      access: 'scopes',
      'scope.editpage': '1',
      terms: '1',
      ...more,
    });
    assert.equal(answer.statusCode, 200, answer.body);
    const found = (language: string) =>
      [
        ...answer.body.matchAll(
          new RegExp(`aria-label="${language}"><code>([\\s\\S]*?)</code>`, 'g'),
        ),
      ].map(([, text]) => unescaped(text ?? ''));
    return {
      curl: found('curl'),
      javascript: found('JavaScript \\(Node\\.js\\)'),
      python: found('Python'),
    };
  }

  /**
   * Says yes on the page an address leads to, and answers what the person then carries: a code, or
   * a verifier.
   */
  async function allow(address: string): Promise<string> {
    const asked = await get(address.slice(issuer.length));
    assert.equal(asked.statusCode, 303, asked.body);
    const page = String(asked.headers.location);
    const shown = await get(page);
    const yes =
      shown.statusCode === 200
        ? await post(page, { csrf: csrfOf(shown.body), accept: '1' })
        : shown;
    const location = String(yes.headers.location ?? '');
    return (
      (location === ''
        ? /<code class="big">([^<]+)</.exec(yes.body)?.[1]
        : new URL(location).searchParams.get('code')) ?? ''
    );
  }

  /**
   * Runs a sample; whenever it shows an address, a person goes there and comes back with what they
   * were given.
   */
  function run(command: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd: new URL('../../..', import.meta.url).pathname });
      let [said, wrong, asked] = ['', '', false];
      child.stderr.on('data', (part) => {
        wrong += part;
      });
      child.stdout.on('data', (part) => {
        said += part;
        const address = /http:\/\/\S+\/authorize\?\S+(?=\s)/.exec(said)?.[0];
        if (asked || address === undefined) return;
        asked = true;
        allow(address).then((carried) => child.stdin.end(`${carried}\n`), reject);
      });
      child.on('error', reject);
      child.on('close', (code) =>
        code === 0 ? resolve(said) : reject(new Error(`${code}: ${said}${wrong}`)),
      );
    });
  }

  const runNode = (sample: string) => run(process.execPath, ['--input-type=module', '-e', sample]);
  const runShell = (sample: string) => run('bash', ['-c', sample]);
  const has = (program: string, ...args: readonly string[]) =>
    spawnSync(program, args).status === 0;
  const shell = has('bash', '--version') && has('curl', '--version') && has('openssl', 'version');
  const required = process.env.GATEHOUSE_REQUIRE_ALL === '1';
  const noShell =
    shell || required ? false : 'left out: bash, curl or openssl is not on this machine';
  // Debian's first: it sees Debian's packages, whatever other Python comes before it.
  const python =
    ['/usr/bin/python3', 'python3'].find((program) =>
      has(program, '-c', 'import requests, requests_oauthlib'),
    ) ?? 'python3';
  const noPython =
    required || has(python, '-c', 'import requests, requests_oauthlib')
      ? false
      : 'left out: python3 with requests and requests-oauthlib is not on this machine';

  test('the curl sample of an owner-only app, word by word', async () => {
    const [sample = ''] = (await samplesOf('own')).curl;
    const [, header = '', url = ''] = /^curl -sS -H "([^"]+)" (\S+)$/.exec(sample) ?? [];
    const [name = '', value = ''] = header.split(': ');
    const answer = await world.app.inject({
      url: url.slice(issuer.length),
      headers: { [name]: value },
    });
    assert.equal(answer.statusCode, 200, answer.body);
    assert.equal(answer.json().name, 'Ada');
  });

  for (const kind of ['own', 'own-oauth1', 'server', 'device', 'oauth1']) {
    test(`the JavaScript sample for ${kind} works`, async () => {
      assert.match(
        await runNode((await samplesOf(kind, { name: `JS ${kind}` })).javascript[0] ?? ''),
        /Ada/,
      );
    });
    test(`the curl sample for ${kind} works`, { skip: noShell }, async () => {
      const said = await runShell((await samplesOf(kind, { name: `Shell ${kind}` })).curl[0] ?? '');
      assert.match(said, kind === 'server' || kind === 'device' ? /"access_token":"/ : /Ada/);
    });
    test(`the Python sample for ${kind} works`, { skip: noPython }, async () => {
      const sample = (await samplesOf(kind, { name: `Python ${kind}` })).python[0] ?? '';
      assert.match(await run(python, ['-u', '-c', sample]), /Ada/);
    });
  }

  test('an app that acts for itself gets tokens by its samples', async () => {
    // Its stage has to allow it: nobody is its owner when it acts for itself.
    const page = await samplesOf('server', { actsForItself: '1' });
    const id = /"([0-9a-f]{32}):"/.exec(page.javascript[1] ?? '')?.[1] ?? '';
    const approved = await world.clients.approve(id as never, { reason: 'yes' });
    assert.ok(approved.ok);
    assert.match(await runNode(page.javascript[1] ?? ''), /access_token/);
    if (shell) assert.match(await runShell(page.curl[1] ?? ''), /"access_token":"/);
  });

  test('the page for trying an app has a link that works, and commands without a secret', async () => {
    await samplesOf('server', { name: 'Tried' });
    const [client] = await world.server.store.listClients({ name: 'Tried' });
    const { body } = await get(`/my/apps/${client?.id}/test`);
    assert.doesNotMatch(body, /\b[0-9a-f]{40}\b/);
    const link = unescaped(/<a href="(http[^"]*authorize[^"]*)"/.exec(body)?.[1] ?? '');
    const verifier = /code_verifier=([\w-]+)/.exec(unescaped(body))?.[1] ?? '';
    const code = await allow(link);
    assert.match(code, /^[\w-]{20,}$/);
    assert.match(verifier, /^[\w-]{43,}$/);
    const reset = await world.clients.resetSecret(client?.id as never);
    assert.ok(reset.ok);
    const answer = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: client?.id ?? '',
        client_secret: reset.value.secret ?? '',
        code,
        code_verifier: verifier,
        redirect_uri: client?.redirectUri ?? '',
      }).toString(),
    });
    assert.equal(answer.statusCode, 200, answer.body);
  });
});
