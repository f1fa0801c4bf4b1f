import { html } from 'hono/html';
import type { Failure } from '#registry/refused-requests.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import { type Frame, field, type Html, layout, named, proof, timeOf } from '../layout.ts';
import { catalogues, type MessageKey, type Words } from '../words.ts';
import { type ExplainedView, explainedPart } from './explained.template.ts';

const nameOf = (words: Words, name: string | null): string => name ?? words.say('apps.hidden-name');

export interface HelpView {
  /** A name that is null is hidden from this person. */
  readonly apps: readonly { readonly id: string; readonly name: string | null }[];
  /** The app that is looked at; null: none is chosen. */
  readonly chosen: {
    readonly id: string;
    readonly name: string | null;
    readonly signs: boolean;
  } | null;
  readonly failures: readonly Failure[];
  readonly request: string;
  readonly theirs: string;
  /** Most bytes of either. */
  readonly mostPasted: number;
  readonly problems: readonly FormProblem[];
  readonly explained: ExplainedView | null;
  /** Set for a kept request of which only names were kept. */
  readonly notKept: boolean;
}

const known = (key: string): key is MessageKey => key in catalogues.en;

/** Why a request was refused, in a sentence. */
export function failureText(words: Words, { facts: kept }: Failure): string {
  const text = (name: string) =>
    typeof kept[name] === 'string' || typeof kept[name] === 'number' ? String(kept[name]) : '';
  const kind = text('refusal');
  const problem = known(`failed.grant-${text('problem')}`)
    ? words.say(`failed.grant-${text('problem')}` as MessageKey)
    : text('problem');
  const names = ['parameter', 'yours', 'ours', 'asked', 'supported'];
  const values: Record<string, string> = {
    kind,
    problem,
    ...Object.fromEntries(names.map((name) => [name, text(name)])),
  };
  if (kind === 'timestamp_refused' && !/^\d{1,12}$/.test(values.yours ?? ''))
    return words.say(
      /^\d{13,}/.test(values.yours ?? '')
        ? 'failed.timestamp-milliseconds'
        : 'failed.timestamp-unreadable',
      values,
    );
  return known(`failed.${kind}`)
    ? words.say(`failed.${kind}` as MessageKey, values)
    : words.say('failed.other', values);
}

function details({ facts: kept }: Failure): string {
  const shown = Object.entries(kept).filter(([name]) =>
    ['method', 'path', 'grant_type', 'authentication', 'redirect_uri', 'scope'].includes(name),
  );
  return shown
    .map(([name, value]) =>
      name === 'method' || name === 'path' ? String(value) : `${name}=${value}`,
    )
    .join(' ');
}

const failuresPart = (
  words: Words,
  app: NonNullable<HelpView['chosen']>,
  failures: readonly Failure[],
): Html =>
  failures.length === 0
    ? html`<h2>${words.say('help.recent', { app: nameOf(words, app.name) })}</h2><p>${words.say('help.recent-none')}</p>`
    : html`<table><caption>${words.say('help.recent', { app: nameOf(words, app.name) })}</caption>
<thead><tr><th scope="col">${words.say('help.when')}</th><th scope="col">${words.say('help.what')}</th><th scope="col">${words.say('help.detail')}</th></tr></thead>
<tbody>${failures.map(
        (failure) =>
          html`<tr><td data-label="${words.say('help.when')}">${timeOf(words, failure.at)}</td><td data-label="${words.say('help.what')}">${
            failure.kind === 'oauth1'
              ? html`<a href="/my/help?app=${app.id}&failure=${failure.id}">${failureText(words, failure)}</a>`
              : failureText(words, failure)
          }</td><td data-label="${words.say('help.detail')}"><code>${details(failure)}</code></td></tr>`,
      )}</tbody></table>`;

/**
 * Why a request was refused: recent ones of one's own apps, and a signed request to be explained.
 * Never a secret.
 */
export function helpPage(frame: Frame, view: HelpView): Html {
  const { words } = frame;
  const { chosen } = view;
  return layout(
    frame,
    words.say('help.title'),
    html`<p>${words.say('help.intro')}</p>
${
  view.apps.length === 0
    ? html`<p>${words.say('help.no-apps')}</p>`
    : html`<nav aria-label="${words.say('help.your-apps')}"><ul>${view.apps.map(
        ({ id, name }) =>
          html`<li><a href="/my/help?app=${id}"${id === chosen?.id ? html` aria-current="page"` : ''}>${named(nameOf(words, name))}</a></li>`,
      )}</ul></nav>`
}
${view.notKept ? html`<p class="advice">${words.say('help.not-kept')}</p>` : ''}
${view.explained === null ? '' : explainedPart(words, view.explained)}
${chosen === null ? '' : failuresPart(words, chosen, view.failures)}
${
  chosen?.signs
    ? html`<h2>${words.say('help.paste')}</h2>
<form method="post" action="/my/help">${proof(frame)}<input type="hidden" name="app" value="${chosen.id}">
${field({ name: 'request', label: words.say('help.request'), help: words.say('help.request-help'), value: view.request, problem: problemAt(view.problems, 'request'), rows: 8, most: view.mostPasted, required: true })}
${field({ name: 'theirs', label: words.say('help.theirs'), help: words.say('help.theirs-help'), value: view.theirs, problem: problemAt(view.problems, 'theirs'), rows: 3, most: view.mostPasted })}
<div class="buttons"><button name="explain" value="1">${words.say('help.explain')}</button></div></form>`
    : ''
}`,
    { wide: true, problems: view.problems },
  );
}
