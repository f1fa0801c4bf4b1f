import type { Account } from '#accounts/account.ts';
import { bothSpellings } from '#encoding/browser-uri.ts';
import { makeNames } from '#http/account-names.ts';
import type { World } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { Actor } from '#registry/actor.ts';
import type { Client, Stage } from '#registry/model/client.ts';
import type { ClientFilter } from '#registry/records.ts';
import { claimsEndedAt } from '#registry/review/assignments.ts';
import { redirectsToReview } from '#registry/review/redirect-review.ts';
import { DAY } from '#registry/usage.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import type { PageAnswer, PageCall } from '../page.ts';
import { problemText } from '../refusal-texts.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import { type QueueRow, queuePage, type ReviewTab, reviewTabs, tabPath } from './queue.template.ts';

// The lists of the review desk.

type ReviewCall = PageCall<Account>;
const PAGE = 25;

/** Hidden apps are left out for those who may not see them. */
export const unhidden = (actor: Actor) =>
  maySeeHidden(actor) ? {} : ({ suppressed: false } as const);

/** Lists that are one question to the store. */
type PlainTab = Exclude<ReviewTab, 'waiting' | 'redirects'>;

const filterOf = (tab: PlainTab): ClientFilter =>
  tab === 'orphaned' ? { orphaned: true } : { stage: tab satisfies Stage };

/** How many apps each tab has, as far as this reviewer may see them. */
async function countsOf({ world, actor }: ReviewCall): Promise<Record<ReviewTab, number | null>> {
  const counted = await Promise.all(
    reviewTabs.map(async (tab) => {
      const hidden = unhidden(actor);
      if (tab === 'redirects') return [tab, null] as const;
      const count =
        tab === 'waiting'
          ? await world.records.countWaiting(hidden)
          : await world.records.countClients({ ...filterOf(tab), ...hidden });
      return [tab, count] as const;
    }),
  );
  return Object.fromEntries(counted) as Record<ReviewTab, number | null>;
}

/** Risks of an app's scopes that are not low, in words. */
const risksOf = (world: World, words: Words, scopes: readonly string[]): readonly string[] => [
  ...new Set(
    scopes
      .map((scope) => world.scopes.get(scope)?.risk ?? 'unknown')
      .filter((risk) => risk !== 'low')
      .map((risk) => scopeWords(words, world.scopes).risk(risk)),
  ),
];

/** Makes rows of apps for one page; people and claims are looked up once. */
function makeRows({ world, user, frame }: ReviewCall) {
  const names = makeNames(world);
  const now = world.clock.now();
  return async (
    items: readonly {
      readonly client: Client;
      readonly since: Instant;
      readonly scopes: readonly string[];
      readonly change: boolean;
    }[],
  ): Promise<readonly QueueRow[]> => {
    const claims = await world.records.claimsOf(
      items.map(({ client }) => client.id),
      claimsEndedAt(now),
    );
    return Promise.all(
      items.map(async ({ client, since, scopes, change }) => {
        const claim = claims.get(client.id);
        return {
          id: client.id,
          name: client.name,
          version: client.version,
          owner: (await names(client.ownerId)).name,
          stage: client.stage,
          suppressed: client.suppressed,
          halted: client.halted !== 'nothing',
          change,
          since,
          days: Math.floor((now - since) / DAY),
          risks: risksOf(world, frame.words, scopes),
          claim: claim
            ? {
                reviewer: (await names(claim.reviewerId)).name,
                mine: claim.reviewerId === user.id,
                since: claim.at,
              }
            : null,
        };
      }),
    );
  };
}

/** What this reviewer could take up. */
export const freeFor = ({ world, user }: ReviewCall) => ({
  reviewerId: user.id,
  endedAt: claimsEndedAt(world.clock.now()),
});

