import { html } from 'hono/html';
import { bidiIsolate, dateElement, messageWithHtml, paginationLinks } from '../components.ts';
import type { FormProblem } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { type AppView, appBadges, appTitle } from './app.template.ts';
import { singleButtonForm } from './single-button-form.template.ts';

// A developer's own pages: the list, and what waits for their answer.

export interface OwnApp {
  readonly app: AppView;
  readonly role: 'owner' | 'maintainer';
  /** A change of it waits for a review. */
  readonly hasOpenRevision: boolean;
}

/** An invitation to look after an app, or an offer of one. */
export interface Invitation {
  readonly appId: string;
  readonly appName: string;
  readonly invitedBy: string | null;
  readonly kind: 'maintain' | 'own';
  readonly etag: string;
  readonly ownerOnly: boolean;
}

export interface OwnAppsView {
  readonly apps: readonly OwnApp[];
  readonly invitations: readonly Invitation[];
  readonly mayRegister: boolean;
  readonly first: string | null;
  readonly next: string | null;
  readonly problems: readonly FormProblem[];
}

const invitationCard = (
  frame: Frame,
  { appId, appName, invitedBy, kind, etag, ownerOnly }: Invitation,
): Html => {
  const { words } = frame;
  const inviter = bidiIsolate(invitedBy ?? words.say('frame.operator'));
  const common = { appId, etag };
  return html`<section class="card"><h3><a href="/apps/${appId}">${bidiIsolate(appName)}</a></h3>
<p>${messageWithHtml(words, kind === 'own' ? 'mine.offered' : 'mine.invited', { person: inviter })}</p>
${kind === 'own' && ownerOnly ? html`<p class="quiet">${words.say('mine.offered-own')}</p>` : ''}
<div class="buttons">${singleButtonForm(frame, { ...common, action: kind === 'own' ? 'accept-offer' : 'join', label: words.say('mine.accept') })}${singleButtonForm(
    frame,
    {
      ...common,
      action: kind === 'own' ? 'decline-offer' : 'decline',
      label: words.say('mine.decline'),
      tone: 'second',
    },
  )}</div></section>`;
};

/** The apps somebody owns or maintains, and what waits for their answer. */
export function ownAppsPage(frame: Frame, view: OwnAppsView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('frame.my-apps'),
    html`${view.invitations.length === 0 ? '' : html`<h2>${words.say('mine.waiting')}</h2>${view.invitations.map((one) => invitationCard(frame, one))}`}
${view.mayRegister ? html`<div class="buttons"><a class="button" href="/my/apps/new">${words.say('mine.new')}</a></div>` : ''}
${view.apps.length === 0 ? '' : html`<p><a href="/my/help">${words.say('help.title')}</a></p>`}
${
  view.apps.length === 0
    ? html`<p>${words.say(view.mayRegister ? 'mine.none' : 'home.developer-wanted')}</p>`
    : html`<table><caption>${words.say('mine.caption')}</caption><thead><tr>${(
        ['field.name', 'field.stage', 'mine.role', 'apps.last-used'] as const
      ).map(
        (key) => html`<th scope="col">${words.say(key)}</th>`,
      )}</tr></thead><tbody>${view.apps.map(
        ({
          app,
          role,
          hasOpenRevision,
        }) => html`<tr><td data-label="${words.say('field.name')}"><a href="/my/apps/${app.id}">${appTitle(words, app)}</a></td>
<td data-label="${words.say('field.stage')}">${appBadges(words, { ...app, managed: app.managed })}${hasOpenRevision ? html` <span class="badge warn">${words.say('mine.revised')}</span>` : ''}</td>
<td data-label="${words.say('mine.role')}">${words.say(`mine.role.${role}`)}</td>
<td data-label="${words.say('apps.last-used')}">${app.lastUsedAt === null ? words.say('frame.never') : dateElement(words, app.lastUsedAt)}</td></tr>`,
      )}</tbody></table>`
}
${paginationLinks(words, view)}`,
    { wide: true, problems: view.problems },
  );
}
