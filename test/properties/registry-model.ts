import { RIGHTS } from '#registry/actor.ts';
import { type Stage, type Suspension, suspensions } from '#registry/model/client.ts';
import type { ActionName } from '#registry/registry.ts';

// The registry as its specification tells it (registry 1.2, 3, 6, 7), without storage, forms or
// secrets: what each action does to the apps, or that it is refused.

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

/**
 * Scopes that need no reviewer in these histories, and those that need two, whatever else is said
 * of them.
 */
export const selfApproved: readonly string[] = [
  'basic',
  'highvolume',
  'createaccount',
  'sendemail',
];
export const forTwo: readonly string[] = ['sendemail', 'import'];
export const IDLE_FOR = 30 * 86_400;
export const MOST_SECRETS = 5;
/**
 * How long a part in an app counts before a question, and how long secrets hold after a transfer.
 */
export const INVOLVED_FOR = 2 * 86_400;
export const OLD_SECRETS_FOR = 3 * 86_400;

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
  pkceOptional: boolean;
  suspension: Suspension;
  edition: number;
  secrets: { id: number; expiresAt: number | null }[];
  team: Map<Who, 'invited' | 'accepted'>;
  /** Who invited each of the team. */
  invitedBy: Map<Who, Who>;
  offer: { to: Who; by: Who } | null;
  registeredAt: number;
  /** When it was last suspended in part. */
  stoppedAt: number;
  /** Parts people took and may not have any more, as `who part`, and until when. */
  past: Map<string, number>;
  /** Who said a first yes to the app, and to what exactly. */
  yes: Map<Who, string>;
  revision: { id: number; next: Described; by: Who; at: number; yes: Map<Who, string> } | null;
}

export interface Model {
  now: number;
  blocked: Set<Who>;
  /** Reviewers who lost the right since. */
  demoted: Set<Who>;
  apps: App[];
  consents: { id: number; user: Who; app: string; site: string; scopes: readonly string[] }[];
}

/** A copy that can be changed for itself. */
export const copyOf = ({ now, blocked, demoted, apps, consents }: Model): Model => ({
  now,
  blocked: new Set(blocked),
  demoted: new Set(demoted),
  apps: apps.map((app) => ({
    ...app,
    secrets: app.secrets.map((secret) => ({ ...secret })),
    team: new Map(app.team),
    invitedBy: new Map(app.invitedBy),
    past: new Map(app.past),
    yes: new Map(app.yes),
    revision: app.revision && { ...app.revision, yes: new Map(app.revision.yes) },
  })),
  consents: consents.map((consent) => ({ ...consent })),
});

/**
 * One submission, with everything any action may read. Identifiers are real ones, 0 for one that
 * nothing has.
 */
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
  suspension: Suspension;
  person: Who;
  expiresAt: number | null;
  secretId: number;
  revisionId: number;
  consentId: number;
}

/**
 * What an accepted action leaves behind: its line in the trail and who is told; null: nothing is
 * written.
 */
export interface Step {
  app: string;
  line: string;
  edition: number;
  /** By mail; null: nobody, and no webhook either. */
  told: readonly Who[] | null;
}

type Told = readonly Who[] | 'team' | 'reviewers';
/** Mutates the app and answers who is told, `nothing` when all is as asked, or `no`. */
type Rule = (
  model: Model,
  app: App,
  ask: Ask,
) => 'no' | 'nothing' | readonly [told: Told, line?: string];

const may = (model: Model, who: Who, right: string) =>
  who === 'operator' ||
  ((cast[who] as readonly string[]).includes(right) &&
    !(model.demoted.has(who) && (right === review || right === suppress)));
const absent = (model: Model, who: Who) =>
  who === 'stranger' || who === 'operator' || model.blocked.has(who);
const owns = (app: App, who: Who) => who === 'operator' || who === app.owner;
const keeps = (app: App, who: Who) => owns(app, who) || app.team.get(who) === 'accepted';
const sees = (model: Model, app: App, who: Who) => !app.suppressed || may(model, who, suppress);
const inUse = (app: App) => app.stage === 'approved' || app.stage === 'proposed';
const looksAfter = (model: Model, app: App, { who }: Ask) =>
  may(model, who, updateOwn) && keeps(app, who) && inUse(app) && sees(model, app, who);
