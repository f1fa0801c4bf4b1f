import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';
import { signedHeader } from './signed.ts';
import { password, TestServer } from './world.ts';

/** Every front door through which an app sends a person. */
export const authorizationRoutes = [
  'OAuth 2',
  'OAuth 2, dialect',
  'OAuth 1',
  'OAuth 1, dialect',
] as const;
export type AuthorizationRoute = (typeof authorizationRoutes)[number];

const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');

/** A browser: keeps cookies, follows nothing by itself, sends the forms of the page it saw last. */
export class FormBrowser {
  readonly cookies = new Map<string, string>();
  readonly #world: TestServer;
  readonly #headers: Readonly<Record<string, string>>;
  csrf = '';
  /** Characters of the longest address of ours it was sent to. */
  longestPath = 0;

  constructor(world: TestServer, headers: Readonly<Record<string, string>>) {
    this.#world = world;
    this.#headers = headers;
  }

  async #ask(
    method: 'GET' | 'POST',
    url: string,
    payload?: string,
    more: Readonly<Record<string, string>> = {},
  ) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const type =
      payload === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const headers = {
      accept: 'text/html',
      ...type,
      ...(cookie ? { cookie } : {}),
      ...this.#headers,
      ...more,
    };
    const answer = await this.#world.app.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    for (const { name, value } of answer.cookies) {
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const { body, statusCode: status } = answer;
    const to = String(answer.headers.location ?? '');
    if (to.startsWith('/')) this.longestPath = Math.max(this.longestPath, to.length);
    this.csrf = /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? this.csrf;
    return { status, body, to };
  }
  get = (url: string) => this.#ask('GET', url);
  postText = (url: string, text: string) => this.#ask('POST', url, text);
  post = (
    url: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ) => this.#ask('POST', url, String(new URLSearchParams({ csrf: this.csrf, ...form })), headers);
}

type Made = Awaited<ReturnType<TestServer['createClient']>>;

/** A server with an app at each front door, and people who come through it. */
export class SignInFlowServer {
  readonly world: TestServer;
  readonly #apps = new Map<AuthorizationRoute, Made>();
  #owner: Account | undefined;
  #number = 0;

  private constructor(settings: Readonly<Record<string, string>>) {
    this.world = new TestServer({ registration: 'open', ...settings });
  }

  static async open(settings: Readonly<Record<string, string>> = {}): Promise<SignInFlowServer> {
    const testServer = new SignInFlowServer(settings);
    testServer.#owner = await testServer.world.createPerson('Owner');
    for (const kind of authorizationRoutes)
      testServer.#apps.set(
        kind,
        await testServer.world.createClient(testServer.owner, {
          name: `App at ${kind}`,
          ...(kind.startsWith('OAuth 1')
            ? { protocol: 'oauth1', redirectIsPrefix: true, redirectUri: 'https://app.example/cb' }
            : {}),
        }),
      );
    return testServer;
  }
  get owner(): Account {
    return this.#owner as Account;
  }
  appName = (kind: AuthorizationRoute): string => `App at ${kind}`;
  /** Headers that every request of a browser has. */
  headers: Readonly<Record<string, string>> = {};
  browser = (): FormBrowser => new FormBrowser(this.world, this.headers);
  close = (): Promise<void> => this.world.close();

  async person(): Promise<Account> {
    const name = `Ben${++this.#number}`;
    const email = `${name.toLowerCase()}@example.org`;
    const made = await this.world.server.services.accounts.createAccount({
      ...{ name, email, emailConfirmed: true, realName: '', groups: [], password },
    });
    assert.ok(made.ok);
    return made.value;
  }

  /** The text of the newest letter. */
  async latestEmail(): Promise<string> {
    await this.world.server.services.accounts.whenEmailsSent();
    return (this.world.outbox as OutgoingEmail[]).at(-1)?.text ?? '';
  }

  /** The path an app sends a person to. */
  async link(kind: AuthorizationRoute, state = 'xyz'): Promise<string> {
    const made = this.#apps.get(kind) as Made;
    if (kind.startsWith('OAuth 2')) {
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: made.client.id, scope: 'editpage', state },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
      });
      return `${kind === 'OAuth 2' ? '/oauth2/authorize' : '/w/rest.php/oauth2/authorize'}?${query}`;
    }
    const core = kind === 'OAuth 1';
    const target = core ? '/oauth1/initiate' : '/w/index.php?title=Special:OAuth/initiate';
    const pair = { key: made.client.id, secret: made.secret };
    const reading = core ? {} : { profile: 'mediawiki' as const };
    const headers = signedHeader(
      this.world,
      'POST',
      target,
      pair,
      null,
      { oauth_callback: 'https://app.example/cb?x=1' },
      reading,
    );
    const answer = await this.world.app.inject({ method: 'POST', url: target, headers });
    const token = new URLSearchParams(answer.body).get('oauth_token') ?? assert.fail(answer.body);
    return core
      ? `/oauth1/authorize?oauth_token=${token}`
      : `/wiki/Special:OAuth/authorize?oauth_token=${token}&oauth_consumer_key=${made.client.id}`;
  }

  /** `sent`: the state of OAuth 2 as it stands in the address, instead of `state` encoded. */
  async startFlow(
    kind: AuthorizationRoute,
    { state = 'xyz', sent }: { readonly state?: string; readonly sent?: string } = {},
  ): Promise<SignInFlow> {
    const [mine, other] = [await this.person(), await this.person()];
    const flow = new SignInFlow(this, kind, { mine, other });
    const link = await this.link(kind, state);
    const { to } = await flow.browser.get(
      sent === undefined ? link : link.replace('state=xyz', () => `state=${sent}`),
    );
    assert.match(to, /^\/sign-in\?returnto=/);
    flow.signInPage = to;
    flow.returnto = new URLSearchParams(to.slice(to.indexOf('?'))).get('returnto') ?? '';
    assert.equal((await flow.browser.get(to)).status, 200);
    return flow;
  }
}

