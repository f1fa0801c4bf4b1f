import { html } from 'hono/html';
import type { DependenceReason } from '#registry/model/involvement.ts';
import type { ReviewDecision } from '#registry/review/decisions.ts';
import { csrfField, formField, messageWithHtml } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import type { Words } from '../words.ts';

// The decision on an app: what can be decided, by whom, and the form.

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

/** What this reviewer can decide, and what they typed. */
export interface DecisionView {
  readonly id: string;
  readonly etag: string;
  /** The configuration describes the app: nobody decides on it here. */
  readonly managed: boolean;
  /**
   * Two have to approve; who did, and why this reviewer's own approval would not count. Null: one
   * is enough.
   */
  readonly twoPersonReview: {
    readonly approvedBy: readonly string[];
    readonly ineligibleBecause: DependenceReason | null;
  } | null;
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
}

const checklist = (words: Words): Html =>
  html`<fieldset><legend>${words.say('review.checklist')}</legend><p class="help">${words.say('review.checklist-about')}</p>${checklistItems.map(
    (check) =>
      html`<label class="choice"><input type="checkbox" autocomplete="off"><span>${words.say(`review.check.${check}`)}</span></label>`,
  )}</fieldset>`;

function twoPersonPart(words: Words, twoPersonReview: DecisionView['twoPersonReview']): Html {
  if (twoPersonReview === null) return html``;
  if (twoPersonReview.approvedBy.length === 0)
    return html`<p class="advice">${words.say(twoPersonReview.ineligibleBecause === null ? 'review.two-needed' : 'review.two-needed-others')}</p>`;
  const first = messageWithHtml(words, 'review.two-first', {
    reviewers: html`<bdi>${words.formatList(twoPersonReview.approvedBy)}</bdi>`,
  });
  return html`<p class="advice">${first} ${secondApprovalText(words, twoPersonReview.ineligibleBecause)}</p>`;
}

function secondApprovalText(words: Words, ineligibleBecause: DependenceReason | null): string {
  if (ineligibleBecause === null) return words.say('review.two-second');
  return ineligibleBecause === 'approved-before' ? words.say('review.two-mine') : '';
}

/** Why this reviewer cannot decide, with the decisions it is about. */
function blockedDecisionsPart(
  words: Words,
  blockedDecisions: DecisionView['blockedDecisions'],
): Html {
  const reasons = [...new Set(blockedDecisions.map(({ why }) => why))];
  return html`${reasons.map((reason) => {
    const decisions = blockedDecisions
      .filter(({ why }) => why === reason)
      .map(({ decision }) => words.say(`review.decision.${decision}`));
    return html`<p class="advice">${words.say(`refusal.needs_another_reviewer.${reason}`)} ${words.say('review.barred', { decisions: words.formatList(decisions) })}</p>`;
  })}`;
}

function decisionForm(frame: Frame, view: DecisionView): Html {
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

/** The form, or why there is none. */
export function decisionPart(frame: Frame, view: DecisionView): Html {
  const { words } = frame;
  if (view.managed) return html`<p>${words.say('review.managed')}</p>`;
  if (view.availableDecisions.length > 0) return decisionForm(frame, view);
  return html`${twoPersonPart(words, view.twoPersonReview)}${blockedDecisionsPart(words, view.blockedDecisions)}<p>${words.say('review.nothing-possible')}</p>`;
}
