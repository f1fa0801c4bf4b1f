import assert from 'node:assert/strict';
import { signedHeader } from '#harness/signed.ts';
import { Decisions, type Request } from './attackers-decisions.ts';
import {
  beyond,
  type Difference,
  differences,
  isSecurity,
  type Kept,
  type Picture,
} from './attackers-picture.ts';
import {
  contactScopes,
  fieldReaders,
  groupRights,
  type Relation,
  type Rule,
  relationLent,
  scopeTable,
} from './attackers-table.ts';
import type { AttackWorld, Lent, Name } from './attackers-world.ts';

// What each actor was lent, computed from the table and from what happened before. What is stored
// is read for what happened: every step to it was judged here already.

/** Who acts, and by what. `lent`: through an app. */
export interface Acting {
  readonly name: Name | null;
  readonly way: 'fresh' | 'stale' | 'app' | 'nothing';
  readonly lent: Lent | null;
}

const includesAny = (some: readonly string[], wanted: readonly string[]) =>
  wanted.some((one) => some.includes(one));

/** What happened over all histories, to see that a play is about something. */
export const happened = new Map<string, number>();
export const count = (what: string): void => void happened.set(what, (happened.get(what) ?? 0) + 1);

export class Oracle {
  readonly world: AttackWorld;
  before: Picture;
  readonly #decisions: Decisions;
  readonly #ended = new Set<string>();
  /** Credentials that were shown once, and never are again. */
  readonly #shown = new Set<string>();

  constructor(world: AttackWorld, picture: Picture) {
    this.world = world;
    this.before = picture;
    this.#decisions = new Decisions(picture);
    for (const { app, matter, person } of world.yeses)
      this.#decisions.say({ app, matter }, person, picture);
    // What people were before the play began.
    for (const app of [world.apps[0], world.apps[3]])
      this.#decisions.tie(app ?? '', world.people.fay.id);
  }

  /** The scopes that a credential holds now; undefined: it is dead. */
  live({ app, person, bound, token }: Lent, at = this.before): readonly string[] | undefined {
    const client = at.apps.get(app)?.client;
    if (
      client === undefined ||
      this.#ended.has(token) ||
      client.suspension === 'all' ||
      client.suppressed
    )
      return undefined;
    const trying = client.stage === 'proposed' && client.ownerId === person && !client.ownerOnly;
    if (client.stage !== 'approved' && !trying) return undefined;
    const within = bound.filter((scope) => client.scopes.includes(scope));
    if (person === null) return within;
    if (at.people.get(person)?.blocked) return undefined;
    const consents = [...at.consents.values()].filter(
      ({ clientId, userId }) => clientId === app && userId === person,
    );
    return consents.length === 0
      ? undefined
      : within.filter((scope) => consents.some(({ scopes }) => scopes.includes(scope)));
  }

  end(token: string): void {
    this.#ended.add(token);
  }

  #me = ({ name }: Acting): number => (name === null ? -1 : this.world.people[name].id);

