import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { AdministrationRefusal } from '#accounts/administration.ts';
import type { AccountFilter } from '#accounts/records.ts';
import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import { pageLinks, parsePageCursor, slicePage } from '#http/paging.ts';
import type { Services } from '#http/world.ts';
import type { UserId } from '#kernel/ids.ts';
import type { NotificationState } from '#registry/notifications/notification.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import { scopeGroups } from '../apps/app.view.ts';
import { noProblems } from '../form-problems.ts';
import { getPage, type PageCall, type PageResponse, postForm } from '../page.ts';
import { peoplePage, personPage } from '../people/people.template.ts';
import type { Words } from '../words.ts';
import { groupsPage, overviewPage, type PartialCount, scopesPage } from './admin.template.ts';

type AdminCall = PageCall<Account>;
const administrators = { right: ADMINISTER_RIGHT };
/** What changes who may do what asks for a recent proof (ADR 17). */
const reauthenticatedAdministrators = { right: ADMINISTER_RIGHT, proven: true } as const;
const notFound = { status: 404, note: 'not-found' } as const;
const PAGE_SIZE = 25;
const MAX_APPS = 50;
/** Notices are counted as far as this. */
const MAX_COUNTED = 500;

const allAccounts: AccountFilter = { text: null, group: null, blocked: null };

/** Groups that people can be put into. */
const assignableGroups = ({ rights }: Services): readonly string[] =>
  rights
    .allGroups()
    .map(({ name }) => name)
    .filter(rights.hasGroup);

/** The notices of a state, newest first, and how many there are. */
async function loadNotifications(services: Services, state: NotificationState) {
  const found = await services.records.listNotifications({ state, limit: MAX_COUNTED + 1 });
  const counted: PartialCount = {
    count: Math.min(found.length, MAX_COUNTED),
    isLowerBound: found.length > MAX_COUNTED,
  };
  return { found, counted };
}

async function showOverview({ services, frame }: AdminCall): Promise<PageResponse> {
  const { serverInfo: about, clock, records } = services;
  const { state, skewMs } = services.clockMonitor.status();
  const reachable = services.ping().then(
    () => true,
    () => false,
  );
  const [waiting, givenUp] = [
    await loadNotifications(services, 'waiting'),
    await loadNotifications(services, 'given-up'),
  ];
  const lastFailed = [...waiting.found, ...givenUp.found]
    .filter(({ problem }) => problem !== null)
    .sort((one, other) => other.id - one.id)[0];
  return overviewPage(frame, {
    version: about.version,
    startedAt: about.startedAt,
    uptimeSeconds: clock.now() - about.startedAt,
    storeReachable: await reachable,
    walBytes: services.walBytes(),
    clockSkewSeconds: state === 'synchronized' ? null : Math.round(skewMs / 100) / 10,
    isPurging: services.clockMonitor.purgeUntil() !== null,
    keys: services.signingKeys
      .jwks()
      .keys.map(({ kid, alg }) => ({ kid: kid ?? '', algorithm: alg ?? '' })),
    readOnly: services.registry.readOnly,
    idleProposalTtlSeconds: about.idleProposalTtlSeconds,
    mailEnabled: about.mail,
    webhooks: about.webhooks,
    pendingNotifications: { ...waiting.counted, oldestAt: waiting.found.at(-1)?.createdAt ?? null },
    failedNotifications: givenUp.counted,
    lastDeliveryProblem: lastFailed
      ? {
          at: lastFailed.createdAt,
          text: lastFailed.problem ?? '',
          to:
            'facts' in lastFailed && lastFailed.target.kind === 'webhook'
              ? lastFailed.target.endpoint
              : frame.words.say('admin.mail'),
        }
      : null,
    accountCount: await records.countAccounts(allAccounts),
    blockedAccountCount: await records.countAccounts({ ...allAccounts, blocked: true }),
    pendingReviews: await records.countPendingReviews({}),
    warnings: [
      ...services.setupWarnings().map((warning) => ({ ...warning, seen: null })),
      ...services.proxyMonitor
        .recentSightings()
        .map(({ sign, peer, ...seen }) => ({ kind: sign, about: peer, seen })),
    ],
  });
}

async function showPeople({ services, frame, query }: AdminCall): Promise<PageResponse> {
  const [text, group, state] = ['text', 'group', 'blocked'].map((name) =>
    (query.get(name) ?? '').slice(0, 255).trim(),
  ) as [string, string, string];
  const after = parsePageCursor(query.get('after'));
  const blocked = state === 'yes' || state === 'no' ? state : '';
  const accountFilter = {
    text: text || null,
    group: group || null,
    blocked: blocked === '' ? null : blocked === 'yes',
  };
  const found = await services.records.searchAccounts({
    ...accountFilter,
    after: after === undefined ? null : (after as UserId),
    limit: PAGE_SIZE + 1,
  });
  const { rows, next } = slicePage(found, PAGE_SIZE, ({ id }) => id);
  return peoplePage(frame, {
    searchText: text,
    group,
    blocked,
    groups: assignableGroups(services),
    total: await services.records.countAccounts(accountFilter),
    people: rows,
    ...pageLinks('/admin/people', { text, group, blocked }, { isFirst: after === undefined, next }),
  });
}

