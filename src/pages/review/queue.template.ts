import { html } from 'hono/html';
import type { Stage } from '#registry/model/client.ts';
import { bidiIsolate, dateElement, paginationLinks, truncateText } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { stageName } from '../refusal-texts.ts';
import type { Words } from '../words.ts';
import { type AssignmentView, assignmentText, nextReviewButton } from './assignment.template.ts';

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

/** One app of the queue, or one change of an app. */
export interface ReviewQueueRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly owner: string | null;
  readonly stage: Stage;
  /** Hidden from everybody who may not see hidden apps. */
  readonly suppressed: boolean;
  readonly isSuspended: boolean;
  /** A change waits, not the app itself. */
  readonly isChange: boolean;
  readonly waitingSince: number;
  /** Whole days since then. */
  readonly waitingDays: number;
  /** What its scopes risk, in words; nothing when the risk is low. */
  readonly risks: readonly string[];
  readonly assignment: AssignmentView | null;
  /** What would be refused about its redirect URI, in words, where the list is about that. */
  readonly redirectProblem?: string;
}

export interface ReviewQueueView {
  readonly tab: ReviewTab;
  /** Null: not counted, because every app would have to be looked at. */
  readonly counts: Readonly<Record<ReviewTab, number | null>>;
  readonly rows: readonly ReviewQueueRow[];
  readonly first: string | null;
  readonly next: string | null;
  /** Something waits that this reviewer could take up. */
  readonly canTakeNext: boolean;
}

/** The address of a tab. */
export const tabPath = (tab: ReviewTab): string =>
  tab === 'waiting' ? '/review' : `/review?show=${tab}`;

function queueRow(words: Words, tab: ReviewTab, item: ReviewQueueRow): Html {
  const cell = (key: Parameters<Words['say']>[0], content: Html | string) =>
    html`<td data-label="${words.say(key)}">${content}</td>`;
  const isWaitingTab = tab === 'waiting';
  return html`<tr><th scope="row"><a href="/review/${item.id}">${bidiIsolate(truncateText(item.name, 128))}</a> <span class="quiet">${bidiIsolate(item.version)}</span></th>
${cell('review.owner', bidiIsolate(item.owner ?? words.say('frame.nobody')))}
${cell(
  'review.kind',
  html`${isWaitingTab ? words.say(item.isChange ? 'review.kind-change' : 'review.kind-app') : stageName(words, item.stage)}${
    item.suppressed ? html` <span class="badge bad">${words.say('review.suppressed')}</span>` : ''
  }${item.isSuspended ? html` <span class="badge warn">${words.say('review.suspended-badge')}</span>` : ''}${item.risks.map(
    (risk) => html` <span class="badge warn">${risk}</span>`,
  )}${item.redirectProblem === undefined ? '' : html` <span class="quiet">${item.redirectProblem}</span>`}`,
)}
${cell('review.since', html`${dateElement(words, item.waitingSince)} <span class="quiet">(${words.say('review.days', { days: item.waitingDays })})</span>`)}
${isWaitingTab ? cell('review.claim', item.assignment === null ? words.say('review.claim-none') : assignmentText(words, item.assignment)) : ''}</tr>`;
}

/** The review queue: what waits, the longest wait first; and every other app by stage. */
export function reviewQueuePage(frame: Frame, view: ReviewQueueView): Html {
  const { words } = frame;
  const { tab, counts, rows } = view;
  const column = (key: Parameters<Words['say']>[0]) => html`<th scope="col">${words.say(key)}</th>`;
  return layout(
    frame,
    words.say('review.title'),
    html`<nav aria-label="${words.say('review.tabs')}"><ul class="tabs">${reviewTabs.map(
      (each) =>
        html`<li><a href="${tabPath(each)}"${each === tab ? html` aria-current="page"` : ''}>${words.say(`review.tab.${each}`)}</a>${counts[each] === null ? '' : html` <span class="badge">${words.formatNumber(counts[each])}</span>`}</li>`,
    )}</ul></nav>
<p>${words.say(`review.about.${tab}`)}</p>
${tab === 'waiting' && view.canTakeNext ? html`<div class="buttons">${nextReviewButton(frame)}</div>` : ''}
${
  rows.length === 0
    ? html`<p class="quiet">${words.say(tab === 'waiting' ? 'review.empty' : 'review.empty-tab')}</p>`
    : html`<table><caption>${words.say(`review.tab.${tab}`)}</caption>
<thead><tr>${column('review.app')}${column('review.owner')}${column('review.kind')}${column('review.since')}${tab === 'waiting' ? column('review.claim') : ''}</tr></thead>
<tbody>${rows.map((item) => queueRow(words, tab, item))}</tbody></table>`
}
${paginationLinks(words, view)}
<p class="quiet"><a href="/admin/audit">${words.say('review.all-history')}</a></p>`,
    { wide: true },
  );
}
