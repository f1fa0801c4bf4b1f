// npm run demo: both protocols, end to end, over real HTTP on a scratch store. Ends with 1 when a
// step fails. npm run demo -- --serve: leaves it running, with a sample app to click through.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '#config/load.ts';
import { makeAdminCommands } from '#registry/admin-commands.ts';
import { composeServer } from '#server/compose.ts';
import { createPlatform } from '#server/platform.ts';
import { startServer } from '#server/serve.ts';
import { notesApi } from './demo/api.ts';
import { Browser, type Page } from './demo/browser.ts';
import { signedFetch } from './demo/oauth1.ts';
import { sampleApp } from './demo/sample-app.ts';
import { expect, masked, StepFailed, Story } from './demo/story.ts';

const stay = process.argv.includes('--serve');
const listen = (server: Server, port = 0): Promise<string> =>
  new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    ),
  );
/**
 * The port that is asked for, or any other when a program listens there already (such as `npm
 * start`).
 */
const freePort = async (wanted = 0): Promise<number> => {
  const probe = createServer();
  const listening = new Promise<void>((resolve, reject) =>
    probe.once('listening', resolve).once('error', reject).listen(wanted, '127.0.0.1'),
  );
  try {
    await listening;
  } catch (fault) {
    if (wanted !== 0 && (fault as NodeJS.ErrnoException).code === 'EADDRINUSE') return freePort();
    throw fault;
  }
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
};

const data = mkdtempSync(join(tmpdir(), 'gatehouse-demo-'));
const port = await freePort(stay ? 4400 : 0);
const issuer = `http://localhost:${port}`;
const config = await loadConfig(
  { port: String(port), host: '127.0.0.1', data, issuer },
  process.env,
);
const built = composeServer(config, await createPlatform(config));
const { services: world, guard } = built;
const running = await startServer(config, built, () => {});
const apiServer = notesApi(guard, config.site);
const api = await listen(apiServer);
const appPort = await freePort(stay ? 4401 : 0);
const self = `http://127.0.0.1:${appPort}`;
const story = new Story((line) => console.log(line));

async function must<T>(
  answer: Promise<{ ok: true; value: T } | { ok: false; refusal: unknown }>,
): Promise<T> {
  const given = await answer;
  if (!given.ok) throw new Error(JSON.stringify(given.refusal));
  return given.value;
}

const password = randomBytes(12).toString('base64url');
const person = (name: string, groups: readonly string[]) =>
  must(
    world.accounts.createAccount({
      name,
      email: `${name.toLowerCase()}@example.org`,
      emailConfirmed: true,
      realName: '',
      groups,
      password,
    }),
  );

const clients = makeAdminCommands(world.registry);
const ada = await person('Ada', ['developer']);
await person('Ben', []);
const reader = await must(
  clients.create(
    {
      name: 'Reader',
      description: 'Reads and edits notes.',
      protocol: 'oauth2',
      redirectUri: `${self}/oauth2`,
      grantTypes: ['authorization_code', 'refresh_token'],
      scopes: ['editpage'],
    },
    ada,
    { approve: true },
  ),
);
const classic = await must(
  clients.create(
    {
      name: 'Classic',
      description: 'Does the same with OAuth 1.0a.',
      protocol: 'oauth1',
      redirectUri: self,
      redirectIsPrefix: true,
      grantTypes: [],
      scopes: ['editpage'],
    },
    ada,
    { approve: true },
  ),
);

/** Signs Ben in where he is asked to, and presses a button on the page that follows. */
async function decide(browser: Browser, page: Page, button: 'accept' | 'cancel'): Promise<Page> {
  const asked = page.url.includes('/sign-in')
    ? await browser.press(page, 'sign-in', { name: 'Ben', password })
    : page;
  return browser.press(asked, button);
}

