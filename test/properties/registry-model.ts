import { RIGHTS } from '#registry/actor.ts';
import type { Halt, Stage } from '#registry/client.ts';
import type { ActionName } from '#registry/registry.ts';

// The registry as its specification tells it (registry 1.2, 3, 6, 7), without storage, forms or secrets: what each action does to the apps, or that it is refused.

const { propose, updateOwn, review, suppress, manageConsents } = RIGHTS;
const developer = [propose, updateOwn, manageConsents];

/** Everybody in the histories, and their rights. The stranger has no account; Bea is blocked. */
export const cast = {
  olga: developer,
  otto: developer,
  mia: developer,
  uwe: [manageConsents],
  rita: [...developer, review],
  rolf: [...developer, review],
  sven: [...developer, review, suppress],
  bea: [...developer, review, suppress],
  stranger: [...developer, review, suppress],
  operator: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type Who = keyof typeof cast;
export const everybody = Object.keys(cast) as readonly Who[];
export const reviewers: readonly Who[] = ['rita', 'rolf', 'sven'];

/** Scopes that need no reviewer in these histories, and those that need two, whatever else is said of them. */
export const selfApproved: readonly string[] = ['basic', 'highvolume', 'createaccount', 'sendemail'];
export const forTwo: readonly string[] = ['sendemail', 'import'];
export const IDLE_FOR = 30 * 86_400;
export const MOST_SECRETS = 5;

export interface Described {
  name: string;
  site: string;
  scopes: readonly string[];
}

export interface App extends Described {
  id: string;
  version: string;
  oauth1: boolean;
  ownerOnly: boolean;
  confidential: boolean;
  owner: Who;
  addresses: string;
  stage: Stage;
  stageAt: number;
  suppressed: boolean;
  introspector: boolean;
  halted: Halt;
  edition: number;
  secrets: { id: number; expiresAt: number | null }[];
  team: Map<Who, 'invited' | 'accepted'>;
  offer: { to: Who; by: Who } | null;
  /** Who said a first yes to the proposal. */
  yes: Set<Who>;
  revision: { id: number; next: Described; yes: Set<Who> } | null;
}

export interface Model {
  now: number;
  blocked: Set<Who>;
  apps: App[];
  consents: { id: number; user: Who; app: string; site: string; scopes: readonly string[] }[];
}

/** A copy that can be changed for itself. */
export const copyOf = ({ now, blocked, apps, consents }: Model): Model => ({
  now,
  blocked: new Set(blocked),
  apps: apps.map((app) => ({
    ...app,
    secrets: app.secrets.map((secret) => ({ ...secret })),
    team: new Map(app.team),
    yes: new Set(app.yes),
    revision: app.revision && { ...app.revision, yes: new Set(app.revision.yes) },
  })),
  consents: consents.map((consent) => ({ ...consent })),
});

/** One submission, with everything any action may read. Identifiers are real ones, 0 for one that nothing has. */
export interface Ask extends Described {
  who: Who;
  action: ActionName;
  app: string;
  /** The edition a change token names, 'none' without one; from a page, which must send one. */
  seen: number | 'none' | 'forged';
  page: boolean;
  reason: string;
  version: string;
  kind: 'oauth1' | 'oauth2' | 'public' | 'owner-only' | 'owner-only-oauth1';
  suppress: boolean;
  reset: boolean;
  addresses: string | null;
  halted: Halt;
  person: Who;
  expiresAt: number | null;
  secretId: number;
  revisionId: number;
  consentId: number;
}

/** What an accepted action leaves behind: its line in the trail and who is told; null: nothing is written. */
export interface Step {
  app: string;
  line: string;
  edition: number;
  /** By mail; null: nobody, and no webhook either. */
  told: readonly Who[] | null;
}

type Told = readonly Who[] | 'team' | 'reviewers';
/** Mutates the app and answers who is told, `nothing` when all is as asked, or `no`. */
type Rule = (model: Model, app: App, ask: Ask) => 'no' | 'nothing' | readonly [told: Told, line?: string];

const may = (who: Who, right: string) => who === 'operator' || (cast[who] as readonly string[]).includes(right);
const absent = (model: Model, who: Who) => who === 'stranger' || who === 'operator' || model.blocked.has(who);
const owns = (app: App, who: Who) => who === 'operator' || who === app.owner;
const keeps = (app: App, who: Who) => owns(app, who) || app.team.get(who) === 'accepted';
const sees = (app: App, who: Who) => !app.suppressed || may(who, suppress);
const inUse = (app: App) => app.stage === 'approved' || app.stage === 'proposed';
const looksAfter = (app: App, { who }: Ask) => may(who, updateOwn) && keeps(app, who) && inUse(app) && sees(app, who);
const live = (model: Model, app: App) => app.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > model.now);
const taken = (model: Model, app: App, owner: Who, name: string) =>
  model.apps.some((other) => other !== app && other.owner === owner && other.name === name && other.version === app.version);
