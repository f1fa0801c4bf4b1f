import { createHash } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { signedHeader } from './signed.ts';
import { basicHeader, TestServer } from './world.ts';

export type TestApp = Pick<ActionOutcome, 'client'> & { readonly secret: string };
export type ProfileName = 'core' | 'mediawiki';

export const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const addresses = {
  core: { authorize: '/oauth2/authorize', token: '/oauth2/token' },
  mediawiki: {
    authorize: '/w/rest.php/oauth2/authorize',
    token: '/w/rest.php/oauth2/access_token',
  },
} as const;
const oauth1Addresses = {
  core: { initiate: '/oauth1/initiate', authorize: '/oauth1/authorize', token: '/oauth1/token' },
  mediawiki: {
    initiate: '/w/index.php?title=Special:OAuth/initiate',
    authorize: '/wiki/Special:OAuth/authorize',
    token: '/w/index.php?title=Special:OAuth/token',
  },
} as const;

/** An answer of the server, as far as a browser looks at it. */
export interface BrowserResponse {
  readonly status: number;
  readonly body: string;
  readonly location: string | null;
}

/** A consent page that is open in somebody's browser. */
export interface OpenConsentPage extends BrowserResponse {
  readonly url: string;
  readonly csrf: string;
  readonly cookie: string;
}

/** A world in which people decide in their browsers, and apps redeem what they get. */
export class ConsentTestServer extends TestServer {
  async browse(
    url: string,
    cookie: string,
    form?: Readonly<Record<string, string>>,
  ): Promise<BrowserResponse> {
    const answer = await this.app.inject({
      url,
      headers: { cookie, ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(form ? { method: 'POST', payload: new URLSearchParams(form).toString() } : {}),
    });
    const to = answer.headers.location;
    return {
      status: answer.statusCode,
      body: answer.body,
      location: to === undefined ? null : String(to),
    };
  }

  authorizeUrl(
    client: Client,
    scope: string,
    profile: ProfileName = 'core',
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
    return `${addresses[profile].authorize}?${query}`;
  }

  /** Opens the page that an app's request leads to. */
  async openConsentPage(authorizeUrl: string, cookie: string): Promise<OpenConsentPage> {
    const asked = await this.browse(authorizeUrl, cookie);
    const url = asked.location ?? '';
    if (!url.startsWith('/authorize/'))
      throw new Error(`no consent page: ${asked.status} ${url} ${asked.body}`);
    const page = await this.browse(url, cookie);
    return { ...page, url, cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '' };
  }

  submitDecision = (
    page: OpenConsentPage,
    button: 'accept' | 'cancel',
    boxes: Readonly<Record<string, string>> = {},
    cookie = page.cookie,
  ) => this.browse(page.url, cookie, { csrf: page.csrf, [button]: '1', ...boxes });

  /**
   * Every box and hidden field of a page, as a browser sends it when nothing is changed; less what
   * is unticked.
   */
  formFields(page: OpenConsentPage, unticked: readonly string[] = []): Record<string, string> {
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
  async obtainCode(
    app: TestApp,
    user: Account,
    scope: string,
    profile: ProfileName = 'core',
    unticked: readonly string[] = [],
  ): Promise<string> {
    const page = await this.openConsentPage(
      this.authorizeUrl(app.client, scope, profile),
      await this.sessionCookie(user),
    );
    const { location: to, body } = await this.submitDecision(
      page,
      'accept',
      this.formFields(page, unticked),
    );
    const code = to === null ? null : new URL(to).searchParams.get('code');
    if (code === null) throw new Error(`no code: ${to} ${body}`);
    return code;
  }

  async post(url: string, form: Readonly<Record<string, string>>, { client, secret }: TestApp) {
    const answer = await this.app.inject({
      method: 'POST',
      url,
      headers: {
        authorization: basicHeader(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });
    return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json() };
  }

  exchangeCode = (code: string, app: TestApp, profile: ProfileName = 'core') =>
    this.post(
      addresses[profile].token,
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.client.redirectUri,
        code_verifier: verifier,
      },
      app,
    );
  refreshTokens = (
    token: string,
    app: TestApp,
    profile: ProfileName = 'core',
    more: Readonly<Record<string, string>> = {},
  ) =>
    this.post(
      addresses[profile].token,
      { grant_type: 'refresh_token', refresh_token: token, ...more },
      app,
    );
  async introspect(
    token: string,
    app: TestApp,
  ): Promise<{ readonly active: boolean; readonly scope?: string }> {
    return (await this.post('/oauth2/introspect', { token }, app)).body;
  }

  /** Allows and redeems. */
  async obtainTokens(
    app: TestApp,
    user: Account,
    scope: string,
    profile: ProfileName = 'core',
    unticked: readonly string[] = [],
  ) {
    const { status, body } = await this.exchangeCode(
      await this.obtainCode(app, user, scope, profile, unticked),
      app,
      profile,
    );
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body as { readonly access_token: string; readonly refresh_token: string };
  }

  async postSigned(
    url: string,
    app: TestApp,
    token: { key: string; secret: string } | null,
    overrides: Record<string, string>,
    profile: ProfileName = 'core',
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
        overrides,
        {
          profile: profile === 'core' ? 'rfc5849' : 'mediawiki',
        },
      ),
    });
    return { status: answer.statusCode, body: answer.body, form: new URLSearchParams(answer.body) };
  }

  /** Temporary credentials, where the person is asked, and the exchange. */
  async oauth1Handshake(app: TestApp, profile: ProfileName = 'core', callback = 'oob') {
    const { form, body } = await this.postSigned(
      oauth1Addresses[profile].initiate,
      app,
      null,
      { oauth_callback: callback },
      profile,
    );
    const temporaryCredentials = {
      key: form.get('oauth_token') ?? '',
      secret: form.get('oauth_token_secret') ?? '',
    };
    if (temporaryCredentials.key === '') throw new Error(body);
    return {
      pair: temporaryCredentials,
      authorizeUrl: `${oauth1Addresses[profile].authorize}?oauth_token=${temporaryCredentials.key}`,
      exchange: (oauth_verifier: string, by = app) =>
        this.postSigned(
          oauth1Addresses[profile].token,
          by,
          temporaryCredentials,
          { oauth_verifier },
          profile,
        ),
    };
  }

  /** What a person allowed an app, in the order it is kept. */
  async grantedScopes(app: TestApp, user: Account): Promise<readonly string[] | undefined> {
    return (await this.consents.current(app.client, user, this.server.services.site))?.scopes;
  }
}
