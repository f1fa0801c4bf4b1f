import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId, SiteId, UserId } from '#kernel/ids.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import { type Client, suspensions } from '#registry/model/client.ts';

// Over the whole program: who gets a token, whose tokens stop, and which come back (registry
// 3.4–3.8, 6.3, 6.5, 7.1).

const stages = ['approved', 'proposed', 'rejected', 'expired', 'disabled'] as const;
const flags = [false, true] as const;
type Acting = 'owner' | 'other' | 'itself';

interface State extends Pick<Client, 'suppressed' | 'suspension' | 'ownerOnly'> {
  readonly stage: (typeof stages)[number];
  /** The person acted for; of an app that acts for itself, its owner. */
  readonly blocked: boolean;
}

/**
 * Registry 7.1, written out: for whom an app may act. Nobody is acted for by the stages that are
 * not here.
 */
const usable: Readonly<Record<string, readonly Acting[]>> = {
  'approved, for all': ['owner', 'other', 'itself'],
  'approved, owner-only': ['owner'],
  'proposed, for all': ['owner'],
  // It waits for two people to say yes to what it may do (ADR 15): until then nobody uses it.
  'proposed, owner-only': [],
};
/** And what stops it all the same. To stop new consents stops no token. */
const stopped = ({ suppressed, suspension, blocked }: State, acting: Acting) =>
  suppressed ||
  { none: false, 'new-consents': false, all: true }[suspension] ||
  (blocked && acting !== 'itself');
const allowed = (state: State, acting: Acting) =>
  (usable[`${state.stage}, ${state.ownerOnly ? 'owner-only' : 'for all'}`] ?? []).includes(
    acting,
  ) && !stopped(state, acting);

/** Every state, for the kinds of app named. */
const states = (...kinds: readonly boolean[]): readonly State[] =>
  kinds.flatMap((ownerOnly) =>
    stages.flatMap((stage) =>
      flags.flatMap((suppressed) =>
        suspensions.flatMap((suspension) =>
          flags.map((blocked) => ({ ownerOnly, stage, suppressed, suspension, blocked })),
        ),
      ),
    ),
  );
const PER_KIND = 5 * 2 * 3 * 2;

type Made = ActionOutcome & { readonly secret: string };
/** Something that acts: an access token, or a pair to sign with. */
type Credential =
  | { readonly bearer: string }
  | { readonly client: CredentialPair; readonly token: CredentialPair };

const here = 'main' as SiteId;
const redirectUri = 'https://app.example/cb';
const ownerOnly = { ownerOnly: true, redirectUri: '' } as const;

class Program extends TestServer {
  ada!: Account;
  ben!: Account;
  /** An app that nothing happens to: it asks about the tokens of others. */
  watcher!: Made;

  async open(): Promise<this> {
    this.ada = await this.createPerson('Ada');
    this.ben = await this.createPerson('Ben');
    this.watcher = await this.createClient(this.ben, { name: 'watcher' });
    await this.clients.setIntrospector(this.watcher.client.id, true);
    return this;
  }

  async post(url: string, form: Readonly<Record<string, string>>, { client, secret }: Made) {
    const answer = await this.app.inject({
      method: 'POST',
      url,
      headers: {
        authorization: basicHeader(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });
    return { status: answer.statusCode, body: answer.json() };
  }

  /** The token endpoint: an answer with tokens, or null with nothing in it. */
  async token(
    form: Readonly<Record<string, string>>,
    made: Made,
  ): Promise<{ access_token: string; refresh_token: string } | null> {
    const { status, body } = await this.post('/oauth2/token', form, made);
    if (status === 200) return body;
    assert.deepEqual(
      [status, body.error, Object.keys(body)],
      [400, 'invalid_grant', ['error', 'error_description']],
    );
    return null;
  }
  byCode = (code: string, made: Made) =>
    this.token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }, made);
  refreshed = (refresh: string, made: Made) =>
    this.token({ grant_type: 'refresh_token', refresh_token: refresh }, made);
  byItself = (made: Made) => this.token({ grant_type: 'client_credentials' }, made);

  async signed(
    url: string,
    client: CredentialPair,
    token: CredentialPair | null,
    over: Readonly<Record<string, string>> = {},
  ) {
    const reading = url.startsWith('/w/') ? 'mediawiki' : 'rfc5849';
    const answer = await this.app.inject({
      method: 'POST',
      url,
      headers: signedHeader(this, 'POST', url, client, token, over, { profile: reading }),
    });
    return { status: answer.statusCode, form: new URLSearchParams(answer.body), body: answer.body };
  }

