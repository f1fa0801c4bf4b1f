import { html } from 'hono/html';
import { bidiIsolate, messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';

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
