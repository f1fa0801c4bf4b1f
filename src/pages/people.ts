import { html } from 'hono/html';
import { type Frame, field, type Html, layout, phrase, problemLine, proof } from './layout.ts';
import { type Note, noteTexts } from './words.ts';

/** The sign-in form. `returnto` is one of our own paths. */
export function signInPage(
  frame: Frame,
  view: { readonly returnto: string; readonly name: string; readonly problem: string | null },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('sign-in.title'),
    html`${problemLine(view.problem)}
<form method="post" action="/sign-in">
${proof(frame)}
<input type="hidden" name="returnto" value="${view.returnto}">
${field({ name: 'name', label: words.say('sign-in.name'), value: view.name, autocomplete: 'username', required: true, most: 255 })}
${field({ name: 'password', label: words.say('sign-in.password'), type: 'password', autocomplete: 'current-password', required: true, most: 512 })}
<div class="buttons"><button type="submit" name="sign-in" value="1">${words.say('sign-in.button')}</button></div>
</form>`,
  );
}

/** The one-time set-up form: the first administrator. */
export function setupPage(
  frame: Frame,
  view: { readonly token: string; readonly name: string; readonly email: string; readonly problem: string | null },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('setup.title'),
    html`<p>${words.say('setup.intro')}</p>
${problemLine(view.problem)}
<form method="post" action="/setup">
${proof(frame)}
<input type="hidden" name="token" value="${view.token}">
${field({ name: 'name', label: words.say('sign-in.name'), value: view.name, autocomplete: 'username', required: true, most: 255 })}
${field({ name: 'email', label: words.say('setup.email'), type: 'email', value: view.email, autocomplete: 'email', required: true, most: 255 })}
${field({
  name: 'password',
  label: words.say('setup.password'),
  help: words.say('setup.password-help'),
  type: 'password',
  autocomplete: 'new-password',
  required: true,
  least: 8,
  most: 512,
})}
<div class="buttons"><button type="submit" name="set-up" value="1">${words.say('setup.button')}</button></div>
</form>`,
  );
}

/** The first page: what is this place, what can I do here. `waiting`: apps that wait for a review; null: not this person's business. */
export function homePage(frame: Frame, view: { readonly waiting: number | null }): Html {
  const { words, user, siteName } = frame;
  const item = (href: string, text: string) => html`<li><a href="${href}">${text}</a></li>`;
  return layout(
    frame,
    user === null ? words.say('home.welcome', { site: siteName }) : words.say('home.hello', { name: user.name }),
    html`<p>${words.say('home.what', { site: siteName })}</p>
<ul class="card">
${user === null ? item('/sign-in', words.say('home.sign-in')) : item('/consents', words.say('home.user'))}
${item('/apps', words.say('home.directory'))}
${user?.mayPropose ? item('/my/apps', words.say('home.developer')) : ''}
${user?.mayReview && view.waiting !== null ? item('/review', words.say('home.reviewer', { count: view.waiting })) : ''}
${user?.mayAdminister ? item('/admin', words.say('home.admin')) : ''}
</ul>
${user !== null && !user.mayPropose ? html`<p class="quiet">${words.say('home.developer-wanted')}</p>` : ''}
<p class="quiet">${phrase(words, 'home.technical', { link: html`<a href="/.well-known/oauth-authorization-server">/.well-known/oauth-authorization-server</a>` })}</p>`,
  );
}

/** A page that says one thing. `reference` is the number of an incident a person can name to the operator. */
export function messagePage(frame: Frame, title: string, text: string, reference: string | null = null): Html {
  return layout(
    frame,
    title,
    html`<p>${text}</p>${reference === null ? '' : html`<p class="quiet">${phrase(frame.words, 'frame.reference', { reference: html`<code>${reference}</code>` })}</p>`}`,
  );
}

/** A page that says one thing in the reader's language. */
export function notePage(
  frame: Frame,
  note: Note,
  values?: Readonly<Record<string, string | number>>,
  reference: string | null = null,
): Html {
  const { title, text } = noteTexts(frame.words, note, values);
  return messagePage(frame, title, text, reference);
}
