import { html } from 'hono/html';
import type { Stage, Suspension } from '#registry/model/client.ts';
import type { DependenceReason } from '#registry/model/involvement.ts';
import type { ReviewDecision } from '#registry/review/decisions.ts';
import type { RedirectWarning } from '#registry/review/redirect-warnings.ts';
import {
  type AuditEntryView,
  auditLogTable,
  type DisplayChange,
  type DisplayValue,
  differenceTable,
  displayValue,
} from '../audit-table.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  formField,
  messageWithHtml,
  timeElement,
  truncateText,
} from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { fieldName, stageName } from '../refusal-texts.ts';
import { catalogues, type MessageKey, type Words } from '../words.ts';
import { type PkceExemptionView, pkceExemptionPart } from './pkce-exemption.template.ts';
import { type AssignmentView, assignmentSentence, nextReviewButton } from './queue.template.ts';

/** Prepared reasons, by name; their words are messages. */
export const cannedReasons = {
  approval: ['fine', 'mended', 'asked'],
  denial: ['purpose', 'scopes', 'redirect', 'name', 'contact', 'test', 'misuse', 'security'],
} as const;
export type CannedReason = (typeof cannedReasons)[keyof typeof cannedReasons][number];

/** What a reviewer may want to tick off; kept nowhere. */
const checklistItems = ['purpose', 'scopes', 'redirect', 'name', 'owner', 'contact'] as const;

/** What was typed and chosen, kept when a decision is refused. */
export interface DecisionDraft {
  readonly decision: ReviewDecision | null;
  readonly canned: CannedReason | null;
  readonly reason: string;
  readonly suppress: boolean;
}
export const emptyDraft: DecisionDraft = {
  decision: null,
  canned: null,
  reason: '',
  suppress: false,
};

/** What is known of the person behind an app. */
export interface OwnerView {
  readonly name: string;
  /** Address of their page, for those who look after people. */
  readonly href: string | null;
  readonly accountCreatedAt: number;
  readonly accountAgeDays: number;
  readonly blocked: boolean;
  readonly apps: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly stage: Stage;
  }[];
  /** There are more of them than are shown. */
  readonly hasMoreApps: boolean;
}

export interface ReviewPageView {
  readonly id: string;
  /** Null: hidden from this person. */
  readonly name: string | null;
  readonly version: string | null;
  readonly stage: Stage;
  readonly suppressed: boolean;
  readonly suspension: Suspension;
  readonly managed: boolean;
  /** The app is the reviewer's own. */
  readonly isOwnApp: boolean;
  readonly etag: string;
  /** It waits for a decision, so that it can be claimed. */
  readonly isWaiting: boolean;
  readonly assignment: AssignmentView | null;
  readonly change: {
    readonly by: string | null;
    readonly at: number;
    readonly changes: readonly DisplayChange[];
    readonly warnings: readonly RedirectWarning[];
  } | null;
  readonly fields: readonly { readonly field: string; readonly value: DisplayValue }[];
  readonly warnings: readonly RedirectWarning[];
  readonly risk: {
    readonly total: number;
    readonly findings: readonly {
      readonly rule: string;
      readonly weight: number;
      readonly evidence: string;
    }[];
  };
  /** `gone`: the account is no longer there; null: hidden. */
  readonly owner: OwnerView | 'gone' | null;
  /** Somebody else may be offered the app: its owner cannot look after it. */
  readonly canOffer: boolean;
  readonly offeredTo: string | null;
  readonly impact: {
    readonly users: number;
    readonly tokens: number;
    readonly calls: number;
  } | null;
  /**
   * Two must say yes; who said the first, and why this reviewer's own does not count. Null: one is
   * enough.
   */
  readonly twoPersonReview: {
    readonly approvedBy: readonly string[];
    readonly ineligibleBecause: DependenceReason | null;
  } | null;
  /** Null: it is not this app's to have, or nobody decides on it here. */
  readonly pkceExemption: PkceExemptionView | null;
  readonly availableDecisions: readonly ReviewDecision[];
  /** What somebody else has to decide, and why. */
  readonly blockedDecisions: readonly {
    readonly decision: ReviewDecision;
    readonly why: DependenceReason;
  }[];
  /** Decisions that may hide the app as well, when this reviewer may hide apps. */
  readonly suppressingDecisions: readonly ReviewDecision[];
  readonly draft: DecisionDraft;
  readonly problems: readonly FormProblem[];
  /** What happened after this person had looked; null: nothing stood in the way. */
  readonly changedSinceViewed: readonly AuditEntryView[] | null;
  readonly history: readonly AuditEntryView[];
  /** There are earlier lines. */
  readonly hasEarlierEntries: boolean;
}

