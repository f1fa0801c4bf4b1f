import { html } from 'hono/html';
import { type Frame, type Html, layout } from './layout.ts';

/** One scope in plain words. */
export interface ScopeLine {
  readonly description: string;
  /** Shown when it is not low. */
  readonly risk: string | null;
}

export interface ScopeGroup {
  readonly label: string;
  readonly scopes: readonly ScopeLine[];
}

/** What the consent page shows, for either protocol. */
export interface ConsentView {
  readonly appName: string;
  readonly appDescription: string;
  readonly ownerName: string;
  /** Null: every site. */
  readonly site: string | null;
  /** What is new to this person. */
  readonly groups: readonly ScopeGroup[];
  /** What they allowed this app before. */
  readonly allowedBefore: readonly ScopeGroup[];
  readonly userName: string;
  readonly returnsTo: string | null;
  readonly proposed: boolean;
  readonly csrf: string;
  readonly popup: boolean;
}

const groupPart = ({ label, scopes }: ScopeGroup) =>
  html`<h2>${label}</h2><ul>${scopes.map(
    ({ description, risk }) => html`<li>${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`}</li>`,
  )}</ul>`;

/**
 * Asks for a person's decision. The form holds the decision and the proof that it is ours; what was asked is stored, so it cannot differ
 * from what is shown. Buttons are named `accept` and `cancel`: tools script this form.
 */
export function consentPage(frame: Frame, view: ConsentView): Html {
  const { appName, groups, allowedBefore } = view;
  return layout(
    frame,
    `Allow ${appName}?`,
    html`<p><strong><bdi>${appName}</bdi></strong>, by <bdi>${view.ownerName}</bdi>, wants to act for you, <bdi>${view.userName}</bdi>, on
${view.site === null ? 'every site' : html`<strong>${view.site}</strong>`}.</p>
${view.proposed ? html`<p class="problem">This app has not been reviewed yet. Only you, its owner, can use it.</p>` : ''}
${view.appDescription === '' ? '' : html`<p class="quiet">${view.appDescription}</p>`}
<section class="card" aria-label="What it may do">
${
  groups.length > 0
    ? html`<p>${allowedBefore.length > 0 ? 'New: it will also be able to:' : 'It will be able to:'}</p>${groups.map(groupPart)}`
    : allowedBefore.length > 0
      ? html`<p>It asks for nothing new.</p>`
      : html`<p>It will know who you are, and may do nothing else.</p>`
}
${allowedBefore.length > 0 ? html`<p>You allowed before:</p>${allowedBefore.map(groupPart)}` : ''}
</section>
${view.returnsTo === null ? '' : html`<p class="quiet">Afterwards you go back to <bdi>${view.returnsTo}</bdi>. You can end this at any time under "Apps I allowed".</p>`}
<form method="post" id="mw-mwoauth-authorize-form">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="buttons">
<button type="submit" name="accept" value="1">Allow</button>
<button type="submit" name="cancel" value="1" class="second">Do not allow</button>
</div>
</form>`,
    view.popup,
  );
}
