import type { ScopeCatalogue } from '#registry/model/scopes.ts';
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

/** Every scope of this server with its meaning, risk and rights, by group, in display order. */
export function scopeGroups(words: Words, catalogue: ScopeCatalogue): ScopeGroups {
  const scopeTexts = scopeWords(words, catalogue);
  const all = catalogue.allScopes();
  return [...new Set(all.map(({ group }) => group))].map((group) => ({
    label: scopeTexts.group(group),
    scopes: all
      .filter((scope) => scope.group === group)
      .map(({ name, risk, rights }) => ({
        name,
        description: scopeTexts.description(name),
        risk: risk === 'low' ? null : scopeTexts.risk(risk),
        rights,
      })),
  }));
}
