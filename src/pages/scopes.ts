import { html } from 'hono/html';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Frame, Html } from './frame.ts';
import { layout } from './layout.ts';
import { catalogues, type MessageKey, type Words } from './words.ts';

/** The words of scopes in a reader's language. */
export interface ScopeWords {
  description(scope: string): string;
  group(group: string): string;
  risk(risk: string): string;
}

/**
 * A text of the built-in catalogue is said in the reader's language; one of the operator's own, as
 * they wrote it.
 */
const localizedText = (words: Words, key: string, fallback: string): string =>
  (catalogues.en as Readonly<Record<string, string>>)[key] === fallback
    ? words.say(key as MessageKey)
    : fallback;

export const scopeWords = (
  words: Words,
  catalogue: Pick<ScopeCatalogue, 'get' | 'groupLabel' | 'riskLabel' | 'translated'>,
): ScopeWords => ({
  description: (scope) =>
    catalogue.translated('scope', scope, words.language) ??
    localizedText(words, `scope.${scope}`, catalogue.get(scope)?.description ?? scope),
  group: (group) =>
    catalogue.translated('group', group, words.language) ??
    localizedText(words, `scope-group.${group}`, catalogue.groupLabel(group)),
  risk: (risk) =>
    catalogue.translated('risk', risk, words.language) ??
    localizedText(words, `scope-risk.${risk}`, catalogue.riskLabel(risk)),
});

/** Scopes with what they mean, by group, in display order. */
export type ScopeGroups = readonly {
  readonly label: string;
  readonly scopes: readonly {
    readonly name: string;
    readonly description: string;
    readonly risk: string | null;
    readonly rights: readonly string[];
  }[];
}[];

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
