import type { Account } from '#accounts/account.ts';
import { formatUriForDisplay } from '#encoding/browser-uri.ts';
import { makePersonLookup } from '#http/account-names.ts';
import { parsePageCursor } from '#http/paging.ts';
import type { Services } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { cutPage } from '#kernel/paging.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { Actor } from '#registry/actor.ts';
import type { Client, Stage } from '#registry/model/client.ts';
import type { ClientFilter } from '#registry/records.ts';
import { assignmentsEndedAt } from '#registry/review/assignments.ts';
import { redirectsToReview } from '#registry/review/redirect-review.ts';
import { DAY } from '#registry/usage.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import type { PageCall, PageResponse } from '../page.ts';
import { problemText } from '../refusal-texts.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import {
  type ReviewQueueRow,
  type ReviewTab,
  reviewQueuePage,
  reviewTabs,
  tabPath,
} from './queue.template.ts';

// The lists of the review desk.

type ReviewCall = PageCall<Account>;
const PAGE_SIZE = 25;

/** Hidden apps are left out for those who may not see them. */
export const visibilityFilter = (actor: Actor) =>
  maySeeHidden(actor) ? {} : ({ suppressed: false } as const);

/** Lists that are one question to the store. */
type StageTab = Exclude<ReviewTab, 'waiting' | 'redirects'>;

const tabFilter = (tab: StageTab): ClientFilter =>
  tab === 'orphaned' ? { orphaned: true } : { stage: tab satisfies Stage };

/** How many apps each tab has, as far as this reviewer may see them. */
async function loadTabCounts({
  services,
  actor,
}: ReviewCall): Promise<Record<ReviewTab, number | null>> {
  const countEntries = await Promise.all(
    reviewTabs.map(async (tab) => {
      const visibility = visibilityFilter(actor);
      if (tab === 'redirects') return [tab, null] as const;
      const count =
        tab === 'waiting'
          ? await services.records.countPendingReviews(visibility)
          : await services.records.countClients({ ...tabFilter(tab), ...visibility });
      return [tab, count] as const;
    }),
  );
  return Object.fromEntries(countEntries) as Record<ReviewTab, number | null>;
}

/** Risks of an app's scopes that are not low, in words. */
const scopeRisks = (
  services: Services,
  words: Words,
  scopes: readonly string[],
): readonly string[] => [
  ...new Set(
    scopes
      .map((scope) => services.scopes.get(scope)?.risk ?? 'unknown')
      .filter((risk) => risk !== 'low')
      .map((risk) => scopeWords(words, services.scopes).risk(risk)),
  ),
];

/** Makes rows of apps for one page; people and claims are looked up once. */
function makeRowBuilder({ services, user, frame }: ReviewCall) {
  const lookUpPerson = makePersonLookup(services);
  const now = services.clock.now();
  return async (
    items: readonly {
      readonly client: Client;
      readonly since: Instant;
      readonly scopes: readonly string[];
      readonly change: boolean;
    }[],
  ): Promise<readonly ReviewQueueRow[]> => {
    const assignments = await services.records.assignmentsOf(
      items.map(({ client }) => client.id),
      assignmentsEndedAt(now),
    );
    return Promise.all(
      items.map(async ({ client, since, scopes, change }) => {
        const assignment = assignments.get(client.id);
        return {
          id: client.id,
          name: client.name,
          version: client.version,
          owner: (await lookUpPerson(client.ownerId)).name,
          stage: client.stage,
          suppressed: client.suppressed,
          isSuspended: client.suspension !== 'none',
          isChange: change,
          waitingSince: since,
          waitingDays: Math.floor((now - since) / DAY),
          risks: scopeRisks(services, frame.words, scopes),
          assignment: assignment
            ? {
                reviewer: (await lookUpPerson(assignment.reviewerId)).name,
                isMine: assignment.reviewerId === user.id,
                assignedAt: assignment.at,
              }
            : null,
        };
      }),
    );
  };
}

/** What this reviewer could take up. */
export const availableTo = ({ services, user }: ReviewCall) => ({
  reviewerId: user.id,
  endedAt: assignmentsEndedAt(services.clock.now()),
});

