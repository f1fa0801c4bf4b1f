import { html } from 'hono/html';
import type { Halt, Stage } from '#registry/model/client.ts';
import type { ReviewDecision } from '#registry/review/decisions.ts';
import type { Dependence } from '#registry/review/independence.ts';
import type { RedirectWarning } from '#registry/review/redirect-warnings.ts';
import {
  cut,
  differenceTable,
  type Shown,
  type ShownChange,
  shownPart,
  type TrailLine,
  trailTable,
} from '../audit-table.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import {
  dayOf,
  type Frame,
  facts,
  field,
  type Html,
  layout,
  named,
  phrase,
  proof,
  timeOf,
} from '../layout.ts';
import { fieldName, stageName } from '../refusal-texts.ts';
import { catalogues, type MessageKey, type Words } from '../words.ts';
import { type PkceView, pkcePart } from './pkce-exemption.template.ts';
import { type ClaimView, claimSentence, nextButton } from './queue.template.ts';

/** Prepared reasons, by name; their words are messages. */
export const cannedReasons = {
  yes: ['fine', 'mended', 'asked'],
  no: ['purpose', 'scopes', 'redirect', 'name', 'contact', 'test', 'misuse', 'security'],
} as const;
export type CannedReason = (typeof cannedReasons)[keyof typeof cannedReasons][number];

/** What a reviewer may want to tick off; kept nowhere. */
const checks = ['purpose', 'scopes', 'redirect', 'name', 'owner', 'contact'] as const;

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
  readonly since: number;
  readonly days: number;
  readonly blocked: boolean;
  readonly apps: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly stage: Stage;
  }[];
  /** There are more of them than are shown. */
  readonly more: boolean;
}

export interface DeskView {
  readonly id: string;
  /** Null: hidden from this person. */
  readonly name: string | null;
  readonly version: string | null;
  readonly stage: Stage;
  readonly suppressed: boolean;
  readonly halted: Halt;
  readonly managed: boolean;
  /** The app is the reviewer's own. */
  readonly own: boolean;
  readonly changeToken: string;
  /** It waits for a decision, so that it can be claimed. */
  readonly waits: boolean;
  readonly claim: ClaimView | null;
  readonly change: {
    readonly by: string | null;
    readonly at: number;
    readonly rows: readonly ShownChange[];
    readonly warnings: readonly RedirectWarning[];
  } | null;
  readonly fields: readonly { readonly field: string; readonly value: Shown }[];
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
  readonly mayOffer: boolean;
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
  readonly two: { readonly first: readonly string[]; readonly yours: Dependence | null } | null;
  /** Null: it is not this app's to have, or nobody decides on it here. */
  readonly pkce: PkceView | null;
  readonly possible: readonly ReviewDecision[];
  /** What somebody else has to decide, and why. */
  readonly barred: readonly { readonly decision: ReviewDecision; readonly why: Dependence }[];
  /** Decisions that may hide the app as well, when this reviewer may hide apps. */
  readonly hiding: readonly ReviewDecision[];
  readonly draft: DecisionDraft;
  readonly problems: readonly FormProblem[];
  /** What happened after this person had looked; null: nothing stood in the way. */
  readonly since: readonly TrailLine[] | null;
  readonly history: readonly TrailLine[];
  /** There are earlier lines. */
  readonly earlier: boolean;
}

const section = (words: Words, id: string, key: MessageKey, content: Html): Html =>
  html`<section class="card" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${words.say(key)}</h2>${content}</section>`;

/** Names of fields that people see here alone. */
const deskField = (words: Words, name: string): string => {
  const key = `review.field.${name}`;
  return key in catalogues.en ? words.say(key as MessageKey) : fieldName(words, name);
};

function badges(words: Words, view: DeskView): Html {
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
  }${view.halted === 'nothing' ? '' : html` <span class="badge bad">${words.say(`review.halted.${view.halted}`)}</span>`}${
    view.change === null
      ? ''
      : html` <span class="badge warn">${words.say('review.kind-change')}</span>`
  }</p>`;
}

function claimPart(frame: Frame, { id, claim }: DeskView): Html {
  const { words } = frame;
  const button = (verb: 'claim' | 'release', key: MessageKey, over = false) =>
    html`<form method="post" action="/review/${id}/${verb}">${proof(frame)}<button class="second" name="${over ? 'over' : verb}" value="1">${words.say(key)}</button></form>`;
  return html`<p class="${claim !== null && !claim.mine ? 'advice' : 'quiet'}">${claim === null ? words.say('review.claim-free') : claimSentence(words, claim)}</p>
