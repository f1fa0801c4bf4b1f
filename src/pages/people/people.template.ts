import { html } from 'hono/html';
import type { Account } from '#accounts/account.ts';
import type { Stage } from '#registry/model/client.ts';
import { adminNav } from '../admin/admin.template.ts';
import { truncateText } from '../audit-table.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  formField,
  messageWithHtml,
  paginationLinks,
  timeElement,
} from '../components.ts';
import type { FormProblem } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { stageName } from '../refusal-texts.ts';
import type { Words } from '../words.ts';

export interface PeopleView {
  readonly searchText: string;
  readonly group: string;
  readonly blocked: 'yes' | 'no' | '';
  readonly groups: readonly string[];
  readonly total: number;
  readonly people: readonly Account[];
  readonly first: string | null;
  readonly next: string | null;
}

const option = (value: string, label: string, chosen: string): Html =>
  html`<option value="${value}"${value === chosen ? html` selected` : ''}>${label}</option>`;

const accountBadge = (words: Words, blocked: boolean): Html =>
  blocked
    ? html`<span class="badge bad">${words.say('admin.blocked')}</span>`
    : html`<span class="badge good">${words.say('admin.active')}</span>`;

/** Everybody with an account, searched. */
export function peoplePage(frame: Frame, view: PeopleView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('admin.people'),
    html`${adminNav(frame, '/admin/people')}
<form method="get" action="/admin/people" class="filters" role="search">
${formField({ name: 'text', label: words.say('admin.search'), value: view.searchText, maxLength: 255, autocomplete: 'off' })}
<div class="field"><label for="group">${words.say('admin.group')}</label><select id="group" name="group">${option('', words.say('admin.any'), view.group)}${view.groups.map((name) => option(name, name, view.group))}</select></div>
<div class="field"><label for="blocked">${words.say('admin.state')}</label><select id="blocked" name="blocked">${option('', words.say('admin.any'), view.blocked)}${option('no', words.say('admin.active'), view.blocked)}${option('yes', words.say('admin.blocked'), view.blocked)}</select></div>
<button class="second">${words.say('admin.find')}</button></form>
<p role="status">${words.say('admin.found', { count: view.total })}</p>
${
  view.people.length === 0
    ? ''
    : html`<table><caption>${words.say('admin.people')}</caption><thead><tr><th scope="col">${words.say('admin.name')}</th><th scope="col">${words.say('admin.email')}</th><th scope="col">${words.say('admin.groups')}</th><th scope="col">${words.say('admin.since')}</th><th scope="col">${words.say('admin.state')}</th></tr></thead>
<tbody>${view.people.map(
        (
          person,
        ) => html`<tr><th scope="row"><a href="/admin/people/${person.id}">${bidiIsolate(truncateText(person.name, 128))}</a></th>
<td data-label="${words.say('admin.email')}">${person.email === null ? words.say('review.nothing') : html`<bdi dir="ltr">${truncateText(person.email, 100)}</bdi>`}${person.email !== null && person.emailConfirmedAt === null ? html` <span class="quiet">(${words.say('admin.unconfirmed')})</span>` : ''}</td>
<td data-label="${words.say('admin.groups')}">${person.groups.length === 0 ? words.say('review.nothing') : words.formatList(person.groups)}</td>
<td data-label="${words.say('admin.since')}">${dateElement(words, person.createdAt)}</td>
<td data-label="${words.say('admin.state')}">${accountBadge(words, person.blocked)}</td></tr>`,
      )}</tbody></table>`
}
${paginationLinks(words, view)}`,
    { wide: true },
  );
}

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

/** One person: what they may do, what they have, and what can be done about them. */
export function personPage(frame: Frame, view: PersonView): Html {
  const { words, user } = frame;
  const { person } = view;
  const appHref = (id: string) => (user?.mayReview ? `/review/${id}` : `/apps/${id}`);
  return layout(
    frame,
    words.say('admin.person', { name: person.name }),
    html`${adminNav(frame, null)}
<section class="card"><h2>${words.say('admin.account')}</h2>${descriptionList([
      [words.say('admin.state'), accountBadge(words, person.blocked)],
      [words.say('admin.number'), String(person.id)],
      [
        words.say('admin.real-name'),
        person.realName === '' ? words.say('review.nothing') : bidiIsolate(person.realName),
      ],
      [
        words.say('admin.email'),
        person.email === null
          ? words.say('review.nothing')
          : html`<bdi dir="ltr">${person.email}</bdi> <span class="quiet">(${
              person.emailConfirmedAt === null
                ? words.say('admin.unconfirmed')
                : messageWithHtml(words, 'admin.confirmed', {
                    at: dateElement(words, person.emailConfirmedAt),
                  })
            })</span>`,
      ],
      [words.say('admin.since'), timeElement(words, person.createdAt)],
      [words.say('admin.consents'), words.formatNumber(view.consentCount)],
    ])}
${user?.mayReview ? html`<p><a href="/admin/audit?actor=${encodeURIComponent(person.name)}">${words.say('admin.did')}</a></p>` : ''}
${
  view.isSelf
    ? html`<p class="quiet">${words.say('admin.not-yourself')}</p>`
    : html`<form method="post" action="/admin/people/${person.id}/${person.blocked ? 'unblock' : 'block'}"${
        person.blocked
          ? ''
          : html` data-confirm="${words.say('admin.block-sure', { name: person.name })}"`
      }>${csrfField(frame)}
<p class="help">${words.say(person.blocked ? 'admin.unblock-help' : 'admin.block-help')}</p>
<div class="buttons"><button class="${person.blocked ? 'second' : 'danger'}" name="set" value="1">${words.say(person.blocked ? 'admin.unblock' : 'admin.block')}</button></div></form>`
}</section>
<section class="card"><h2>${words.say('admin.groups')}</h2>
<form method="post" action="/admin/people/${person.id}/groups">${csrfField(frame)}<input type="hidden" name="shown" value="${JSON.stringify(person.groups)}">
<fieldset id="groups" tabindex="-1"><legend>${words.say('admin.member-of')}</legend>${view.groups.map(
      ({ name, chosen, known }) =>
        html`<label class="choice"><input type="checkbox" name="group-${name}" value="1"${chosen ? html` checked` : ''}><span>${bidiIsolate(name)}${known ? '' : html` <span class="quiet">(${words.say('admin.group-gone')})</span>`}</span></label>`,
    )}</fieldset>
<div class="buttons"><button class="second" name="save" value="1">${words.say('admin.save-groups')}</button></div></form>
<details><summary>${words.say('admin.rights-count', { count: view.rights.length })}</summary><p><bdi dir="ltr"><code>${view.rights.join(', ')}</code></bdi></p></details></section>
<section class="card"><h2>${words.say('admin.apps')}</h2>${
      view.apps.length === 0
        ? html`<p class="quiet">${words.say('admin.no-apps')}</p>`
        : html`<ul>${view.apps.map(
            (app) =>
              html`<li><a href="${appHref(app.id)}">${bidiIsolate(truncateText(app.name, 128))}</a> <span class="badge">${stageName(words, app.stage)}</span>${
                app.isMaintainer
                  ? html` <span class="quiet">${words.say('admin.helps')}</span>`
                  : ''
              }</li>`,
          )}</ul>${view.hasMoreApps ? html`<p class="quiet">${words.say('review.more-apps')}</p>` : ''}`
    }</section>`,
    { problems: view.problems },
  );
}
