import { html } from 'hono/html';
import { bidiIsolate, csrfField, formField, messageWithHtml } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';
import { passkeyForm } from './passkey-form.template.ts';
import { withReturnTo } from './return-path.template.ts';

/** For which app somebody signs in: its name only when it was approved. */
function signInReason(words: Words, app: SignInView['app']): Html {
  if (app === null) return html``;
  if (app.shown === null) return html`<p>${words.say('sign-in.for-some-app')}</p>`;
  const { name, place } = app.shown;
  const appName = html`<strong>${bidiIsolate(name)}</strong>`;
  return place === null
    ? html`<p>${messageWithHtml(words, 'sign-in.for-app', { app: appName })}</p>`
    : html`<p>${messageWithHtml(words, 'sign-in.for-app-at', { app: appName, place: bidiIsolate(place) })}</p>`;
}

/** What the sign-in page shows. */
export interface SignInView {
  /** One of our own paths. */
  readonly returnto: string;
  readonly name: string;
  readonly problems: readonly FormProblem[];
  readonly registrationOpen: boolean;
  /** The app that waits; null: none does. */
  readonly app: {
    readonly shown: { readonly name: string; readonly place: string | null } | null;
  } | null;
}

/**
 * The sign-in form. Whoever is signed in may go on as they are, or sign in with another account.
 */
export function signInPage(frame: Frame, view: SignInView): Html {
  const { words, user } = frame;
  const returnto = html`<input type="hidden" name="returnto" value="${view.returnto}">`;
  return layout(
    frame,
    words.say('sign-in.title'),
    html`${signInReason(words, view.app)}
${
  user === null
    ? ''
    : html`<p>${messageWithHtml(words, 'sign-in.signed-in', { name: bidiIsolate(user.name) })}</p>
<p><a class="button" href="${view.returnto}">${words.say('sign-in.go-on', { name: user.name })}</a></p>
<h2>${words.say('sign-in.other')}</h2>`
}
<form method="post" action="/sign-in">
${csrfField(frame)}
${returnto}
${formField({ name: 'name', label: words.say('password.name-or-address'), value: view.name, problem: problemAt(view.problems, 'name'), autocomplete: 'username', required: true, maxLength: 255 })}
${formField({ name: 'password', label: words.say('sign-in.password'), type: 'password', autocomplete: 'current-password', required: true, maxLength: 512 })}
<div class="buttons"><button type="submit" name="sign-in" value="1">${words.say('sign-in.button')}</button></div>
</form>
<p><a href="${withReturnTo('/password/forgotten', view.returnto)}">${words.say('sign-in.forgotten')}</a></p>
${view.registrationOpen ? html`<p><a href="${withReturnTo('/register', view.returnto)}">${words.say('sign-in.register')}</a></p>` : ''}
${passkeyForm(frame, {
  action: '/sign-in/passkey',
  optionsUrl: '/sign-in/passkey/options',
  ceremony: 'use',
  scriptNotice: words.say('sign-in.passkey-script'),
  body: html`${returnto}<div class="buttons"><button type="submit" class="second">${words.say('sign-in.passkey')}</button></div>`,
})}`,
    { problems: view.problems },
  );
}