/** One person on the way to one app. */
export class SignInFlow {
  readonly #door: SignInFlowServer;
  readonly kind: AuthorizationRoute;
  readonly #people: Readonly<Record<'mine' | 'other', Account>>;
  browser: FormBrowser;
  signInPage = '';
  returnto = '';
  /** Address of the consent page. */
  consentPath = '';

  constructor(
    testServer: SignInFlowServer,
    kind: AuthorizationRoute,
    people: Readonly<Record<'mine' | 'other', Account>>,
  ) {
    this.#door = testServer;
    this.kind = kind;
    this.#people = people;
    this.browser = testServer.browser();
  }
  get name(): string {
    return this.#people.mine.name;
  }
  get longestPath(): number {
    return this.browser.longestPath;
  }

  /** The sign-in form as it was open in this tab. */
  submitSignIn = (over: Readonly<Record<string, string>> = {}) =>
    this.browser.post('/sign-in', { name: this.name, password, returnto: this.returnto, ...over });

  async signIn(over: Readonly<Record<string, string>> = {}): Promise<void> {
    const { status, to, body } = await this.submitSignIn(over);
    assert.equal(status, 303, body);
    await this.open(to);
  }
  signInAs = (who: 'mine' | 'other') => this.signIn({ name: this.#people[who].name });

  /**
   * Sends a form whose proof no longer holds: the form comes again, with what was typed, and leads
   * on.
   */
  async submitStaleSignIn(first: () => void = () => {}): Promise<void> {
    const before = this.browser.csrf;
    first();
    const told = await this.submitSignIn({ csrf: before === '' ? 'x' : before });
    if (told.status === 303) assert.fail('the form was not stale');
    assert.equal(told.status, 403);
    assert.match(told.body, /Please send it once more/);
    assert.ok(told.body.includes(`value="${this.name}"`), 'the name is kept');
    assert.ok(!told.body.includes(password), 'the password is not');
    this.returnto = (/name="returnto" value="([^"]+)"/.exec(told.body)?.[1] ?? '').replaceAll(
      '&amp;',
      '&',
    );
    // Temporary credentials of OAuth 1 last ten minutes: a day later the page says so.
    await this.signIn();
  }

  /** Follows addresses of ours to the page where the person decides. */
  async open(first: string): Promise<void> {
    let to = first;
    for (let hops = 0; hops < 5; hops++) {
      const answer = await this.browser.get(to);
      if (answer.to === '' && !answer.body.includes('name="continue"')) {
        this.consentPath = to;
        return;
      }
      to = answer.to === '' ? (await this.browser.post(to, { continue: '1' })).to : answer.to;
    }
    assert.fail(`led around: ${to}`);
  }

