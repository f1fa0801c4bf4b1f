import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { AdministrationRefusal } from '#accounts/administration.ts';
import type { AccountFilter } from '#accounts/records.ts';
import { ADMINISTER } from '#http/session.ts';
import type { World } from '#http/world.ts';
import type { UserId } from '#kernel/ids.ts';
import type { NoticeState } from '#registry/notifications/notification.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import { scopeGroups } from '../apps/app.view.ts';
import { noProblems } from '../form-problems.ts';
import { type PageAnswer, type PageCall, showPage, takeForm } from '../page.ts';
import { peoplePage, personPage } from '../people/people.template.ts';
import type { Words } from '../words.ts';
import { type Counted, groupsPage, overviewPage, scopesPage } from './admin.template.ts';

type AdminCall = PageCall<Account>;
const administrators = { right: ADMINISTER };
/** What changes who may do what asks for a recent proof (ADR 17). */
const provenAdministrators = { right: ADMINISTER, proven: true } as const;
const notFound = { status: 404, note: 'not-found' } as const;
const PAGE = 25;
const MOST_APPS = 50;
/** Notices are counted as far as this. */
const MOST_COUNTED = 500;

const everybody: AccountFilter = { text: null, group: null, blocked: null };

/** Groups that people can be put into. */
const offeredGroups = ({ rights }: World): readonly string[] =>
  rights
    .all()
    .map(({ name }) => name)
    .filter(rights.hasGroup);

/** The notices of a state, newest first, and how many there are. */
async function noticesIn(world: World, state: NoticeState) {
  const found = await world.records.listNotices({ state, limit: MOST_COUNTED + 1 });
  const counted: Counted = {
    count: Math.min(found.length, MOST_COUNTED),
    more: found.length > MOST_COUNTED,
  };
  return { found, counted };
}

async function overview({ world, frame }: AdminCall): Promise<PageAnswer> {
  const { about, clock, records } = world;
  const { state, apartMs } = world.clocks.standing();
  const reachable = world.ping().then(
    () => true,
    () => false,
  );
  const [waiting, givenUp] = [
    await noticesIn(world, 'waiting'),
    await noticesIn(world, 'given-up'),
  ];
  const failed = [...waiting.found, ...givenUp.found]
    .filter(({ problem }) => problem !== null)
    .sort((one, other) => other.id - one.id)[0];
  return overviewPage(frame, {
    version: about.version,
    startedAt: about.startedAt,
    upFor: clock.now() - about.startedAt,
    storeReachable: await reachable,
    logBytes: world.logBytes(),
    clockApart: state === 'agrees' ? null : Math.round(apartMs / 100) / 10,
    purging: world.clocks.purgeUntil() !== null,
    keys: world.signing
      .jwks()
      .keys.map(({ kid, alg }) => ({ kid: kid ?? '', algorithm: alg ?? '' })),
    readOnly: world.registry.readOnly,
    idleFor: about.idleFor,
    mail: about.mail,
    webhooks: about.webhooks,
    waiting: { ...waiting.counted, oldest: waiting.found.at(-1)?.createdAt ?? null },
    givenUp: givenUp.counted,
    lastProblem: failed
      ? {
          at: failed.createdAt,
          text: failed.problem ?? '',
          to:
            failed.target.kind === 'mail' ? frame.words.say('admin.mail') : failed.target.endpoint,
        }
      : null,
    people: await records.countAccounts(everybody),
    blocked: await records.countAccounts({ ...everybody, blocked: true }),
    reviews: await records.countWaiting({}),
    warnings: [
      ...world.warnings().map((warning) => ({ ...warning, seen: null })),
      ...world.proxies
        .sightings()
        .map(({ sign, peer, ...seen }) => ({ kind: sign, about: peer, seen })),
    ],
  });
}

async function people({ world, frame, query }: AdminCall): Promise<PageAnswer> {
  const [text, group, state] = ['text', 'group', 'blocked'].map((name) =>
    (query.get(name) ?? '').slice(0, 255).trim(),
  ) as [string, string, string];
  const asked = query.get('after') ?? '';
  const after = /^\d{1,15}$/.test(asked) ? (Number(asked) as UserId) : null;
  const blocked = state === 'yes' || state === 'no' ? state : '';
  const wanted = {
    text: text || null,
    group: group || null,
    blocked: blocked === '' ? null : blocked === 'yes',
  };
  const found = await world.records.searchAccounts({ ...wanted, after, limit: PAGE + 1 });
  const shown = found.slice(0, PAGE);
  const filters = new URLSearchParams(
    Object.entries({ text, group, blocked }).filter(([, value]) => value !== ''),
  );
  const path = (more: string) =>
    `/admin/people?${[filters.toString(), more].filter((part) => part !== '').join('&')}`;
  return peoplePage(frame, {
    text,
    group,
    blocked,
    groups: offeredGroups(world),
    total: await world.records.countAccounts(wanted),
    people: shown,
    first: after === null ? null : path(''),
    next: found.length > PAGE ? path(`after=${shown.at(-1)?.id}`) : null,
  });
}

