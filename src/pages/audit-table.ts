import { html } from 'hono/html';
import { bidiIsolate, messageWithHtml, timeElement, truncateText } from './components.ts';
import type { Html } from './frame.ts';
import { fieldName } from './refusal-texts.ts';
import { catalogues, type MessageKey, type Words } from './words.ts';

/** One of several values, such as a scope. */
export interface DisplayItem {
  readonly text: string;
  /** Its name for programs, when that is another. */
  readonly code?: string;
  /** Shown when it is not low. */
  readonly risk?: string | null;
}

/** A value of a field, made ready for people. */
export type DisplayValue =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly DisplayItem[] }
  | { readonly kind: 'yes' | 'no' | 'none' | 'private' | 'hidden' };

/** One field before and after. */
export interface DisplayChange {
  readonly field: string;
  readonly before: DisplayValue;
  readonly after: DisplayValue;
}

/** One entry of the audit log. */
export interface AuditEntryView {
  readonly id: number;
  readonly at: number;
  readonly action: string;
  /** Null: nobody with an account, see `via`; or somebody who left. */
  readonly actor: string | null;
  readonly actorDeleted: boolean;
  readonly via: string;
  readonly address: string | null;
  /** Null: the entry is about an account. */
  readonly app: { readonly id: string; readonly name: string | null } | null;
  readonly reason: string;
  readonly changes: readonly DisplayChange[];
}

const fixedValueTexts = {
  yes: 'frame.yes',
  no: 'frame.no',
  none: 'review.nothing',
  private: 'frame.private-field',
  hidden: 'frame.hidden-field',
} as const satisfies Record<string, MessageKey>;

type ChangeMark = 'review.added' | 'review.taken';

const displayItem = (
  words: Words,
  { text, code, risk }: DisplayItem,
  mark: ChangeMark | null,
): Html =>
  html`<li>${bidiIsolate(text)}${code === undefined ? '' : html` <code>${code}</code>`}${risk ? html` <span class="risk">(<bdi>${risk}</bdi>)</span>` : ''}${
    mark === null
      ? ''
      : html` <span class="badge ${mark === 'review.added' ? 'good' : 'bad'}">${words.say(mark)}</span>`
  }</li>`;

/** A value as HTML. `marks`: which items the other side lacks, and what that is called. */
export function displayValue(
  words: Words,
  value: DisplayValue,
  marks?: { readonly other: DisplayValue; readonly mark: ChangeMark },
): Html {
  if (value.kind === 'text') return bidiIsolate(value.text);
  if (value.kind === 'code') return html`<bdi dir="ltr"><code>${value.text}</code></bdi>`;
  if (value.kind !== 'list')
    return html`<span class="quiet">${words.say(fixedValueTexts[value.kind])}</span>`;
  const key = ({ text, code }: DisplayItem) => code ?? text;
  const others = marks?.other.kind === 'list' ? marks.other.items.map(key) : [];
  return html`<ul>${value.items.map((item) => displayItem(words, item, marks && !others.includes(key(item)) ? marks.mark : null))}</ul>`;
}

/** What a change would do, field by field: what is in force beside what would be. */
export const differenceTable = (words: Words, changes: readonly DisplayChange[]): Html =>
  html`<table class="difference"><caption>${words.say('review.difference')}</caption>
<thead><tr><th scope="col">${words.say('review.field')}</th><th scope="col">${words.say('review.live')}</th><th scope="col">${words.say('review.wanted')}</th></tr></thead>
<tbody>${changes.map(
    ({ field, before, after }) => html`<tr><th scope="row">${fieldName(words, field)}</th>
<td data-label="${words.say('review.live')}">${displayValue(words, before, { other: after, mark: 'review.taken' })}</td>
<td data-label="${words.say('review.wanted')}">${displayValue(words, after, { other: before, mark: 'review.added' })}</td></tr>`,
  )}</tbody></table>`;

const MAX_BRIEF_LENGTH = 160;