<div class="buttons">${
    claim === null
      ? button('claim', 'review.claim-take')
      : claim.mine
        ? button('release', 'review.claim-end')
        : button('claim', 'review.claim-over', true)
  }</div>`;
}

const warningList = (words: Words, warnings: readonly RedirectWarning[]): Html =>
  html`${warnings.map((warning) => html`<p class="advice">${words.say(`review.redirect.${warning}`)}</p>`)}`;

const requestPart = (words: Words, { fields, warnings }: DeskView): Html =>
  facts(
    fields.map(({ field: name, value }) => [
      deskField(words, name),
      html`${shownPart(words, value)}${name === 'redirectUri' ? warningList(words, warnings) : ''}`,
    ]),
  );

const riskPart = (words: Words, { risk }: DeskView): Html =>
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
<td data-label="${words.say('review.weight')}">${words.number(weight)}</td><td data-label="${words.say('review.evidence')}"><bdi>${cut(evidence, 400)}</bdi></td></tr>`,
      )}</tbody></table><p class="quiet">${words.say('review.risk-about')}</p>`;

function ownerPart(
  frame: Frame,
  { id, owner, mayOffer, offeredTo, own, barred, problems }: DeskView,
): Html {
  const { words } = frame;
  const offering = html`${offeredTo === null ? '' : html`<p>${phrase(words, 'review.offered', { name: named(offeredTo) })}</p>`}
${
  mayOffer
    ? html`<form method="post" action="/review/${id}/offer">${proof(frame)}
${field({ name: 'name', label: words.say('review.offer-to'), help: words.say('review.offer-help'), problem: problemAt(problems, 'name'), required: true, most: 255 })}
<div class="buttons"><button class="second" name="offer" value="1">${words.say('review.offer')}</button></div></form>`
    : ''
}`;
  if (owner === null) return html`<p class="quiet">${words.say('frame.hidden-field')}</p>`;
  if (owner === 'gone')
    return html`<p class="advice">${words.say('review.owner-gone')}</p>${offering}`;
  const name =
    owner.href === null
      ? named(owner.name)
      : html`<a href="${owner.href}">${named(owner.name)}</a>`;
  return html`${own && barred.length === 0 ? html`<p class="advice">${words.say('review.own')}</p>` : ''}
${owner.blocked ? html`<p class="problem">${words.say('review.owner-blocked')}</p>` : ''}
${facts([
  [words.say('review.owner'), name],
  [
    words.say('review.account-since'),
    html`${dayOf(words, owner.since)} <span class="quiet">(${words.say('review.days', { days: owner.days })})</span>`,
  ],
])}
<h3>${words.say('review.other-apps')}</h3>
${
  owner.apps.length === 0
    ? html`<p class="quiet">${words.say('review.no-other-apps')}</p>`
    : html`<ul>${owner.apps.map(
        (app) =>
          html`<li><a href="/review/${app.id}">${named(cut(app.name, 80))}</a> <span class="quiet">${named(app.version)}</span> <span class="badge">${stageName(words, app.stage)}</span></li>`,
      )}</ul>${owner.more ? html`<p class="quiet">${words.say('review.more-apps')}</p>` : ''}`
}${offering}`;
}

const impactPart = (words: Words, impact: NonNullable<DeskView['impact']>): Html =>
  html`<p>${words.say('review.impact-about')}</p>${facts([
    [words.say('review.impact-users'), words.number(impact.users)],
    [words.say('review.impact-tokens'), words.number(impact.tokens)],
    [words.say('review.impact-calls'), words.number(impact.calls)],
  ])}`;

const checklist = (words: Words): Html =>
  html`<fieldset><legend>${words.say('review.checklist')}</legend><p class="help">${words.say('review.checklist-about')}</p>${checks.map(
    (check) =>
      html`<label class="choice"><input type="checkbox" autocomplete="off"><span>${words.say(`review.check.${check}`)}</span></label>`,
  )}</fieldset>`;

function twoPart(words: Words, two: DeskView['two']): Html {
  if (two === null) return html``;
  if (two.first.length === 0)
    return html`<p class="advice">${words.say(two.yours === null ? 'review.two-needed' : 'review.two-needed-others')}</p>`;
  return html`<p class="advice">${phrase(words, 'review.two-first', { reviewers: html`<bdi>${words.list(two.first)}</bdi>` })} ${
    two.yours === null
      ? words.say('review.two-second')
      : two.yours === 'approved-before'
        ? words.say('review.two-mine')
        : ''
  }</p>`;
}

/** Why this reviewer cannot decide, with the decisions it is about. */
function barredPart(words: Words, barred: DeskView['barred']): Html {
  const reasons = [...new Set(barred.map(({ why }) => why))];
  return html`${reasons.map((reason) => {
    const decisions = barred
      .filter(({ why }) => why === reason)
      .map(({ decision }) => words.say(`review.decision.${decision}`));
    return html`<p class="advice">${words.say(`refusal.needs_another_reviewer.${reason}`)} ${words.say('review.barred', { decisions: words.list(decisions) })}</p>`;
  })}`;
}

function decisionForm(frame: Frame, view: DeskView): Html {
  const { words } = frame;
  const { draft, possible, hiding, problems } = view;
  const canned = (names: readonly CannedReason[]) =>
    names.map(
      (name) =>
        html`<option value="${name}"${draft.canned === name ? html` selected` : ''}>${words.say(`review.canned.${name}`)}</option>`,
    );
  const hides = hiding.filter((decision) => possible.includes(decision));
  return html`${checklist(words)}${twoPart(words, view.two)}${barredPart(words, view.barred)}