async function personOf({ world, params }: AdminCall): Promise<Account | undefined> {
  const id = params.id ?? '';
  return /^\d{1,15}$/.test(id) ? world.records.findAccount(Number(id) as UserId) : undefined;
}

const refusalWords = (words: Words, refusal: AdministrationRefusal): string =>
  refusal.kind === 'unknown-group'
    ? words.say('admin.refused.unknown-group', { group: refusal.group })
    : words.say(`admin.refused.${refusal.kind}`);

/** A person's page; `chosen`: the groups that were ticked in a form that was refused. */
async function personView(
  { world, frame, actor, user }: AdminCall,
  person: Account,
  refused?: { readonly refusal: AdministrationRefusal; readonly chosen?: readonly string[] },
) {
  const { rights, records } = world;
  const apps = await records.listClients({
    keeperId: person.id,
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
    limit: MOST_APPS + 1,
  });
  const chosen = refused?.chosen ?? person.groups;
  const gone = person.groups.filter((name) => !rights.hasGroup(name));
  return personPage(frame, {
    person,
    groups: [...offeredGroups(world), ...gone].map((name) => ({
      name,
      chosen: chosen.includes(name),
      known: rights.hasGroup(name),
    })),
    rights: [...rights.rightsOf(person)].sort(),
    apps: apps
      .slice(0, MOST_APPS)
      .filter(({ stage }) => stage !== 'configured' || maySeeHidden(actor))
      .map(({ id, name, stage, ownerId }) => ({ id, name, stage, helps: ownerId !== person.id })),
    moreApps: apps.length > MOST_APPS,
    consents: (await records.listConsents(person.id)).length,
    self: person.id === user.id,
    problems: refused
      ? [
          {
            field: refused.chosen === undefined ? null : 'groups',
            text: refusalWords(frame.words, refused.refusal),
          },
        ]
      : noProblems,
  });
}

/** Blocks somebody, or lets them in again. */
const setBlocked =
  (blocked: boolean) =>
  async (call: AdminCall): Promise<PageAnswer> => {
    const person = await personOf(call);
    if (person === undefined) return notFound;
    const answer = await call.world.accounts.setBlockedBy(call.user, person.id, blocked);
    if (!answer.ok)
      return { status: 409, page: await personView(call, person, { refusal: answer.refusal }) };
    return {
      to: `/admin/people/${person.id}?${blocked ? 'done=admin-blocked' : 'done=admin-unblocked'}`,
    };
  };

/** The groups a form was made from. */
function shownGroups(text: string): readonly string[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read.map(String) : ['?'];
  } catch {
    return ['?'];
  }
}

async function setGroups(call: AdminCall): Promise<PageAnswer> {
  const { world, form, user } = call;
  const person = await personOf(call);
  if (person === undefined) return notFound;
  const offered = new Set([...offeredGroups(world), ...person.groups]);
  const chosen = [...offered].filter((name) => form.get(`group-${name}`) !== undefined);
  const answer = await world.accounts.setGroupsBy(
    user,
    person.id,
    chosen,
    shownGroups(form.get('shown') ?? ''),
  );
  if (!answer.ok)
    return {
      status: 409,
      page: await personView(call, person, { refusal: answer.refusal, chosen }),
    };
  // Whoever gave up administration themself cannot see the page any more.
  const stays = person.id !== user.id || world.rights.rightsOf(answer.value).has(ADMINISTER);
  return { to: stays ? `/admin/people/${person.id}?done=admin-groups` : '/?done=admin-groups' };
}

async function groups({ world, frame }: AdminCall): Promise<PageAnswer> {
  const view = await Promise.all(
    world.rights.all().map(async (group) => ({
      ...group,
      people: group.implicit
        ? null
        : await world.records.countAccounts({ ...everybody, group: group.name }),
    })),
  );
  return groupsPage(frame, view);
}

async function scopes({ world, frame }: AdminCall): Promise<PageAnswer> {
  return scopesPage(frame, { groups: scopeGroups(world, frame.words), sites: world.sites.all });
}

/** The pages of administrators. */
export function adminRoutes(app: FastifyInstance, world: World): void {
  showPage(app, world, '/admin', overview, administrators);
  showPage(app, world, '/admin/people', people, administrators);
  showPage(
    app,
    world,
    '/admin/people/:id',
    async (call) => {
      const person = await personOf(call);
      return person === undefined ? notFound : personView(call, person);
    },
    administrators,
  );
  takeForm(app, world, '/admin/people/:id/block', setBlocked(true), provenAdministrators);
  takeForm(app, world, '/admin/people/:id/unblock', setBlocked(false), provenAdministrators);
  takeForm(app, world, '/admin/people/:id/groups', setGroups, provenAdministrators);
  showPage(app, world, '/admin/groups', groups, administrators);
  showPage(app, world, '/admin/scopes', scopes, administrators);
}
