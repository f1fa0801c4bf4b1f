import type { ScopeCatalogue } from '#registry/scopes.ts';
import { catalogues, type MessageKey, type Words } from './words.ts';

/** The words of scopes in a reader's language. */
export interface ScopeWords {
  description(scope: string): string;
  group(group: string): string;
  risk(risk: string): string;
}

/** A text of the built-in catalogue is said in the reader's language; one of the operator's own, as they wrote it. */
const said = (words: Words, key: string, own: string): string =>
  (catalogues.en as Readonly<Record<string, string>>)[key] === own ? words.say(key as MessageKey) : own;

export const scopeWords = (words: Words, catalogue: Pick<ScopeCatalogue, 'get' | 'groupLabel' | 'riskLabel'>): ScopeWords => ({
  description: (scope) => said(words, `scope.${scope}`, catalogue.get(scope)?.description ?? scope),
  group: (group) => said(words, `scope-group.${group}`, catalogue.groupLabel(group)),
  risk: (risk) => said(words, `scope-risk.${risk}`, catalogue.riskLabel(risk)),
});