const live = (model: Model, app: App) =>
  app.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > model.now);
const taken = (model: Model, app: App, owner: Who, name: string) =>
  model.apps.some(
    (other) =>
      other !== app &&
      other.owner === owner &&
      other.name === name &&
      other.version === app.version,
  );
const needTwo = (scopes: readonly string[]) => scopes.some((scope) => forTwo.includes(scope));
const unreviewed = (scopes: readonly string[]) =>
  scopes.every((scope) => selfApproved.includes(scope));
/** A revision of an app with such a scope, that does more than take away. */
const revisionForTwo = (app: App, next: Described) =>
  needTwo([...app.scopes, ...next.scopes]) &&
  !(
    next.name === app.name &&
    (next.site === app.site || app.site === '*') &&
    next.scopes.every((scope) => app.scopes.includes(scope))
  );
/** Registry 7.1, and what suppression and the kill switch take away. */
const usable = (app: App, who: Who) =>
  !app.suppressed &&
  app.suspension !== 'all' &&
  (app.stage === 'approved'
    ? !app.ownerOnly || app.owner === who
    : app.stage === 'proposed' && !app.ownerOnly && app.owner === who);

function move(model: Model, app: App, stage: Stage, suppressed: boolean): readonly [Told] {
  Object.assign(app, {
    stage,
    suppressed,
    stageAt: model.now,
    suspension: stage === 'approved' ? 'none' : app.suspension,
  });
  app.yes.clear();
  app.revision?.yes.clear();
  return ['team'];
}

type Matter =
  | 'approve'
  | 'approve-revision'
  | 'reenable'
  | 'resume'
  | 'show'
  | 'hide'
  | 'hand-over'
  | 'exempt-from-pkce';

/** Whether somebody has a part in the app that keeps them from deciding. */
function involved(model: Model, app: App, who: Who, matter: Matter): boolean {
  const raised = {
    approve: app.registeredAt,
    'approve-revision': app.revision?.at ?? 0,
    reenable: app.stageAt,
    show: app.stageAt,
    resume: app.stoppedAt,
    hide: model.now,
    'hand-over': model.now,
    'exempt-from-pkce': model.now,
  }[matter];
  const took = (part: string, since: number) => (app.past.get(`${who} ${part}`) ?? -1) >= since;
  return (
    keeps(app, who) ||
    took('proposer', 0) ||
    (matter === 'approve-revision' && app.revision?.by === who) ||
    ['owner', 'maintainer', 'handed-over'].some((part) => took(part, raised - INVOLVED_FOR))
  );
}

/**
 * A yes of a reviewer: 'first' when it waits for another. `target`: how far a stop would be undone.
 */
function voice(
  model: Model,
  app: App,
  who: Who,
  matter: Matter,
  target = '',
): 'no' | 'first' | 'decided' {
  if (who === 'operator') return 'decided';
  if (involved(model, app, who, matter)) return 'no';
  const alone = matter === 'hide' || matter === 'hand-over';
  const next = app.revision?.next;
  if (
    alone ||
    !(matter === 'approve-revision' && next ? revisionForTwo(app, next) : needTwo(app.scopes))
  )
    return 'decided';
  const yes = matter === 'approve-revision' ? app.revision?.yes : app.yes;
  const {
    name,
    site,
    scopes,
    owner,
    addresses,
    stage,
    stageAt,
    suppressed,
    suspension,
    introspector,
    pkceOptional,
  } = app;
  const subject = JSON.stringify([
    matter,
    target,
    name,
    site,
    scopes,
    owner,
    addresses,
    stage,
    stageAt,
    suppressed,
    suspension,
    introspector,
    pkceOptional,
    next ?? null,
  ]);
  const counts = (one: Who) =>
    yes?.get(one) === subject &&
    !involved(model, app, one, matter) &&
    !model.blocked.has(one) &&
    may(model, one, review) &&
    sees(model, app, one);
  if (counts(who)) return 'no';
  if ([...(yes?.keys() ?? [])].some(counts)) return 'decided';
  yes?.set(who, subject);
  return 'first';
}