const section = (words: Words, id: string, key: MessageKey, content: Html): Html =>
  html`<section class="card" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${words.say(key)}</h2>${content}</section>`;

/** Names of fields that people see here alone. */
const reviewFieldName = (words: Words, name: string): string => {
  const key = `review.field.${name}`;
  return key in catalogues.en ? words.say(key as MessageKey) : fieldName(words, name);
};

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

function assignmentPart(frame: Frame, { id, assignment }: ReviewPageView): Html {
  const { words } = frame;
  const button = (verb: 'claim' | 'release', key: MessageKey, takeOver = false) =>
    html`<form method="post" action="/review/${id}/${verb}">${csrfField(frame)}<button class="second" name="${takeOver ? 'over' : verb}" value="1">${words.say(key)}</button></form>`;
  return html`<p class="${assignment !== null && !assignment.isMine ? 'advice' : 'quiet'}">${assignment === null ? words.say('review.claim-free') : assignmentSentence(words, assignment)}</p>
<div class="buttons">${
    assignment === null
      ? button('claim', 'review.claim-take')
      : assignment.isMine
        ? button('release', 'review.claim-end')
        : button('claim', 'review.claim-over', true)
  }</div>`;
}

const warningList = (words: Words, warnings: readonly RedirectWarning[]): Html =>
  html`${warnings.map((warning) => html`<p class="advice">${words.say(`review.redirect.${warning}`)}</p>`)}`;

const requestPart = (words: Words, { fields, warnings }: ReviewPageView): Html =>
  descriptionList(
    fields.map(({ field: name, value }) => [
      reviewFieldName(words, name),
      html`${displayValue(words, value)}${name === 'redirectUri' ? warningList(words, warnings) : ''}`,
    ]),
  );

const riskPart = (words: Words, { risk }: ReviewPageView): Html =>
  risk.findings.length === 0
    ? html`<p>${words.say('review.risk-none')}</p>`
    : html`<p>${words.say('review.risk-total', { total: risk.total })}</p>
<table><thead><tr><th scope="col">${words.say('review.rule')}</th><th scope="col">${words.say('review.weight')}</th><th scope="col">${words.say('review.evidence')}</th></tr></thead>
<tbody>${risk.findings.map(
        ({
          rule,
          weight,
          evidence,
        }) => html`<tr><th scope="row">${words.say(`review.rule.${rule}` as MessageKey)}</th>
<td data-label="${words.say('review.weight')}">${words.formatNumber(weight)}</td><td data-label="${words.say('review.evidence')}"><bdi>${truncateText(evidence, 400)}</bdi></td></tr>`,
      )}</tbody></table><p class="quiet">${words.say('review.risk-about')}</p>`;