  /** Another tab of the same browser, at another app's sign-in page. */
  async anotherTab(): Promise<Pick<SignInFlow, 'signIn'>> {
    const proof = this.browser.csrf;
    const path = await this.#door.link(this.kind, 'other');
    const { to } = await this.browser.get(path);
    await this.browser.get(to);
    return {
      signIn: async () => {
        const returnto = new URLSearchParams(to.slice(to.indexOf('?'))).get('returnto') ?? '';
        assert.equal(
          (await this.browser.post('/sign-in', { name: this.name, password, returnto })).to,
          returnto,
        );
        this.browser.csrf = proof;
      },
    };
  }
  async anotherBrowser(who: 'mine' | 'other'): Promise<FormBrowser> {
    const browser = this.#door.browser();
    await browser.get('/sign-in');
    await browser.post('/sign-in', { name: this.#people[who].name, password });
    return browser;
  }

  /** From the consent page of one account to that of another. */
  async switchAccount(who: 'mine' | 'other'): Promise<void> {
    const { body } = await this.browser.get(this.consentPath);
    const link =
      /href="(\/sign-in\?switch=1[^"]+)"/.exec(body)?.[1]?.replaceAll('&amp;', '&') ??
      assert.fail(body);
    const sheet = await this.browser.get(link);
    assert.equal(sheet.status, 200);
    this.returnto = (/name="returnto" value="([^"]+)"/.exec(sheet.body)?.[1] ?? '').replaceAll(
      '&amp;',
      '&',
    );
    await this.signInAs(who);
  }

  async register(opener: FormBrowser): Promise<void> {
    const { body } = await this.browser.get(this.signInPage);
    const link =
      /href="(\/register[^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? assert.fail(body);
    const form = await this.browser.get(link);
    const returnto = (/name="returnto" value="([^"]+)"/.exec(form.body)?.[1] ?? '').replaceAll(
      '&amp;',
      '&',
    );
    assert.equal(
      (await this.browser.post('/register', { email: `new-${this.name}@example.org`, returnto }))
        .to,
      '/register/sent',
    );
    await this.#mailed(opener, '/register/finish', {
      name: `New ${this.name}`,
      'new-password': password,
    });
  }

  async resetPassword(opener: FormBrowser): Promise<void> {
    const { body } = await this.browser.get(this.signInPage);
    const link =
      /href="(\/password\/forgotten[^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&') ??
      assert.fail(body);
    const form = await this.browser.get(link);
    const returnto = (/name="returnto" value="([^"]+)"/.exec(form.body)?.[1] ?? '').replaceAll(
      '&amp;',
      '&',
    );
    assert.equal(
      (await this.browser.post('/password/forgotten', { name: this.name, returnto })).to,
      '/password/sent',
    );
    await this.#mailed(opener, '/password/new', { 'new-password': 'another good password' });
  }

  async #mailed(
    opener: FormBrowser,
    action: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<void> {
    const path =
      /https:\/\/gate\.example(\/\S+)/.exec(await this.#door.latestEmail())?.[1] ??
      assert.fail('no letter');
    const { searchParams } = new URL(path, 'https://gate.example');
    const { body } = await opener.get(path);
    const returnto = /name="returnto" value="([^"]+)"/.exec(body)?.[1] ?? '';
    // A stale form first: it comes again.
    const stale = await opener.post(action, {
      token: searchParams.get('token') ?? '',
      returnto,
      ...fields,
      csrf: 'x',
    });
    assert.equal(stale.status, 403);
    const done = await opener.post(action, {
      token: searchParams.get('token') ?? '',
      returnto,
      ...fields,
    });
    assert.equal(done.status, 303, done.body);
    this.browser = opener;
    await this.open(done.to);
  }

  /**
   * Says yes, and answers where the app's answer went; or finds the page that says that the app has
   * to be asked again.
   */
  async approveAndReturn(): Promise<URL> {
    const page = await this.browser.get(this.consentPath);
    if (!page.body.includes('name="accept"')) {
      assert.ok(this.kind.startsWith('OAuth 1'), page.body);
      assert.match(page.body, /start again|expired|invalid/i);
      return new URL('https://app.example/cb');
    }
    const { to, body } = await this.browser.post(this.consentPath, { accept: '1' });
    assert.ok(to.startsWith('https://app.example/cb'), body);
    const answer = new URL(to);
    assert.ok(answer.searchParams.get(this.kind.startsWith('OAuth 1') ? 'oauth_verifier' : 'code'));
    return answer;
  }
}
