import { html } from 'hono/html';
import type { Account } from '#accounts/account.ts';
import type { Stage } from '#registry/model/client.ts';
import { adminNav } from '../admin/admin-nav.template.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  messageWithHtml,
  timeElement,
  truncateText,
} from '../components.ts';
import type { FormProblem } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { stageName } from '../refusal-texts.ts';
import type { Words } from '../words.ts';
import { accountBadge } from './account-badge.template.ts';

/** One person, as administrators see them. */
export interface PersonView {
  readonly person: Account;
  /** Groups that people can be put into. */
  readonly groups: readonly {
    readonly name: string;
    readonly chosen: boolean;
    readonly known: boolean;
  }[];
  readonly rights: readonly string[];
  readonly apps: readonly {
    readonly id: string;
    readonly name: string;
    readonly stage: Stage;
    /** They help to look after it. */
    readonly isMaintainer: boolean;
  }[];
  readonly hasMoreApps: boolean;
  readonly consentCount: number;
  /** The administrator themself. */
  readonly isSelf: boolean;
  readonly problems: readonly FormProblem[];
}

function accountSection(frame: Frame, { person, consentCount, isSelf }: PersonView): Html {
  const { words, user } = frame;
  return html`<section class="card"><h2>${words.say('admin.account')}</h2>${descriptionList([
    [words.say('admin.state'), accountBadge(words, person.blocked)],
    [words.say('admin.number'), String(person.id)],
    [
      words.say('admin.real-name'),
      person.realName === '' ? words.say('review.nothing') : bidiIsolate(person.realName),
    ],
    [words.say('admin.email'), emailDetails(words, person)],
    [words.say('admin.since'), timeElement(words, person.createdAt)],
    [words.say('admin.consents'), words.formatNumber(consentCount)],
  ])}
${user?.mayReview ? html`<p><a href="/admin/audit?actor=${encodeURIComponent(person.name)}">${words.say('admin.did')}</a></p>` : ''}
${isSelf ? html`<p class="quiet">${words.say('admin.not-yourself')}</p>` : blockForm(frame, person)}</section>`;
}

function emailDetails(words: Words, { email, emailConfirmedAt }: Account): Html | string {
  if (email === null) return words.say('review.nothing');
  const state =
    emailConfirmedAt === null
      ? words.say('admin.unconfirmed')
      : messageWithHtml(words, 'admin.confirmed', { at: dateElement(words, emailConfirmedAt) });
  return html`<bdi dir="ltr">${email}</bdi> <span class="quiet">(${state})</span>`;
}

function blockForm(frame: Frame, { id, name, blocked }: Account): Html {
  const { words } = frame;
  const confirmation = html` data-confirm="${words.say('admin.block-sure', { name })}"`;
  return html`<form method="post" action="/admin/people/${id}/${blocked ? 'unblock' : 'block'}"${blocked ? '' : confirmation}>${csrfField(frame)}
<p class="help">${words.say(blocked ? 'admin.unblock-help' : 'admin.block-help')}</p>
<div class="buttons"><button class="${blocked ? 'second' : 'danger'}" name="set" value="1">${words.say(blocked ? 'admin.unblock' : 'admin.block')}</button></div></form>`;
}

function groupsSection(frame: Frame, { person, groups, rights }: PersonView): Html {
  const { words } = frame;
  return html`<section class="card"><h2>${words.say('admin.groups')}</h2>
<form method="post" action="/admin/people/${person.id}/groups">${csrfField(frame)}<input type="hidden" name="shown" value="${JSON.stringify(person.groups)}">
<fieldset id="groups" tabindex="-1"><legend>${words.say('admin.member-of')}</legend>${groups.map(
    ({ name, chosen, known }) =>
      html`<label class="choice"><input type="checkbox" name="group-${name}" value="1"${chosen ? html` checked` : ''}><span>${bidiIsolate(name)}${known ? '' : html` <span class="quiet">(${words.say('admin.group-gone')})</span>`}</span></label>`,
  )}</fieldset>
<div class="buttons"><button class="second" name="save" value="1">${words.say('admin.save-groups')}</button></div></form>
<details><summary>${words.say('admin.rights-count', { count: rights.length })}</summary><p><bdi dir="ltr"><code>${rights.join(', ')}</code></bdi></p></details></section>`;
}

function appsSection({ words, user }: Frame, { apps, hasMoreApps }: PersonView): Html {
  const appHref = (id: string) => (user?.mayReview ? `/review/${id}` : `/apps/${id}`);
  const appItem = ({ id, name, stage, isMaintainer }: PersonView['apps'][number]) =>
    html`<li><a href="${appHref(id)}">${bidiIsolate(truncateText(name, 128))}</a> <span class="badge">${stageName(words, stage)}</span>${
      isMaintainer ? html` <span class="quiet">${words.say('admin.helps')}</span>` : ''
    }</li>`;
  const list =
    apps.length === 0
      ? html`<p class="quiet">${words.say('admin.no-apps')}</p>`
      : html`<ul>${apps.map(appItem)}</ul>${hasMoreApps ? html`<p class="quiet">${words.say('review.more-apps')}</p>` : ''}`;
  return html`<section class="card"><h2>${words.say('admin.apps')}</h2>${list}</section>`;
}

/** One person: what they may do, what they have, and what can be done about them. */
export function personPage(frame: Frame, view: PersonView): Html {
  return layout(
    frame,
    frame.words.say('admin.person', { name: view.person.name }),
    html`${adminNav(frame, null)}
${accountSection(frame, view)}
${groupsSection(frame, view)}
${appsSection(frame, view)}`,
    { problems: view.problems },
  );
}
