import assert from 'node:assert/strict';
import { type ProfileName, type TestApp, verifier } from '#harness/approvals.ts';
import type { Client } from '#registry/model/client.ts';
import type { Form, Step, Values } from './attackers-asks.ts';
import { type Acting, count, type Oracle } from './attackers-oracle.ts';
import { type GrantName, grants, type Need } from './attackers-rows.ts';
import { actionRules } from './attackers-table.ts';
import type { AttackWorld, Lent } from './attackers-world.ts';

// The steps of OAuth 1 and OAuth 2 at both front doors: as they should be, and with one thing
// missing that the table says is needed.

interface Refresh {
  readonly token: string;
  readonly app: string;
  readonly person: number;
  readonly bound: readonly string[];
  readonly door: ProfileName;
}

const otherDoor = (door: ProfileName): ProfileName => (door === 'core' ? 'mediawiki' : 'core');
const tokenUrl = { core: '/oauth2/token', mediawiki: '/w/rest.php/oauth2/access_token' } as const;
const NO_SECRET = 'x'.repeat(40);

export class Protocol {
  readonly world: AttackWorld;
  readonly oracle: Oracle;
  readonly #refresh: Refresh[] = [];

  constructor(world: AttackWorld, oracle: Oracle) {
    this.world = world;
    this.oracle = oracle;
  }

