import { html } from 'hono/html';
import { bidiIsolate, csrfField, formField, messageWithHtml } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';
import { newPasswordField } from './account.template.ts';
import { passkeyForm } from './passkeys.template.ts';

/** An address of ours that keeps where its visitor goes afterwards. */
const withReturnTo = (path: string, returnto: string): string =>
  returnto === '/' ? path : `${path}?${new URLSearchParams({ returnto })}`;

const returnToField = (returnto: string): Html =>
  returnto === '/' ? html`` : html`<input type="hidden" name="returnto" value="${returnto}">`;

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

interface LinkRequestView {
  readonly value: string;
  readonly problems: readonly FormProblem[];
  /** Where they were going. */
  readonly returnto: string;
}

/** Asks for the address that a link is mailed to, or for whatever names an account. */
function linkRequestPage(
  frame: Frame,
  view: LinkRequestView,
  texts: {
    readonly title: string;
    readonly intro: string;
    readonly action: string;
    readonly button: string;
    readonly field: Html;
  },
): Html {
  return layout(
    frame,
    texts.title,
    html`<p>${texts.intro}</p>
<form method="post" action="${texts.action}">
${csrfField(frame)}
${returnToField(view.returnto)}
${texts.field}
<div class="buttons"><button type="submit" name="send" value="1">${texts.button}</button></div>
</form>`,
    { problems: view.problems },
  );
}

/** Asks for an address to mail a link to, with which one registers. */
export function registerPage(frame: Frame, view: LinkRequestView): Html {
  const { words } = frame;
  return linkRequestPage(frame, view, {
    title: words.say('register.title'),
    intro: words.say('register.intro'),
    action: '/register',
    button: words.say('register.button'),
    field: formField({
      name: 'email',
      label: words.say('setup.email'),
      type: 'email',
      value: view.value,
      problem: problemAt(view.problems, 'email'),
      autocomplete: 'email',
      required: true,
      maxLength: 255,
    }),
  });
}

/** Asks whose password was forgotten. */
export function forgotPasswordPage(frame: Frame, view: LinkRequestView): Html {
  const { words } = frame;
  return linkRequestPage(frame, view, {
    title: words.say('password.forgotten-title'),
    intro: words.say('password.forgotten-intro'),
    action: '/password/forgotten',
    button: words.say('password.send'),
    field: formField({
      name: 'name',
      label: words.say('password.name-or-address'),
      value: view.value,
      problem: problemAt(view.problems, 'name'),
      autocomplete: 'username',
      required: true,
      maxLength: 255,
    }),
  });
}

/** What a mailed link to register opens. */
export function finishRegistrationPage(
  frame: Frame,
  view: {
    readonly token: string;
    readonly address: string;
    readonly name: string;
    readonly realName: string;
    readonly problems: readonly FormProblem[];
    readonly returnto: string;
  },
): Html {
  const { words } = frame;
  const { problems } = view;
  return layout(
    frame,
    words.say('register.title'),
    html`<p>${messageWithHtml(words, 'register.finish-intro', { address: html`<strong>${bidiIsolate(view.address)}</strong>` })}</p>
<form method="post" action="/register/finish">
${csrfField(frame)}${returnToField(view.returnto)}
<input type="hidden" name="token" value="${view.token}">
${formField({
  name: 'name',
  label: words.say('sign-in.name'),
  help: words.say('register.name-help'),
  value: view.name,
  problem: problemAt(problems, 'name'),
  autocomplete: 'username',
  required: true,
  maxLength: 255,
})}
${formField({
  name: 'real-name',
  label: words.say('account.real-name'),
  help: words.say('account.real-name-help'),
  value: view.realName,
  problem: problemAt(problems, 'real-name'),
  autocomplete: 'name',
  maxLength: 255,
})}
${newPasswordField(words, problemAt(problems, 'new-password'))}
<div class="buttons"><button type="submit" name="register" value="1">${words.say('register.finish-button')}</button></div>
</form>`,
    { problems },
  );
}