const needTwo = (scopes: readonly string[]) => scopes.some((scope) => forTwo.includes(scope));
const unreviewed = (scopes: readonly string[], added = scopes) => !needTwo(added) && scopes.every((scope) => selfApproved.includes(scope));
const beyond = (app: App, next: Described) => next.scopes.filter((scope) => !app.scopes.includes(scope));

/** Registry 7.1, and what suppression and the kill switch take away. */
const usable = (app: App, who: Who) =>
  !app.suppressed &&
  app.halted !== 'tokens' &&
  (app.stage === 'approved' ? !app.ownerOnly || app.owner === who : app.stage === 'proposed' && app.owner === who);

function move(model: Model, app: App, stage: Stage, suppressed: boolean): readonly [Told] {
  Object.assign(app, { stage, suppressed, stageAt: model.now, halted: stage === 'approved' ? 'nothing' : app.halted });
  app.yes.clear();
  app.revision?.yes.clear();
  return ['team'];
}

/** The two-person rule: 'first' when this yes waits for another. */
function voice(app: App, who: Who, yes: Set<Who>, scopes: readonly string[]): 'no' | 'first' | 'decided' {
  if (who === 'operator' || !needTwo(scopes)) return 'decided';
  if (keeps(app, who) || yes.has(who)) return 'no';
  // The yes of somebody who came to look after the app since counts no more.
  if ([...yes].some((one) => !keeps(app, one))) return 'decided';
  yes.add(who);
  return 'first';
}

function close(app: App): readonly [Told] {
  app.revision = null;
  app.yes.clear();
  return ['team'];
}

const endConsents = (model: Model, app: App): void => {
  model.consents = model.consents.filter((one) => one.user !== app.owner || one.app !== app.id);
};

/** An owner-only app has one consent: the latest. */
function grant(model: Model, app: App): void {
  endConsents(model, app);
  model.consents.push({ id: 0, user: app.owner, app: app.id, site: app.site, scopes: app.scopes });
}

