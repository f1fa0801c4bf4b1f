import { html } from 'hono/html';
import { bidiIsolate } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { scopeTables } from '../scopes.template.ts';
import type { ScopeGroups } from '../scopes.ts';
import type { MessageKey } from '../words.ts';
import { adminNav } from './admin-nav.template.ts';

/** Scopes and sites of the settings. */
export interface ScopesView {
  readonly groups: ScopeGroups;
  readonly sites: readonly {
    readonly id: string;
    readonly name: string;
    readonly origin: string | null;
  }[];
}

/** Scopes and sites, as the operator configured them. */
export function scopesPage(frame: Frame, { groups, sites }: ScopesView): Html {
  const { words } = frame;
  const column = (key: MessageKey) => html`<th scope="col">${words.say(key)}</th>`;
  return layout(
    frame,
    words.say('admin.scopes'),
    html`${adminNav(frame, '/admin/scopes')}<p>${words.say('admin.scopes-about')}</p>
${scopeTables(words, groups)}
<h2>${words.say('admin.sites')}</h2><table><thead><tr>${column('admin.site')}${column('admin.site-name')}${column('admin.origin')}</tr></thead>
<tbody>${sites.map(
      ({
        id,
        name,
        origin,
      }) => html`<tr><th scope="row"><code>${id}</code></th><td data-label="${words.say('admin.site-name')}">${bidiIsolate(name)}</td>
<td data-label="${words.say('admin.origin')}">${origin === null ? words.say('review.nothing') : html`<bdi dir="ltr"><code>${origin}</code></bdi>`}</td></tr>`,
    )}</tbody></table>`,
    { wide: true },
  );
}
