import { html } from 'hono/html';
import { toIsoTime } from '#kernel/time.ts';
import type { Frame, Html } from './frame.ts';
import type { MessageKey, Words } from './words.ts';

/** The hidden field that proves that a form came from a page of this server. Every form has it. */
export const csrfField = ({ csrfToken }: Pick<Frame, 'csrfToken'>): Html =>
  html`<input type="hidden" name="csrf" value="${csrfToken}">`;

/**
 * A name of a stranger: whatever it holds, it does not turn the direction of the text around it.
 */
export const bidiIsolate = (name: string): Html => html`<bdi>${name}</bdi>`;

/** One labelled field, with its help and what is wrong with it. */
export function formField(view: {
  readonly name: string;
  /** Of the control, where another form of the page has a field of the same name. */
  readonly id?: string;
  readonly label: string;
  readonly value?: string;
  readonly type?: string;
  readonly help?: string;
  readonly problem?: string | null;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly autocomplete?: string;
  readonly rows?: number;
  readonly readonly?: boolean;
}): Html {
  const {
    name,
    id = name,
    label,
    value = '',
    type = 'text',
    help,
    problem,
    required = false,
    maxLength,
    minLength,
    autocomplete,
    rows,
  } = view;
  const describedBy = [help === undefined ? '' : `${id}-help`, problem ? `${id}-problem` : '']
    .filter((id) => id !== '')
    .join(' ');
  const attributes = html`${required ? html` required` : ''}${view.readonly ? html` readonly` : ''}${maxLength === undefined ? '' : html` maxlength="${maxLength}"`}${
    minLength === undefined ? '' : html` minlength="${minLength}"`
  }${autocomplete === undefined ? '' : html` autocomplete="${autocomplete}"`}${describedBy === '' ? '' : html` aria-describedby="${describedBy}"`}${
    problem ? html` aria-invalid="true"` : ''
  }`;
  return html`<div class="field"><label for="${id}">${label}</label>
${help === undefined ? '' : html`<p class="help" id="${id}-help">${help}</p>`}
${
  rows === undefined
    ? html`<input id="${id}" name="${name}" type="${type}" value="${value}"${attributes}>`
    : html`<textarea id="${id}" name="${name}" rows="${rows}"${attributes}>${value}</textarea>`
}
${problem ? html`<p class="problem" id="${id}-problem">${problem}</p>` : ''}</div>`;
}

const WIKI_HELP_URL = 'https://www.mediawiki.org/wiki/';

/**
 * A text of the dialect, in which a reference to its help is a link as it is in a wiki: `[address
 * words]`. No other text is one.
 */
export function withHelpLinks(text: string): Html {
  const [before = '', ...others] = text.split(`[${WIKI_HELP_URL}`);
  const linked = others.map((piece) => {
    const end = piece.indexOf(']');
    const blank = piece.indexOf(' ');
    const [path, code] = [
      piece.slice(0, Math.max(blank, 0)),
      piece.slice(blank + 1, Math.max(end, 0)),
    ];
    if (!/^[\w:./#-]+$/.test(path) || !/^\w+$/.test(code)) return `[${WIKI_HELP_URL}${piece}`;
    return html`<a href="${WIKI_HELP_URL + path}">${code}</a>${piece.slice(end + 1)}`;
  });
  return html`${before}${linked}`;
}

/** A text to be copied as it is: a credential, a command. */
export const copyableText = (words: Words, text: string, label?: string): Html =>
  html`<div class="copyable"><pre tabindex="0"${label === undefined ? '' : html` aria-label="${label}"`}><code>${text}</code></pre><button type="button" class="second" data-copy data-copied="${words.say('frame.copied')}" hidden>${words.say('frame.copy')}</button></div>`;

/** Facts, each with its label; null: one that is not so. */
export type DescriptionRows = readonly (readonly [label: string, value: Html | string] | null)[];

/** Facts in two columns. Absent ones are left out. */
export const descriptionList = (rows: DescriptionRows): Html =>
  html`<dl>${rows.filter((row) => row !== null).map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;

/**
 * A day and time that a browser reads too: its own form and zone are in the title where scripts
 * run.
 */
export const timeElement = (words: Words, at: number): Html =>
  html`<time datetime="${toIsoTime(at)}">${words.formatDateTime(at)}</time>`;

/** A day, the same. */
export const dateElement = (words: Words, at: number): Html =>
  html`<time datetime="${toIsoTime(at).slice(0, 10)}">${words.formatDate(at)}</time>`;

/** A sentence with pieces of HTML in it, in the order its language puts them. */
export function messageWithHtml(
  words: Words,
  key: MessageKey,
  parts: Readonly<Record<string, Html | string | number>>,
): Html {
  const placeholders = Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [
      name,
      typeof part === 'number' ? part : `\u0001${name}\u0001`,
    ]),
  );
  const pieces = words.say(key, placeholders).split('\u0001');
  return html`${pieces.map((piece, index) => (index % 2 === 0 ? piece : parts[piece]))}`;
}

/** Links that go on through a list. */
export const paginationLinks = (
  words: Words,
  { first, next }: { readonly first: string | null; readonly next: string | null },
): Html =>
  first === null && next === null
    ? html``
    : html`<nav class="pager" aria-label="${words.say('frame.next-page')}">${first === null ? '' : html`<a href="${first}">${words.say('frame.first-page')}</a>`}${
        next === null ? '' : html`<a href="${next}" rel="next">${words.say('frame.next-page')}</a>`
      }</nav>`;

/** A text of a stranger, cut where it would fill the page. */
export const truncateText = (text: string, maxLength: number): string => {
  const characters = [...text.slice(0, maxLength * 2)];
  return characters.length > maxLength || text.length > maxLength * 2
    ? `${characters.slice(0, maxLength).join('')}…`
    : text;
};
