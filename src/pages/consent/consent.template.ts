import { html } from 'hono/html';
import type { Permission, PermissionGroup } from '../apps/app.template.ts';
import { dayOf, type Frame, facts, type Html, layout, named, phrase, proof } from '../layout.ts';
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
  readonly groups: readonly PermissionGroup[];
  /** What they allowed this app before. */
  readonly allowedBefore: readonly PermissionGroup[];
  readonly userName: string;
  /** Where they sign in with another account, and come back. */
  readonly switchTo: string;
  readonly returnsTo: string | null;
  readonly proposed: boolean;
  readonly popup: boolean;
  /** The form that was sent was from another session of theirs: they are asked again. */
  readonly again: boolean;
}

const line = ({ description, risk }: Permission): Html =>
  html`${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`}`;

/** What cannot be left out is a list; what can be is a list of boxes, ticked. */
const groupPart = ({ label, scopes }: PermissionGroup): Html => {
  const fixed = scopes.filter(({ optional }) => !optional);
  return html`<h3>${label}</h3>${fixed.length === 0 ? '' : html`<ul>${fixed.map((scope) => html`<li>${line(scope)}</li>`)}</ul>`}${scopes
    .filter(({ optional }) => optional)
    .map(
      (scope) =>
        html`<label class="choice"><input type="checkbox" name="scope.${scope.name}" value="1" checked><span>${line(scope)}</span></label>`,
    )}`;
};

/**
 * What was allowed before. Leaving one of these out ends something, so the form says which were
 * shown as such: what another device allows meanwhile was not left out by anybody.
 */
const beforePart = (words: Words, { allowedBefore }: ConsentView): Html => {
  const optional = allowedBefore.flatMap(({ scopes }) => scopes.filter((scope) => scope.optional));
  return html`<h2>${words.say('consent.before')}</h2>${
    optional.length > 0 ? html`<p class="help">${words.say('consent.takes-away')}</p>` : ''
  }${allowedBefore.map(groupPart)}${optional.map(({ name }) => html`<input type="hidden" name="before.${name}" value="1">`)}`;
};

const asked = (words: Words, { groups, allowedBefore }: ConsentView): Html => {
  const choice = [...groups, ...allowedBefore].some(({ scopes }) =>
    scopes.some(({ optional }) => optional),
  );
  if (groups.length > 0)
    return html`<h2>${words.say(allowedBefore.length > 0 ? 'consent.new' : 'consent.can')}</h2>${
      choice ? html`<p class="help">${words.say('consent.optional')}</p>` : ''
    }${groups.map(groupPart)}`;
  return html`<p>${words.say(allowedBefore.length > 0 ? 'consent.nothing-new' : 'consent.identity')}</p>`;
};

/**
 * Asks for a person's decision. The form holds the decision and the proof that it is ours; what was
 * asked is stored, so it cannot differ from what is shown. Buttons are named `accept` and `cancel`:
 * tools script this form.
 */
export function consentPage(frame: Frame, view: ConsentView): Html {
  const { words } = frame;
  const who = {
    app: html`<strong>${named(view.appName)}</strong>`,
    owner: named(view.ownerName ?? words.say('frame.nobody')),
    user: named(view.userName),
    site:
      view.site === null
        ? words.say('frame.every-site')
        : html`<strong>${named(view.site)}</strong>`,
  };
  return layout(
    frame,
    words.say('consent.title', { app: view.appName }),
    html`<p>${phrase(words, 'consent.wants', who)}</p>