  /**
   * Temporary credentials that a person said yes to, and the verifier: all but the exchange (RFC
   * 5849 §2.3).
   */
  async handshake(made: Made, user: Account) {
    const client = { key: made.client.id, secret: made.secret };
    const { form } = await this.signed('/oauth1/initiate', client, null, { oauth_callback: 'oob' });
    const temporary = {
      key: form.get('oauth_token') ?? '',
      secret: form.get('oauth_token_secret') ?? '',
    };
    const consent = await this.consents.accept(made.client, user, made.client.scopes);
    const done = await this.server.services.protocols.core.oauth1.authorizeUnderConsent(
      temporary.key,
      made.client,
      consent,
    );
    assert.ok(done.ok && done.value.kind === 'show-verifier');
    const over = { oauth_verifier: done.value.verifier };
    return async (): Promise<Credential | null> => {
      const answer = await this.signed('/oauth1/token', client, temporary, over);
      if (answer.status !== 200) {
        assert.deepEqual(
          [answer.status, [...answer.form.keys()]],
          [403, ['oauth_problem', 'oauth_problem_advice']],
        );
        return null;
      }
      return {
        client,
        token: {
          key: answer.form.get('oauth_token') ?? '',
          secret: answer.form.get('oauth_token_secret') ?? '',
        },
      };
    };
  }

  /**
   * True when the credential acts, and false when it does not: the API, the dialect and
   * introspection never disagree.
   */
  async acts(credential: Credential): Promise<boolean> {
    const answers: boolean[] = [];
    const sent = {
      method: 'GET',
      target: '/api/notes',
      body: undefined,
      address: '192.0.2.1',
      secure: true,
    };
    const permit = async (headers: Readonly<Record<string, string>>) =>
      answers.push((await this.server.guard.permit({ ...sent, headers }, here)).ok);
    if ('bearer' in credential) {
      const headers = { authorization: `Bearer ${credential.bearer}` };
      await permit(headers);
      answers.push(
        (await this.post('/oauth2/introspect', { token: credential.bearer }, this.watcher)).body
          .active,
      );
      answers.push(
        (await this.app.inject({ url: '/w/rest.php/oauth2/resource/profile', headers }))
          .statusCode === 200,
      );
    } else {
      const { client, token } = credential;
      await permit(signedHeader(this, 'GET', '/api/notes', client, token));
      answers.push(
        /^[\w-]+\.[\w-]+\.[\w-]+$/.test(
          (await this.signed('/w/index.php?title=Special:OAuth/identify', client, token)).body,
        ),
      );
    }
    const [first = false] = answers;
    assert.deepEqual(
      answers,
      answers.map(() => first),
    );
    return first;
  }

  /** Puts an app and a person into a state, whatever way would lead there. */
  async force(id: ClientId, person: Account, { blocked, ...state }: State): Promise<void> {
    const { store } = this.server;
    const client = await store.findClient(id);
    assert.ok(client);
    const audit = {
      at: this.now,
      action: 'force',
      actorId: null,
      via: 'job',
      address: null,
      clientId: id,
      reason: '',
      changes: [],
    } as const;
    const effects = [{ kind: 'save-client', client: { ...client, ...state } }] as const;
    const applied = await store.applyChange({
      recordVersion: client.recordVersion,
      effects,
      audit,
      notifications: [],
    });
    assert.equal(applied.outcome, 'applied');
    await store.setBlocked(person.id, blocked);
  }
}

interface Subject {
  readonly made: Made;
  readonly person: Account;
  readonly acting: (state: State) => Acting;
  /** What acted before anything happened. */
  readonly issued: Credential;
  /**
   * Readies a request for a new token, before anything happens; asking answers the token, or null.
   */
  ready?(): Promise<() => Promise<Credential | null>>;
  /**
   * An owner-only app has no handshake and no page: its owner gets no new token this way (registry
   * 7.3).
   */
  readonly handshake?: true;
  /** A refused request is good again afterwards: nothing was spent. */
  readonly keeps: boolean;
}

