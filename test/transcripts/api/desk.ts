import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { apiRoutes } from '#http/api/api.ts';
import { problemTitles } from '#http/api/problems.ts';
import type { ApiRoute } from '#http/api/route.ts';
import { csrfToken } from '#http/csrf.ts';
import type { ClientId } from '#kernel/ids.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';

export type Answer = LightMyRequestResponse;
/** What stands in the path of a route. */
export type Ids = Readonly<Record<string, string | number>>;

/** Who plays a part, and the groups that give it. */
const groups = {
  /** Owns what is proposed. */
  ada: ['developer'],
  mia: ['developer'],
  /** Has nothing to do with the app. */
  dan: ['developer'],
  rex: ['reviewer'],
  rita: ['reviewer'],
  ben: [],
  root: ['administrator'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type Part = keyof typeof groups;

export type Way = 'token' | 'signature' | 'session' | 'nothing';
export interface Said {
  readonly as?: Part | undefined;
  /** By which credentials; where nobody says otherwise a token, or a session for what needs one. */
  readonly by?: Way | undefined;
  /** Scopes of the token; the one of the route unless somebody says otherwise. */
  readonly scopes?: readonly string[] | undefined;
  readonly query?: string | undefined;
  readonly body?: unknown;
  /** The change token that is sent as If-Match. */
  readonly seen?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Codes any route may answer: they are about the caller or the request, not about what the route
 * does.
 */
export const anywhere: readonly string[] = [
  ...[
    'not_logged_in',
    'user_blocked',
    'readonly',
    'missing_field',
    'invalid_field',
    'permission_denied',
  ],
  ...['invalid_request', 'invalid_token', 'insufficient_scope', 'cross_site'],
];

export const routeOf = (id: string): ApiRoute => {
  const route = apiRoutes.find((one) => one.id === id);
  assert.ok(route, `there is no route ${id}`);
  return route;
};

const noApp = '0'.repeat(32);
export const urlOf = (route: ApiRoute, ids: Ids): string =>
  `/api/v1${route.path.replace(/:(\w+)/g, (_all, name: string) => encodeURIComponent(String(ids[name] ?? (name === 'client_id' ? noApp : 1))))}`;

/**
 * What a person does in their browser alone: for an app that other people use, no token or
 * signature will do (ADR 17).
 */
export const inBrowser: ReadonlySet<string> = new Set([
  'resetSecret',
  'addSecret',
  'inviteMaintainer',
  'offerClient',
  'acceptOffer',
  'setPkceExemption',
]);

/** The scopes that open a route. */
const scopesOf = (route: ApiRoute) => [
  route.scope === null || route.scope === 'public' ? 'gatehouse:clients' : route.scope,
];

/**
 * A world with people in it, and how they call the API. Every answer is judged: its shape, and that
 * no secret is in it a second time.
 */
export class Desk {
  readonly world: TestServer;
  readonly people: Readonly<Record<Part, Account>>;
  /** Codes heard of each route; `ok` is its success. */
  readonly heard = new Map<string, Set<string>>();
  readonly #tokens: Map<string, Promise<string>>;
  readonly #pairs = new Map<
    string,
    Promise<{ readonly client: CredentialPair; readonly token: CredentialPair }>
  >();
  readonly #secrets = new Set<string>();
  #count = 0;

  private constructor(
    world: TestServer,
    people: Readonly<Record<Part, Account>>,
    tokens: Map<string, Promise<string>>,
  ) {
    this.world = world;
    this.people = people;
    this.#tokens = tokens;
  }

  /** `before`: a desk over the same database, whose tokens are used on. */
  static async open(
    options: {
      readonly settings?: Readonly<Record<string, string>>;
      readonly file?: string;
      readonly database?: string;
    } = {},
    before?: Desk,
  ): Promise<Desk> {
    const world = new TestServer(
      options.settings,
      options.file,
      options.database === undefined ? {} : { database: options.database },
    );
    const people = {} as Record<Part, Account>;
    for (const [name, given] of Object.entries(groups) as [Part, readonly string[]][]) {
      const title = `${name[0]?.toUpperCase()}${name.slice(1)}`;
      people[name] =
        (await world.server.store.findAccountByName(title)) ??
        (await world.createPerson(title, given));
    }
    await world.server.prepare();
    return new Desk(world, people, before ? before.#tokens : new Map());
  }

  fresh(word = 'app'): string {
    return `${word} ${++this.#count}`;
  }

  /** An access token of this person with these scopes, bought the ordinary way. */
  token(part: Part, scopes: readonly string[]): Promise<string> {
    const key = `${part} ${scopes}`;
    const known = this.#tokens.get(key) ?? this.buy(part, scopes).then(({ access }) => access);
    this.#tokens.set(key, known);
    return known;
  }

  /** Tokens of a new app that this person allows, and what refreshes them. */
  async buy(part: Part, scopes: readonly string[]) {
    const made = await this.world.createClient(this.people.root, {
      name: this.fresh('console'),
      scopes,
      pkceOptional: false,
    });
    const verifier = 'v'.repeat(43);
    const code = await this.world.issueCode(
      made,
      this.people[part],
      createHash('sha256').update(verifier).digest('base64url'),
    );
    const headers = {
      authorization: basicHeader(made.client.id, made.secret),
      'content-type': 'application/x-www-form-urlencoded',
    };
    const answer = await this.world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers,
      payload: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: made.client.redirectUri,
        code_verifier: verifier,
      }).toString(),
    });
    assert.equal(answer.statusCode, 200, answer.body);
    const { access_token: access, refresh_token: refresh } = answer.json() as Readonly<
      Record<string, string>
    >;
    return { headers, access: access ?? '', refresh: refresh ?? '' };
  }

  /** A client and a token to sign with, both of OAuth 1. */
  #pair(part: Part, scopes: readonly string[]) {
    const key = `${part} ${scopes}`;
    const known =
      this.#pairs.get(key) ??
      this.world
        .createClient(this.people[part], {
          ...{
            name: this.fresh('bot'),
            protocol: 'oauth1',
            ownerOnly: true,
            redirectUri: '',
            grantTypes: [],
            scopes,
          },
        })
        .then(({ client, secret, credentials }) => ({
          client: { key: client.id, secret },
          token: { key: credentials?.token ?? '', secret: credentials?.secret ?? '' },
        }));
    this.#pairs.set(key, known);
    return known;
  }

  async #credentials(
    route: ApiRoute,
    url: string,
    {
      as = 'ada',
      by = inBrowser.has(route.id) ? 'session' : 'token',
      scopes = scopesOf(route),
    }: Said,
  ) {
    switch (by) {
      case 'token':
        return { authorization: `Bearer ${await this.token(as, scopes)}` };
      case 'signature': {
        const { client, token } = await this.#pair(as, scopes);
        return signedHeader(this.world, route.method, url, client, token);
      }
      case 'session':
        return this.session(as, route.method === 'GET' ? 'cookie' : 'proven');
      case 'nothing':
        return {};
    }
  }

  /** Headers of a browser that is signed in; `proven`: with the form proof of a page of ours. */
  async session(part: Part, kind: 'cookie' | 'proven' = 'proven'): Promise<Record<string, string>> {
    const cookie = await this.world.sessionCookie(this.people[part]);
    return {
      cookie,
      ...(kind === 'proven'
        ? { 'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)) }
        : {}),
    };
  }

  /**
   * Has the credentials of a later call made now, so that nothing new lies between the scene and
   * the call.
   */
  async vouch(id: string, said: Said): Promise<void> {
    const route = routeOf(id);
    await this.#credentials(route, urlOf(route, {}), said);
  }

  async call(id: string, ids: Ids = {}, said: Said = {}): Promise<Answer> {
    const route = routeOf(id);
    const url = `${urlOf(route, ids)}${said.query ?? ''}`;
    const answer = await this.world.app.inject({
      method: route.method,
      url,
      headers: {
        ...(await this.#credentials(route, url, said)),
        ...(said.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(said.seen === undefined ? {} : { 'if-match': `"${said.seen}"` }),
        ...said.headers,
      },
      ...(said.body === undefined
        ? {}
        : { payload: typeof said.body === 'string' ? said.body : JSON.stringify(said.body) }),
    });
    this.judge(route, answer);
    return answer;
  }

  /** What holds for every answer. */
  judge(route: ApiRoute, answer: Answer): void {
    const { statusCode, headers, body } = answer;
    assert.equal(headers['cache-control'], 'no-store');
    // What is too large is refused before anybody looks at who sent it.
    if (statusCode !== 413) assert.match(String(headers.vary), /Authorization, Cookie/);
    for (const secret of this.#secrets)
      assert.ok(!body.includes(secret), `${route.id} shows a secret again`);
    const code = statusCode < 300 ? 'ok' : problemIn(answer);
    this.heard.set(route.id, (this.heard.get(route.id) ?? new Set()).add(code));
    if (code === 'ok') this.#judgeSuccess(route, answer);
    else
      assert.ok(
        [...anywhere, ...route.refusals].includes(code),
        `${route.id} does not name ${code}`,
      );
  }

  #judgeSuccess({ answer: { status, schema } }: ApiRoute, answer: Answer): void {
    assert.equal(answer.statusCode, status, answer.body);
    const type = String(answer.headers['content-type']);
    if (schema === undefined) assert.equal(answer.body, '');
    else if (!/^application\/jsonl/.test(type)) {
      assert.match(type, /^application\/json(?:;|$)/);
      assert.deepEqual(
        schema.parse(answer.json()),
        answer.json(),
        'nothing is in the answer that its schema does not name',
      );
      for (const name of ['client_secret', 'access_token_secret', 'access_token'])
        this.#keep(answer.json()[name]);
    }
  }

  /** The identifier of an OAuth 1 token is no secret, and outlives a reset. */
  #keep(secret: unknown): void {
    if (typeof secret === 'string' && !/^[0-9a-f]{32}$/.test(secret)) this.#secrets.add(secret);
  }

  /** Fails when a secret that was shown once is in the trail or in a notice. */
  async nothingLeaked(): Promise<void> {
    const { store } = this.world.server;
    const written = JSON.stringify([
      await store.listAudit({ limit: 100_000 }),
      await store.listNotifications({ limit: 100_000 }),
    ]);
    assert.ok(this.#secrets.size > 0);
    for (const secret of this.#secrets) assert.ok(!written.includes(secret));
  }

  /** An action on an app, outside of HTTP: how a scene is set. */
  async act(
    who: Part | 'operator',
    action: string,
    { client_id: clientId }: Ids,
    values: Readonly<Record<string, unknown>> = {},
  ) {
    const { registry, rights } = this.world.server.services;
    const account = who === 'operator' ? null : this.people[who];
    const actor = account === null ? OPERATOR : personActor(account, rights.rightsOf(account));
    // A scene is set as if on a day of its own.
    for (const kind of ['invitation', 'offer'])
      if (account)
        await this.world.server.store.clear(`letters ${kind} from account ${account.id}`);
    const answer = await registry.submit(actor, action, { clientId, reason: '', ...values });
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer.value;
  }

  /** An app of Ada's. */
  async app(
    over: Partial<ClientProposal> = {},
    approve = true,
  ): Promise<Ids & { readonly client_id: string }> {
    const made = await this.world.createClient(
      this.people.ada,
      { name: this.fresh(), ...over },
      approve,
    );
    return { client_id: made.client.id };
  }

  async client({ client_id: id }: Ids): Promise<Client> {
    const client = await this.world.server.store.findClient(id as ClientId);
    assert.ok(client);
    return client;
  }

  /** What this person would send back to say which version of the app they saw. */
  async seen(part: Part, ids: Ids): Promise<string> {
    const account = this.people[part];
    return this.world.server.services.registry.etagFor(
      personActor(account, new Set()),
      await this.client(ids),
    );
  }

  /** Lets the app be changed by somebody else, in nothing that matters. */
  async touch(ids: Ids): Promise<void> {
    const { id, recordVersion } = await this.client(ids);
    const line = {
      action: 'touch',
      actorId: null,
      via: 'cli',
      address: null,
      clientId: id,
      reason: 'in between',
    } as const;
    const audit = {
      ...line,
      at: this.world.now,
      changes: [{ field: 'redirectUri', before: 'a', after: 'b' }],
    };
    assert.equal(
      (
        await this.world.server.store.applyChange({
          recordVersion,
          effects: [],
          audit,
          notifications: [],
        })
      ).outcome,
      'applied',
    );
  }

  close(): Promise<void> {
    return this.world.close();
  }
}

/** Checks a problem document (RFC 9457) and answers its code. */
export function problemIn(answer: Answer): string {
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, answer.body);
  const { type, title, status, detail, code } = answer.json();
  assert.equal(status, answer.statusCode);
  assert.ok(Object.hasOwn(problemTitles, code), code);
  assert.deepEqual(
    [type, title],
    [`/problems/${code}`, problemTitles[code as keyof typeof problemTitles]],
  );
  assert.match(detail, /\S/);
  assert.equal(answer.headers['retry-after'] !== undefined, status === 503 || status === 429);
  assert.equal(
    answer.headers['www-authenticate'] !== undefined,
    status === 401 || code === 'insufficient_scope' || code === 'invalid_token',
  );
  return code;
}

/** A refusal: its status, its code, and what it says beside them. */
export function refused(
  answer: Answer,
  status: number,
  code: string,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  assert.deepEqual([answer.statusCode, answer.json().code], [status, code], answer.body);
  const said = answer.json();
  assert.deepEqual(Object.fromEntries(Object.keys(facts).map((name) => [name, said[name]])), facts);
}
