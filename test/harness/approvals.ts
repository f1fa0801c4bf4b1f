import { createHash } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import type { Outcome } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { signedHeader } from './signed.ts';
import { basic, TestWorld } from './world.ts';

export type App = Pick<Outcome, 'client'> & { readonly secret: string };
export type Door = 'core' | 'mediawiki';

export const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const addresses = {
  core: { authorize: '/oauth2/authorize', token: '/oauth2/token' },
  mediawiki: {
    authorize: '/w/rest.php/oauth2/authorize',
    token: '/w/rest.php/oauth2/access_token',
  },
} as const;
const handshakes = {
  core: { initiate: '/oauth1/initiate', authorize: '/oauth1/authorize', token: '/oauth1/token' },
  mediawiki: {
    initiate: '/w/index.php?title=Special:OAuth/initiate',
    authorize: '/wiki/Special:OAuth/authorize',
    token: '/w/index.php?title=Special:OAuth/token',
  },
} as const;

/** An answer of the server, as far as a browser looks at it. */
export interface Seen {
  readonly status: number;
  readonly body: string;
  readonly to: string | null;
}

/** A consent page that is open in somebody's browser. */
export interface OpenPage extends Seen {
  readonly url: string;
  readonly csrf: string;
  readonly cookie: string;
}

/** A world in which people decide in their browsers, and apps redeem what they get. */
export class ApprovalWorld extends TestWorld {
  async browse(
    url: string,
    cookie: string,
    form?: Readonly<Record<string, string>>,
  ): Promise<Seen> {
    const answer = await this.app.inject({
      url,
      headers: { cookie, ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(form ? { method: 'POST', payload: new URLSearchParams(form).toString() } : {}),
    });
    const to = answer.headers.location;
    return {
      status: answer.statusCode,
      body: answer.body,
      to: to === undefined ? null : String(to),
    };
  }

  authorizeUrl(
    client: Client,
    scope: string,
    door: Door = 'core',
    more: Readonly<Record<string, string>> = {},
  ): string {
    const query = new URLSearchParams({
      ...{
        response_type: 'code',
        client_id: client.id,
        redirect_uri: client.redirectUri,
        scope,
        state: 's',
      },
      ...{ code_challenge: challenge, code_challenge_method: 'S256', ...more },
    });
    return `${addresses[door].authorize}?${query}`;
  }

  /** Opens the page that an app's request leads to. */
  async openPage(asking: string, cookie: string): Promise<OpenPage> {
    const asked = await this.browse(asking, cookie);
    const url = asked.to ?? '';
    if (!url.startsWith('/authorize/'))
      throw new Error(`no consent page: ${asked.status} ${url} ${asked.body}`);
    const page = await this.browse(url, cookie);
    return { ...page, url, cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '' };
  }

  press = (
    page: OpenPage,
    button: 'accept' | 'cancel',
    boxes: Readonly<Record<string, string>> = {},
    cookie = page.cookie,
  ) => this.browse(page.url, cookie, { csrf: page.csrf, [button]: '1', ...boxes });

  /**
   * Every box and hidden field of a page, as a browser sends it when nothing is changed; less what
   * is unticked.
   */
  boxesOf(page: OpenPage, unticked: readonly string[] = []): Record<string, string> {
    const names = [...page.body.matchAll(/name="((?:scope|before)\.[^"]+)"/g)].map(
      ([, name]) => name ?? '',
    );
    return Object.fromEntries(
      names
        .filter((name) => !unticked.includes(name.replace(/^scope\./, '')))
        .map((name) => [name, '1']),
    );
  }

  /** Asks, allows, and answers the code. */
  async allowedCode(
    app: App,
    user: Account,
    scope: string,
    door: Door = 'core',
    unticked: readonly string[] = [],
  ): Promise<string> {
    const page = await this.openPage(
      this.authorizeUrl(app.client, scope, door),
      await this.cookie(user),
    );
    const { to, body } = await this.press(page, 'accept', this.boxesOf(page, unticked));
    const code = to === null ? null : new URL(to).searchParams.get('code');
    if (code === null) throw new Error(`no code: ${to} ${body}`);
    return code;
  }

  async post(url: string, form: Readonly<Record<string, string>>, { client, secret }: App) {
    const answer = await this.app.inject({
      method: 'POST',
      url,
      headers: {
        authorization: basic(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });
    return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json() };
  }

  redeem = (code: string, app: App, door: Door = 'core') =>
    this.post(
      addresses[door].token,
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.client.redirectUri,
        code_verifier: verifier,
      },
      app,
    );
  refresh = (
    token: string,
    app: App,
    door: Door = 'core',
    more: Readonly<Record<string, string>> = {},
  ) =>
    this.post(
      addresses[door].token,
      { grant_type: 'refresh_token', refresh_token: token, ...more },
      app,
    );
  async introspect(
    token: string,
    app: App,
  ): Promise<{ readonly active: boolean; readonly scope?: string }> {
    return (await this.post('/oauth2/introspect', { token }, app)).body;
  }

  /** Allows and redeems. */
  async tokens(
    app: App,
    user: Account,
    scope: string,
    door: Door = 'core',
    unticked: readonly string[] = [],
  ) {
    const { status, body } = await this.redeem(
      await this.allowedCode(app, user, scope, door, unticked),
      app,
      door,
    );
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body as { readonly access_token: string; readonly refresh_token: string };
  }

  async signed(
    url: string,
    app: App,
    token: { key: string; secret: string } | null,
    over: Record<string, string>,
    door: Door = 'core',
  ) {
    const answer = await this.app.inject({
      method: 'POST',
      url,
      headers: signedHeader(
        this,
        'POST',
        url,
        { key: app.client.id, secret: app.secret },
        token,
        over,
        {
          reading: door === 'core' ? 'rfc5849' : 'mediawiki',
        },
      ),
    });
    return { status: answer.statusCode, body: answer.body, form: new URLSearchParams(answer.body) };
  }

  /** Temporary credentials, where the person is asked, and the exchange. */
  async handshake(app: App, door: Door = 'core', callback = 'oob') {
    const { form, body } = await this.signed(
      handshakes[door].initiate,
      app,
      null,
      { oauth_callback: callback },
      door,
    );
    const pair = {
      key: form.get('oauth_token') ?? '',
      secret: form.get('oauth_token_secret') ?? '',
    };
    if (pair.key === '') throw new Error(body);
    return {
      pair,
      asking: `${handshakes[door].authorize}?oauth_token=${pair.key}`,
      exchange: (oauth_verifier: string, by = app) =>
        this.signed(handshakes[door].token, by, pair, { oauth_verifier }, door),
    };
  }

  /** What a person allowed an app, in the order it is kept. */
  async allowed(app: App, user: Account): Promise<readonly string[] | undefined> {
    return (await this.consents.current(app.client, user, this.built.world.site))?.scopes;
  }
}
