import { html } from 'hono/html';
import type { Permission, PermissionGroup } from '../apps/app.template.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  messageWithHtml,
} from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { noteTexts, type Words } from '../words.ts';

/** What the consent page shows, for either protocol. */
export interface ConsentView {
  readonly appName: string;
  readonly appDescription: string;
  /** Null: somebody who left. */
  readonly ownerName: string | null;
  /** Null: every site. */
  readonly site: string | null;
  /** What is new to this person. */
  readonly newGroups: readonly PermissionGroup[];
  /** What they allowed this app before. */
  readonly previouslyGranted: readonly PermissionGroup[];
  readonly userName: string;
  /** Where they sign in with another account, and come back. */
  readonly switchAccountHref: string;
  readonly destination: string | null;
  readonly isProposed: boolean;
  readonly isPopup: boolean;
  /** The form that was sent was from another session of theirs: they are asked again. */
  readonly askedAgain: boolean;
}

const permissionText = ({ description, risk }: Permission): Html =>
  html`${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`}`;

/** What cannot be left out is a list; what can be is a list of boxes, ticked. */
const permissionGroup = ({ label, scopes }: PermissionGroup): Html => {
  const requiredScopes = scopes.filter(({ optional }) => !optional);
  return html`<h3>${label}</h3>${requiredScopes.length === 0 ? '' : html`<ul>${requiredScopes.map((scope) => html`<li>${permissionText(scope)}</li>`)}</ul>`}${scopes
    .filter(({ optional }) => optional)
    .map(
      (scope) =>
        html`<label class="choice"><input type="checkbox" name="scope.${scope.name}" value="1" checked><span>${permissionText(scope)}</span></label>`,
    )}`;
};

/**
 * What was allowed before. Leaving one of these out ends something, so the form says which were
 * shown as such: what another device allows meanwhile was not left out by anybody.
 */
const previouslyGrantedPart = (words: Words, { previouslyGranted }: ConsentView): Html => {
  const optional = previouslyGranted.flatMap(({ scopes }) =>
    scopes.filter((scope) => scope.optional),
  );
  return html`<h2>${words.say('consent.before')}</h2>${
    optional.length > 0 ? html`<p class="help">${words.say('consent.takes-away')}</p>` : ''
  }${previouslyGranted.map(permissionGroup)}${optional.map(({ name }) => html`<input type="hidden" name="before.${name}" value="1">`)}`;
};

const requestedPart = (words: Words, { newGroups, previouslyGranted }: ConsentView): Html => {
  const hasOptional = [...newGroups, ...previouslyGranted].some(({ scopes }) =>
    scopes.some(({ optional }) => optional),
  );
  if (newGroups.length > 0)
    return html`<h2>${words.say(previouslyGranted.length > 0 ? 'consent.new' : 'consent.can')}</h2>${
      hasOptional ? html`<p class="help">${words.say('consent.optional')}</p>` : ''
    }${newGroups.map(permissionGroup)}`;
  return html`<p>${words.say(previouslyGranted.length > 0 ? 'consent.nothing-new' : 'consent.identity')}</p>`;
};

/**
 * Asks for a person's decision. The form holds the decision and the proof that it is ours; what was
 * asked is stored, so it cannot differ from what is shown. Buttons are named `accept` and `cancel`:
 * tools script this form.
 */
export function consentPage(frame: Frame, view: ConsentView): Html {
  const { words } = frame;
  const messageParts = {
    app: html`<strong>${bidiIsolate(view.appName)}</strong>`,
    owner: bidiIsolate(view.ownerName ?? words.say('frame.nobody')),
    user: bidiIsolate(view.userName),
    site:
      view.site === null
        ? words.say('frame.every-site')
        : html`<strong>${bidiIsolate(view.site)}</strong>`,
  };
  return layout(
    frame,
    words.say('consent.title', { app: view.appName }),
    html`<p>${messageWithHtml(words, 'consent.wants', messageParts)}</p>