${view.proposed ? html`<p class="advice">${words.say('consent.proposed')}</p>` : ''}
${view.appDescription === '' ? '' : html`<p class="quiet">${named(view.appDescription)}</p>`}
${view.again ? html`<p class="advice" role="status">${words.say('consent.again')}</p>` : ''}
<form method="post" id="mw-mwoauth-authorize-form" data-once>
${proof(frame)}
<section class="card" aria-label="${words.say('consent.what')}">
${asked(words, view)}
${view.allowedBefore.length > 0 ? beforePart(words, view) : ''}
</section>
${view.returnsTo === null ? '' : html`<p class="quiet">${phrase(words, 'consent.returns', { place: named(view.returnsTo) })}</p>`}
<p class="quiet">${phrase(words, 'consent.not-you', { user: who.user, link: html`<a href="${view.switchTo}">${words.say('consent.switch')}</a>` })}</p>
<div class="buttons">
<button type="submit" name="accept" value="1">${words.say('consent.allow')}</button>
<button type="submit" name="cancel" value="1" class="second">${words.say('consent.deny')}</button>
</div>
</form>`,
    { bare: view.popup },
  );
}

/**
 * Says how a request stands, with one way on: a button of a form that is sent to the same address.
 */
export function wayOnPage(
  frame: Frame,
  view: {
    readonly title: string;
    readonly text: string;
    readonly name: 'accept' | 'continue';
    readonly label: string;
    /** Where they sign in with another account, and come back. */
    readonly switchTo?: string;
    readonly bare: boolean;
  },
): Html {
  return layout(
    frame,
    view.title,
    html`<p>${view.text}</p>
<form method="post" data-once>${proof(frame)}<div class="buttons"><button type="submit" name="${view.name}" value="1">${view.label}</button>${
      view.switchTo === undefined
        ? ''
        : html`<a class="button second" href="${view.switchTo}">${frame.words.say('consent.switch')}</a>`
    }</div></form>`,
    { bare: view.bare },
  );
}

/** Says that an app was not allowed, with the way back to it. */
export function deniedPage(
  frame: Frame,
  view: { readonly appName: string; readonly back: string },
): Html {
  const { title, text } = noteTexts(frame.words, 'not-allowed', { app: view.appName });
  const label = frame.words.say('consent.continue-to', { app: view.appName });
  return layout(
    frame,
    title,
    html`<p>${text}</p><p><a class="button" href="${view.back}">${label}</a></p>`,
  );
}

/** One app a person allowed. */
export interface AllowedApp {
  readonly id: number;
  /** Nothing is said of an app that no longer exists, or was hidden. */
  readonly name:
    | { readonly kind: 'shown'; readonly text: string }
    | { readonly kind: 'gone' | 'hidden' };
  readonly site: string | null;
  readonly since: number;
  /** Unix seconds of the day; null: not yet. */
  readonly lastUsed: number | null;
  /** Page of the app; null: it no longer exists, or is hidden. */
  readonly page: string | null;
  readonly scopes: readonly string[];
  /**
   * Whose it is now, when it has another owner than when it was allowed. Null: it has not, or is
   * hidden.
   */
  readonly newOwner: { readonly name: string; readonly since: number } | null;
}

/** Every app this person allowed, with a button to end each. */
export function consentsPage(frame: Frame, apps: readonly AllowedApp[]): Html {
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
    return html`<section class="card"><h2>${app.page === null ? named(name) : html`<a href="${app.page}">${named(name)}</a>`}</h2>
${facts([
  [words.say('consents.site'), app.site ?? words.say('frame.every-site')],
  [words.say('consents.since'), dayOf(words, app.since)],
  [
    words.say('consents.last-used'),
    app.lastUsed === null ? words.say('frame.never') : dayOf(words, app.lastUsed),
  ],
])}
${
  app.newOwner === null
    ? ''
    : html`<p class="advice">${phrase(words, 'consents.new-owner', { owner: named(app.newOwner.name), since: dayOf(words, app.newOwner.since) })}</p>`
}
<ul>${app.scopes.map((scope) => html`<li>${scope}</li>`)}</ul>
<form method="post" action="/consents/${app.id}/end" data-confirm="${words.say('consents.sure', { app: name })}">${proof(frame)}
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
      : html`<strong>${named(view.appName)}</strong>`;
  return layout(
    frame,
    words.say('verifier.title'),
    html`<p>${phrase(words, 'verifier.enter', { app })}</p>
<code class="big">${view.verifier}</code><p class="quiet">${words.say('verifier.once')}</p>`,
  );
}