/** Takes a subject through every state and back. */
async function walk(
  program: Program,
  kinds: readonly boolean[],
  { made, person, acting, issued, ready, handshake, keeps }: Subject,
): Promise<number> {
  const normal: State = {
    stage: 'approved',
    suppressed: false,
    suspension: 'none',
    ownerOnly: made.client.ownerOnly,
    blocked: false,
  };
  let walked = 0;
  for (const state of states(...kinds)) {
    const ask = await ready?.();
    await program.force(made.client.id, person, state);
    const may = allowed(state, acting(state));
    const row = JSON.stringify(state);
    assert.equal(await program.acts(issued), may, `what was issued acts: ${row}`);
    const got = await ask?.();
    if (ask)
      assert.equal(got !== null, may && !(handshake && state.ownerOnly), `gets a token: ${row}`);
    if (got) assert.ok(await program.acts(got), `the new token acts: ${row}`);
    await program.force(made.client.id, person, normal);
    assert.ok(await program.acts(issued), `acts again after ${row}`);
    if (got) assert.ok(await program.acts(got), `the new token acts on after ${row}`);
    if (got === null && keeps)
      assert.ok(await ask?.(), `the refused request is good again after ${row}`);
    walked += 1;
  }
  return walked;
}

const people: readonly (readonly [Acting, (program: Program) => Account])[] = [
  ['owner', ({ ada }) => ada],
  ['other', ({ ben }) => ben],
];
const bearer = (answer: { readonly access_token: string } | null): Credential | null =>
  answer && { bearer: answer.access_token };
function sure<T>(value: T | null | undefined): T {
  assert.ok(value);
  return value;
}

for (const [who, personOf] of people) {
  test(`authorization_code for the ${who}: exactly the allowed get a token, and tokens stop and come back`, async () => {
    const program = await new Program().open();
    const [person, made] = [
      personOf(program),
      await program.createClient(program.ada, { name: 'web' }),
    ];
    const ready = async () => {
      const code = await program.issueCode(made, person);
      return async () => bearer(await program.byCode(code, made));
    };
    const issued = sure(await (await ready())());
    assert.equal(
      await walk(program, flags, { made, person, acting: () => who, issued, ready, keeps: true }),
      2 * PER_KIND,
    );
    await program.close();
  });

  test(`refresh_token for the ${who}: the same, and a refusal spends nothing`, async () => {
    const program = await new Program().open();
    const [person, made] = [
      personOf(program),
      await program.createClient(program.ada, { name: 'web' }),
    ];
    let newest = sure(await program.byCode(await program.issueCode(made, person), made));
    const issued = sure(bearer(newest));
    const ready = async () => async () => {
      const next = await program.refreshed(newest.refresh_token, made);
      newest = next ?? newest;
      return bearer(next);
    };
    assert.equal(
      await walk(program, flags, { made, person, acting: () => who, issued, ready, keeps: true }),
      2 * PER_KIND,
    );
    await program.close();
  });

  test(`OAuth 1 for the ${who}: exactly the allowed get a pair, and signed requests stop and come back`, async () => {
    const program = await new Program().open();
    const [person, made] = [
      personOf(program),
      await program.createClient(program.ada, { name: 'classic', protocol: 'oauth1' }),
    ];
    const ready = () => program.handshake(made, person);
    const issued = sure(await (await ready())());
    const subject = {
      made,
      person,
      acting: () => who,
      issued,
      ready,
      handshake: true,
      keeps: false,
    } as const;
    assert.equal(await walk(program, flags, subject), 2 * PER_KIND);
    await program.close();
  });
}

for (const [kind, proposal] of [
  ['an app for all, which acts for itself', {}],
  ['an owner-only app, which acts for its owner', ownerOnly],
] as const) {
  test(`client_credentials of ${kind}: exactly the allowed get a token, and tokens stop and come back`, async () => {
    const program = await new Program().open();
    const made = await program.createClient(program.ada, {
      name: 'service',
      grantTypes: ['client_credentials'],
      ...proposal,
    });
    const ready = async () => async () => bearer(await program.byItself(made));
    const issued = sure(await (await ready())());
    const acting = (state: State): Acting => (state.ownerOnly ? 'owner' : 'itself');
    const walked = await walk(program, [made.client.ownerOnly], {
      made,
      person: program.ada,
      acting,
      issued,
      ready,
      keeps: true,
    });
    assert.equal(walked, PER_KIND);
    await program.close();
  });
}

for (const [kind, proposal] of [
  ['token of an OAuth 2', { grantTypes: ['client_credentials'] }],
  ['pair of an OAuth 1', { protocol: 'oauth1', grantTypes: [] }],
] as const satisfies readonly (readonly [string, Partial<ClientProposal>])[]) {
  test(`the one ${kind} app that is owner-only stops and comes back`, async () => {
    const program = await new Program().open();
    const made = await program.createClient(program.ada, {
      name: 'mine',
      ...proposal,
      ...ownerOnly,
    });
    const issued = sure(ownCredential(made));
    assert.equal(
      await walk(program, flags, {
        made,
        person: program.ada,
        acting: () => 'owner',
        issued,
        keeps: true,
      }),
      2 * PER_KIND,
    );
    await program.close();
  });
}