/** What waits, the longest wait first. */
export async function waitingPage(call: ReviewCall): Promise<PageAnswer> {
  const { world, frame, actor, query } = call;
  const cursor = /^(\d{1,15})-([0-9a-f]{32})$/.exec(query.get('after') ?? '');
  const after = cursor
    ? { since: instant(Number(cursor[1])), clientId: cursor[2] as ClientId }
    : undefined;
  const hidden = unhidden(actor);
  const found = await world.records.listWaiting({
    ...hidden,
    ...(after ? { after } : {}),
    limit: PAGE + 1,
  });
  const items = [];
  for (const { clientId, revisionId, since } of found.slice(0, PAGE)) {
    const client = await world.records.findClient(clientId);
    if (client === undefined) continue;
    const revision = revisionId === null ? undefined : await world.records.openRevision(clientId);
    const scopes = (revision?.fields.scopes ?? client.scopes).filter(
      (scope) => revision === undefined || !client.scopes.includes(scope),
    );
    items.push({ client, since, scopes, change: revisionId !== null });
  }
  const last = found[PAGE - 1];
  const free = await world.records.listWaiting({ ...hidden, freeFor: freeFor(call), limit: 1 });
  return queuePage(frame, {
    tab: 'waiting',
    counts: await countsOf(call),
    rows: await makeRows(call)(items),
    first: after ? '/review' : null,
    next: found.length > PAGE && last ? `/review?after=${last.since}-${last.clientId}` : null,
    mayTake: free.length > 0,
  });
}

/** Every other app, the latest registration first. */
export async function stagePage(call: ReviewCall, tab: PlainTab): Promise<PageAnswer> {
  const { world, frame, actor, query } = call;
  const asked = query.get('below') ?? '';
  const below = /^\d{1,15}$/.test(asked) ? Number(asked) : undefined;
  const found = await world.records.listClients({
    ...filterOf(tab),
    ...unhidden(actor),
    ...(below === undefined ? {} : { below }),
    limit: PAGE + 1,
  });
  const shown = found.slice(0, PAGE);
  // What is left of an app that the configuration no longer describes is hidden like a hidden app.
  const visible = shown.filter(({ stage }) => stage !== 'configured' || maySeeHidden(actor));
  const last = shown.at(-1);
  return queuePage(frame, {
    tab,
    counts: await countsOf(call),
    rows: await makeRows(call)(
      visible.map((client) => ({
        client,
        since: client.stageAt,
        scopes: client.scopes,
        change: false,
      })),
    ),
    first: below === undefined ? null : tabPath(tab),
    next: found.length > PAGE && last ? `${tabPath(tab)}&below=${last.number}` : null,
    mayTake: false,
  });
}

/**
 * Apps whose redirect URIs are refused now and were accepted once, the latest registration first.
 */
export async function redirectsPage(call: ReviewCall): Promise<PageAnswer> {
  const { world, frame, actor, query } = call;
  const asked = query.get('below') ?? '';
  const below = /^\d{1,15}$/.test(asked) ? { below: Number(asked) } : {};
  const { items, next } = await redirectsToReview(world.records, {
    ...unhidden(actor),
    ...below,
    limit: PAGE,
  });
  const seen = items.filter(({ client }) => client.stage !== 'configured' || maySeeHidden(actor));
  const rows = await makeRows(call)(
    seen.map(({ client }) => ({
      client,
      since: client.stageAt,
      scopes: client.scopes,
      change: false,
    })),
  );
  return queuePage(frame, {
    tab: 'redirects',
    counts: await countsOf(call),
    rows: rows.map((row, index) => {
      const { client, problem } = seen[index] as (typeof seen)[number];
      return {
        ...row,
        redirect: `${bothSpellings(client.redirectUri)}: ${problemText(frame.words, problem)}`,
      };
    }),
    first: 'below' in below ? tabPath('redirects') : null,
    next: next === null ? null : `${tabPath('redirects')}&below=${next}`,
    mayTake: false,
  });
}