async function findPerson({ services, params }: AdminCall): Promise<Account | undefined> {
  const id = params.id ?? '';
  return /^\d{1,15}$/.test(id) ? services.records.findAccount(Number(id) as UserId) : undefined;
}

const refusalMessage = (words: Words, refusal: AdministrationRefusal): string =>
  refusal.kind === 'unknown-group'
    ? words.say('admin.refused.unknown-group', { group: refusal.group })
    : words.say(`admin.refused.${refusal.kind}`);

/** A person's page; `chosen`: the groups that were ticked in a form that was refused. */
async function renderPerson(
  { services, frame, actor, user }: AdminCall,
  person: Account,
  failure?: { readonly refusal: AdministrationRefusal; readonly chosen?: readonly string[] },
) {
  const { rights, records } = services;
  const apps = await records.listClients({
    managerId: person.id,
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
    limit: MAX_APPS + 1,
  });
  const chosen = failure?.chosen ?? person.groups;
  const unknownGroups = person.groups.filter((name) => !rights.hasGroup(name));
  return personPage(frame, {
    person,
    groups: [...assignableGroups(services), ...unknownGroups].map((name) => ({
      name,
      chosen: chosen.includes(name),
      known: rights.hasGroup(name),
    })),
    rights: [...rights.rightsOf(person)].sort(),
    apps: apps
      .slice(0, MAX_APPS)
      .filter(({ stage }) => stage !== 'configured' || maySeeHidden(actor))
      .map(({ id, name, stage, ownerId }) => ({
        id,
        name,
        stage,
        isMaintainer: ownerId !== person.id,
      })),
    hasMoreApps: apps.length > MAX_APPS,
    consentCount: (await records.listConsents(person.id)).length,
    isSelf: person.id === user.id,
    problems: failure
      ? [
          {
            field: failure.chosen === undefined ? null : 'groups',
            text: refusalMessage(frame.words, failure.refusal),
          },
        ]
      : noProblems,
  });
}

/** Blocks somebody, or lets them in again. */
const setBlocked =
  (blocked: boolean) =>
  async (call: AdminCall): Promise<PageResponse> => {
    const person = await findPerson(call);
    if (person === undefined) return notFound;
    const answer = await call.services.accounts.setBlockedBy(call.user, person.id, blocked);
    if (!answer.ok)
      return { status: 409, page: await renderPerson(call, person, { refusal: answer.refusal }) };
    return {
      to: `/admin/people/${person.id}?${blocked ? 'done=admin-blocked' : 'done=admin-unblocked'}`,
    };
  };

/** The groups a form was made from. */
function parseSubmittedGroups(text: string): readonly string[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read.map(String) : ['?'];
  } catch {
    return ['?'];
  }
}

async function setGroups(call: AdminCall): Promise<PageResponse> {
  const { services, form, user } = call;
  const person = await findPerson(call);
  if (person === undefined) return notFound;
  const selectable = new Set([...assignableGroups(services), ...person.groups]);
  const chosen = [...selectable].filter((name) => form.get(`group-${name}`) !== undefined);
  const answer = await services.accounts.setGroupsBy(
    user,
    person.id,
    chosen,
    parseSubmittedGroups(form.get('shown') ?? ''),
  );
  if (!answer.ok)
    return {
      status: 409,
      page: await renderPerson(call, person, { refusal: answer.refusal, chosen }),
    };
  // Whoever gave up administration themself cannot see the page any more.
  const keepsAccess =
    person.id !== user.id || services.rights.rightsOf(answer.value).has(ADMINISTER_RIGHT);
  return {
    to: keepsAccess ? `/admin/people/${person.id}?done=admin-groups` : '/?done=admin-groups',
  };
}

async function showGroups({ services, frame }: AdminCall): Promise<PageResponse> {
  const view = await Promise.all(
    services.rights.allGroups().map(async (group) => ({
      ...group,
      people: group.implicit
        ? null
        : await services.records.countAccounts({ ...allAccounts, group: group.name }),
    })),
  );
  return groupsPage(frame, view);
}

async function showScopes({ services, frame }: AdminCall): Promise<PageResponse> {
  return scopesPage(frame, {
    groups: scopeGroups(services, frame.words),
    sites: services.sites.all,
  });
}

/** The pages of administrators. */
export function adminRoutes(app: FastifyInstance, services: Services): void {
  getPage(app, services, '/admin', showOverview, administrators);
  getPage(app, services, '/admin/people', showPeople, administrators);
  getPage(
    app,
    services,
    '/admin/people/:id',
    async (call) => {
      const person = await findPerson(call);
      return person === undefined ? notFound : renderPerson(call, person);
    },
    administrators,
  );
  postForm(
    app,
    services,
    '/admin/people/:id/block',
    setBlocked(true),
    reauthenticatedAdministrators,
  );
  postForm(
    app,
    services,
    '/admin/people/:id/unblock',
    setBlocked(false),
    reauthenticatedAdministrators,
  );
  postForm(app, services, '/admin/people/:id/groups', setGroups, reauthenticatedAdministrators);
  getPage(app, services, '/admin/groups', showGroups, administrators);
  getPage(app, services, '/admin/scopes', showScopes, administrators);
}
