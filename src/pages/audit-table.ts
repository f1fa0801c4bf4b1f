import { html } from 'hono/html';
import { type Html, named, phrase, timeOf } from './layout.ts';
import { fieldName } from './refusal-texts.ts';
import { catalogues, type MessageKey, type Words } from './words.ts';

/** One of several values, such as a scope. */
export interface ShownItem {
  readonly text: string;
  /** Its name for programs, when that is another. */
  readonly code?: string;
  /** Shown when it is not low. */
  readonly risk?: string | null;
}

/** A value of a field, made ready for people. */
export type Shown =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly ShownItem[] }
  | { readonly kind: 'yes' | 'no' | 'none' | 'private' | 'hidden' };

/** One field before and after. */
export interface ShownChange {
  readonly field: string;
  readonly before: Shown;
  readonly after: Shown;
}

/** One line of the audit trail. */
export interface TrailLine {
  readonly id: number;
  readonly at: number;
  readonly action: string;
  /** Null: nobody with an account, see `via`; or somebody who left. */
  readonly actor: string | null;
  readonly gone: boolean;
  readonly via: string;
  readonly address: string | null;
  readonly app: { readonly id: string; readonly name: string | null };
  readonly reason: string;
  readonly changes: readonly ShownChange[];
}

const simple = {
  yes: 'frame.yes',
  no: 'frame.no',
  none: 'review.nothing',
  private: 'frame.private-field',
  hidden: 'frame.hidden-field',
} as const satisfies Record<string, MessageKey>;

/** A text of a stranger, cut where it would fill the page. */
export const cut = (text: string, most: number): string => {
  const letters = [...text.slice(0, most * 2)];
  return letters.length > most || text.length > most * 2
    ? `${letters.slice(0, most).join('')}…`
    : text;
};

type Mark = 'review.added' | 'review.taken';

const itemPart = (words: Words, { text, code, risk }: ShownItem, mark: Mark | null): Html =>
  html`<li>${named(text)}${code === undefined ? '' : html` <code>${code}</code>`}${risk ? html` <span class="risk">(<bdi>${risk}</bdi>)</span>` : ''}${
    mark === null
      ? ''
      : html` <span class="badge ${mark === 'review.added' ? 'good' : 'bad'}">${words.say(mark)}</span>`
  }</li>`;

/** A value as HTML. `marks`: which items the other side lacks, and what that is called. */
export function shownPart(
  words: Words,
  value: Shown,
  marks?: { readonly other: Shown; readonly mark: Mark },
): Html {
  if (value.kind === 'text') return named(value.text);
  if (value.kind === 'code') return html`<bdi dir="ltr"><code>${value.text}</code></bdi>`;
  if (value.kind !== 'list')
    return html`<span class="quiet">${words.say(simple[value.kind])}</span>`;
  const key = ({ text, code }: ShownItem) => code ?? text;
  const others = marks?.other.kind === 'list' ? marks.other.items.map(key) : [];
  return html`<ul>${value.items.map((item) => itemPart(words, item, marks && !others.includes(key(item)) ? marks.mark : null))}</ul>`;
}

/** What a change would do, field by field: what is in force beside what would be. */
export const differenceTable = (words: Words, changes: readonly ShownChange[]): Html =>
  html`<table class="difference"><caption>${words.say('review.difference')}</caption>
<thead><tr><th scope="col">${words.say('review.field')}</th><th scope="col">${words.say('review.live')}</th><th scope="col">${words.say('review.wanted')}</th></tr></thead>
<tbody>${changes.map(
    ({ field, before, after }) => html`<tr><th scope="row">${fieldName(words, field)}</th>
<td data-label="${words.say('review.live')}">${shownPart(words, before, { other: after, mark: 'review.taken' })}</td>
<td data-label="${words.say('review.wanted')}">${shownPart(words, after, { other: before, mark: 'review.added' })}</td></tr>`,
  )}</tbody></table>`;

const MOST_SHOWN = 160;

/** A value on one line. */
function brief(words: Words, value: Shown): Html {
  if (value.kind === 'list') {
    const text = value.items.map(({ text: item, code }) => code ?? item).join(', ');
    return text === ''
      ? shownPart(words, { kind: 'none' })
      : html`<bdi>${cut(text, MOST_SHOWN)}</bdi>`;
  }
  if (value.kind === 'text' || value.kind === 'code') return named(cut(value.text, MOST_SHOWN));
  return shownPart(words, value);
}

const changesPart = (words: Words, changes: readonly ShownChange[]): Html =>
  html`<ul>${changes.map(
    ({ field, before, after }) =>
      html`<li>${
        before.kind === 'none'
          ? phrase(words, 'review.set', {
              field: fieldName(words, field),
              after: brief(words, after),
            })
          : phrase(words, 'review.changed', {
              field: fieldName(words, field),
              before: brief(words, before),
              after: brief(words, after),
            })
      }</li>`,
  )}</ul>`;

/** What an action of the trail is called. */
export function actionName(words: Words, action: string): string {
  const key = `trail.${action}`;
  return key in catalogues.en ? words.say(key as MessageKey) : action;
}

/** Every action the trail may have, by its own name. */
export const trailActions: readonly string[] = Object.keys(catalogues.en)
  .filter((key) => key.startsWith('trail.'))
  .map((key) => key.slice('trail.'.length));

/** Who did it. */
export function actorName(
  words: Words,
  { actor, gone, via }: Pick<TrailLine, 'actor' | 'gone' | 'via'>,
): Html {
  if (actor !== null) return named(actor);
  if (gone) return html`${words.say('frame.nobody')}`;
  return html`${words.say(via === 'job' ? 'review.by-job' : 'frame.operator')}`;
}

export interface TrailOptions {
  readonly caption: string;
  /** Each line names its app. */
  readonly apps: boolean;
  /** Changes are open. */
  readonly open: boolean;
}

/** Lines of the trail. */
export function trailTable(
  words: Words,
  lines: readonly TrailLine[],
  { caption, apps, open }: TrailOptions,
): Html {
  const changed = (changes: readonly ShownChange[]) =>
    changes.length === 0
      ? html``
      : html`<details${open ? html` open` : ''}><summary>${words.say('review.changes', { count: changes.length })}</summary>${changesPart(words, changes)}</details>`;
  const column = (key: MessageKey) => html`<th scope="col">${words.say(key)}</th>`;
  return html`<table><caption>${caption}</caption>
<thead><tr>${column('review.when')}${column('review.who')}${apps ? column('review.app') : ''}${column('review.what')}</tr></thead>
<tbody>${lines.map(
    (line) => html`<tr><td data-label="${words.say('review.when')}">${timeOf(words, line.at)}</td>
<td data-label="${words.say('review.who')}">${actorName(words, line)}${
      line.address === null ? '' : html`<br><span class="quiet">${named(line.address)}</span>`
    }</td>
${
  apps
    ? html`<td data-label="${words.say('review.app')}">${
        line.app.name === null
          ? shownPart(words, { kind: 'hidden' })
          : html`<a href="/review/${line.app.id}">${named(cut(line.app.name, 60))}</a>`
      }</td>`
    : ''
}
<td data-label="${words.say('review.what')}">${actionName(words, line.action)}${
      line.reason === '' ? '' : html`<br><q>${named(cut(line.reason, 255))}</q>`
    }${changed(line.changes)}</td></tr>`,
  )}</tbody></table>`;
}