function ownerPart(
  frame: Frame,
  { id, owner, canOffer, offeredTo, isOwnApp, blockedDecisions, problems }: ReviewPageView,
): Html {
  const { words } = frame;
  const offerSection = html`${offeredTo === null ? '' : html`<p>${messageWithHtml(words, 'review.offered', { name: bidiIsolate(offeredTo) })}</p>`}
${
  canOffer
    ? html`<form method="post" action="/review/${id}/offer">${csrfField(frame)}
${formField({ name: 'name', label: words.say('review.offer-to'), help: words.say('review.offer-help'), problem: problemAt(problems, 'name'), required: true, maxLength: 255 })}
<div class="buttons"><button class="second" name="offer" value="1">${words.say('review.offer')}</button></div></form>`
    : ''
}`;
  if (owner === null) return html`<p class="quiet">${words.say('frame.hidden-field')}</p>`;
  if (owner === 'gone')
    return html`<p class="advice">${words.say('review.owner-gone')}</p>${offerSection}`;
  const name =
    owner.href === null
      ? bidiIsolate(owner.name)
      : html`<a href="${owner.href}">${bidiIsolate(owner.name)}</a>`;
  return html`${isOwnApp && blockedDecisions.length === 0 ? html`<p class="advice">${words.say('review.own')}</p>` : ''}
${owner.blocked ? html`<p class="problem">${words.say('review.owner-blocked')}</p>` : ''}
${descriptionList([
  [words.say('review.owner'), name],
  [
    words.say('review.account-since'),
    html`${dateElement(words, owner.accountCreatedAt)} <span class="quiet">(${words.say('review.days', { days: owner.accountAgeDays })})</span>`,
  ],
])}
<h3>${words.say('review.other-apps')}</h3>
${
  owner.apps.length === 0
    ? html`<p class="quiet">${words.say('review.no-other-apps')}</p>`
    : html`<ul>${owner.apps.map(
        (app) =>
          html`<li><a href="/review/${app.id}">${bidiIsolate(truncateText(app.name, 80))}</a> <span class="quiet">${bidiIsolate(app.version)}</span> <span class="badge">${stageName(words, app.stage)}</span></li>`,
      )}</ul>${owner.hasMoreApps ? html`<p class="quiet">${words.say('review.more-apps')}</p>` : ''}`
}${offerSection}`;
}

const impactPart = (words: Words, impact: NonNullable<ReviewPageView['impact']>): Html =>
  html`<p>${words.say('review.impact-about')}</p>${descriptionList([
    [words.say('review.impact-users'), words.formatNumber(impact.users)],
    [words.say('review.impact-tokens'), words.formatNumber(impact.tokens)],
    [words.say('review.impact-calls'), words.formatNumber(impact.calls)],
  ])}`;

const checklist = (words: Words): Html =>
  html`<fieldset><legend>${words.say('review.checklist')}</legend><p class="help">${words.say('review.checklist-about')}</p>${checklistItems.map(
    (check) =>
      html`<label class="choice"><input type="checkbox" autocomplete="off"><span>${words.say(`review.check.${check}`)}</span></label>`,
  )}</fieldset>`;

function twoPersonPart(words: Words, twoPersonReview: ReviewPageView['twoPersonReview']): Html {
  if (twoPersonReview === null) return html``;
  if (twoPersonReview.approvedBy.length === 0)
    return html`<p class="advice">${words.say(twoPersonReview.ineligibleBecause === null ? 'review.two-needed' : 'review.two-needed-others')}</p>`;
  return html`<p class="advice">${messageWithHtml(words, 'review.two-first', { reviewers: html`<bdi>${words.formatList(twoPersonReview.approvedBy)}</bdi>` })} ${
    twoPersonReview.ineligibleBecause === null
      ? words.say('review.two-second')
      : twoPersonReview.ineligibleBecause === 'approved-before'
        ? words.say('review.two-mine')
        : ''
  }</p>`;
}

/** Why this reviewer cannot decide, with the decisions it is about. */
function blockedDecisionsPart(
  words: Words,
  blockedDecisions: ReviewPageView['blockedDecisions'],
): Html {
  const reasons = [...new Set(blockedDecisions.map(({ why }) => why))];
  return html`${reasons.map((reason) => {
    const decisions = blockedDecisions
      .filter(({ why }) => why === reason)
      .map(({ decision }) => words.say(`review.decision.${decision}`));
    return html`<p class="advice">${words.say(`refusal.needs_another_reviewer.${reason}`)} ${words.say('review.barred', { decisions: words.formatList(decisions) })}</p>`;
  })}`;
}

