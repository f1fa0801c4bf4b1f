import * as z from 'zod';

const text = z.string().min(1).max(512);
/** Texts by language, English among them: it is what readers of other languages see. */
const texts = z
  .record(z.string().regex(/^[a-z]{2,3}$/), text)
  .refine((by) => Object.hasOwn(by, 'en'));
type Label = string | Readonly<Record<string, string>>;
const labelSchema = z.custom<Label>(
  (given) => text.safeParse(given).success || texts.safeParse(given).success,
  'must be a text of 1 to 512 characters, or such texts by language with an English one, as in {"en": "…", "de": "…"}',
);
const fileSchema = z
  .strictObject({
    groups: z.record(text, labelSchema),
    risks: z.record(text, labelSchema),
    scopes: z.array(
      z.strictObject({
        name: z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/),
        description: labelSchema,
        group: text,
        risk: text,
        rights: z.array(text),
        identityOnly: z.boolean().default(false),
      }),
    ),
  })
  .superRefine(({ groups, risks, scopes }, { addIssue }) => {
    const seen = new Set<string>();
    for (const [index, { name, group, risk }] of scopes.entries()) {
      const problem = (field: string, message: string) =>
        addIssue({ code: 'custom', path: ['scopes', index, field], message });
      if (seen.has(name)) problem('name', `${name} is there twice`);
      if (!Object.hasOwn(groups, group))
        problem('group', `the group ${group} has no label in "groups"`);
      if (!Object.hasOwn(risks, risk)) problem('risk', `the risk ${risk} has no label in "risks"`);
      seen.add(name);
    }
  });

/** A named bundle of rights a person can accept (reference: grant). */
export interface Scope {
  readonly name: string;
  /** Plain words for the consent page, in English where the operator gave several languages. */
  readonly description: string;
  readonly group: string;
  readonly risk: string;
  readonly rights: readonly string[];
  /** Says who somebody is and gives no rights. */
  readonly identityOnly: boolean;
}

/** All scopes of this server, in display order. */
export interface ScopeCatalogue {
  has(name: string): boolean;
  get(name: string): Scope | undefined;
  allScopes(): readonly Scope[];
  /** The union of the rights of the scopes; unknown ones give none. */
  rightsOf(scopes: readonly string[]): ReadonlySet<string>;
  /** Scopes of the group `hidden`: part of every app's, never shown. */
  readonly hidden: readonly string[];
  readonly identityOnly: readonly string[];
  /** Hidden and identity-only: a person cannot untick them. */
  readonly irrevocable: readonly string[];
  groupLabel(group: string): string;
  riskLabel(risk: string): string;
  /**
   * What the operator wrote for readers of a language (`de`); undefined: the text is one for all of
   * them.
   */
  translated(kind: 'scope' | 'group' | 'risk', name: string, language: string): string | undefined;
}

const englishText = (text: Label): string =>
  typeof text === 'string' ? text : (text.en as string);
/** The labels that are more than one text, by name. */
const translations = (
  labels: Iterable<readonly [name: string, label: Label]>,
): ReadonlyMap<string, Readonly<Record<string, string>>> =>
  new Map(
    [...labels].flatMap(([name, text]) =>
      typeof text === 'string' ? [] : [[name, text] as const],
    ),
  );

/**
 * Reads the catalogue from JSON of the form of `data/scopes.json`. Throws one error that names
 * every problem.
 */
export function loadScopes(json: unknown): ScopeCatalogue {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success)
    throw new Error(`the scopes file does not fit:\n${z.prettifyError(parsed.error)}`);
  const { groups, risks } = parsed.data;
  const scopes = parsed.data.scopes.map(
    (scope): Scope => ({ ...scope, description: englishText(scope.description) }),
  );
  const inLanguages = {
    scope: translations(parsed.data.scopes.map(({ name, description }) => [name, description])),
    group: translations(Object.entries(groups)),
    risk: translations(Object.entries(risks)),
  };
  const byName = new Map(scopes.map((scope) => [scope.name, scope]));
  const namesOf = (wanted: (scope: Scope) => boolean) =>
    scopes.filter(wanted).map(({ name }) => name);
  const hidden = namesOf(({ group }) => group === 'hidden');
  const identityOnly = namesOf((scope) => scope.identityOnly);
  return {
    has: (name) => byName.has(name),
    get: (name) => byName.get(name),
    allScopes: () => scopes,
    rightsOf: (names) => new Set(names.flatMap((name) => byName.get(name)?.rights ?? [])),
    hidden,
    identityOnly,
    irrevocable: [...hidden, ...identityOnly],
    groupLabel: (group) => englishText(groups[group] ?? group),
    riskLabel: (risk) => englishText(risks[risk] ?? risk),
    translated(kind, name, language) {
      const by = inLanguages[kind].get(name);
      return by && Object.hasOwn(by, language) ? by[language] : by?.en;
    },
  };
}

/**
 * The scopes a client is registered with: an identity-only scope stands alone, all others come with
 * the hidden ones.
 */
export function registeredScopes(
  requested: readonly string[],
  catalogue: ScopeCatalogue,
): readonly string[] {
  const identity = requested.filter((scope) => catalogue.identityOnly.includes(scope));
  return identity.length > 0
    ? identity.slice(0, 1)
    : [...new Set([...catalogue.hidden, ...requested])];
}

/** The scopes a person could leave out: hidden and identity-only ones cannot be. */
export const revocableScopes = (
  scopes: readonly string[],
  catalogue: ScopeCatalogue,
): readonly string[] =>
  [...new Set(scopes)].filter((scope) => !catalogue.irrevocable.includes(scope));
