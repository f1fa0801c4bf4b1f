import { html } from 'hono/html';
import { bidiIsolate } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { adminNav } from './admin-nav.template.ts';

/** One group of the settings. */
export interface GroupView {
  readonly name: string;
  readonly rights: readonly string[];
  readonly implicit: boolean;
  /** People put into it; null: everybody is in it. */
  readonly people: number | null;
}

/** Groups and their rights, as the operator configured them. */
export function groupsPage(frame: Frame, groups: readonly GroupView[]): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('admin.groups'),
    html`${adminNav(frame, '/admin/groups')}<p>${words.say('admin.groups-about')}</p>
<table><caption>${words.say('admin.groups')}</caption><thead><tr><th scope="col">${words.say('admin.group')}</th><th scope="col">${words.say('admin.members')}</th><th scope="col">${words.say('admin.rights')}</th></tr></thead>
<tbody>${groups.map(
      ({ name, rights, people }) => html`<tr><th scope="row">${bidiIsolate(name)}</th>
<td data-label="${words.say('admin.members')}">${
        people === null
          ? words.say(name === '*' ? 'admin.everybody' : 'admin.everybody-signed-in')
          : html`<a href="/admin/people?group=${encodeURIComponent(name)}">${words.formatNumber(people)}</a>`
      }</td>
<td data-label="${words.say('admin.rights')}"><bdi dir="ltr">${rights.map((right, index) => html`${index === 0 ? '' : ', '}<code>${right}</code>`)}</bdi></td></tr>`,
    )}</tbody></table>`,
    { wide: true },
  );
}