/**
 * Hiding an app, or showing it again, wants an independent reviewer, whatever else the decision
 * does.
 */
const voiceOnHiding = (model: Model, app: App, who: Who, hide: boolean) =>
  app.suppressed === hide ? 'decided' : voice(model, app, who, hide ? 'hide' : 'show');

/** What comes of a yes. */
function hear(
  said: ReturnType<typeof voice>,
  line: string,
  decided: () => readonly [Told, line?: string],
): ReturnType<Rule> {
  return said === 'decided' ? decided() : said === 'first' ? [[], line] : 'no';
}
const RESUMING = 'first-yes-to-resuming';

/** First yeses that were waiting are void. */
function unsay(app: App): readonly [Told] {
  app.yes.clear();
  app.revision?.yes.clear();
  return ['team'];
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
    if (!looksAfter(model, app, ask)) return 'no';
    const changed = ask.addresses !== null && ask.addresses !== app.addresses;
    app.addresses = ask.addresses ?? app.addresses;
    if (changed) void unsay(app);
    if (!ask.reset || !app.confidential) return changed ? ['team'] : 'nothing';
    app.secrets = [{ id: 0, expiresAt: null }];
    if (app.ownerOnly && app.stage === 'approved') grant(model, app);
    return ['team'];
  },
  approve(model, app, { who }) {
    if (
      !may(model, who, review) ||
      !['proposed', 'expired', 'rejected'].includes(app.stage) ||
      !sees(model, app, who)
    )
      return 'no';
    return hear(voice(model, app, who, 'approve'), 'first-approval', () =>
      move(model, app, 'approved', false),
    );
  },
  reject: (model, app, ask) =>
    may(model, ask.who, review) &&
    app.stage === 'proposed' &&
    sees(model, app, ask.who) &&
    (!ask.suppress || may(model, ask.who, suppress))
      ? hear(voiceOnHiding(model, app, ask.who, ask.suppress), RESUMING, () =>
          move(model, app, 'rejected', ask.suppress),
        )
      : 'no',
  disable: (model, app, ask) =>
    may(model, ask.who, review) &&
    (app.stage === 'approved' || app.suppressed !== ask.suppress) &&
    sees(model, app, ask.who) &&
    (!ask.suppress || may(model, ask.who, suppress))
      ? hear(voiceOnHiding(model, app, ask.who, ask.suppress), RESUMING, () =>
          move(model, app, 'disabled', ask.suppress),
        )
      : 'no',
  reenable: (model, app, { who }) =>
    may(model, who, review) && app.stage === 'disabled' && sees(model, app, who)
      ? hear(voice(model, app, who, 'reenable'), RESUMING, () =>
          move(model, app, 'approved', false),
        )
      : 'no',
  expire(model, app, { who }) {
    if (who !== 'operator' || app.stage !== 'proposed' || model.now - app.stageAt <= IDLE_FOR)
      return 'no';
    move(model, app, 'expired', app.suppressed);
    return [[]];
  },
  halt(model, app, { who, suspension }) {
    if (!may(model, who, review) || app.stage !== 'approved' || !sees(model, app, who)) return 'no';
    if (app.suspension === suspension) return 'nothing';
    const stops = suspensions.indexOf(suspension) > suspensions.indexOf(app.suspension);
    return hear(stops ? 'decided' : voice(model, app, who, 'resume', suspension), RESUMING, () => {
      Object.assign(app, { suspension, ...(stops ? { stoppedAt: model.now } : {}) });
      return unsay(app);
    });
  },
  'set-introspector'(_model, app, { who, suppress: named }) {
    if (
      who !== 'operator' ||
      (named && (app.stage !== 'approved' || app.oauth1 || !app.confidential))
    )
      return 'no';
    if (named === app.introspector) return 'nothing';
    app.introspector = named;
    return ['team'];
  },
  'set-pkce-exemption'(model, app, { who, suppress: named }) {
    if (!may(model, who, review) || !sees(model, app, who)) return 'no';
    if (named && (app.stage !== 'approved' || app.oauth1 || !app.confidential)) return 'no';
    if (named === app.pkceOptional) return 'nothing';
    return hear(
      named ? voice(model, app, who, 'exempt-from-pkce') : 'decided',
      'first-yes-to-pkce-exemption',
      () => {
        app.pkceOptional = named;
        return unsay(app);
      },
    );
  },
  'add-secret'(model, app, ask) {
    if (
      !looksAfter(model, app, ask) ||
      !app.confidential ||
      (ask.expiresAt ?? Infinity) <= model.now
    )
      return 'no';
    if (live(model, app).length >= MOST_SECRETS) return 'no';
    app.secrets.push({ id: 0, expiresAt: ask.expiresAt });
    return ['team'];
  },
  'retire-secret'(model, app, ask) {
    if (!looksAfter(model, app, ask) || !app.secrets.some(({ id }) => id === ask.secretId))
      return 'no';
    if (live(model, app).every(({ id }) => id === ask.secretId)) return 'no';
    app.secrets = app.secrets.filter(({ id }) => id !== ask.secretId);
    return ['team'];
  },
  revise(model, app, ask) {
    if (!looksAfter(model, app, ask) || app.stage !== 'approved') return 'no';
    const next = { name: ask.name, site: ask.site, scopes: ask.scopes };
    if (
      next.name === app.name &&
      next.site === app.site &&
      String(next.scopes) === String(app.scopes)
    )
      return 'no';
    const narrows =
      next.name === app.name &&
      next.site === app.site &&
      next.scopes.length < app.scopes.length &&
      next.scopes.every((scope) => app.scopes.includes(scope));
    const forTwo = revisionForTwo(app, next);
    const own = app.ownerOnly && (!forTwo || ask.who === 'operator');
    if (!narrows && !own && (forTwo || !unreviewed(next.scopes))) {
      app.revision = { id: 0, next, by: ask.who, at: model.now, yes: new Map() };
      return ['reviewers'];
    }
    if (taken(model, app, app.owner, next.name)) return 'no';
    Object.assign(app, next, { revision: null });
    return ['team', own || app.ownerOnly ? 'revise' : narrows ? 'narrow' : 'revise-autoapproved'];
  },
  'approve-revision'(model, app, { who, revisionId }) {
    if (
      !may(model, who, review) ||
      app.revision?.id !== revisionId ||
      app.stage !== 'approved' ||
      !sees(model, app, who)
    )
      return 'no';
    const { next } = app.revision;
    const said = voice(model, app, who, 'approve-revision');
    if (said !== 'decided') return said === 'first' ? [[], 'first-approval-of-revision'] : 'no';
    if (taken(model, app, app.owner, next.name)) return 'no';
    Object.assign(app, next);
    return close(app);
  },
  'reject-revision': (model, app, { who, revisionId }) =>
    may(model, who, review) && app.revision?.id === revisionId && sees(model, app, who)
      ? close(app)
      : 'no',
  'withdraw-revision': (model, app, { who, revisionId }) =>
    may(model, who, updateOwn) &&
    keeps(app, who) &&
    ['approved', 'disabled'].includes(app.stage) &&
    sees(model, app, who) &&
    app.revision?.id === revisionId
      ? close(app)
      : 'no',
  invite(model, app, { who, person }) {
    if (
      !may(model, who, updateOwn) ||
      !owns(app, who) ||
      app.ownerOnly ||
      !inUse(app) ||
      app.suppressed
    )
      return 'no';
    if (absent(model, person) || person === app.owner || app.team.has(person)) return 'no';
    // One letter for all that one person has open with another.
    const waits = (other: App) =>
      other.team.get(person) === 'invited' && other.invitedBy.get(person) === who;
    const heard = who !== 'operator' && model.apps.some(waits);
    app.team.set(person, 'invited');
    app.invitedBy.set(person, who);
    return [heard ? [] : [person]];
  },
  join(_model, app, { who }) {
    if (app.team.get(who) !== 'invited') return 'no';
    app.team.set(who, 'accepted');
    return [[app.owner]];
  },
  leave(model, app, { who, person }) {
    if (
      (who !== person && !(owns(app, who) && may(model, who, updateOwn))) ||
      !app.team.has(person)
    )
      return 'no';
    const accepted = app.team.get(person) === 'accepted';
    if (accepted) app.past.set(`${person} maintainer`, model.now);
    app.team.delete(person);
    // Whoever did not answer hears no more of it.
    return [who === person ? [app.owner] : accepted ? [person] : []];
  },
  offer(model, app, { who, person }) {
    const own = owns(app, who) && may(model, who, updateOwn);
    if (!own && !(model.blocked.has(app.owner) && may(model, who, review))) return 'no';
    if (!inUse(app) || app.suppressed) return 'no';
    if (!own && (voice(model, app, who, 'hand-over') === 'no' || person === who)) return 'no';
    if (absent(model, person) || person === app.owner) return 'no';
    app.offer = { to: person, by: who };
    return [[person]];
  },
  'accept-offer'(model, app, { who }) {
    if (
      !may(model, who, propose) ||
      app.offer?.to !== who ||
      !inUse(app) ||
      app.suppressed ||
      taken(model, app, who, app.name)
    )
      return 'no';
    const told = [
      app.owner,
      ...[...app.team].filter(([, state]) => state === 'accepted').map(([user]) => user),
    ];
    if (app.ownerOnly) endConsents(model, app);
    app.past.set(`${app.owner} owner`, model.now);
    const { by } = app.offer;
    if (by !== app.owner && by !== 'operator') app.past.set(`${by} handed-over`, model.now);
    // What two people trusted the old owner with, two people look at again.
    const again = app.stage === 'approved' && needTwo(app.scopes);
    const ends = again ? model.now : model.now + OLD_SECRETS_FOR;
    for (const secret of app.secrets)
      secret.expiresAt = Math.min(secret.expiresAt ?? Infinity, ends);
    unsay(app);
    told.push(...reviewers.filter((one) => one !== app.owner && !model.blocked.has(one)));
    Object.assign(app, {
      owner: who,
      offer: null,
      introspector: false,
      ...(again ? { stage: 'proposed', stageAt: model.now, revision: null } : {}),
    });
    app.team.delete(who);
    return [[...new Set(told)]];
  },
  'decline-offer'(_model, app, { who }) {
    if (app.offer === null || !(owns(app, who) || who === app.offer.to || who === app.offer.by))
      return 'no';
    const { to } = app.offer;
    app.offer = null;
    return [who === to ? [app.owner] : []];
  },
};

