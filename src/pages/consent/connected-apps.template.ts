import { html } from 'hono/html';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  messageWithHtml,
} from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';

/** One app a person allowed. */
export interface ConnectedApp {
  readonly id: number;
  /** Nothing is said of an app that no longer exists, or was hidden. */
  readonly name:
    | { readonly kind: 'shown'; readonly text: string }
    | { readonly kind: 'gone' | 'hidden' };
  readonly site: string | null;
  readonly allowedAt: number;
  /** Unix seconds of the day; null: not yet. */
  readonly lastUsedAt: number | null;
  /** Page of the app; null: it no longer exists, or is hidden. */
  readonly href: string | null;
  readonly scopes: readonly string[];
  /**
   * Whose it is now, when it has another owner than when it was allowed. Null: it has not, or is
   * hidden.
   */
  readonly newOwner: { readonly name: string; readonly since: number } | null;
}

const connectedAppCard = (frame: Frame, app: ConnectedApp): Html => {
  const { words } = frame;
  const name =
    app.name.kind === 'shown'
      ? app.name.text
      : words.say(app.name.kind === 'gone' ? 'consents.gone-app' : 'consents.hidden-app');
  return html`<section class="card"><h2>${app.href === null ? bidiIsolate(name) : html`<a href="${app.href}">${bidiIsolate(name)}</a>`}</h2>
${descriptionList([
  [words.say('consents.site'), app.site ?? words.say('frame.every-site')],
  [words.say('consents.since'), dateElement(words, app.allowedAt)],
  [
    words.say('consents.last-used'),
    app.lastUsedAt === null ? words.say('frame.never') : dateElement(words, app.lastUsedAt),
  ],
])}
${
  app.newOwner === null
    ? ''
    : html`<p class="advice">${messageWithHtml(words, 'consents.new-owner', { owner: bidiIsolate(app.newOwner.name), since: dateElement(words, app.newOwner.since) })}</p>`
}
<ul>${app.scopes.map((scope) => html`<li>${scope}</li>`)}</ul>
<form method="post" action="/consents/${app.id}/end" data-confirm="${words.say('consents.sure', { app: name })}">${csrfField(frame)}
<div class="buttons"><button class="danger" name="end" value="1">${words.say('consents.end', { app: name })}</button></div></form></section>`;
};

/** Every app this person allowed, with a button to disconnect each. */
export function connectedAppsPage(frame: Frame, apps: readonly ConnectedApp[]): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('consents.title'),
    apps.length === 0
      ? html`<p>${words.say('consents.none')}</p>`
      : html`<p>${words.say('consents.intro')}</p>
${apps.length > 5 ? html`<div class="field" hidden><label for="filter">${words.say('frame.filter')}</label><input id="filter" type="search" data-filter="section.card"></div>` : ''}${apps.map((app) => connectedAppCard(frame, app))}
<p><a href="/consents/export.json" download="gatehouse-consents.json">${words.say('consents.export')}</a></p>`,
  );
}