const rules: Readonly<Record<Exclude<ActionName, 'propose' | 'accept' | 'renounce'>, Rule>> = {
  update(model, app, ask) {
    if (!looksAfter(app, ask)) return 'no';
    const changed = ask.addresses !== null && ask.addresses !== app.addresses;
    app.addresses = ask.addresses ?? app.addresses;
    if (!ask.reset || !app.confidential) return changed ? ['team'] : 'nothing';
    app.secrets = [{ id: 0, expiresAt: null }];
    if (app.ownerOnly) grant(model, app);
    return ['team'];
  },
  approve(model, app, { who }) {
    if (!may(who, review) || !['proposed', 'expired', 'rejected'].includes(app.stage) || !sees(app, who)) return 'no';
    const said = voice(app, who, app.yes, app.scopes);
    return said === 'decided' ? move(model, app, 'approved', false) : said === 'first' ? [[], 'first-approval'] : 'no';
  },
  reject: (model, app, ask) =>
    may(ask.who, review) && app.stage === 'proposed' && sees(app, ask.who) && (!ask.suppress || may(ask.who, suppress))
      ? move(model, app, 'rejected', ask.suppress)
      : 'no',
  disable: (model, app, ask) =>
    may(ask.who, review) &&
    (app.stage === 'approved' || app.suppressed !== ask.suppress) &&
    sees(app, ask.who) &&
    (!ask.suppress || may(ask.who, suppress))
      ? move(model, app, 'disabled', ask.suppress)
      : 'no',
  reenable: (model, app, { who }) =>
    may(who, review) && app.stage === 'disabled' && sees(app, who) ? move(model, app, 'approved', false) : 'no',
  expire(model, app, { who }) {
    if (who !== 'operator' || app.stage !== 'proposed' || model.now - app.stageAt <= IDLE_FOR) return 'no';
    move(model, app, 'expired', app.suppressed);
    return [[]];
  },
  halt(_model, app, { who, halted }) {
    if (!may(who, review) || app.stage !== 'approved' || !sees(app, who)) return 'no';
    if (app.halted === halted) return 'nothing';
    app.halted = halted;
    return ['team'];
  },
  'set-introspector'(_model, app, { who, suppress: named }) {
    if (who !== 'operator' || (named && (app.stage !== 'approved' || app.oauth1 || !app.confidential))) return 'no';
    if (named === app.introspector) return 'nothing';
    app.introspector = named;
    return ['team'];
  },
  'add-secret'(model, app, ask) {
    if (!looksAfter(app, ask) || !app.confidential || (ask.expiresAt ?? Infinity) <= model.now) return 'no';
    if (live(model, app).length >= MOST_SECRETS) return 'no';
    app.secrets.push({ id: 0, expiresAt: ask.expiresAt });
    return ['team'];
  },
  'retire-secret'(model, app, ask) {
    if (!looksAfter(app, ask) || !app.secrets.some(({ id }) => id === ask.secretId)) return 'no';
    if (live(model, app).every(({ id }) => id === ask.secretId)) return 'no';
    app.secrets = app.secrets.filter(({ id }) => id !== ask.secretId);
    return ['team'];
  },
  revise(model, app, ask) {
    if (!looksAfter(app, ask) || app.stage !== 'approved') return 'no';
    const next = { name: ask.name, site: ask.site, scopes: ask.scopes };
    if (next.name === app.name && next.site === app.site && String(next.scopes) === String(app.scopes)) return 'no';
    const narrows =
      next.name === app.name &&
      next.site === app.site &&
      next.scopes.length < app.scopes.length &&
      next.scopes.every((scope) => app.scopes.includes(scope));
    if (!narrows && !app.ownerOnly && !unreviewed(next.scopes, beyond(app, next))) {
      app.revision = { id: 0, next, yes: new Set() };
      return ['reviewers'];
    }
    if (taken(model, app, app.owner, next.name)) return 'no';
    Object.assign(app, next, { revision: null });
    return ['team', app.ownerOnly ? 'revise' : narrows ? 'narrow' : 'revise-autoapproved'];
  },
  'approve-revision'(model, app, { who, revisionId }) {
    if (!may(who, review) || app.revision?.id !== revisionId || app.stage !== 'approved' || !sees(app, who)) return 'no';
    const { next, yes } = app.revision;
    const said = voice(app, who, yes, beyond(app, next));
    if (said !== 'decided') return said === 'first' ? [[], 'first-approval-of-revision'] : 'no';
    if (taken(model, app, app.owner, next.name)) return 'no';
    Object.assign(app, next);
    return close(app);
  },
  'reject-revision': (_model, app, { who, revisionId }) =>
    may(who, review) && app.revision?.id === revisionId && sees(app, who) ? close(app) : 'no',
  'withdraw-revision': (_model, app, { who, revisionId }) =>
    may(who, updateOwn) &&
    keeps(app, who) &&
    ['approved', 'disabled'].includes(app.stage) &&
    sees(app, who) &&
    app.revision?.id === revisionId
      ? close(app)
      : 'no',
  invite(model, app, { who, person }) {
    if (!may(who, updateOwn) || !owns(app, who) || app.ownerOnly || !inUse(app) || app.suppressed) return 'no';
    if (absent(model, person) || person === app.owner || app.team.has(person)) return 'no';
    app.team.set(person, 'invited');
    return [[person]];
  },
  join(_model, app, { who }) {
    if (app.team.get(who) !== 'invited') return 'no';
    app.team.set(who, 'accepted');
    return [[app.owner]];
  },
  leave(_model, app, { who, person }) {
    if ((who !== person && !(owns(app, who) && may(who, updateOwn))) || !app.team.delete(person)) return 'no';
    return [[who === person ? app.owner : person]];
  },
  offer(model, app, { who, person }) {
    if (!(owns(app, who) && may(who, updateOwn)) && !(model.blocked.has(app.owner) && may(who, review))) return 'no';
    if (!inUse(app) || app.suppressed || absent(model, person) || person === app.owner) return 'no';
    app.offer = { to: person, by: who };
    return [[person]];
  },
  'accept-offer'(model, app, { who }) {
    if (!may(who, propose) || app.offer?.to !== who || !inUse(app) || app.suppressed || taken(model, app, who, app.name)) return 'no';
    const told = [app.owner, ...[...app.team].filter(([, state]) => state === 'accepted').map(([user]) => user)];
    if (app.ownerOnly) endConsents(model, app);
    Object.assign(app, { owner: who, offer: null, introspector: false });
    app.team.delete(who);
    return [told];
  },
  'decline-offer'(_model, app, { who }) {
    if (app.offer === null || !(owns(app, who) || who === app.offer.to || who === app.offer.by)) return 'no';
    const { to } = app.offer;
    app.offer = null;
    return [[who === to ? app.owner : to]];
  },
};

