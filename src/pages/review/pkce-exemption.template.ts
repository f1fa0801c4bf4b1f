import { html } from 'hono/html';
import type { DependenceReason } from '#registry/model/involvement.ts';
import { csrfField } from '../components.ts';
import type { Frame, Html } from '../frame.ts';

/**
 * The exemption from PKCE of an app that can have one, as a reviewer decides on it after its
 * registration.
 */
export interface PkceExemptionView {
  readonly isExempt: boolean;
  /** Why this reviewer cannot give it; null: they can. Taking it back is anybody's who reviews. */
  readonly ineligibleBecause: DependenceReason | null;
}

/** Whether the app may leave PKCE out, and the button that changes it. */
export function pkceExemptionPart(
  frame: Frame,
  { id, etag }: { readonly id: string; readonly etag: string },
  { isExempt, ineligibleBecause }: PkceExemptionView,
): Html {
  const { words } = frame;
  const about = words.say(isExempt ? 'review.pkce-left-out' : 'review.pkce-needed');
  if (!isExempt && ineligibleBecause !== null)
    return html`<p>${about}</p><p class="advice">${words.say(`refusal.needs_another_reviewer.${ineligibleBecause}`)} ${words.say('review.barred', { decisions: words.say('review.pkce-exempt') })}</p>`;
  return html`<p>${about}</p><form method="post" action="/review/${id}/pkce">${csrfField(frame)}<input type="hidden" name="change_token" value="${etag}">
<div class="buttons"><button class="second" name="rule" value="${isExempt ? 'required' : 'optional'}">${words.say(isExempt ? 'review.pkce-require' : 'review.pkce-exempt')}</button></div></form>`;
}