function decisionForm(frame: Frame, view: ReviewPageView): Html {
  const { words } = frame;
  const { draft, availableDecisions, suppressingDecisions, problems } = view;
  const cannedOptions = (names: readonly CannedReason[]) =>
    names.map(
      (name) =>
        html`<option value="${name}"${draft.canned === name ? html` selected` : ''}>${words.say(`review.canned.${name}`)}</option>`,
    );
  const offeredSuppressions = suppressingDecisions.filter((decision) =>
    availableDecisions.includes(decision),
  );
  return html`${checklist(words)}${twoPersonPart(words, view.twoPersonReview)}${blockedDecisionsPart(words, view.blockedDecisions)}
<form method="post" action="/review/${view.id}">${csrfField(frame)}<input type="hidden" name="change_token" value="${view.etag}">
<fieldset id="choice" tabindex="-1"><legend>${words.say('review.decide')}</legend>${availableDecisions.map(
    (decision) =>
      html`<label class="choice"><input type="radio" name="decision" value="${decision}" required${
        draft.decision === decision ? html` checked` : ''
      }><span>${words.say(`review.decision.${decision}`)}<span class="help">${words.say(`review.decision-help.${decision}`)}</span></span></label>`,
  )}${
    offeredSuppressions.length === 0
      ? ''
      : html`<label class="choice"><input type="checkbox" name="suppress" value="1"${draft.suppress ? html` checked` : ''}><span>${words.say('review.suppress')}<span class="help">${words.say('review.suppress-help')}</span></span></label>`
  }</fieldset>
<div class="field"><label for="canned">${words.say('review.canned')}</label><select id="canned" name="canned"><option value="">${words.say('review.canned-none')}</option>
<optgroup label="${words.say('review.canned-yes')}">${cannedOptions(cannedReasons.approval)}</optgroup><optgroup label="${words.say('review.canned-no')}">${cannedOptions(cannedReasons.denial)}</optgroup></select></div>
${formField({
  name: 'reason',
  label: words.say('frame.reason'),
  help: words.say('review.reason-help'),
  value: draft.reason,
  problem: problemAt(problems, 'reason'),
  maxLength: 255,
})}
<div class="buttons"><button name="decide" value="1">${words.say('review.decide-button')}</button></div></form>`;
}

function decisionPart(frame: Frame, view: ReviewPageView): Html {
  const { words } = frame;
  if (view.managed) return html`<p>${words.say('review.managed')}</p>`;
  if (view.availableDecisions.length > 0) return decisionForm(frame, view);
  return html`${twoPersonPart(words, view.twoPersonReview)}${blockedDecisionsPart(words, view.blockedDecisions)}<p>${words.say('review.nothing-possible')}</p>`;
}

function changedSinceViewedPart(words: Words, changedSinceViewed: readonly AuditEntryView[]): Html {
  return html`<section class="card" role="alert" aria-labelledby="stale-title"><h2 id="stale-title">${words.say('review.stale')}</h2>
<p>${words.say(changedSinceViewed.length === 0 ? 'review.stale-unknown' : 'review.stale-about')}</p>
${changedSinceViewed.length === 0 ? '' : auditLogTable(words, changedSinceViewed, { caption: words.say('review.stale-caption'), showApps: false, openChanges: true })}</section>`;
}

/** The desk: one app, everything a reviewer may know of it, and the decision. */
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
${
  change === null
    ? ''
    : section(
        words,
        'change',
        'review.change',
        html`<p>${messageWithHtml(words, 'review.change-by', { name: bidiIsolate(change.by ?? words.say('frame.nobody')), at: timeElement(words, change.at) })}</p>${differenceTable(words, change.changes)}${warningList(words, change.warnings)}`,
      )
}
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
