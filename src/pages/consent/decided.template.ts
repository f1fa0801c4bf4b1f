import { html } from 'hono/html';
import { csrfField } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { noteTexts } from '../words.ts';

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