/** What waits, the longest wait first. */
export async function pendingReviewsPage(call: ReviewCall): Promise<PageResponse> {
  const { services, frame, actor, query } = call;
  const cursor = /^(\d{1,15})-([0-9a-f]{32})$/.exec(query.get('after') ?? '');
  const after = cursor
    ? { since: instant(Number(cursor[1])), clientId: cursor[2] as ClientId }
    : undefined;
  const visibility = visibilityFilter(actor);
  const found = await services.records.listPendingReviews({
    ...visibility,
    ...(after ? { after } : {}),
    limit: PAGE_SIZE + 1,
  });
  const items = [];
  const { items: rows, next } = cutPage(
    found,
    PAGE_SIZE,
    ({ since, clientId }) => `${since}-${clientId}`,
  );
  for (const { clientId, revisionId, since } of rows) {
    const client = await services.records.findClient(clientId);
    if (client === undefined) continue;
    const revision =
      revisionId === null ? undefined : await services.records.openRevision(clientId);
    const scopes = (revision?.fields.scopes ?? client.scopes).filter(
      (scope) => revision === undefined || !client.scopes.includes(scope),
    );
    items.push({ client, since, scopes, change: revisionId !== null });
  }
  const unassigned = await services.records.listPendingReviews({
    ...visibility,
    availableTo: availableTo(call),
    limit: 1,
  });
  return reviewQueuePage(frame, {
    tab: 'waiting',
    counts: await loadTabCounts(call),
    rows: await makeRowBuilder(call)(items),
    first: after ? '/review' : null,
    next: next === null ? null : `/review?after=${next}`,
    canTakeNext: unassigned.length > 0,
  });
}

/** Every other app, the latest registration first. */
export async function clientsByStagePage(call: ReviewCall, tab: StageTab): Promise<PageResponse> {
  const { services, frame, actor, query } = call;
  const below = parsePageCursor(query.get('below'));
  const found = await services.records.listClients({
    ...tabFilter(tab),
    ...visibilityFilter(actor),
    ...(below === undefined ? {} : { below }),
    limit: PAGE_SIZE + 1,
  });
  const { items: rows, next } = cutPage(found, PAGE_SIZE, ({ number }) => number);
  // What is left of an app that the configuration no longer describes is hidden like a hidden app.
  const visible = rows.filter(({ stage }) => stage !== 'configured' || maySeeHidden(actor));
  return reviewQueuePage(frame, {
    tab,
    counts: await loadTabCounts(call),
    rows: await makeRowBuilder(call)(
      visible.map((client) => ({
        client,
        since: client.stageAt,
        scopes: client.scopes,
        change: false,
      })),
    ),
    first: below === undefined ? null : tabPath(tab),
    next: next === null ? null : `${tabPath(tab)}&below=${next}`,
    canTakeNext: false,
  });
}

/**
 * Apps whose redirect URIs are refused now and were accepted once, the latest registration first.
 */
export async function redirectReviewPage(call: ReviewCall): Promise<PageResponse> {
  const { services, frame, actor, query } = call;
  const below = parsePageCursor(query.get('below'));
  const { items, next } = await redirectsToReview(services.records, {
    ...visibilityFilter(actor),
    ...(below === undefined ? {} : { below }),
    limit: PAGE_SIZE,
  });
  const visibleItems = items.filter(
    ({ client }) => client.stage !== 'configured' || maySeeHidden(actor),
  );
  const rows = await makeRowBuilder(call)(
    visibleItems.map(({ client }) => ({
      client,
      since: client.stageAt,
      scopes: client.scopes,
      change: false,
    })),
  );
  return reviewQueuePage(frame, {
    tab: 'redirects',
    counts: await loadTabCounts(call),
    rows: rows.map((row, index) => {
      const { client, problem } = visibleItems[index] as (typeof visibleItems)[number];
      return {
        ...row,
        redirectProblem: `${formatUriForDisplay(client.redirectUri)}: ${problemText(frame.words, problem)}`,
      };
    }),
    first: below === undefined ? null : tabPath('redirects'),
    next: next === null ? null : `${tabPath('redirects')}&below=${next}`,
    canTakeNext: false,
  });
}
