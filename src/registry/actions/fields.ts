import { accept, type Result, refuse } from '#kernel/result.ts';
import type { GrantType } from '../model/client.ts';
import type { FieldIssue, RedirectRules } from '../model/redirect-rules.ts';
import type { ScopeCatalogue } from '../model/scopes.ts';
import type { FieldRefusal, RegistryRefusal } from '../refusals.ts';

/** What fields are judged by, apart from themselves. */
export interface FieldRules extends RedirectRules {
  readonly catalogue: ScopeCatalogue;
  /** Grant types this server offers (registry 4.1). */
  readonly grantTypes: readonly GrantType[];
  /**
   * Names that an app of somebody else's must not be taken for: those of this server and its sites.
   */
  readonly reservedNames?: readonly string[];
}

/** Values as they came in: nothing is known of them. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * Judges one field; undefined: nothing is wrong. `all` has the other fields, which some rules
 * depend on.
 */
export type FieldValidator = (
  value: unknown,
  all: Values,
  rules: FieldRules,
) => FieldIssue | undefined;

/**
 * A field of an action, in the order it is checked. An optional one is judged only when it is
 * there.
 */
export interface Field {
  readonly name: string;
  readonly optional?: boolean | ((all: Values) => boolean);
  /** The text is not trimmed: it is judged as it came. */
  readonly isUntrimmed?: boolean;
  /** How the value is stored. */
  readonly normalize?: (value: string) => string;
  readonly validate: FieldValidator;
}

/**
 * Checks the fields in order; answers the values as they are stored: texts trimmed (registry 2.2).
 * A refusal is about the first field with a problem, and carries the others. `context` has what a
 * rule may need and the caller did not send.
 */
export function readFields(
  fields: readonly Field[],
  values: Values,
  rules: FieldRules,
  context: Values = {},
): Result<Values, RegistryRefusal> {
  const trimmed: Record<string, unknown> = {};
  for (const { name, isUntrimmed } of fields) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined)
      trimmed[name] = typeof value === 'string' && !isUntrimmed ? value.trim() : value;
  }
  const all = { ...context, ...trimmed };
  const problems: FieldRefusal[] = [];
  for (const { name, optional, validate } of fields) {
    const value = trimmed[name];
    const isOptional = typeof optional === 'function' ? optional(all) : optional === true;
    if (value === undefined || (value === null && !isOptional)) {
      if (!isOptional) problems.push({ kind: 'missing_field', field: name });
      continue;
    }
    const issue = validate(value, all, rules);
    if (issue && !(issue.ignorable && values.ignoreWarnings === true))
      problems.push({ kind: 'invalid_field', field: name, ...issue });
  }
  const [first, ...others] = problems;
  if (first) return refuse(others.length === 0 ? first : { ...first, others });
  for (const { name, normalize } of fields) {
    const value = trimmed[name];
    if (normalize && typeof value === 'string') trimmed[name] = normalize(value);
  }
  return accept(trimmed);
}