function born(model: Model, ask: Ask): Step | 'no' {
  const owner = ask.who === 'operator' ? ask.person : ask.who;
  if (!may(model, ask.who, propose) || ['stranger', 'operator'].includes(owner)) return 'no';
  const latest = model.apps.findLast((app) => app.owner === owner && app.name === ask.name);
  if (latest && latest.version >= ask.version) return 'no';
  if (
    model.apps.some(
      (app) => app.owner === owner && app.name === ask.name && app.version === ask.version,
    )
  )
    return 'no';
  const [oauth1, ownerOnly, confidential] = [
    ask.kind.endsWith('oauth1'),
    ask.kind.startsWith('owner-only'),
    ask.kind !== 'public',
  ];
  const atOnce = ownerOnly && (!needTwo(ask.scopes) || ask.who === 'operator');
  const byItself = !ownerOnly && !needTwo(ask.scopes) && unreviewed(ask.scopes);
  const app: App = {
    ...{
      id: ask.app,
      name: ask.name,
      version: ask.version,
      site: ask.site,
      scopes: ask.scopes,
      owner,
      oauth1,
      ownerOnly,
      confidential,
    },
    ...{
      stage: atOnce || byItself ? 'approved' : 'proposed',
      stageAt: model.now,
      suppressed: false,
      suspension: 'none',
      edition: 0,
      introspector: false,
      pkceOptional: false,
    },
    ...{ secrets: confidential ? [{ id: 0, expiresAt: null }] : [], addresses: '0.0.0.0/0 ::/0' },
    ...{ team: new Map(), invitedBy: new Map(), offer: null, yes: new Map(), revision: null },
    ...{
      registeredAt: model.now,
      stoppedAt: model.now,
      past: new Map([[`${owner} proposer`, model.now]]),
    },
  };
  model.apps.push(app);
  if (atOnce) grant(model, app);
  const told = app.stage === 'approved' ? [] : toldOf(model, app, 'reviewers', ask.who);
  return {
    app: app.id,
    line: atOnce ? 'create-owner-only' : byItself ? 'propose-autoapproved' : 'propose',
    edition: 0,
    told,
  };
}

