import { html } from 'hono/html';
import type { Permission, PermissionGroup } from '../apps/app.template.ts';
import { bidiIsolate, csrfField, messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';

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
