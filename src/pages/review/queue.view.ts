import { formatUriForDisplay } from '#encoding/browser-uri.ts';
import { pageLinks, parsePageCursor } from '#http/paging.ts';
import type { ClientId } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Client, Stage } from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { VisibleClientFilter } from '#registry/queries/clients.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import type { PendingReviewCursor } from '#registry/queries/reviews.ts';
import type { Registry } from '#registry/registry.ts';
import { DAY } from '#registry/usage.ts';
import type { SignedInCall } from '../page.ts';
import { problemText } from '../refusal-texts.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import {
  type ReviewQueueRow,
  type ReviewQueueView,
  type ReviewTab,
  reviewTabs,
} from './queue.template.ts';

const PAGE_SIZE = 25;

/** What the lists of reviewers are made with. */
export interface QueueViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
  readonly scopes: ScopeCatalogue;
  readonly clock: Clock;
}

/** Lists of apps by what they are, not by what waits. */
type StageTab = Exclude<ReviewTab, 'waiting' | 'redirects'>;

const tabFilter = (tab: StageTab): VisibleClientFilter =>
  tab === 'orphaned' ? { orphaned: true } : { stage: tab satisfies Stage };

function countTab(queries: RegistryQueries, tab: ReviewTab): Promise<number> | null {
  if (tab === 'redirects') return null;
  return tab === 'waiting' ? queries.countPendingReviews() : queries.countClients(tabFilter(tab));
}

/** How many apps each tab has, as far as this reviewer may see them. */
async function loadTabCounts(queries: RegistryQueries): Promise<ReviewQueueView['counts']> {
  const counts = await Promise.all(
    reviewTabs.map(async (tab) => [tab, await countTab(queries, tab)] as const),
  );
  return Object.fromEntries(counts) as Record<ReviewTab, number | null>;
}

/** Risks of an app's scopes that are not low, in words. */
const scopeRisks = (
  catalogue: ScopeCatalogue,
  words: Words,
  scopes: readonly string[],
): readonly string[] => [
  ...new Set(
    scopes
      .map((scope) => catalogue.get(scope)?.risk ?? 'unknown')
      .filter((risk) => risk !== 'low')
      .map((risk) => scopeWords(words, catalogue).risk(risk)),
  ),
];

/** What a row of a list is about. */
interface QueueItem {
  readonly client: Client;
  readonly since: Instant;
  /** Those whose risk is shown. */
  readonly scopes: readonly string[];
  readonly isChange: boolean;
}

const itemOf = (client: Client): QueueItem => ({
  client,
  since: client.stageAt,
  scopes: client.scopes,
  isChange: false,
});

/** Rows for one page; people and assignments are looked up once. */
async function makeRows(
  { registry, scopes: catalogue, clock }: QueueViewDependencies,
  { actor, user, frame }: SignedInCall,
  items: readonly QueueItem[],
): Promise<readonly ReviewQueueRow[]> {
  const queries = registry.query(actor);
  const lookUpPerson = queries.personLookup();
  const now = clock.now();
  const assignments = await queries.assignmentsOf(items.map(({ client }) => client.id));
  return Promise.all(
    items.map(async ({ client, since, scopes, isChange }) => {
      const assignment = assignments.get(client.id);
      return {
        id: client.id,
        name: client.name,
        version: client.version,
        owner: (await lookUpPerson(client.ownerId)).name,
        stage: client.stage,
        suppressed: client.suppressed,
        isSuspended: client.suspension !== 'none',
        isChange,
        waitingSince: since,
        waitingDays: Math.floor((now - since) / DAY),
        risks: scopeRisks(catalogue, frame.words, scopes),
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
}

/** Where the list of what waits continues; undefined: at its beginning. */
function parseQueueCursor(text: string | undefined): PendingReviewCursor | undefined {
  const [, since, clientId] = /^(\d{1,15})-([0-9a-f]{32})$/.exec(text ?? '') ?? [];
  return since === undefined
    ? undefined
    : { since: instant(Number(since)), clientId: clientId as ClientId };
}

/** What waits, the longest wait first. */
export async function makePendingReviewsView(
  dependencies: QueueViewDependencies,
  call: SignedInCall,
): Promise<ReviewQueueView> {
  const queries = dependencies.registry.query(call.actor);
  const after = parseQueueCursor(call.query.get('after'));
  const { items, next } = await queries.listPendingReviews({
    ...(after === undefined ? {} : { after }),
    limit: PAGE_SIZE,
  });
  const rows = items.map(({ client, revision, since }) => ({
    client,
    since,
    // Of a change, the risk of what it adds is shown.
    scopes:
      revision?.fields.scopes.filter((scope) => !client.scopes.includes(scope)) ?? client.scopes,
    isChange: revision !== null,
  }));
  return {
    tab: 'waiting',
    counts: await loadTabCounts(queries),
    rows: await makeRows(dependencies, call, rows),
    ...pageLinks(
      '/review',
      {},
      {
        isFirst: after === undefined,
        next: next && `${next.since}-${next.clientId}`,
      },
    ),
    canTakeNext: await queries.hasAvailableReview(),
  };
}

/** Every other app, the latest registration first. */
export async function makeStageView(
  dependencies: QueueViewDependencies,
  call: SignedInCall,
  tab: StageTab,
): Promise<ReviewQueueView> {
  const queries = dependencies.registry.query(call.actor);
  const below = parsePageCursor(call.query.get('after'));
  const { items, next } = await queries.listClients({
    ...tabFilter(tab),
    ...(below === undefined ? {} : { below }),
    limit: PAGE_SIZE,
  });
  return {
    tab,
    counts: await loadTabCounts(queries),
    rows: await makeRows(dependencies, call, items.map(itemOf)),
    ...pageLinks('/review', { show: tab }, { isFirst: below === undefined, next }),
    canTakeNext: false,
  };
}

/**
 * Apps whose redirect URIs are refused now and were accepted once, the latest registration first.
 */
export async function makeRedirectReviewView(
  dependencies: QueueViewDependencies,
  call: SignedInCall,
): Promise<ReviewQueueView> {
  const queries = dependencies.registry.query(call.actor);
  const below = parsePageCursor(call.query.get('after'));
  const { items, next } = await queries.listRedirectsToReview({
    ...(below === undefined ? {} : { below }),
    limit: PAGE_SIZE,
  });
  const rows = await makeRows(
    dependencies,
    call,
    items.map(({ client }) => itemOf(client)),
  );
  const { words } = call.frame;
  return {
    tab: 'redirects',
    counts: await loadTabCounts(queries),
    rows: rows.map((row, index) => {
      const { client, problem } = items[index] as (typeof items)[number];
      const redirectProblem = `${formatUriForDisplay(client.redirectUri)}: ${problemText(words, problem)}`;
      return { ...row, redirectProblem };
    }),
    ...pageLinks('/review', { show: 'redirects' }, { isFirst: below === undefined, next }),
    canTakeNext: false,
  };
}
