import assert from 'node:assert/strict';
import { signedHeader } from '#harness/signed.ts';
import { apiRoutes } from '#http/api/api.ts';
import type { ClientId } from '#kernel/ids.ts';
import {
  bodyOf,
  dialectBody,
  duePage,
  dueRoute,
  formOf,
  type Ids,
  idsOf,
  questions,
  type Step,
  type Values,
} from './attackers-asks.ts';
import type { Request } from './attackers-decisions.ts';
import type { Acting, Oracle } from './attackers-oracle.ts';
import { Protocol } from './attackers-protocol.ts';
import { apiRows, otherRows, type Row } from './attackers-rows.ts';
import { actionRules, type Rule } from './attackers-table.ts';
import { type AttackWorld, type Lent, lentSets, type Name, names } from './attackers-world.ts';

const ruleOf = (row: Row | undefined): Rule | null => {
  if (typeof row === 'string') return actionRules[row];
  return row === undefined || row === null || 'length' in row ? null : (row as Rule);
};

/** Doors by which something of an app changes come three times as often as others. */
const often = (keys: readonly string[], rows: Readonly<Record<string, Row>>): readonly string[] =>
  keys.flatMap((key) =>
    ruleOf(rows[key])?.changes.some((aspect) => aspect !== 'profile') ? [key, key, key] : [key],
  );
export const apiDoors = often(Object.keys(apiRows), apiRows);
/**
 * Addresses elsewhere that are asked for one by one; those of the protocols have steps of their
 * own.
 */
export const otherDoors = often(
  Object.keys(otherRows).filter((key) => !Array.isArray(otherRows[key])),
  otherRows,
);

/** One matter by whichever door. */
const matters: Readonly<Record<string, string>> = {
  ...{
    approveClient: 'approve',
    reenableClient: 'reenable',
    approveRevision: 'approve-revision',
    disableClient: 'show',
  },
  ...{ setPkceExemption: 'exempt', '/review/:id/pkce': 'exempt' },
};
const matterOf = (asked: string): string => matters[asked] ?? asked;

const NOBODY: Acting = { name: null, way: 'nothing', lent: null };

export class Play {
  readonly world: AttackWorld;
  readonly oracle: Oracle;
  /** What was done, in words. */
  readonly story: string[] = [];
  readonly #protocol: Protocol;

  constructor(world: AttackWorld, oracle: Oracle) {
    this.world = world;
    this.oracle = oracle;
    this.#protocol = new Protocol(world, oracle);
  }

