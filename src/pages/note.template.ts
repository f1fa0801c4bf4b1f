import { html } from 'hono/html';
import { messageWithHtml, withHelpLinks } from './components.ts';
import type { Frame, Html } from './frame.ts';
import { layout } from './layout.ts';
import { type NoteKey, noteTexts } from './words.ts';

/**
 * A page that says one thing, with a link on: to the start page, or to `retryHref`, a page that can
 * be opened again. `reference` is the number of an incident that a person can name to the operator.
 */
export function messagePage(
  frame: Frame,
  title: string,
  text: string,
  reference: string | null = null,
  retryHref: string | null = null,
): Html {
  const { words, siteName } = frame;
  const link =
    retryHref === null
      ? { to: '/', says: words.say('frame.to-start', { site: siteName }) }
      : { to: retryHref, says: words.say('frame.again') };
  return layout(
    frame,
    title,
    html`<p>${withHelpLinks(text)}</p><p><a href="${link.to}">${link.says}</a></p>${reference === null ? '' : html`<p class="quiet">${messageWithHtml(words, 'frame.reference', { reference: html`<code>${reference}</code>` })}</p>`}`,
  );
}

/** A page that says one thing in the reader's language. */
export function notePage(
  frame: Frame,
  note: NoteKey,
  values?: Readonly<Record<string, string | number>>,
  reference: string | null = null,
  retryHref: string | null = null,
): Html {
  const { title, text } = noteTexts(frame.words, note, values);
  return messagePage(frame, title, text, reference, retryHref);
}