  /** What this step lacks; undefined: nothing, which is every second one. */
  #lack(name: GrantName, { variant }: Step): Need | undefined {
    const needs: readonly Need[] = grants[name].needs;
    return variant % 2 ? undefined : needs[(variant / 2) % needs.length];
  }

  /** Another app with a secret that is known. */
  async #another(app: string): Promise<TestApp> {
    return this.world.asApp(
      this.world.apps.find((id) => id !== app && this.world.secrets.get(id)) ?? app,
    );
  }

  async #caller(app: string, lack: Need | undefined): Promise<TestApp> {
    if (lack === 'same app') return this.#another(app);
    return this.world.asApp(app, lack === 'secret' ? NO_SECRET : undefined);
  }

  /** Says that an app at this stage may be given this, for this person. */
  #judgeGiven(
    name: GrantName,
    client: Client,
    person: number | null,
    lack: Need | undefined,
  ): void {
    count(name);
    const said = `${name} of ${client.id}`;
    assert.equal(lack, undefined, `${said} without: ${lack}`);
    const { stages, own, suspension } = grants[name] as {
      stages: readonly string[];
      own: readonly string[];
      suspension: readonly string[];
    };
    const open = stages.includes(client.stage) && !client.suppressed;
    assert.ok(
      open || (own.includes(client.stage) && client.ownerId === person),
      `${said}, which is ${client.stage}`,
    );
    assert.ok(
      suspension.includes(client.suspension),
      `${said}, of which ${client.suspension} is suspended`,
    );
    if (person !== null)
      assert.equal(
        this.oracle.before.people.get(person)?.blocked,
        false,
        `${said} for somebody who is blocked`,
      );
  }

  async #keep(body: Values, about: Omit<Refresh, 'token'>, from: string): Promise<void> {
    const { app, person, bound } = about;
    const lent: Lent = {
      kind: 'bearer',
      token: String(body.access_token),
      secret: '',
      app,
      person,
      bound,
      from,
    };
    this.world.keep(lent);
    if (typeof body.refresh_token === 'string')
      this.#refresh.push({ token: body.refresh_token, ...about });
    this.oracle.before = await this.world.picture();
    await this.oracle.check(lent);
  }

  /**
   * The person looks at what the app's request leads to, and says yes; the address they are sent on
   * to.
   */
  async #consent(step: Step, client: Client, asking: string, door: string): Promise<string | null> {
    const { world, oracle } = this;
    const person = world.people[step.who];
    const { cookie } = await world.browser(step.who, false);
    const asked = await world.browse(asking, cookie);
    let to = asked.location;
    const open = client.stage === 'approved' && !client.suppressed;
    if (to?.startsWith('http') && !to.startsWith('https://gate.example'))
      assert.ok(open || client.ownerId === person.id, `a stranger was sent on to ${to}`);
    if (to?.startsWith('/authorize/')) {
      const page = { ...(await world.browse(to, cookie)), url: to, cookie };
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
      to = (
        await world.submitDecision({ ...page, csrf }, 'accept', world.formFields({ ...page, csrf }))
      ).location;
    }
    const acting: Acting = { name: step.who, way: 'fresh', lent: null };
    const request = {
      door,
      rule: actionRules.accept,
      app: client.id,
      matter: '',
      page: true,
      about: person.id,
    };
    await oracle.judge(acting, request, false, asked.body);
    return to?.startsWith('http') ? to : null;
  }

  /** A person at the consent page, and the app at the token endpoint. */
  async code(step: Step, target: string): Promise<void> {
    const { world, oracle } = this;
    const working = world.apps.filter((id) => {
      const client = oracle.before.apps.get(id)?.client;
      return (
        client?.protocol === 'oauth2' &&
        client.stage === 'approved' &&
        !client.ownerOnly &&
        world.secrets.get(id)
      );
    });
    const app = (step.apt ? working[step.app % Math.max(1, working.length)] : undefined) ?? target;
    const door = step.nth % 2 ? 'mediawiki' : 'core';
    const { client } = await world.asApp(app);
    const asked = step.apt
      ? step.asked.filter((scope) => client.scopes.includes(scope))
      : step.asked;
    const to = await this.#consent(
      step,
      client,
      world.authorizeUrl(client, asked.join(' '), door),
      `authorize ${door}`,
    );
    const code = to === null ? null : new URL(to).searchParams.get('code');
    if (code === null) return;
    const person = world.people[step.who].id;
    this.#judgeGiven('consent', client, person, undefined);
    const lack = this.#lack('code', step);
    const at = lack === 'same door' ? otherDoor(door) : door;
    const { redirectUri: redirect_uri } = client;
    const values = {
      grant_type: 'authorization_code',
      code,
      redirect_uri,
      code_verifier: lack === 'verifier' ? 'w'.repeat(43) : verifier,
    };
    const { body } = await world.post(tokenUrl[at], values, await this.#caller(app, lack));
    if (body.access_token === undefined) return;
    this.#judgeGiven('code', client, person, lack);
    const bound = ['basic', ...(asked.length > 0 ? asked : client.scopes)].filter((scope) =>
      client.scopes.includes(scope),
    );
    await this.#keep(body, { app, person, bound, door }, `a code at ${door}`);
  }

  /** With each of what is needed missing, which spends nothing, and then as it should be. */
  async refresh(step: Step): Promise<void> {
    const { world, oracle } = this;
    const one = this.#refresh.at(-1 - (step.app % Math.max(1, this.#refresh.length)));
    if (one === undefined) return;
    const wider = step.nth % 2 ? { scope: step.asked.join(' ') } : {};
    const { client } = await world.asApp(one.app);
    for (const lack of [...grants.refresh.needs, undefined]) {
      if (lack === 'no way into the dialect' && one.door === 'mediawiki') continue;
      const door = lack === 'no way into the dialect' ? 'mediawiki' : one.door;
      const { body } = await world.refreshTokens(
        one.token,
        await this.#caller(one.app, lack),
        door,
        wider as Form,
      );
      if (body.access_token === undefined) continue;
      this.#judgeGiven('refresh', client, one.person, lack);
      assert.ok(
        oracle.live({ ...one, kind: 'bearer', secret: '', from: '' }) !== undefined,
        `a dead grant of ${one.app} was refreshed`,
      );
      await this.#keep(body, { ...one, door }, 'a refresh');
    }
  }

  /** An app in its own name: for its owner when it is theirs alone, for nobody otherwise. */
  async machine(step: Step, app: string): Promise<void> {
    const { world, oracle } = this;
    const lack = this.#lack('machine', step);
    const caller = await this.#caller(app, lack);
    const scope = step.variant % 3 ? { scope: step.asked.join(' ') } : {};
    const { body } = await world.post(
      tokenUrl[step.nth % 2 ? 'mediawiki' : 'core'],
      { grant_type: 'client_credentials', ...scope },
      caller,
    );
    if (body.access_token === undefined) return;
    const { grantTypes, ownerOnly, ownerId, scopes: bound } = caller.client;
    const person = ownerOnly ? ownerId : null;
    this.#judgeGiven('machine', caller.client, person, lack);
    assert.ok(
      grantTypes.includes('client_credentials'),
      `a token of ${app} by a grant it is not registered for`,
    );
    const lent: Lent = {
      kind: 'bearer',
      token: body.access_token,
      secret: '',
      app,
      person,
      bound,
      from: 'the app',
    };
    if (ownerOnly)
      assert.ok(oracle.live(lent) !== undefined, `a token of ${app}, whose owner may not`);
    world.keep(lent);
    await oracle.check(lent);
  }

  /** An app asks about a token, or ends it. */
  async aboutToken(step: Step): Promise<void> {
    const { world, oracle } = this;
    const name = step.kind === 'introspect' ? 'introspect' : 'revoke';
    const bearers = world.lent.filter(({ kind }) => kind === 'bearer');
    // Of late: many an older one is dead.
    const lent = bearers.at(-1 - (step.app % Math.max(1, Math.min(bearers.length, 8))));
    if (lent === undefined) return;
    const lack = this.#lack(name, step);
    const caller = await this.#caller(lent.app, lack);
    const alive = async () => {
      const headers = { authorization: `Bearer ${lent.token}` };
      return (await world.app.inject({ url: '/api/v1/scopes', headers })).statusCode === 200;
    };
    const before = await alive();
    const { status, body } = await world.post(`/oauth2/${name}`, { token: lent.token }, caller);
    const after = await alive();
    if (name === 'introspect') {
      if (body.active) this.#judgeGiven(name, caller.client, lent.person, lack);
      return;
    }
    if (before && !after) this.#judgeGiven(name, caller.client, lent.person, lack);
    if (lack === undefined && status === 200) {
      oracle.end(lent.token);
      assert.ok(!after, 'a revoked token is alive');
    }
  }

  /** OAuth 1: temporary credentials, the person's yes, and the exchange. */
  async handshake(step: Step): Promise<void> {
    const { world, oracle } = this;
    const ones = [...oracle.before.apps.values()].filter(
      ({ client }) => client.protocol === 'oauth1' && !client.ownerOnly,
    );
    const client = ones[step.app % Math.max(1, ones.length)]?.client;
    if (client === undefined || !world.secrets.get(client.id)) return;
    const door = step.nth % 2 ? 'mediawiki' : 'core';
    const lack = this.#lack('handshake', step);
    const shake = await world
      .oauth1Handshake(await world.asApp(client.id), door, client.redirectUri)
      .catch(() => null);
    if (shake === null) return;
    const to = await this.#consent(step, client, shake.authorizeUrl, `handshake ${door}`);
    const code = to === null ? null : new URL(to).searchParams.get('oauth_verifier');
    const { form } = await shake.exchange(
      code === null || lack === 'verifier' ? 'guessed' : code,
      lack === 'same app' || lack === 'secret' ? await this.#caller(client.id, lack) : undefined,
    );
    const token = form.get('oauth_token');
    if (token === null) return;
    assert.ok(code !== null, 'an exchange without a yes');
    const person = world.people[step.who].id;
    this.#judgeGiven('handshake', client, person, lack);
    const allowed =
      [...oracle.before.consents.values()].find(
        (one) => one.clientId === client.id && one.userId === person,
      )?.scopes ?? [];
    const lent: Lent = {
      ...{
        kind: 'pair',
        token,
        secret: form.get('oauth_token_secret') ?? '',
        app: client.id,
        person,
      },
      ...{
        bound: allowed.filter((scope) => client.scopes.includes(scope)),
        from: `a handshake at ${door}`,
      },
    };
    world.keep(lent);
    await oracle.check(lent);
  }
}