function accepted(model: Model, app: App, { who, scopes: asked }: Ask): Step | 'no' | null {
  const scopes = app.oauth1
    ? app.scopes
    : ['basic', ...asked.filter((scope) => scope !== 'basic')].filter((scope) =>
        app.scopes.includes(scope),
      );
  const own = (site: string) =>
    model.consents.find((one) => one.user === who && one.app === app.id && one.site === site);
  const standing = own(app.site) ?? own('*');
  if (app.ownerOnly || !usable(app, who)) return 'no';
  if (
    app.suspension === 'new-consents' &&
    !scopes.every((scope) => standing?.scopes.includes(scope))
  )
    return 'no';
  const old = own(app.site);
  // A later approval adds to what stands (ADR 25).
  const union = [
    ...new Set([...(old?.scopes ?? []).filter((scope) => app.scopes.includes(scope)), ...scopes]),
  ];
  if (String(old?.scopes) === String(union)) return null;
  if (old) old.scopes = union;
  else model.consents.push({ id: 0, user: who, app: app.id, site: app.site, scopes });
  return { app: app.id, line: 'accept', edition: app.edition, told: null };
}

function toldOf(model: Model, app: App, told: Told, who: Who): readonly Who[] {
  const all =
    told === 'reviewers'
      ? reviewers.filter((one) => one !== app.owner && !model.blocked.has(one))
      : told === 'team'
        ? [
            app.owner,
            ...[...app.team].filter(([, state]) => state === 'accepted').map(([user]) => user),
          ]
        : told;
  return all.filter((one) => one !== who);
}