const basic = `Basic ${Buffer.from(`${reader.client.id}:${reader.secret}`).toString('base64')}`;
const tokenRequest = async (path: string, form: Record<string, string>) => {
  const answer = await fetch(`${issuer}${path}`, {
    method: 'POST',
    headers: { authorization: basic },
    body: new URLSearchParams(form),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, string>,
  };
};

async function oauth2Chapter(): Promise<void> {
  story.chapter('OAuth 2: Ben lets Reader act for him');
  const browser = new Browser();
  const [state, verifier] = ['s-1234', randomBytes(32).toString('base64url')];
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: reader.client.id,
    redirect_uri: `${self}/oauth2`,
    scope: 'basic editpage',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const signIn = await story.step('Reader sends Ben to GET /oauth2/authorize', async () => {
    const page = await browser.follow(`${issuer}/oauth2/authorize?${query}`);
    expect('page', page.text.includes('Sign in'), true);
    return { said: `${page.status}, the sign-in form`, value: page };
  });
  const back = await story.step('Ben signs in, sees what Reader wants, and allows it', async () => {
    const page = await decide(browser, signIn, 'accept');
    const url = new URL(page.location ?? 'about:blank');
    expect('state', url.searchParams.get('state'), state);
    expect('iss', url.searchParams.get('iss'), issuer);
    return {
      said: `${page.status} to ${url.origin}${url.pathname} with code, state and iss`,
      value: url.searchParams,
    };
  });
  const redemption = {
    grant_type: 'authorization_code',
    code: back.get('code') ?? '',
    redirect_uri: `${self}/oauth2`,
    code_verifier: verifier,
  };
  const tokens = await story.step('Reader exchanges the code at POST /oauth2/token', async () => {
    const { status, body } = await tokenRequest('/oauth2/token', redemption);
    expect('status', status, 200);
    return {
      said: `200, a ${body.token_type} token for ${body.expires_in} s: ${masked(body.access_token ?? '')}`,
      value: body,
    };
  });
  const call = async (token: string | undefined) => {
    const answer = await fetch(`${api}/notes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: answer.status, text: await answer.text() };
  };
  await story.step('Reader calls the API as Ben', async () => {
    const { status, text } = await call(tokens.access_token);
    expect('status', status, 200);
    expect('user', JSON.parse(text).user, 'Ben');
    return { said: `200 ${text}`, value: undefined };
  });
  const fresh = await story.step('Reader refreshes', async () => {
    const { status, body } = await tokenRequest('/oauth2/token', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token ?? '',
    });
    expect('status', status, 200);
    return { said: `200, a new pair: ${masked(body.access_token ?? '')}`, value: body };
  });
  await story.step('Reader revokes what it has (POST /oauth2/revoke)', async () => {
    const { status } = await tokenRequest('/oauth2/revoke', { token: fresh.refresh_token ?? '' });
    expect('status', status, 200);
    expect('API status afterwards', (await call(fresh.access_token)).status, 401);
    return { said: '200, and the API answers 401 from now on', value: undefined };
  });
  await story.step('The code comes a second time', async () => {
    const { status, body } = await tokenRequest('/oauth2/token', redemption);
    expect('error', body.error, 'invalid_grant');
    return { said: `${status} ${body.error}`, value: undefined };
  });
  await story.step('Another time Ben says no', async () => {
    const page = await decide(
      browser,
      await browser.follow(`${issuer}/oauth2/authorize?${query}`),
      'cancel',
    );
    const url = new URL(page.location ?? 'about:blank');
    expect('error', url.searchParams.get('error'), 'access_denied');
    return { said: `${page.status} with error=access_denied`, value: undefined };
  });
}

async function oauth1Chapter(): Promise<void> {
  story.chapter('OAuth 1.0a: Ben lets Classic act for him');
  const browser = new Browser();
  const client = { key: classic.client.id, secret: classic.secret ?? '' };
  const temporary = await story.step(
    'Classic asks for temporary credentials at POST /oauth1/initiate',
    async () => {
      const answer = await signedFetch('POST', `${issuer}/oauth1/initiate`, client, null, {
        oauth_callback: `${self}/oauth1`,
      });
      const text = await answer.text();
      expect('status', answer.status, 200);
      const pair = new URLSearchParams(text);
      return {
        said: `200, oauth_token=${masked(pair.get('oauth_token') ?? '')}`,
        value: { key: pair.get('oauth_token') ?? '', secret: pair.get('oauth_token_secret') ?? '' },
      };
    },
  );
  const verifier = await story.step('Ben allows it at GET /oauth1/authorize', async () => {
    const page = await decide(
      browser,
      await browser.follow(`${issuer}/oauth1/authorize?oauth_token=${temporary.key}`),
      'accept',
    );
    const url = new URL(page.location ?? 'about:blank');
    expect('oauth_token', url.searchParams.get('oauth_token'), temporary.key);
    return {
      said: `${page.status} to ${url.origin}${url.pathname} with oauth_verifier`,
      value: url.searchParams.get('oauth_verifier') ?? '',
    };
  });
  const pair = await story.step('Classic exchanges them at POST /oauth1/token', async () => {
    const answer = await signedFetch('POST', `${issuer}/oauth1/token`, client, temporary, {
      oauth_verifier: verifier,
    });
    const bought = new URLSearchParams(await answer.text());
    expect('status', answer.status, 200);
    return {
      said: `200, token credentials ${masked(bought.get('oauth_token') ?? '')}`,
      value: {
        key: bought.get('oauth_token') ?? '',
        secret: bought.get('oauth_token_secret') ?? '',
      },
    };
  });
  const call = () => signedFetch('POST', `${issuer}/notes`, client, pair, {}, api);
  await story.step('Classic calls the API with a signed request', async () => {
    const answer = await call();
    const text = await answer.text();
    expect('status', answer.status, 200);
    return { said: `200 ${text}`, value: undefined };
  });
  await story.step('Ben ends Classic on the page "Connected apps"', async () => {
    const page = await browser.follow(`${issuer}/consents`);
    expect('app listed', page.text.includes('Classic'), true);
    const action = /action="(\/consents\/\d+\/end)"[\s\S]{0,400}?Disconnect Classic/.exec(
      page.text,
    )?.[1];
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const ended = await browser.go(`${issuer}${action}`, { csrf, end: '1' });
    expect('status', ended.status, 303);
    const after = await call();
    expect('API status afterwards', after.status, 401);
    return { said: `303, and the API answers ${after.status} from now on`, value: undefined };
  });
}

for (const chapter of [oauth2Chapter, oauth1Chapter]) {
  try {
    await chapter();
  } catch (fault) {
    if (!(fault instanceof StepFailed)) throw fault;
  }
}
console.log(
  story.failed === 0 ? '\nEvery step did what it should.' : `\n${story.failed} step(s) failed.`,
);

if (stay && story.failed === 0) {
  const app = sampleApp({
    issuer,
    api,
    self,
    oauth2: { id: reader.client.id, secret: reader.secret ?? '' },
    oauth1: { id: classic.client.id, secret: classic.secret ?? '' },
  });
  await listen(app, appPort);
  console.log(
    `\nOpen ${self} and connect. Sign in as Ben with the password ${password}\nCtrl-C ends the demo and removes its store.`,
  );
  await new Promise<void>((resolve) =>
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve()),
  );
  app.closeAllConnections();
  app.close();
}
apiServer.closeAllConnections();
apiServer.close();
await running.stop();
rmSync(data, { recursive: true, force: true });
process.exitCode = story.failed === 0 ? 0 : 1;