  #held({ way, lent }: Acting): readonly string[] | undefined {
    return way === 'app' && lent !== null ? this.live(lent) : undefined;
  }

  is(
    relation: Relation,
    acting: Acting,
    app: string | null,
    about: number | null = null,
    at = this.before,
  ): boolean {
    const me = acting.name === null ? undefined : at.people.get(this.world.people[acting.name].id);
    if (me === undefined || me.blocked || acting.way === 'nothing') return false;
    if (acting.way === 'app') {
      const [held, lends] = [this.#held(acting), relationLent[relation]];
      if (held === undefined || lends === 'never' || (lends !== null && !includesAny(held, lends)))
        return false;
    }
    const kept = app === null ? undefined : at.apps.get(app);
    const rights = me.groups.flatMap((group) => groupRights[group] ?? []);
    switch (relation) {
      case 'anybody':
        return true;
      case 'developer':
        return rights.includes('mwoauthproposeconsumer');
      case 'reviewer':
        return rights.includes('mwoauthmanageconsumer');
      case 'suppressor':
        return rights.includes('mwoauthviewsuppressed');
      case 'auditor':
        return kept?.revision?.proposedBy === me.id || rights.includes('mwoauthmanageconsumer');
      case 'administrator':
        return me.groups.includes('administrator');
      case 'owner':
        return kept?.client.ownerId === me.id;
      case 'maintainer':
        return (
          kept?.team.maintainers.some(
            ({ userId, acceptedAt }) => userId === me.id && acceptedAt !== null,
          ) ?? false
        );
      case 'invited':
        return kept?.team.maintainers.some(({ userId }) => userId === me.id) ?? false;
      case 'offered':
        return kept?.team.offer?.toId === me.id;
      case 'self':
        return about === me.id;
    }
  }

  allows(rule: Rule, acting: Acting, { app, page, about }: Request): boolean {
    if (!rule.who.some((relation) => this.is(relation, acting, app, about))) return false;
    if (acting.way === 'stale') return rule.stale !== 'no';
    if (acting.way === 'fresh') return true;
    if (page || rule.lent === 'never') return false;
    return rule.lent === null || includesAny(this.#held(acting) ?? [], rule.lent);
  }

  /** Judges what a request changed, and what it may have said. */
  async judge(acting: Acting, request: Request, answered: boolean, body: string): Promise<void> {
    const after = await this.world.picture();
    const { rule, door } = request;
    const said = `${door} by ${acting.name} (${acting.way} ${acting.lent?.bound ?? ''})`;
    const may = rule === null || this.allows(rule, acting, request);
    if (answered) assert.ok(may, `${said} was answered`);
    if (!may) count('refused');
    if (answered && rule !== null) count('answered');
    const found = differences(this.before, after);
    for (const { aspect } of found) count(aspect);
    for (const one of found) {
      assert.ok(
        may && rule?.changes.includes(one.aspect),
        `${said} changed ${one.aspect} of ${one.app || one.person}`,
      );
      this.#judgeOne(acting, request, one, after, said);
    }
    if (may && rule !== null && found.length > 0)
      this.#decisions.hear(this.#me(acting), request, found, this.before);
    this.#judgeFields(acting, body, after, said);
    this.before = after;
    this.#decisions.remember(after);
  }

  #judgeOne(
    acting: Acting,
    request: Request,
    { app, aspect, person }: Difference,
    after: Picture,
    said: string,
  ): void {
    const fail = (what: string): never => assert.fail(`${said}: ${what}`);
    const me = this.#me(acting);
    if (aspect === 'account') return;
    if (aspect === 'profile') {
      assert.equal(person, me, `${said}: the account of somebody else`);
      return;
    }
    if (aspect === 'consents') {
      const owner = after.apps.get(app)?.client.ownerId;
      const own = after.apps.get(app)?.client.ownerOnly && this.is('owner', acting, app);
      if (person !== me && !own && person !== owner) fail('the consent of somebody else');
      // Nobody allows a suspended app more than they did.
      const allowed = ({ consents }: Picture) =>
        [...consents.values()]
          .filter(({ clientId, userId }) => clientId === app && userId === person)
          .flatMap(({ scopes }) => scopes);
      const suspended = (this.before.apps.get(app)?.client.suspension ?? 'none') !== 'none';
      if (!own && suspended && beyond(allowed(after), allowed(this.before)).length > 0)
        fail('a new consent to an app that is suspended');
      return;
    }
    const is = after.apps.get(app) as Kept;
    const was = this.before.apps.get(app);
    if (aspect === 'created') {
      if (is.client.ownerId !== me) fail('an app in another name');
      if (is.client.stage === 'approved' && (!is.client.ownerOnly || isSecurity(is.client.scopes)))
        fail('an app that nobody reviewed');
      if (acting.way === 'stale' && is.client.stage === 'approved')
        fail('an approved app without a recent proof');
      return;
    }
    assert.ok(app === request.app && was !== undefined, `${said}: ${aspect} of another app`);
    if (request.matter === 'exempt' && acting.way !== 'fresh') fail('without a recent proof');
    if (aspect === 'opened') this.#judgeOpened(acting, is, after, fail);
    if (
      aspect === 'offer' &&
      is.team.offer !== null &&
      !this.is('owner', acting, app) &&
      !this.before.people.get(was.client.ownerId)?.blocked
    )
      fail('an offer of an app whose owner is here');
    if (aspect === 'owner' && is.client.ownerId !== me) fail('somebody else became the owner');
    if (aspect === 'team') this.#judgeTeam(acting, was, is, fail);
    if (aspect === 'wider' && request.rule?.yes === undefined)
      this.#judgeWider(acting, was, is, fail);
    else {
      const problem = this.#decisions.problemOf(
        this.#me(acting),
        request,
        aspect,
        was,
        is,
        this.before,
      );
      if (problem !== undefined) fail(problem);
    }
  }

  /** Whoever could be the app now could not do more than the caller may. */
  #judgeOpened(
    acting: Acting,
    { client }: Kept,
    after: Picture,
    fail: (what: string) => never,
  ): void {
    if (acting.way === 'stale') fail('without a recent proof');
    if (acting.way !== 'app') return;
    const held = this.#held(acting) ?? [];
    if (!client.ownerOnly && client.stage === 'approved') fail('an app that other people use');
    if (!client.ownerOnly) return;
    const reach = [...after.consents.values()].filter(
      ({ clientId, userId }) => clientId === client.id && userId === client.ownerId,
    );
    const more = beyond(
      reach.flatMap(({ scopes }) => scopes).filter((scope) => client.scopes.includes(scope)),
      held,
    );
    if (more.length > 0) fail(`opened ${more}`);
  }

  /**
   * More scopes, or another address for codes, without a reviewer: for the owner of an owner-only
   * app that holds nothing dangerous.
   */
  #judgeWider(acting: Acting, was: Kept, is: Kept, fail: (what: string) => never): void {
    if (!was.client.ownerOnly || isSecurity([...was.client.scopes, ...is.client.scopes]))
      fail('wider, and nobody reviewed it');
    if (acting.way === 'stale') fail('wider without a recent proof');
    const more = beyond(is.client.scopes, [...was.client.scopes, ...(this.#held(acting) ?? [])]);
    if (acting.way === 'app' && more.length > 0) fail(`wider by ${more}`);
  }

  #judgeTeam(acting: Acting, was: Kept, is: Kept, fail: (what: string) => never): void {
    const me = this.#me(acting);
    const joined = is.team.maintainers.filter(
      ({ userId, acceptedAt }) =>
        acceptedAt !== null &&
        !was.team.maintainers.some((one) => one.userId === userId && one.acceptedAt !== null),
    );
    if (joined.some(({ userId }) => userId !== me)) fail('somebody joined who did not say yes');
    const invited = is.team.maintainers.some(
      ({ userId }) => !was.team.maintainers.some((one) => one.userId === userId),
    );
    if (invited && !this.is('owner', acting, was.client.id))
      fail('an invitation by somebody else than the owner');
  }

  /** Nobody reads what the table keeps from them. */
  #judgeFields(acting: Acting, body: string, after: Picture, said: string): void {
    const { marks, people, secrets, lent } = this.world;
    for (const { text, app, kind } of marks) {
      const [was, is] = [this.before.apps.get(app), after.apps.get(app)];
      if (was === undefined || is === undefined || !body.includes(text)) continue;
      // In the end a revision is what the app is, or nobody's; and the name of an app that
      // everybody sees is everybody's.
      if (kind === 'revision' && is.revision?.fields.description !== text) continue;
      if (kind === 'name' && !(was.client.suppressed && is.client.suppressed)) continue;
      const readers =
        fieldReaders[is.client.ownerOnly && kind === 'restrictions' ? 'own restrictions' : kind];
      assert.ok(
        // Whoever joined by this very request may read what it answers.
        readers.some((one) => this.is(one, acting, app) || this.is(one, acting, app, null, after)),
        `${said} shows: ${kind} of ${app}`,
      );
    }
    for (const { id, email } of after.people.values()) {
      if (email === null || !body.includes(email)) continue;
      const self =
        acting.name !== null && people[acting.name].id === id && this.#lends(acting, contactScopes);
      const shared = [...after.apps.values()].some(
        ({ client }) =>
          client.ownerId === id && !client.ownerOnly && this.is('reviewer', acting, client.id),
      );
      assert.ok(
        self || shared || this.is('administrator', acting, null),
        `${said} shows the address ${email}`,
      );
    }
    for (const secret of this.#shown)
      assert.ok(!body.includes(secret), `${said} shows a credential that was shown before`);
    for (const one of [...secrets.values(), ...lent.map(({ token, secret }) => secret || token)])
      if (one !== '') this.#shown.add(one);
  }

  #lends(acting: Acting, scopes: readonly string[]): boolean {
    return acting.way !== 'app' || includesAny(this.#held(acting) ?? [], scopes);
  }

  /** Takes what the operator did as it is; yeses to what is different by now are void. */
  async settle(): Promise<void> {
    const after = await this.world.picture();
    this.#decisions.forget(differences(this.before, after));
    this.before = after;
    this.#decisions.remember(after);
  }

  /**
   * What the credential can do, as its holder and as its own app see it, is no more than what it
   * was lent.
   */
  async check(lent: Lent): Promise<void> {
    const { world } = this;
    const most = this.live(lent);
    const said = `a ${lent.kind} from ${lent.from} of ${lent.app}`;
    const url = '/api/v1/me';
    const headers =
      lent.kind === 'bearer'
        ? { authorization: `Bearer ${lent.token}` }
        : signedHeader(world, 'GET', url, world.pairOf(lent.app), {
            key: lent.token,
            secret: lent.secret,
          });
    const me = await world.app.inject({ url, headers });
    if (me.statusCode === 200) {
      assert.ok(most !== undefined, `${said} is alive`);
      const person = this.before.people.get(me.json().id);
      assert.equal(me.json().id, lent.person, `${said} is of somebody else`);
      const own = [
        'mwoauthmanagemygrants',
        ...(person?.groups ?? []).flatMap((group) => groupRights[group] ?? []),
      ];
      const lends = most
        .flatMap((scope) => scopeTable[scope]?.lends ?? [])
        .filter((right) => own.includes(right));
      const rights = (me.json().rights as string[]).filter(
        (right) => right.startsWith('mwoauth') || right === 'userrights',
      );
      assert.deepEqual(beyond(rights, lends), [], `${said} has more rights`);
    }
    if (lent.kind === 'pair') return;
    const { scope = '' } = JSON.parse(
      Buffer.from(lent.token.split('.')[1] ?? '', 'base64url').toString(),
    );
    assert.deepEqual(
      beyond(String(scope).split(' ').filter(Boolean), lent.bound),
      [],
      `${said} says more scopes`,
    );
    const seen = await world.introspect(lent.token, await world.asApp(lent.app));
    if (seen.active) {
      assert.ok(most !== undefined, `${said} is active`);
      assert.deepEqual(
        beyond((seen.scope ?? '').split(' ').filter(Boolean), most),
        [],
        `${said} has more scopes`,
      );
    }
  }

  /** Nobody but its own app is told of a token. */
  async checkForeign(lent: Lent): Promise<void> {
    if (lent.kind === 'pair') return;
    for (const id of this.world.apps
      .filter((one) => one !== lent.app && this.world.secrets.get(one))
      .slice(0, 2)) {
      const seen = await this.world.introspect(lent.token, await this.world.asApp(id));
      assert.notEqual(seen.active, true, `${id} was told of a token of ${lent.app}`);
    }
  }
}