/** What an owner-only app was born with, or given at a reset. */
function ownCredential({
  client,
  secret,
  credentials,
  accessToken,
}: ActionOutcome): Credential | null {
  if (accessToken !== null) return { bearer: accessToken };
  return (
    credentials && {
      client: { key: client.id, secret: secret ?? '' },
      token: { key: credentials.token, secret: credentials.secret },
    }
  );
}

// The same by the registry's own actions.

const kept = ['web of Ben', 'web of Ada', 'classic of Ben', 'service', 'bot', 'old bot'] as const;
type Kept = (typeof kept)[number];
const all = kept;
const ofBen = ['web of Ben', 'classic of Ben'] as const;
const ofAda = ['web of Ada', 'bot', 'old bot'] as const;
const ownersOwn = ['bot', 'old bot'] as const;

interface Street {
  readonly program: Program;
  readonly apps: Readonly<Record<'web' | 'classic' | 'service' | 'bot' | 'old', Made>>;
  readonly credentials: Readonly<Record<Kept, Credential>>;
  /** The operator does it to every app. */
  toAll(action: string, values?: object): Promise<void>;
}

async function street(): Promise<Street> {
  const program = await new Program().open();
  const { ada, ben } = program;
  const grantTypes = ['client_credentials'] as const;
  const apps = {
    web: await program.createClient(ada, { name: 'web' }),
    classic: await program.createClient(ada, { name: 'classic', protocol: 'oauth1' }),
    service: await program.createClient(ada, { name: 'service', grantTypes }),
    bot: await program.createClient(ada, { name: 'bot', grantTypes, ...ownerOnly }),
    old: await program.createClient(ada, { name: 'old bot', protocol: 'oauth1', ...ownerOnly }),
  };
  const credentials = {
    'web of Ben': sure(
      bearer(await program.byCode(await program.issueCode(apps.web, ben), apps.web)),
    ),
    'web of Ada': sure(
      bearer(await program.byCode(await program.issueCode(apps.web, ada), apps.web)),
    ),
    'classic of Ben': sure(await (await program.handshake(apps.classic, ben))()),
    service: sure(bearer(await program.byItself(apps.service))),
    bot: sure(ownCredential(apps.bot)),
    'old bot': sure(ownCredential(apps.old)),
  };
  const toAll = async (action: string, values: object = {}) => {
    for (const { client } of Object.values(apps)) {
      const answer = await program.server.services.registry.submit(
        { kind: 'operator', via: 'cli' },
        action,
        {
          clientId: client.id,
          reason: '',
          ...values,
        },
      );
      assert.ok(answer.ok, JSON.stringify(answer));
    }
  };
  return { program, apps, credentials, toAll };
}

async function acting({ program, credentials }: Street): Promise<readonly Kept[]> {
  const found: Kept[] = [];
  for (const name of kept) if (await program.acts(credentials[name])) found.push(name);
  return found;
}
const without = (gone: readonly Kept[]) => kept.filter((name) => !gone.includes(name));
const block = async ({ program }: Street, id: UserId, blocked: boolean) =>
  void (await program.server.store.setBlocked(id, blocked));
const renounceAll = async ({ program: { server: built, consents } }: Street, user: Account) => {
  for (const { id } of await built.store.listConsents(user.id))
    assert.equal(await consents.revoke(id, user), 'renounced');
};
const acceptAll = async ({ program, apps }: Street, user: Account) => {
  for (const { client } of [apps.web, apps.classic])
    await program.consents.accept(client, user, client.scopes);
};
const handOver = async ({ program, apps, toAll }: Street, to: Account) => {
  await toAll('offer', { userId: to.id });
  const actor = personActor(to, new Set([RIGHTS.propose]));
  for (const { client } of Object.values(apps)) {
    const answer = await program.server.services.registry.submit(actor, 'accept-offer', {
      clientId: client.id,
      reason: '',
    });
    assert.ok(answer.ok, JSON.stringify(answer));
  }
};