/**
 * Does to the model what the action should do; 'no': it must be refused, null: accepted with
 * nothing to write.
 */
export function predict(model: Model, ask: Ask): Step | 'no' | null {
  const { who, action } = ask;
  if (who === 'stranger') return 'no';
  // Whoever is blocked may take a yes back, and nothing else.
  if (model.blocked.has(who) && action !== 'renounce') return 'no';
  if (action === 'propose') return born(model, ask);
  if (action === 'renounce') {
    const consent = model.consents.find(({ id }) => id === ask.consentId);
    if (consent?.user !== who || !may(model, who, manageConsents)) return 'no';
    model.consents = model.consents.filter((one) => one !== consent);
    return {
      app: consent.app,
      line: 'renounce',
      edition: model.apps.find(({ id }) => id === consent.app)?.edition ?? -1,
      told: null,
    };
  }
  const app = model.apps.find(({ id }) => id === ask.app);
  if (app === undefined) return 'no';
  if (action === 'accept')
    return who === 'operator' || !may(model, who, manageConsents)
      ? 'no'
      : accepted(model, app, ask);
  if (ask.seen === 'none' ? ask.page : ask.seen !== app.edition) return 'no';
  const answer = rules[action](model, app, ask);
  if (answer === 'no' || answer === 'nothing') return answer === 'no' ? 'no' : null;
  app.edition += 1;
  const [told, line = action] = answer;
  return { app: app.id, line, edition: app.edition, told: toldOf(model, app, told, who) };
}
