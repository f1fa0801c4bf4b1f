import { html } from 'hono/html';
import { bidiIsolate, csrfField, messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';

/**
 * Asks whether an address shall become the person's: a link alone is opened by programs that look
 * through mail.
 */
export function confirmEmailPage(
  frame: Frame,
  view: { readonly token: string; readonly name: string; readonly address: string },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('confirm.title'),
    html`<p>${messageWithHtml(words, 'confirm.intro', { name: bidiIsolate(view.name), address: html`<strong>${bidiIsolate(view.address)}</strong>` })}</p>
<form method="post" action="/account/email/confirm">${csrfField(frame)}
<input type="hidden" name="token" value="${view.token}">
<div class="buttons"><button type="submit" name="confirm" value="1">${words.say('confirm.button')}</button></div>
</form>`,
  );
}
