import { html } from 'hono/html';
import type { Frame, Html } from './frame.ts';
import { layout } from './layout.ts';
import type { ScopeGroups } from './scopes.ts';
import type { MessageKey, Words } from './words.ts';

/** A table of scopes for each group. */
export function scopeTables(words: Words, groups: ScopeGroups): readonly Html[] {
  const column = (key: MessageKey) => html`<th scope="col">${words.say(key)}</th>`;
  return groups.map(
    ({
      label,
      scopes,
    }) => html`<h2>${label}</h2><table><thead><tr>${column('admin.scope')}${column('admin.meaning')}${column('admin.rights')}</tr></thead>
<tbody>${scopes.map(
      ({ name, description, risk, rights }) => html`<tr><th scope="row"><code>${name}</code></th>
<td data-label="${words.say('admin.meaning')}">${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`}</td>
<td data-label="${words.say('admin.rights')}">${rights.length === 0 ? words.say('review.nothing') : html`<bdi dir="ltr"><code>${rights.join(', ')}</code></bdi>`}</td></tr>`,
    )}</tbody></table>`,
  );
}

/** Everything an app can ask a person for: for everybody. */
export function allScopesPage(frame: Frame, groups: ScopeGroups): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('scopes.title'),
    html`<p>${words.say('scopes.about')}</p>${scopeTables(words, groups)}`,
    { wide: true },
  );
}