/** What a link to set another password opens. */
export function resetPasswordPage(
  frame: Frame,
  view: {
    readonly token: string;
    readonly name: string;
    readonly problems: readonly FormProblem[];
    readonly returnto: string;
  },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('password.new-title'),
    html`<p>${messageWithHtml(words, 'password.new-intro', { name: html`<strong>${bidiIsolate(view.name)}</strong>` })}</p>
<form method="post" action="/password/new">
${csrfField(frame)}${returnToField(view.returnto)}
<input type="hidden" name="token" value="${view.token}">
<input type="text" name="username" value="${view.name}" autocomplete="username" hidden readonly>
${newPasswordField(words, problemAt(view.problems, 'new-password'))}
<div class="buttons"><button type="submit" name="set" value="1">${words.say('password.set')}</button></div>
</form>`,
    { problems: view.problems },
  );
}

/** The one-time set-up form: the first administrator. */
export function setupPage(
  frame: Frame,
  view: {
    readonly token: string;
    readonly name: string;
    readonly email: string;
    readonly problems: readonly FormProblem[];
  },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('setup.title'),
    html`<p>${words.say('setup.intro')}</p>
<form method="post" action="/setup">
${csrfField(frame)}
<input type="hidden" name="token" value="${view.token}">
${formField({ name: 'name', label: words.say('sign-in.name'), value: view.name, problem: problemAt(view.problems, 'name'), autocomplete: 'username', required: true, maxLength: 255 })}
${formField({ name: 'email', label: words.say('setup.email'), type: 'email', value: view.email, problem: problemAt(view.problems, 'email'), autocomplete: 'email', required: true, maxLength: 255 })}
${formField({
  name: 'password',
  label: words.say('setup.password'),
  help: words.say('setup.password-help'),
  type: 'password',
  problem: problemAt(view.problems, 'password'),
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
  maxLength: 512,
})}
<div class="buttons"><button type="submit" name="set-up" value="1">${words.say('setup.button')}</button></div>
</form>`,
    { problems: view.problems },
  );
}

/** What the first page shows. */
export interface HomeView {
  /** Apps that wait for a review; null: not this person's business. */
  readonly pendingReviews: number | null;
  /** Strangers may make themselves an account. */
  readonly registrationOpen: boolean;
  /** The administrator is alone here: what comes after the set-up. */
  readonly firstSteps: boolean;
}

const homeItem = (href: string, text: string): Html => html`<li><a href="${href}">${text}</a></li>`;

const firstSteps = ({ words, user }: Frame): Html =>
  html`<section class="card" aria-labelledby="next"><h2 id="next">${words.say('home.next')}</h2><ul>
${homeItem('/account', words.say('home.next.profile'))}
${homeItem('/admin', words.say('home.next.state'))}
${homeItem('/admin/scopes', words.say('home.next.scopes'))}
${homeItem('/admin/people', words.say('home.next.people'))}
${user?.mayPropose ? homeItem('/my/apps/new', words.say('home.next.app')) : ''}
</ul><p class="quiet">${words.say('home.next.until')}</p></section>`;

/** The first page: what is this place, what can I do here. */
export function homePage(frame: Frame, view: HomeView): Html {
  const { words, user, siteName } = frame;
  return layout(
    frame,
    user === null
      ? words.say('home.welcome', { site: siteName })
      : words.say('home.hello', { name: user.name }),
    html`<p>${words.say('home.what', { site: siteName })}</p>
${view.firstSteps ? firstSteps(frame) : ''}
<ul class="card">
${user === null ? homeItem('/sign-in', words.say('home.sign-in')) : homeItem('/consents', words.say('home.user'))}
${user === null && view.registrationOpen ? homeItem('/register', words.say('home.register')) : ''}
${homeItem('/apps', words.say('home.directory'))}
${user?.mayPropose ? homeItem('/my/apps', words.say('home.developer')) : ''}
${user?.mayReview && view.pendingReviews !== null ? homeItem('/review', words.say('home.reviewer', { count: view.pendingReviews })) : ''}
${user?.mayAdminister ? homeItem('/admin', words.say('home.admin')) : ''}
</ul>
${user !== null && !user.mayPropose ? html`<p class="quiet">${words.say('home.developer-wanted')}</p>` : ''}
<p class="quiet">${messageWithHtml(words, 'home.technical', { link: html`<a href="/.well-known/oauth-authorization-server">/.well-known/oauth-authorization-server</a>` })}</p>`,
  );
}
