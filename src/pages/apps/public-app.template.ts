import { html } from 'hono/html';
import { bidiIsolate, dateElement } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';
import { type AppView, appBadges, appFacts, permissionList } from './app.template.ts';

export interface PublicAppView {
  readonly app: AppView;
  /** They allowed it. */
  readonly isConnected: boolean;
  /** They look after it. */
  readonly canManage: boolean;
  /** They may review it. */
  readonly canReview: boolean;
}

function descriptionPart(words: Words, { name, description }: AppView): Html | string {
  if (name === null) return html`<p class="advice">${words.say('apps.hidden-text')}</p>`;
  return description === '' ? '' : html`<p>${bidiIsolate(description)}</p>`;
}

/** One app, for everybody: what it may do, and whose it is. */
export function publicAppPage(
  frame: Frame,
  { app, isConnected, canManage, canReview }: PublicAppView,
): Html {
  const { words } = frame;
  return layout(
    frame,
    app.name ?? words.say('apps.hidden-name'),
    html`<p>${appBadges(words, app)}</p>
${isConnected ? html`<p class="done">${words.say('apps.you-allowed')} <a href="/consents">${words.say('apps.your-consents')}</a></p>` : ''}
${descriptionPart(words, app)}
<section class="card"><h2>${words.say('apps.may')}</h2>${permissionList(words, app)}</section>
${appFacts(words, app, [
  app.name === null ? null : [words.say('field.version'), bidiIsolate(app.version)],
  [
    words.say('apps.last-used'),
    app.lastUsedAt === null ? words.say('frame.never') : dateElement(words, app.lastUsedAt),
  ],
])}
${
  canManage || canReview
    ? html`<div class="buttons">${canManage ? html`<a class="button second" href="/my/apps/${app.id}">${words.say('apps.manage')}</a>` : ''}${
        canReview
          ? html`<a class="button second" href="/review/${app.id}">${words.say('apps.review')}</a>`
          : ''
      }</div>`
    : ''
}
<p><a href="/apps">${words.say('apps.directory')}</a></p>`,
  );
}