  #target(step: Step): string {
    const known = this.world.apps.filter((id) => this.oracle.before.apps.has(id));
    // The apps of the first hour have the longest histories.
    const many = step.variant % 3 ? Math.min(9, known.length) : known.length;
    return known[step.app % many] ?? '';
  }

  async #acting(
    step: Step,
    rule: Rule | null,
    request: Pick<Request, 'app' | 'about'>,
  ): Promise<Acting> {
    const { world, oracle } = this;
    const { way, lent } = step;
    if (way === 'nothing' || way === 'app') return NOBODY;
    const fresh = (name: Name): Acting => ({ name, way: 'fresh', lent: null });
    const may = (name: Name) =>
      rule?.who.some((relation) => oracle.is(relation, fresh(name), request.app, request.about));
    const able = step.apt ? names.filter(may) : [];
    const who = able[step.person % Math.max(1, able.length)] ?? step.who;
    if (way === 'fresh' || way === 'stale') return { name: who, way, lent: null };
    if (way === 'held') {
      const credential = world.lent[(step.nth + lent) % Math.max(1, world.lent.length)];
      const name = names.find((one) => world.people[one].id === credential?.person) ?? null;
      return credential === undefined ? NOBODY : { name, way: 'app', lent: credential };
    }
    const fitting = lentSets.filter(
      (set) =>
        able.length > 0 && Array.isArray(rule?.lent) && set.some((one) => rule.lent?.includes(one)),
    );
    const sets = fitting.length > 0 ? fitting : lentSets;
    const scopes = sets[lent % sets.length] ?? [];
    const credential =
      way === 'token' ? await world.token(who, scopes) : await world.pair(who, scopes);
    oracle.before = await world.picture();
    return credential === null ? NOBODY : { name: who, way: 'app', lent: credential };
  }

  async #headers(
    acting: Acting,
    step: Step,
    method: string,
    url: string,
  ): Promise<Record<string, string>> {
    const { world } = this;
    if (acting.lent?.kind === 'bearer') return { authorization: `Bearer ${acting.lent.token}` };
    if (acting.lent?.kind === 'pair')
      return signedHeader(world, method, url, world.pairOf(acting.lent.app), {
        key: acting.lent.token,
        secret: acting.lent.secret,
      });
    // An app without a person is nobody.
    if (step.way === 'app')
      return signedHeader(world, method, url, world.pairOf(this.#target(step)), null);
    if (acting.name === null || acting.way === 'nothing') return {};
    const { cookie, csrf } = await world.browser(acting.name, acting.way === 'stale');
    return { cookie, 'x-csrf-token': csrf };
  }

  async run(step: Step): Promise<void> {
    this.story.push(`${step.kind} ${step.who} ${step.variant} ${step.asked}`);
    const app = this.#target(step);
    switch (step.kind) {
      case 'api':
        return this.#api(step, app);
      case 'other':
        return this.#other(step, app);
      case 'code':
        return this.#protocol.code(step, app);
      case 'refresh':
        return this.#protocol.refresh(step);
      case 'machine':
        return this.#protocol.machine(step, app);
      case 'introspect':
      case 'revoke':
        return this.#protocol.aboutToken(step);
      case 'handshake':
        return this.#protocol.handshake(step);
      case 'operator':
        return this.#operator(step);
    }
  }

  /** The person a request is about: who leaves, whose consent ends, or the caller. */
  #about(key: string, ids: Ids, acting: Acting | null): number | null {
    if (/consent/i.test(key))
      return this.oracle.before.consents.get(Number(ids.consent_id))?.userId ?? null;
    if (!/\/decline$|\/account\/|\/my\/help/.test(key)) return Number(ids.user_id);
    return acting === null || acting.name === null ? null : this.world.people[acting.name].id;
  }

  /** Everything there is to read, asked for with one credential. */
  async readAll(step: Step, lent: Lent): Promise<void> {
    const { world } = this;
    const name = names.find((one) => world.people[one].id === lent.person) ?? null;
    for (const { id } of apiRoutes.filter(({ method }) => method === 'GET'))
      await this.#api(step, this.#target(step), id, { name, way: 'app', lent });
  }

  async #api(step: Step, app: string, asked?: string, by?: Acting): Promise<void> {
    const { world, oracle } = this;
    const kept = oracle.before.apps.get(app);
    const id =
      asked ??
      (step.due && kept ? dueRoute(step, kept) : apiDoors[step.nth % apiDoors.length]) ??
      '';
    const route = apiRoutes.find((one) => one.id === id);
    assert.ok(route, id);
    const rule = ruleOf(apiRows[id]);
    const ids = idsOf(world, oracle.before, step, app);
    const acting =
      by ?? (await this.#acting(step, rule, { app, about: this.#about(id, ids, null) }));
    const some = questions[id] ?? [''];
    const path = route.path.replace(/:(\w+)/g, (_all, name: string) => String(ids[name]));
    const url = `/api/v1${path}${some[step.variant % some.length]}`;
    const body = route.body === undefined ? undefined : bodyOf(world, id, step, app);
    const headers = await this.#headers(acting, step, route.method, url);
    const answer = await world.app.inject({
      ...{ method: route.method, url },
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    assert.ok(answer.statusCode < 500, answer.body);
    const matter = matterOf(id === 'haltClient' ? `suspend-${body?.suspension}` : id);
    const request = {
      door: `${route.method} ${url}`,
      rule,
      app,
      matter,
      page: false,
      about: this.#about(id, ids, acting),
    };
    await this.#judge(acting, request, answer.statusCode < 300, answer.body);
  }

  async #other(step: Step, app: string): Promise<void> {
    const { world, oracle } = this;
    const kept = oracle.before.apps.get(app);
    const key =
      (step.due && kept ? duePage(step, kept) : otherDoors[step.nth % otherDoors.length]) ?? '';
    const [method, path] = key.split(' ') as ['GET' | 'POST', string];
    const rule = ruleOf(otherRows[key]);
    const ids = idsOf(world, oracle.before, step, app);
    const acting = await this.#acting(step, rule, { app, about: this.#about(path, ids, null) });
    const rest = path.startsWith('/w/rest.php/');
    const id = path.startsWith('/consents')
      ? ids.consent_id
      : path.startsWith('/admin')
        ? ids.user_id
        : app;
    const asked = questions[path] ?? [''];
    const url = path
      .replace('/wiki/*', '/wiki/Special:OAuthListConsumers')
      .replace(':type', 'profile')
      .concat(method === 'GET' ? (asked[step.variant % asked.length] ?? '') : '')
      .replace(/:(?:id|key|code)/, String(id));
    const headers = await this.#headers(acting, step, method, url);
    const form =
      method === 'GET' || rest
        ? null
        : formOf(world, oracle.before, path, step, app, acting, headers['x-csrf-token'] ?? '');
    const payload =
      form === null
        ? JSON.stringify(dialectBody(world, path, step, acting))
        : new URLSearchParams(form).toString();
    const type = form === null ? 'application/json' : 'application/x-www-form-urlencoded';
    const answer = await world.app.inject({
      ...{ method, url },
      headers: { ...headers, ...(method === 'GET' ? {} : { 'content-type': type }) },
      ...(method === 'GET' ? {} : { payload }),
    });
    assert.ok(answer.statusCode < 500, answer.body);
    const matter = matterOf(form?.decision ?? path);
    const about = this.#about(path, ids, acting);
    const request = {
      door: `${method} ${url} ${form?.decision ?? ''}`.trim(),
      rule,
      app,
      matter,
      page: !rest,
      about,
    };
    // A form that is shown again says 200 as well; a page that is only looked at does not.
    const answered = method === 'GET' ? answer.statusCode === 200 : rest && answer.statusCode < 300;
    // The profile is about the person of the token, and says what that was lent.
    await this.#judge(acting, request, answered, path.endsWith(':type') ? '' : answer.body);
  }

  /** Judges an answer, and keeps the credentials that stand in it, with the most they may do. */
  async #judge(acting: Acting, request: Request, answered: boolean, body: string): Promise<void> {
    const { world, oracle } = this;
    this.story.push(
      `${request.door} by ${acting.name} (${acting.way} ${acting.lent?.bound ?? ''}): ${answered ? 'answered' : 'no'}`,
    );
    const held =
      acting.way === 'app' && acting.lent !== null ? oracle.live(acting.lent) : undefined;
    const known = new Set(oracle.before.apps.keys());
    await oracle.judge(acting, request, answered, body);
    const made = [...oracle.before.apps.keys()].find((id) => !known.has(id));
    if (made !== undefined) {
      world.apps.push(made);
      const text = oracle.before.apps.get(made)?.client.name ?? '';
      world.marks.push({ text, app: made, kind: 'name' });
    }
    const app = made ?? request.app ?? '';
    const client = oracle.before.apps.get(app)?.client;
    const json: Values = /^\{.*\}$/.test(body) ? JSON.parse(body) : {};
    const text = (name: string) =>
      typeof json[name] === 'string' ? (json[name] as string) : undefined;
    const secret =
      text('client_secret') ??
      text('secret') ??
      (made === undefined ? undefined : /\b[0-9a-f]{40}\b/.exec(body)?.[0]);
    const token = text('access_token') ?? /\beyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(body)?.[0];
    if (secret === undefined && token === undefined) return;
    assert.ok(
      request.rule?.gives && client,
      `${request.door} by ${acting.name} shows a credential`,
    );
    if (secret !== undefined) world.secrets.set(app, secret);
    if (token === undefined) return;
    assert.notEqual(acting.way, 'stale', `${request.door} gave a token without a recent proof`);
    const bound = client.scopes.filter((scope) => acting.way !== 'app' || held?.includes(scope));
    const pairSecret = text('access_token_secret');
    const lent: Lent = {
      ...{
        kind: pairSecret === undefined ? 'bearer' : 'pair',
        token,
        secret: pairSecret ?? '',
        app,
        person: client.ownerId,
      },
      ...{ bound, from: `${request.door} by ${acting.name} with ${acting.lent?.bound}` },
    };
    world.keep(lent);
    await oracle.check(lent);
  }

  /**
   * What whoever runs the server does in between: every stage, blocks, and groups. Nobody attacks
   * here.
   */
  async #operator(step: Step): Promise<void> {
    const { world } = this;
    const acts = [
      'approve',
      'disable',
      'hide',
      'reenable',
      'suspend-all',
      'suspend-new-consents',
      'suspend-none',
      'reject',
      'block',
      'unblock',
    ];
    const what = [...acts, 'demote', 'promote'][step.variant % 12] ?? '';
    const person = world.people[names[step.person % names.length] as Name];
    const consoles = [...this.oracle.before.apps.keys()];
    const app = (
      step.nth % 2 ? this.#target(step) : consoles[step.app % consoles.length]
    ) as ClientId;
    this.story.push(`the operator: ${what} ${/block|mote/.test(what) ? person.name : app}`);
    const { store, services: inner } = world.server;
    const submit = (action: string, values: Values = {}) =>
      inner.registry.submit({ kind: 'operator', via: 'cli' }, action, {
        clientId: app,
        reason: 'so',
        ...values,
      });
    if (what === 'block' || what === 'unblock') await store.setBlocked(person.id, what === 'block');
    else if (what === 'demote') await store.setGroups(person.id, []);
    else if (what === 'promote') await store.setGroups(person.id, ['developer', 'reviewer']);
    else if (what.startsWith('suspend-'))
      await submit('halt', { suspension: what.slice('suspend-'.length) });
    else await submit(what === 'hide' ? 'disable' : what, { suppress: what === 'hide' });
    await this.oracle.settle();
  }
}