${view.isProposed ? html`<p class="advice">${words.say('consent.proposed')}</p>` : ''}
${view.appDescription === '' ? '' : html`<p class="quiet">${bidiIsolate(view.appDescription)}</p>`}
${view.askedAgain ? html`<p class="advice" role="status">${words.say('consent.again')}</p>` : ''}
<form method="post" id="mw-mwoauth-authorize-form" data-once>
${csrfField(frame)}
<section class="card" aria-label="${words.say('consent.what')}">
${requestedPart(words, view)}
${view.previouslyGranted.length > 0 ? previouslyGrantedPart(words, view) : ''}
</section>
${view.destination === null ? '' : html`<p class="quiet">${messageWithHtml(words, 'consent.returns', { place: bidiIsolate(view.destination) })}</p>`}
<p class="quiet">${messageWithHtml(words, 'consent.not-you', { user: messageParts.user, link: html`<a href="${view.switchAccountHref}">${words.say('consent.switch')}</a>` })}</p>
<div class="buttons">
<button type="submit" name="accept" value="1">${words.say('consent.allow')}</button>
<button type="submit" name="cancel" value="1" class="second">${words.say('consent.deny')}</button>
</div>
</form>`,
    { bare: view.isPopup },
  );
}

/**
 * Says how a request stands, with one way on: a button of a form that is sent to the same address.
 */
export function continuePage(
  frame: Frame,
  view: {
    readonly title: string;
    readonly text: string;
    readonly name: 'accept' | 'continue';
    readonly label: string;
    /** Where they sign in with another account, and come back. */
    readonly switchAccountHref?: string;
    readonly bare: boolean;
  },
): Html {
  return layout(
    frame,
    view.title,
    html`<p>${view.text}</p>
<form method="post" data-once>${csrfField(frame)}<div class="buttons"><button type="submit" name="${view.name}" value="1">${view.label}</button>${
      view.switchAccountHref === undefined
        ? ''
        : html`<a class="button second" href="${view.switchAccountHref}">${frame.words.say('consent.switch')}</a>`
    }</div></form>`,
    { bare: view.bare },
  );
}

/** Says that an app was not allowed, with the way back to it. */
export function deniedPage(
  frame: Frame,
  view: { readonly appName: string; readonly returnHref: string },
): Html {
  const { title, text } = noteTexts(frame.words, 'not-allowed', { app: view.appName });
  const label = frame.words.say('consent.continue-to', { app: view.appName });
  return layout(
    frame,
    title,
    html`<p>${text}</p><p><a class="button" href="${view.returnHref}">${label}</a></p>`,
  );
}

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

/** Every app this person allowed, with a button to end each. */
export function connectedAppsPage(frame: Frame, apps: readonly ConnectedApp[]): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('consents.title'),
    apps.length === 0
      ? html`<p>${words.say('consents.none')}</p>`
      : html`<p>${words.say('consents.intro')}</p>
${apps.length > 5 ? html`<div class="field" hidden><label for="filter">${words.say('frame.filter')}</label><input id="filter" type="search" data-filter="section.card"></div>` : ''}${apps.map(
  (app) => {
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
  },
)}
<p><a href="/consents/export.json" download="gatehouse-consents.json">${words.say('consents.export')}</a></p>`,
  );
}

/** The code a person carries to an app that cannot be called back (RFC 5849 §2.2, `oob`). */
export function verifierPage(
  frame: Frame,
  view: { readonly appName: string | null; readonly verifier: string },
): Html {
  const { words } = frame;
  const app =
    view.appName === null
      ? words.say('verifier.the-app')
      : html`<strong>${bidiIsolate(view.appName)}</strong>`;
  return layout(
    frame,
    words.say('verifier.title'),
    html`<p>${messageWithHtml(words, 'verifier.enter', { app })}</p>
<code class="big">${view.verifier}</code><p class="quiet">${words.say('verifier.once')}</p>`,
  );
}
