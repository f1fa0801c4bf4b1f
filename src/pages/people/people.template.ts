import { html } from 'hono/html';
import type { Account } from '#accounts/account.ts';
import { adminNav } from '../admin/admin-nav.template.ts';
import {
  bidiIsolate,
  dateElement,
  formField,
  paginationLinks,
  truncateText,
} from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { accountBadge } from './account-badge.template.ts';

/** Everybody with an account, searched. */
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