<form method="post" action="/review/${view.id}">${proof(frame)}<input type="hidden" name="change_token" value="${view.changeToken}">
<fieldset id="choice" tabindex="-1"><legend>${words.say('review.decide')}</legend>${possible.map(
    (decision) =>
      html`<label class="choice"><input type="radio" name="decision" value="${decision}" required${
        draft.decision === decision ? html` checked` : ''
      }><span>${words.say(`review.decision.${decision}`)}<span class="help">${words.say(`review.decision-help.${decision}`)}</span></span></label>`,
  )}${
    hides.length === 0
      ? ''
      : html`<label class="choice"><input type="checkbox" name="suppress" value="1"${draft.suppress ? html` checked` : ''}><span>${words.say('review.suppress')}<span class="help">${words.say('review.suppress-help')}</span></span></label>`
  }</fieldset>
<div class="field"><label for="canned">${words.say('review.canned')}</label><select id="canned" name="canned"><option value="">${words.say('review.canned-none')}</option>
<optgroup label="${words.say('review.canned-yes')}">${canned(cannedReasons.yes)}</optgroup><optgroup label="${words.say('review.canned-no')}">${canned(cannedReasons.no)}</optgroup></select></div>
${field({
  name: 'reason',
  label: words.say('frame.reason'),
  help: words.say('review.reason-help'),
  value: draft.reason,
  problem: problemAt(problems, 'reason'),
  most: 255,
})}
<div class="buttons"><button name="decide" value="1">${words.say('review.decide-button')}</button></div></form>`;
}

function decisionPart(frame: Frame, view: DeskView): Html {
  const { words } = frame;
  if (view.managed) return html`<p>${words.say('review.managed')}</p>`;
  if (view.possible.length > 0) return decisionForm(frame, view);
  return html`${twoPart(words, view.two)}${barredPart(words, view.barred)}<p>${words.say('review.nothing-possible')}</p>`;
}

function stalePart(words: Words, since: readonly TrailLine[]): Html {
  return html`<section class="card" role="alert" aria-labelledby="stale-title"><h2 id="stale-title">${words.say('review.stale')}</h2>
<p>${words.say(since.length === 0 ? 'review.stale-unknown' : 'review.stale-about')}</p>
${since.length === 0 ? '' : trailTable(words, since, { caption: words.say('review.stale-caption'), apps: false, open: true })}</section>`;
}

/** The desk: one app, everything a reviewer may know of it, and the decision. */
export function deskPage(frame: Frame, view: DeskView): Html {
  const { words } = frame;
  const { change, impact, problems, since } = view;
  const jump = (id: string, key: MessageKey) =>
    html`<li><a href="#${id}">${words.say(key)}</a></li>`;
  return layout(
    frame,
    view.name === null
      ? words.say('review.desk-hidden')
      : words.say('review.desk', { app: view.name, version: view.version ?? '' }),
    html`<nav aria-label="${words.say('review.on-page')}"><ul class="tabs"><li><a href="/review">${words.say('review.back')}</a></li>
${change === null ? '' : jump('change', 'review.change')}${jump('request', 'review.request')}${jump('risk', 'review.risk')}${jump('owner', 'review.owner')}${impact === null ? '' : jump('impact', 'review.impact')}${jump('decision', 'review.decision')}${jump('history', 'review.history')}</ul></nav>
${frame.done === null || (view.waits && view.claim?.mine) ? '' : html`<div class="buttons">${nextButton(frame)}</div>`}
${since === null ? '' : stalePart(words, since)}
${badges(words, view)}${view.waits ? claimPart(frame, view) : ''}
${
  change === null
    ? ''
    : section(
        words,
        'change',
        'review.change',
        html`<p>${phrase(words, 'review.change-by', { name: named(change.by ?? words.say('frame.nobody')), at: timeOf(words, change.at) })}</p>${differenceTable(words, change.rows)}${warningList(words, change.warnings)}`,
      )
}
${section(words, 'request', change === null ? 'review.request' : 'review.request-live', requestPart(words, view))}
<div class="columns">${section(words, 'risk', 'review.risk', riskPart(words, view))}${section(words, 'owner', 'review.owner', ownerPart(frame, view))}</div>
${impact === null ? '' : section(words, 'impact', 'review.impact', impactPart(words, impact))}
${section(words, 'decision', 'review.decision', decisionPart(frame, view))}
${view.pkce === null ? '' : section(words, 'pkce', 'review.pkce', pkcePart(frame, view, view.pkce))}
${section(
  words,
  'history',
  'review.history',
  html`${trailTable(words, view.history, { caption: words.say('review.history-about'), apps: false, open: false })}${
    view.earlier
      ? html`<p><a href="/admin/audit?app=${view.id}">${words.say('review.history-all')}</a></p>`
      : ''
  }`,
)}`,
    { wide: true, problems },
  );
}
