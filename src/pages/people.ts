import { html } from 'hono/html';
import { type Frame, type Html, layout } from './layout.ts';

const problemLine = (problem: string | null) => (problem === null ? '' : html`<p class="problem" role="alert">${problem}</p>`);

/** The sign-in form. `returnto` is one of our own paths. */
export function signInPage(
  frame: Frame,
  view: { readonly returnto: string; readonly name: string; readonly problem: string | null; readonly csrf: string },
): Html {
  return layout(
    frame,
    'Sign in',
    html`${problemLine(view.problem)}
<form method="post" action="/sign-in">
<input type="hidden" name="csrf" value="${view.csrf}">
<input type="hidden" name="returnto" value="${view.returnto}">
<label for="name">Name</label>
<input id="name" name="name" value="${view.name}" autocomplete="username" required maxlength="255" autocapitalize="none">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="512">
<div class="buttons"><button type="submit" name="sign-in" value="1">Sign in</button></div>
</form>`,
  );
}

/** The one-time set-up form: the first administrator. */
export function setupPage(
  frame: Frame,
  view: { readonly token: string; readonly name: string; readonly email: string; readonly problem: string | null; readonly csrf: string },
): Html {
  return layout(
    frame,
    'Set up this server',
    html`<p>Create the first administrator. This link works once.</p>
${problemLine(view.problem)}
<form method="post" action="/setup">
<input type="hidden" name="csrf" value="${view.csrf}">
<input type="hidden" name="token" value="${view.token}">
<label for="name">Name</label>
<input id="name" name="name" value="${view.name}" autocomplete="username" required maxlength="255" autocapitalize="none">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" value="${view.email}" autocomplete="email" required maxlength="255">
<label for="password">Password, at least 8 characters</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="512">
<div class="buttons"><button type="submit" name="set-up" value="1">Create administrator</button></div>
</form>`,
  );
}

/** The first page: what is this place, what can I do here. */
export function homePage(frame: Frame): Html {
  return layout(
    frame,
    frame.userName === null ? `Welcome to ${frame.siteName}` : `Hello, ${frame.userName}`,
    html`<p>Here you decide which apps may act for you, and end it when you like.</p>
${
  frame.userName === null
    ? html`<p><a href="/sign-in">Sign in</a> to see the apps you allowed.</p>`
    : html`<p><a href="/consents">Apps I allowed</a></p>`
}
<p class="quiet">Writing an app? Its endpoints are listed at <a href="/.well-known/oauth-authorization-server">/.well-known/oauth-authorization-server</a>.</p>`,
  );
}

/** One app a person allowed. */
export interface AllowedApp {
  readonly id: number;
  readonly appName: string;
  readonly site: string | null;
  readonly since: string;
  readonly scopes: readonly string[];
}

/** Every app this person allowed, with a button to end each. */
export function consentsPage(frame: Frame, apps: readonly AllowedApp[]): Html {
  return layout(
    frame,
    'Apps I allowed',
    apps.length === 0
      ? html`<p>You have not allowed any app yet.</p>`
      : html`<p>Ending an app stops everything it was given for you, at once.</p>${apps.map(
          (app) => html`<section class="card"><h2><bdi>${app.appName}</bdi></h2>
<dl><dt>Site</dt><dd>${app.site ?? 'every site'}</dd><dt>Since</dt><dd>${app.since}</dd></dl>
<ul>${app.scopes.map((scope) => html`<li>${scope}</li>`)}</ul>
<form method="post" action="/consents/${app.id}/end"><input type="hidden" name="csrf" value="${frame.csrf}">
<div class="buttons"><button class="second" name="end" value="1">End ${app.appName}</button></div></form></section>`,
        )}`,
  );
}

/** A page that says one thing. `reference` is the number of an incident a person can name to the operator. */
export function messagePage(frame: Frame, title: string, text: string, reference: string | null = null): Html {
  return layout(
    frame,
    title,
    html`<p>${text}</p>${reference === null ? '' : html`<p class="quiet">Reference: <code>${reference}</code></p>`}`,
  );
}

/** The code a person carries to an app that cannot be called back (RFC 5849 §2.2, `oob`). */
export function verifierPage(frame: Frame, view: { readonly appName: string | null; readonly verifier: string }): Html {
  return layout(
    frame,
    'Your code',
    html`<p>Enter this code in ${view.appName === null ? 'the app' : html`<strong><bdi>${view.appName}</bdi></strong>`}:</p>
<code class="big">${view.verifier}</code><p class="quiet">It works once, for ten minutes.</p>`,
  );
}
