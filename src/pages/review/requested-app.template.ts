import { html } from 'hono/html';
import type { RedirectWarning } from '#registry/review/redirect-warnings.ts';
import {
  type DisplayChange,
  type DisplayValue,
  differenceTable,
  displayValue,
} from '../audit-table.ts';
import {
  bidiIsolate,
  descriptionList,
  messageWithHtml,
  timeElement,
  truncateText,
} from '../components.ts';
import type { Html } from '../frame.ts';
import { fieldName } from '../refusal-texts.ts';
import { catalogues, type MessageKey, type Words } from '../words.ts';

// What a reviewer weighs: what the app asks for, what would change, the risk, and the impact.

/** What is asked for, and what it means. */
export interface RequestedAppView {
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
  readonly impact: {
    readonly users: number;
    readonly tokens: number;
    readonly calls: number;
  } | null;
}

/** Names of fields that people see here alone. */
const reviewFieldName = (words: Words, name: string): string => {
  const key = `review.field.${name}`;
  return key in catalogues.en ? words.say(key as MessageKey) : fieldName(words, name);
};

const warningList = (words: Words, warnings: readonly RedirectWarning[]): Html =>
  html`${warnings.map((warning) => html`<p class="advice">${words.say(`review.redirect.${warning}`)}</p>`)}`;

/** The app as it is in force or proposed. */
export const requestPart = (words: Words, { fields, warnings }: RequestedAppView): Html =>
  descriptionList(
    fields.map(({ field: name, value }) => [
      reviewFieldName(words, name),
      html`${displayValue(words, value)}${name === 'redirectUri' ? warningList(words, warnings) : ''}`,
    ]),
  );

/** The risk rules that hold. */
export const riskPart = (words: Words, { risk }: RequestedAppView): Html =>
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

/** What a change would make of the app in force. */
export const changePart = (words: Words, change: NonNullable<RequestedAppView['change']>): Html =>
  html`<p>${messageWithHtml(words, 'review.change-by', { name: bidiIsolate(change.by ?? words.say('frame.nobody')), at: timeElement(words, change.at) })}</p>${differenceTable(words, change.changes)}${warningList(words, change.warnings)}`;

/** What suspending the app would stop. */
export const impactPart = (words: Words, impact: NonNullable<RequestedAppView['impact']>): Html =>
  html`<p>${words.say('review.impact-about')}</p>${descriptionList([
    [words.say('review.impact-users'), words.formatNumber(impact.users)],
    [words.say('review.impact-tokens'), words.formatNumber(impact.tokens)],
    [words.say('review.impact-calls'), words.formatNumber(impact.calls)],
  ])}`;
