import { html } from 'hono/html';
import type { Stage } from '#registry/model/client.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  formField,
  messageWithHtml,
  truncateText,
} from '../components.ts';
import { problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { stageName } from '../refusal-texts.ts';
import type { DecisionView } from './decision.template.ts';

/** What is known of the person behind an app. */
export interface OwnerView {
  readonly name: string;
  /** Address of their page, for those who look after people. */
  readonly href: string | null;
  readonly accountCreatedAt: number;
  readonly accountAgeDays: number;
  readonly blocked: boolean;
  readonly apps: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly stage: Stage;
  }[];
  /** There are more of them than are shown. */
  readonly hasMoreApps: boolean;
}

/** The person behind an app, and the offer of the app to somebody else. */
export interface OwnerPartView extends Pick<DecisionView, 'id' | 'blockedDecisions' | 'problems'> {
  /** The app is the reviewer's own. */
  readonly isOwnApp: boolean;
  /** `gone`: the account is no longer there; null: hidden. */
  readonly owner: OwnerView | 'gone' | null;
  /** Somebody else may be offered the app: its owner cannot look after it. */
  readonly canOffer: boolean;
  readonly offeredTo: string | null;
}

/** Who is behind the app, what else they have, and the form that offers it to somebody else. */
export function ownerPart(
  frame: Frame,
  { id, owner, canOffer, offeredTo, isOwnApp, blockedDecisions, problems }: OwnerPartView,
): Html {
  const { words } = frame;
  const offerSection = html`${offeredTo === null ? '' : html`<p>${messageWithHtml(words, 'review.offered', { name: bidiIsolate(offeredTo) })}</p>`}
${
  canOffer
    ? html`<form method="post" action="/review/${id}/offer">${csrfField(frame)}
${formField({ name: 'name', label: words.say('review.offer-to'), help: words.say('review.offer-help'), problem: problemAt(problems, 'name'), required: true, maxLength: 255 })}
<div class="buttons"><button class="second" name="offer" value="1">${words.say('review.offer')}</button></div></form>`
    : ''
}`;
  if (owner === null) return html`<p class="quiet">${words.say('frame.hidden-field')}</p>`;
  if (owner === 'gone')
    return html`<p class="advice">${words.say('review.owner-gone')}</p>${offerSection}`;
  const name =
    owner.href === null
      ? bidiIsolate(owner.name)
      : html`<a href="${owner.href}">${bidiIsolate(owner.name)}</a>`;
  return html`${isOwnApp && blockedDecisions.length === 0 ? html`<p class="advice">${words.say('review.own')}</p>` : ''}
${owner.blocked ? html`<p class="problem">${words.say('review.owner-blocked')}</p>` : ''}
${descriptionList([
  [words.say('review.owner'), name],
  [
    words.say('review.account-since'),
    html`${dateElement(words, owner.accountCreatedAt)} <span class="quiet">(${words.say('review.days', { days: owner.accountAgeDays })})</span>`,
  ],
])}
<h3>${words.say('review.other-apps')}</h3>
${
  owner.apps.length === 0
    ? html`<p class="quiet">${words.say('review.no-other-apps')}</p>`
    : html`<ul>${owner.apps.map(
        (app) =>
          html`<li><a href="/review/${app.id}">${bidiIsolate(truncateText(app.name, 80))}</a> <span class="quiet">${bidiIsolate(app.version)}</span> <span class="badge">${stageName(words, app.stage)}</span></li>`,
      )}</ul>${owner.hasMoreApps ? html`<p class="quiet">${words.say('review.more-apps')}</p>` : ''}`
}${offerSection}`;
}
