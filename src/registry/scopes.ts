import { z } from 'zod';

const text = z.string().min(1).max(512);
const file = z
  .strictObject({
    groups: z.record(text, text),
    risks: z.record(text, text),
    scopes: z.array(
      z.strictObject({
        name: z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/),
        description: text,
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
      const problem = (field: string, message: string) => addIssue({ code: 'custom', path: ['scopes', index, field], message });
      if (seen.has(name)) problem('name', `${name} is there twice`);
      if (!Object.hasOwn(groups, group)) problem('group', `the group ${group} has no label in "groups"`);
      if (!Object.hasOwn(risks, risk)) problem('risk', `the risk ${risk} has no label in "risks"`);
      seen.add(name);
    }
  });

/** A named bundle of rights a person can accept (reference: grant). */
export interface Scope {
  readonly name: string;
  /** Plain words for the consent page. */
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
  all(): readonly Scope[];
  /** The union of the rights of the scopes; unknown ones give none. */
  rightsOf(scopes: readonly string[]): ReadonlySet<string>;
  /** Scopes of the group `hidden`: part of every app's, never shown. */
  readonly hidden: readonly string[];
  readonly identityOnly: readonly string[];
  /** Hidden and identity-only: a person cannot untick them. */
  readonly irrevocable: readonly string[];
  groupLabel(group: string): string;
  riskLabel(risk: string): string;
}

/** Reads the catalogue from JSON of the form of `data/scopes.json`. Throws one error that names every problem. */
export function loadScopes(json: unknown): ScopeCatalogue {
  const parsed = file.safeParse(json);
  if (!parsed.success) throw new Error(`the scopes file does not fit:\n${z.prettifyError(parsed.error)}`);
  const { groups, risks, scopes } = parsed.data;
  const byName = new Map(scopes.map((scope) => [scope.name, scope]));
  const namesOf = (wanted: (scope: Scope) => boolean) => scopes.filter(wanted).map(({ name }) => name);
  const hidden = namesOf(({ group }) => group === 'hidden');
  const identityOnly = namesOf((scope) => scope.identityOnly);
  return {
    has: (name) => byName.has(name),
    get: (name) => byName.get(name),
    all: () => scopes,
    rightsOf: (names) => new Set(names.flatMap((name) => byName.get(name)?.rights ?? [])),
    hidden,
    identityOnly,
    irrevocable: [...hidden, ...identityOnly],
    groupLabel: (group) => groups[group] ?? group,
    riskLabel: (risk) => risks[risk] ?? risk,
  };
}

/** The scopes a client is registered with: an identity-only scope stands alone, all others come with the hidden ones. */
export function registeredScopes(asked: readonly string[], catalogue: ScopeCatalogue): readonly string[] {
  const identity = asked.filter((scope) => catalogue.identityOnly.includes(scope));
  return identity.length > 0 ? identity.slice(0, 1) : [...new Set([...catalogue.hidden, ...asked])];
}

/** The scopes a person could leave out: hidden and identity-only ones cannot be. */
export const revocable = (scopes: readonly string[], catalogue: ScopeCatalogue): readonly string[] =>
  [...new Set(scopes)].filter((scope) => !catalogue.irrevocable.includes(scope));