const turns: readonly (readonly [
  what: string,
  stops: readonly Kept[],
  stop: (street: Street) => Promise<void>,
  undo: ((street: Street) => Promise<void>) | null,
  forGood: readonly Kept[],
])[] = [
  [
    'disable, reenable (registry 3.7, 3.8)',
    all,
    ({ toAll }) => toAll('disable', { suppress: false }),
    ({ toAll }) => toAll('reenable'),
    [],
  ],
  [
    'disable and hide, reenable (registry 6.5)',
    all,
    ({ toAll }) => toAll('disable', { suppress: true }),
    ({ toAll }) => toAll('reenable'),
    [],
  ],
  [
    'suspend all, suspend none',
    all,
    ({ toAll }) => toAll('halt', { suspension: 'all' }),
    ({ toAll }) => toAll('halt', { suspension: 'none' }),
    [],
  ],
  [
    'suspend new-consents',
    [],
    ({ toAll }) => toAll('halt', { suspension: 'new-consents' }),
    null,
    [],
  ],
  [
    'block Ben',
    ofBen,
    (there) => block(there, there.program.ben.id, true),
    (there) => block(there, there.program.ben.id, false),
    [],
  ],
  // An app that acts for itself acts for nobody who could be blocked (registry 7.1).
  [
    'block Ada',
    ofAda,
    (there) => block(there, there.program.ada.id, true),
    (there) => block(there, there.program.ada.id, false),
    [],
  ],
  [
    'Ben renounces, and accepts anew (registry 6.3)',
    ofBen,
    (there) => renounceAll(there, there.program.ben),
    (there) => acceptAll(there, there.program.ben),
    ofBen,
  ],
  [
    'Ada renounces, and accepts anew what she can (registry 6.3)',
    ofAda,
    (there) => renounceAll(there, there.program.ada),
    (there) => acceptAll(there, there.program.ada),
    ofAda,
  ],
  // Of an app for all, the secret alone; OAuth 1 requests are signed with it as well (registry
  // 3.4).
  [
    'reset the secret',
    [...ownersOwn, 'classic of Ben'],
    ({ toAll }) => toAll('update', { resetSecret: true }),
    null,
    [...ownersOwn, 'classic of Ben'],
  ],
  ['a second secret', [], ({ toAll }) => toAll('add-secret', { label: 'second' }), null, []],
  [
    'Ben takes the apps over',
    ownersOwn,
    (there) => handOver(there, there.program.ben),
    null,
    ownersOwn,
  ],
];
for (const [what, stops, stop, undo, forGood] of turns) {
  test(`${what}: ${stops.length === 0 ? 'nothing stops' : `${stops.length} of ${kept.length} stop at once`}`, async () => {
    const there = await street();
    assert.deepEqual(await acting(there), all);
    await stop(there);
    assert.deepEqual(await acting(there), without(stops));
    await undo?.(there);
    assert.deepEqual(await acting(there), without(forGood));
    await there.program.close();
  });
}

test('a proposed app acts for its owner; rejected it stops, and approved after all it goes on (registry 1.2, 7.1)', async () => {
  const program = await new Program().open();
  const { ada, ben, clients } = program;
  const web = await program.createClient(ada, { name: 'web' }, false);
  const classic = await program.createClient(ada, { name: 'classic', protocol: 'oauth1' }, false);
  await assert.rejects(program.issueCode(web, ben), /permission_denied/);
  const tokens = [
    bearer(await program.byCode(await program.issueCode(web, ada), web)),
    await (await program.handshake(classic, ada))(),
  ].map(sure);
  const acting = async () => Promise.all(tokens.map((token) => program.acts(token)));
  assert.deepEqual(await acting(), [true, true]);
  for (const { client } of [web, classic]) assert.ok((await clients.reject(client.id)).ok);
  assert.deepEqual(await acting(), [false, false]);
  for (const { client } of [web, classic]) assert.ok((await clients.approve(client.id)).ok);
  assert.deepEqual(await acting(), [true, true]);
  assert.ok(await program.issueCode(web, ben));
  await program.close();
});

test('an owner-only app that is reset has one credential that acts, the new one (registry 3.4, 3.9)', async () => {
  const { program, apps, credentials } = await street();
  for (const [name, { client }] of [
    ['bot', apps.bot],
    ['old bot', apps.old],
  ] as const) {
    // Also where the app was moved to another site since: the credential of before is no other
    // app's.
    const revised = await program.server.services.registry.submit(
      { kind: 'operator', via: 'cli' },
      'revise',
      {
        clientId: client.id,
        reason: '',
        site: 'main',
      },
    );
    assert.ok(revised.ok, JSON.stringify(revised));
    const reset = await program.clients.resetSecret(client.id);
    assert.ok(reset.ok);
    assert.deepEqual(
      [await program.acts(credentials[name]), await program.acts(sure(ownCredential(reset.value)))],
      [false, true],
    );
    assert.equal(
      (await program.server.store.listConsents(program.ada.id)).filter(
        ({ clientId }) => clientId === client.id,
      ).length,
      1,
    );
  }
  await program.close();
});
