import { html } from 'hono/html';
import type { Failure } from '#registry/refused-requests.ts';
import { bidiIsolate, csrfField, formField, timeElement } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';
import { type ExplainedView, explainedPart } from './explained.template.ts';
import { failureDetails, failureText } from './failure-text.ts';

const appDisplayName = (words: Words, name: string | null): string =>
  name ?? words.say('apps.hidden-name');

/** Why requests of one's own apps were refused. */
export interface HelpView {
  /** A name that is null is hidden from this person. */
  readonly apps: readonly { readonly id: string; readonly name: string | null }[];
  /** The app that is looked at; null: none is chosen. */
  readonly selectedApp: {
    readonly id: string;
    readonly name: string | null;
    readonly signsRequests: boolean;
  } | null;
  readonly failures: readonly Failure[];
  readonly request: string;
  readonly theirs: string;
  /** Most bytes of either. */
  readonly maxPastedBytes: number;
  readonly problems: readonly FormProblem[];
  readonly explanation: ExplainedView | null;
  /** Set for a kept request of which only names were kept. */
  readonly requestNotStored: boolean;
}

const failuresSection = (
  words: Words,
  app: NonNullable<HelpView['selectedApp']>,
  failures: readonly Failure[],
): Html =>
  failures.length === 0
    ? html`<h2>${words.say('help.recent', { app: appDisplayName(words, app.name) })}</h2><p>${words.say('help.recent-none')}</p>`
    : html`<table><caption>${words.say('help.recent', { app: appDisplayName(words, app.name) })}</caption>
<thead><tr><th scope="col">${words.say('help.when')}</th><th scope="col">${words.say('help.what')}</th><th scope="col">${words.say('help.detail')}</th></tr></thead>
<tbody>${failures.map(
        (failure) =>
          html`<tr><td data-label="${words.say('help.when')}">${timeElement(words, failure.at)}</td><td data-label="${words.say('help.what')}">${
            failure.kind === 'oauth1'
              ? html`<a href="/my/help?app=${app.id}&failure=${failure.id}">${failureText(words, failure)}</a>`
              : failureText(words, failure)
          }</td><td data-label="${words.say('help.detail')}"><code>${failureDetails(failure)}</code></td></tr>`,
      )}</tbody></table>`;

/**
 * Why a request was refused: recent ones of one's own apps, and a signed request to be explained.
 * Never a secret.
 */
export function helpPage(frame: Frame, view: HelpView): Html {
  const { words } = frame;
  const { selectedApp } = view;
  return layout(
    frame,
    words.say('help.title'),
    html`<p>${words.say('help.intro')}</p>
${
  view.apps.length === 0
    ? html`<p>${words.say('help.no-apps')}</p>`
    : html`<nav aria-label="${words.say('help.your-apps')}"><ul>${view.apps.map(
        ({ id, name }) =>
          html`<li><a href="/my/help?app=${id}"${id === selectedApp?.id ? html` aria-current="page"` : ''}>${bidiIsolate(appDisplayName(words, name))}</a></li>`,
      )}</ul></nav>`
}
${view.requestNotStored ? html`<p class="advice">${words.say('help.not-kept')}</p>` : ''}
${view.explanation === null ? '' : explainedPart(words, view.explanation)}
${selectedApp === null ? '' : failuresSection(words, selectedApp, view.failures)}
${
  selectedApp?.signsRequests
    ? html`<h2>${words.say('help.paste')}</h2>
<form method="post" action="/my/help">${csrfField(frame)}<input type="hidden" name="app" value="${selectedApp.id}">
${formField({ name: 'request', label: words.say('help.request'), help: words.say('help.request-help'), value: view.request, problem: problemAt(view.problems, 'request'), rows: 8, maxLength: view.maxPastedBytes, required: true })}
${formField({ name: 'theirs', label: words.say('help.theirs'), help: words.say('help.theirs-help'), value: view.theirs, problem: problemAt(view.problems, 'theirs'), rows: 3, maxLength: view.maxPastedBytes })}
<div class="buttons"><button name="explain" value="1">${words.say('help.explain')}</button></div></form>`
    : ''
}`,
    { wide: true, problems: view.problems },
  );
}