function born(model: Model, ask: Ask): Step | 'no' {
  const owner = ask.who === 'operator' ? ask.person : ask.who;
  if (!may(ask.who, propose) || ['stranger', 'operator'].includes(owner)) return 'no';
  const latest = model.apps.findLast((app) => app.owner === owner && app.name === ask.name);
  if (latest && latest.version >= ask.version) return 'no';
  if (model.apps.some((app) => app.owner === owner && app.name === ask.name && app.version === ask.version)) return 'no';
  const [oauth1, ownerOnly, confidential] = [ask.kind.endsWith('oauth1'), ask.kind.startsWith('owner-only'), ask.kind !== 'public'];
  const byItself = !ownerOnly && unreviewed(ask.scopes);
  const app: App = {
    ...{ id: ask.app, name: ask.name, version: ask.version, site: ask.site, scopes: ask.scopes, owner, oauth1, ownerOnly, confidential },
    ...{
      stage: ownerOnly || byItself ? 'approved' : 'proposed',
      stageAt: model.now,
      suppressed: false,
      halted: 'nothing',
      edition: 0,
      introspector: false,
    },
    ...{ secrets: confidential ? [{ id: 0, expiresAt: null }] : [], addresses: '0.0.0.0/0 ::/0' },
    ...{ team: new Map(), offer: null, yes: new Set(), revision: null },
  };
  model.apps.push(app);
  if (ownerOnly) grant(model, app);
  const told = app.stage === 'approved' ? [] : toldOf(model, app, 'reviewers', ask.who);
  return { app: app.id, line: ownerOnly ? 'create-owner-only' : byItself ? 'propose-autoapproved' : 'propose', edition: 0, told };
}

function accepted(model: Model, app: App, { who, scopes: asked }: Ask): Step | 'no' | null {
  const scopes = app.oauth1
    ? app.scopes
    : ['basic', ...asked.filter((scope) => scope !== 'basic')].filter((scope) => app.scopes.includes(scope));
  const own = (site: string) => model.consents.find((one) => one.user === who && one.app === app.id && one.site === site);
  const standing = own(app.site) ?? own('*');
  if (app.ownerOnly || !usable(app, who)) return 'no';
  if (app.halted === 'consents' && !scopes.every((scope) => standing?.scopes.includes(scope))) return 'no';
  const old = own(app.site);
  if (String(old?.scopes) === String(scopes)) return null;
  if (old) old.scopes = scopes;
  else model.consents.push({ id: 0, user: who, app: app.id, site: app.site, scopes });
  return { app: app.id, line: 'accept', edition: app.edition, told: null };
}

function toldOf(model: Model, app: App, told: Told, who: Who): readonly Who[] {
  const all =
    told === 'reviewers'
      ? reviewers.filter((one) => one !== app.owner && !model.blocked.has(one))
      : told === 'team'
        ? [app.owner, ...[...app.team].filter(([, state]) => state === 'accepted').map(([user]) => user)]
        : told;
  return all.filter((one) => one !== who);
}

/** Does to the model what the action should do; 'no': it must be refused, null: accepted with nothing to write. */
export function predict(model: Model, ask: Ask): Step | 'no' | null {
  const { who, action } = ask;
  if (who === 'stranger') return 'no';
  // Whoever is blocked may take a yes back, and nothing else.
  if (model.blocked.has(who) && action !== 'renounce') return 'no';
  if (action === 'propose') return born(model, ask);
  if (action === 'renounce') {
    const consent = model.consents.find(({ id }) => id === ask.consentId);
    if (consent?.user !== who || !may(who, manageConsents)) return 'no';
    model.consents = model.consents.filter((one) => one !== consent);
    return { app: consent.app, line: 'renounce', edition: model.apps.find(({ id }) => id === consent.app)?.edition ?? -1, told: null };
  }
  const app = model.apps.find(({ id }) => id === ask.app);
  if (app === undefined) return 'no';
  if (action === 'accept') return who === 'operator' || !may(who, manageConsents) ? 'no' : accepted(model, app, ask);
  if (ask.seen === 'none' ? ask.page : ask.seen !== app.edition) return 'no';
  const answer = rules[action](model, app, ask);
  if (answer === 'no' || answer === 'nothing') return answer === 'no' ? 'no' : null;
  app.edition += 1;
  const [told, line = action] = answer;
  return { app: app.id, line, edition: app.edition, told: toldOf(model, app, told, who) };
}
