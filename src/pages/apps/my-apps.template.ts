import { html } from 'hono/html';
import { actionName, actorName, type TrailLine, trailTable } from '../audit-table.ts';
import type { FormProblem } from '../form-problems.ts';
import {
  dayOf,
  type Frame,
  type Html,
  layout,
  named,
  pager,
  phrase,
  proof,
  timeOf,
} from '../layout.ts';
import { type AppView, appTitle, badges } from './app.template.ts';

// A developer's own pages: the list, and what waits for their answer.

export interface OwnApp {
  readonly app: AppView;
  readonly role: 'owner' | 'maintainer';
  /** A change of it waits for a review. */
  readonly revised: boolean;
}

/** An invitation to look after an app, or an offer of one. */
export interface Invitation {
  readonly appId: string;
  readonly appName: string;
  readonly from: string | null;
  readonly kind: 'maintain' | 'own';
  readonly changeToken: string;
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

/** A form of one button on an app. */
export const oneButton = (
  frame: Frame,
  view: {
    readonly appId: string;
    readonly action: string;
    readonly changeToken: string;
    readonly label: string;
    readonly tone?: 'second' | 'danger';
    readonly id?: number;
    /** Asked again, where there is a script. */
    readonly sure?: string;
  },
): Html =>
  html`<form method="post" action="/my/apps/${view.appId}/${view.action}"${view.sure === undefined ? '' : html` data-confirm="${view.sure}"`}>${proof(frame)}<input type="hidden" name="change_token" value="${view.changeToken}">${
    view.id === undefined ? '' : html`<input type="hidden" name="id" value="${view.id}">`
  }<button name="do" value="1"${view.tone === undefined ? '' : html` class="${view.tone}"`}>${view.label}</button></form>`;

const invitation = (
  frame: Frame,
  { appId, appName, from, kind, changeToken, ownerOnly }: Invitation,
): Html => {
  const { words } = frame;
  const who = named(from ?? words.say('frame.operator'));
  const common = { appId, changeToken };
  return html`<section class="card"><h3><a href="/apps/${appId}">${named(appName)}</a></h3>
<p>${phrase(words, kind === 'own' ? 'mine.offered' : 'mine.invited', { person: who })}</p>
${kind === 'own' && ownerOnly ? html`<p class="quiet">${words.say('mine.offered-own')}</p>` : ''}
<div class="buttons">${oneButton(frame, { ...common, action: kind === 'own' ? 'accept-offer' : 'join', label: words.say('mine.accept') })}${oneButton(
    frame,
    {
      ...common,
      action: kind === 'own' ? 'decline-offer' : 'decline',
      label: words.say('mine.decline'),
      tone: 'second',
    },
  )}</div></section>`;
};

/** The apps somebody owns or maintains, and what waits for their yes. */
export function ownAppsPage(frame: Frame, view: OwnAppsView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('frame.my-apps'),
    html`${view.invitations.length === 0 ? '' : html`<h2>${words.say('mine.waiting')}</h2>${view.invitations.map((one) => invitation(frame, one))}`}
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
          revised,
        }) => html`<tr><td data-label="${words.say('field.name')}"><a href="/my/apps/${app.id}">${appTitle(words, app)}</a></td>
<td data-label="${words.say('field.stage')}">${badges(words, { ...app, managed: app.managed })}${revised ? html` <span class="badge warn">${words.say('mine.revised')}</span>` : ''}</td>
<td data-label="${words.say('mine.role')}">${words.say(`mine.role.${role}`)}</td>
<td data-label="${words.say('apps.last-used')}">${app.lastUsed === null ? words.say('frame.never') : dayOf(words, app.lastUsed)}</td></tr>`,
      )}</tbody></table>`
}
${pager(words, view)}`,
    { wide: true, problems: view.problems },
  );
}

export interface HistoryView {
  readonly appId: string;
  readonly appName: string | null;
  readonly lines: readonly TrailLine[];
  readonly first: string | null;
  readonly next: string | null;
}

/** Everything that happened to an app. */
export function historyPage(frame: Frame, view: HistoryView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('history.title', { app: view.appName ?? words.say('apps.hidden-name') }),
    html`${trailTable(words, view.lines, { caption: words.say('history.caption'), apps: false, open: false })}${pager(words, view)}<p><a href="/my/apps/${view.appId}">${words.say('apps.back')}</a></p>`,
    { wide: true },
  );
}

/** A decision somebody made about the app. */
export const decisionLine = ({ words }: Frame, line: TrailLine): Html =>
  html`<p>${actionName(words, line.action)} <span class="quiet">– ${timeOf(words, line.at)}, ${actorName(words, line)}</span></p>${
    line.reason === '' ? '' : html`<blockquote>${named(line.reason)}</blockquote>`
  }`;
