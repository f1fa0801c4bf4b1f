import { html } from 'hono/html';
import type { Stage, Suspension } from '#registry/model/client.ts';
import { type AuditEntryView, auditLogTable } from '../audit-table.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { stageName } from '../refusal-texts.ts';
import type { MessageKey, Words } from '../words.ts';
import { type AssignmentView, assignmentPart, nextReviewButton } from './assignment.template.ts';
import { type DecisionView, decisionPart } from './decision.template.ts';
import { type OwnerPartView, ownerPart } from './owner.template.ts';
import { type PkceExemptionView, pkceExemptionPart } from './pkce-exemption.template.ts';
import {
  changePart,
  impactPart,
  type RequestedAppView,
  requestPart,
  riskPart,
} from './requested-app.template.ts';

/** The review page of one app: everything a reviewer may know of it. */
export interface ReviewPageView extends RequestedAppView, OwnerPartView, DecisionView {
  /** Null: hidden from this person. */
  readonly name: string | null;
  readonly version: string | null;
  readonly stage: Stage;
  readonly suppressed: boolean;
  readonly suspension: Suspension;
  /** It waits for a decision, so that its review can be assigned. */
  readonly isWaiting: boolean;
  readonly assignment: AssignmentView | null;
  /** Null: the app cannot have one, or nobody decides on it here. */
  readonly pkceExemption: PkceExemptionView | null;
  /** What happened after this person had looked; null: nothing did. */
  readonly changedSinceViewed: readonly AuditEntryView[] | null;
  readonly history: readonly AuditEntryView[];
  readonly hasEarlierEntries: boolean;
}

const section = (words: Words, id: string, key: MessageKey, content: Html): Html =>
  html`<section class="card" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${words.say(key)}</h2>${content}</section>`;

function badges(words: Words, view: ReviewPageView): Html {
  const tone = {
    approved: 'good',
    proposed: 'warn',
    rejected: 'bad',
    disabled: 'bad',
    expired: '',
    configured: '',
  }[view.stage];
  return html`<p><span class="badge ${tone}">${stageName(words, view.stage)}</span>${
    view.suppressed ? html` <span class="badge bad">${words.say('review.suppressed')}</span>` : ''
  }${view.suspension === 'none' ? '' : html` <span class="badge bad">${words.say(`review.suspension.${view.suspension}`)}</span>`}${
    view.change === null
      ? ''
      : html` <span class="badge warn">${words.say('review.kind-change')}</span>`
  }</p>`;
}

function changedSinceViewedPart(words: Words, changedSinceViewed: readonly AuditEntryView[]): Html {
  return html`<section class="card" role="alert" aria-labelledby="stale-title"><h2 id="stale-title">${words.say('review.stale')}</h2>
<p>${words.say(changedSinceViewed.length === 0 ? 'review.stale-unknown' : 'review.stale-about')}</p>
${changedSinceViewed.length === 0 ? '' : auditLogTable(words, changedSinceViewed, { caption: words.say('review.stale-caption'), showApps: false, openChanges: true })}</section>`;
}

/** One app: everything a reviewer may know of it, and the decision. */
export function reviewPage(frame: Frame, view: ReviewPageView): Html {
  const { words } = frame;
  const { change, impact, problems, changedSinceViewed } = view;
  const jumpLink = (id: string, key: MessageKey) =>
    html`<li><a href="#${id}">${words.say(key)}</a></li>`;
  return layout(
    frame,
    view.name === null
      ? words.say('review.desk-hidden')
      : words.say('review.desk', { app: view.name, version: view.version ?? '' }),
    html`<nav aria-label="${words.say('review.on-page')}"><ul class="tabs"><li><a href="/review">${words.say('review.back')}</a></li>
${change === null ? '' : jumpLink('change', 'review.change')}${jumpLink('request', 'review.request')}${jumpLink('risk', 'review.risk')}${jumpLink('owner', 'review.owner')}${impact === null ? '' : jumpLink('impact', 'review.impact')}${jumpLink('decision', 'review.decision')}${jumpLink('history', 'review.history')}</ul></nav>
${frame.flashMessage === null || (view.isWaiting && view.assignment?.isMine) ? '' : html`<div class="buttons">${nextReviewButton(frame)}</div>`}
${changedSinceViewed === null ? '' : changedSinceViewedPart(words, changedSinceViewed)}
${badges(words, view)}${view.isWaiting ? assignmentPart(frame, view) : ''}
${change === null ? '' : section(words, 'change', 'review.change', changePart(words, change))}
${section(words, 'request', change === null ? 'review.request' : 'review.request-live', requestPart(words, view))}
<div class="columns">${section(words, 'risk', 'review.risk', riskPart(words, view))}${section(words, 'owner', 'review.owner', ownerPart(frame, view))}</div>
${impact === null ? '' : section(words, 'impact', 'review.impact', impactPart(words, impact))}
${section(words, 'decision', 'review.decision', decisionPart(frame, view))}
${view.pkceExemption === null ? '' : section(words, 'pkce', 'review.pkce', pkceExemptionPart(frame, view, view.pkceExemption))}
${section(
  words,
  'history',
  'review.history',
  html`${auditLogTable(words, view.history, { caption: words.say('review.history-about'), showApps: false, openChanges: false })}${
    view.hasEarlierEntries
      ? html`<p><a href="/admin/audit?app=${view.id}">${words.say('review.history-all')}</a></p>`
      : ''
  }`,
)}`,
    { wide: true, problems },
  );
}
