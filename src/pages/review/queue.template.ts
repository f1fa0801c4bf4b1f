import { html } from 'hono/html';
import type { Stage } from '#registry/model/client.ts';
import { cut } from '../audit-table.ts';
import {
  dayOf,
  type Frame,
  type Html,
  layout,
  named,
  pager,
  phrase,
  proof,
  timeOf,
} from '../layout.ts';
import { stageName } from '../refusal-texts.ts';
import type { Words } from '../words.ts';

/**
 * What the queue can show: what waits, the apps of a stage, apps without an owner, and apps with a
 * redirect URI that is refused now.
 */
export const reviewTabs = [
  'waiting',
  'rejected',
  'expired',
  'approved',
  'disabled',
  'configured',
  'orphaned',
  'redirects',
] as const;
export type ReviewTab = (typeof reviewTabs)[number];

/** Who is looking at something. */
export interface ClaimView {
  readonly reviewer: string | null;
  readonly mine: boolean;
  readonly since: number;
}

/** One app of the queue, or one change of an app. */
export interface QueueRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly owner: string | null;
  readonly stage: Stage;
  /** Hidden from everybody who may not see hidden apps. */
  readonly suppressed: boolean;
  readonly halted: boolean;
  /** A change waits, not the app itself. */
  readonly change: boolean;
  readonly since: number;
  /** Whole days since then. */
  readonly days: number;
  /** What its scopes risk, in words; nothing when the risk is low. */
  readonly risks: readonly string[];
  readonly claim: ClaimView | null;
  /** What would be refused about its redirect URI, in words, where the list is about that. */
  readonly redirect?: string;
}

export interface QueueView {
  readonly tab: ReviewTab;
  /** Null: not counted, because every app would have to be looked at. */
  readonly counts: Readonly<Record<ReviewTab, number | null>>;
  readonly rows: readonly QueueRow[];
  readonly first: string | null;
  readonly next: string | null;
  /** Something waits that this reviewer could take up. */
  readonly mayTake: boolean;
}

/** The address of a tab. */
export const tabPath = (tab: ReviewTab): string =>
  tab === 'waiting' ? '/review' : `/review?show=${tab}`;

/** Who is looking at it. */
export const claimText = (words: Words, claim: ClaimView): Html =>
  claim.mine
    ? phrase(words, 'review.claim-mine', { since: timeOf(words, claim.since) })
    : phrase(words, 'review.claim-other', {
        reviewer: named(claim.reviewer ?? words.say('frame.nobody')),
        since: timeOf(words, claim.since),
      });

/** The same on the desk itself, with what it means. */
export const claimSentence = (words: Words, claim: ClaimView): Html =>
  claim.mine
    ? phrase(words, 'review.claim-is-mine', { since: timeOf(words, claim.since) })
    : phrase(words, 'review.claim-is-other', {
        reviewer: named(claim.reviewer ?? words.say('frame.nobody')),
        since: timeOf(words, claim.since),
      });

/** The button that opens what has waited longest. */
export const nextButton = (frame: Frame): Html =>
  html`<form method="post" action="/review/next">${proof(frame)}<button name="next" value="1">${frame.words.say('review.next')}</button></form>`;

function row(words: Words, tab: ReviewTab, item: QueueRow): Html {
  const cell = (key: Parameters<Words['say']>[0], content: Html | string) =>
    html`<td data-label="${words.say(key)}">${content}</td>`;
  const waits = tab === 'waiting';
  return html`<tr><th scope="row"><a href="/review/${item.id}">${named(cut(item.name, 128))}</a> <span class="quiet">${named(item.version)}</span></th>
${cell('review.owner', named(item.owner ?? words.say('frame.nobody')))}
${cell(
  'review.kind',
  html`${waits ? words.say(item.change ? 'review.kind-change' : 'review.kind-app') : stageName(words, item.stage)}${
    item.suppressed ? html` <span class="badge bad">${words.say('review.suppressed')}</span>` : ''
  }${item.halted ? html` <span class="badge warn">${words.say('review.halted-badge')}</span>` : ''}${item.risks.map(
    (risk) => html` <span class="badge warn">${risk}</span>`,
  )}${item.redirect === undefined ? '' : html` <span class="quiet">${item.redirect}</span>`}`,
)}
${cell('review.since', html`${dayOf(words, item.since)} <span class="quiet">(${words.say('review.days', { days: item.days })})</span>`)}
${waits ? cell('review.claim', item.claim === null ? words.say('review.claim-none') : claimText(words, item.claim)) : ''}</tr>`;
}

/** The review desk: what waits, the longest wait first; and every other app by stage. */
export function queuePage(frame: Frame, view: QueueView): Html {
  const { words } = frame;
  const { tab, counts, rows } = view;
  const column = (key: Parameters<Words['say']>[0]) => html`<th scope="col">${words.say(key)}</th>`;
  return layout(
    frame,
    words.say('review.title'),
    html`<nav aria-label="${words.say('review.tabs')}"><ul class="tabs">${reviewTabs.map(
      (each) =>
        html`<li><a href="${tabPath(each)}"${each === tab ? html` aria-current="page"` : ''}>${words.say(`review.tab.${each}`)}</a>${counts[each] === null ? '' : html` <span class="badge">${words.number(counts[each])}</span>`}</li>`,
    )}</ul></nav>
<p>${words.say(`review.about.${tab}`)}</p>
${tab === 'waiting' && view.mayTake ? html`<div class="buttons">${nextButton(frame)}</div>` : ''}
${
  rows.length === 0
    ? html`<p class="quiet">${words.say(tab === 'waiting' ? 'review.empty' : 'review.empty-tab')}</p>`
    : html`<table><caption>${words.say(`review.tab.${tab}`)}</caption>
<thead><tr>${column('review.app')}${column('review.owner')}${column('review.kind')}${column('review.since')}${tab === 'waiting' ? column('review.claim') : ''}</tr></thead>
<tbody>${rows.map((item) => row(words, tab, item))}</tbody></table>`
}
${pager(words, view)}
<p class="quiet"><a href="/admin/audit">${words.say('review.all-history')}</a></p>`,
    { wide: true },
  );
}
