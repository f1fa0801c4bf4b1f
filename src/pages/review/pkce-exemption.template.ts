import { html } from 'hono/html';
import type { Dependence } from '#registry/review/independence.ts';
import { type Frame, type Html, proof } from '../layout.ts';

/**
 * The exemption from PKCE of an app that can have one, as a reviewer decides on it after its
 * registration.
 */
export interface PkceView {
  readonly exempt: boolean;
  /** Why this reviewer cannot give it; null: they can. Taking it back is anybody's who reviews. */
  readonly barred: Dependence | null;
}

/** Whether the app may leave PKCE out, and the button that changes it. */
export function pkcePart(
  frame: Frame,
  { id, changeToken }: { readonly id: string; readonly changeToken: string },
  { exempt, barred }: PkceView,
): Html {
  const { words } = frame;
  const about = words.say(exempt ? 'review.pkce-left-out' : 'review.pkce-needed');
  if (!exempt && barred !== null)
    return html`<p>${about}</p><p class="advice">${words.say(`refusal.needs_another_reviewer.${barred}`)} ${words.say('review.barred', { decisions: words.say('review.pkce-exempt') })}</p>`;
  return html`<p>${about}</p><form method="post" action="/review/${id}/pkce">${proof(frame)}<input type="hidden" name="change_token" value="${changeToken}">
<div class="buttons"><button class="second" name="rule" value="${exempt ? 'required' : 'optional'}">${words.say(exempt ? 'review.pkce-require' : 'review.pkce-exempt')}</button></div></form>`;
}