/** A value on one line. */
function briefValue(words: Words, value: DisplayValue): Html {
  if (value.kind === 'list') {
    const text = value.items.map(({ text: item, code }) => code ?? item).join(', ');
    return text === ''
      ? displayValue(words, { kind: 'none' })
      : html`<bdi>${truncateText(text, MAX_BRIEF_LENGTH)}</bdi>`;
  }
  if (value.kind === 'text' || value.kind === 'code')
    return bidiIsolate(truncateText(value.text, MAX_BRIEF_LENGTH));
  return displayValue(words, value);
}

const changeList = (words: Words, changes: readonly DisplayChange[]): Html =>
  html`<ul>${changes.map(
    ({ field, before, after }) =>
      html`<li>${
        before.kind === 'none'
          ? messageWithHtml(words, 'review.set', {
              field: fieldName(words, field),
              after: briefValue(words, after),
            })
          : messageWithHtml(words, 'review.changed', {
              field: fieldName(words, field),
              before: briefValue(words, before),
              after: briefValue(words, after),
            })
      }</li>`,
  )}</ul>`;

/** What an action in the audit log is called. */
export function actionName(words: Words, action: string): string {
  const key = `trail.${action}`;
  return key in catalogues.en ? words.say(key as MessageKey) : action;
}

/** Every action the audit log may have, by its own name. */
export const auditActions: readonly string[] = Object.keys(catalogues.en)
  .filter((key) => key.startsWith('trail.'))
  .map((key) => key.slice('trail.'.length));

/** Who did it. */
export function actorName(
  words: Words,
  { actor, actorDeleted, via }: Pick<AuditEntryView, 'actor' | 'actorDeleted' | 'via'>,
): Html {
  if (actor !== null) return bidiIsolate(actor);
  if (actorDeleted) return html`${words.say('frame.nobody')}`;
  return html`${words.say(via === 'job' ? 'review.by-job' : 'frame.operator')}`;
}

const auditedApp = (words: Words, { id, name }: NonNullable<AuditEntryView['app']>): Html =>
  name === null
    ? displayValue(words, { kind: 'hidden' })
    : html`<a href="/review/${id}">${bidiIsolate(truncateText(name, 60))}</a>`;

export interface AuditLogTableOptions {
  readonly caption: string;
  /** Each entry names its app. */
  readonly showApps: boolean;
  /** Changes are open. */
  readonly openChanges: boolean;
}

/** Entries of the audit log. */
export function auditLogTable(
  words: Words,
  entries: readonly AuditEntryView[],
  { caption, showApps, openChanges }: AuditLogTableOptions,
): Html {
  const changeDetails = (changes: readonly DisplayChange[]) =>
    changes.length === 0
      ? html``
      : html`<details${openChanges ? html` open` : ''}><summary>${words.say('review.changes', { count: changes.length })}</summary>${changeList(words, changes)}</details>`;
  const column = (key: MessageKey) => html`<th scope="col">${words.say(key)}</th>`;
  return html`<table><caption>${caption}</caption>
<thead><tr>${column('review.when')}${column('review.who')}${showApps ? column('review.app') : ''}${column('review.what')}</tr></thead>
<tbody>${entries.map(
    (
      entry,
    ) => html`<tr><td data-label="${words.say('review.when')}">${timeElement(words, entry.at)}</td>
<td data-label="${words.say('review.who')}">${actorName(words, entry)}${
      entry.address === null
        ? ''
        : html`<br><span class="quiet">${bidiIsolate(entry.address)}</span>`
    }</td>
${
  showApps
    ? html`<td data-label="${words.say('review.app')}">${
        entry.app === null ? '' : auditedApp(words, entry.app)
      }</td>`
    : ''
}
<td data-label="${words.say('review.what')}">${actionName(words, entry.action)}${
      entry.reason === '' ? '' : html`<br><q>${bidiIsolate(truncateText(entry.reason, 255))}</q>`
    }${changeDetails(entry.changes)}</td></tr>`,
  )}</tbody></table>`;
}
