import { isRange } from '#encoding/address.ts';
import { asciiSpelling } from '#encoding/browser-uri.ts';
import { skeleton } from '#encoding/confusables.ts';
import { readAddress, tidyAddress } from '#encoding/email.ts';
import {
  lineProblem,
  nameProblem,
  paragraphsProblem,
  type TextProblem,
} from '#encoding/plain-text.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { hasSoundExponent, LEAST_RSA_BITS, rsaBits, rsaKeyKind } from '#keys/rsa.ts';
import { isVersion } from '../model/app-version.ts';
import { type GrantType, needsRedirectUri, type Protocol, protocols } from '../model/client.ts';
import { type Judged, type RedirectRules, redirectProblem } from '../model/redirect-rules.ts';
import type { ScopeCatalogue } from '../model/scopes.ts';
import type { FieldProblem, FieldRefusal, RegistryRefusal } from '../refusals.ts';

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
export type Judge = (value: unknown, all: Values, rules: FieldRules) => Judged | undefined;

/**
 * A field of an action, in the order it is checked. An optional one is judged only when it is
 * there.
 */
export interface Field {
  readonly name: string;
  readonly optional?: boolean | ((all: Values) => boolean);
  /** The text is not trimmed: it is judged as it came. */
  readonly exact?: boolean;
  /** How the value is stored. */
  readonly stored?: (value: string) => string;
  readonly judge: Judge;
}

/** Largest text the reference's tables hold, in bytes. */
export const MOST_TEXT = 65_534;
const bytes = (text: string) => Buffer.byteLength(text);
const wrong = (problem: FieldProblem): Judged => ({ problem, ignorable: false });

/**
 * Controls, line separators and characters that turn the direction of text: people read the name
 * and version on the consent page.
 */
const deceptive = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const textProblems = {
  unseen: { kind: 'deceptive-characters' },
  'stacked-marks': { kind: 'stacked-marks' },
  'encoded-word': { kind: 'encoded-word' },
  'mixed-scripts': { kind: 'mixed-scripts' },
} as const satisfies Record<TextProblem, FieldProblem>;
const told = (problem: TextProblem | undefined): Judged | undefined =>
  problem && wrong(textProblems[problem]);

const text =
  (judge: (value: string, all: Values, rules: FieldRules) => Judged | undefined): Judge =>
  (value, all, rules) =>
    typeof value === 'string'
      ? judge(value, all, rules)
      : wrong({ kind: 'not-this-type', wanted: 'text' });

const atMost = (value: string, most: number): Judged | undefined =>
  bytes(value) > most ? wrong({ kind: 'too-long', most }) : undefined;

const list =
  (
    judge: (value: readonly string[], all: Values, rules: FieldRules) => Judged | undefined,
  ): Judge =>
  (value, all, rules) => {
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
      return wrong({ kind: 'not-this-type', wanted: 'list of texts' });
    if (bytes(JSON.stringify(value)) > MOST_TEXT)
      return wrong({ kind: 'too-long', most: MOST_TEXT });
    return judge(value, all, rules);
  };

export const oneOf =
  (values: readonly string[]): Judge =>
  (value) =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : wrong({ kind: 'not-one-of', values });

export const flag: Judge = (value) =>
  typeof value === 'boolean'
    ? undefined
    : wrong({ kind: 'not-this-type', wanted: 'true or false' });

export const matching = (pattern: RegExp, problem: FieldProblem): Judge =>
  text((value) => (pattern.test(value) ? undefined : wrong(problem)));

export const wholeNumber: Judge = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0
    ? undefined
    : wrong({ kind: 'not-this-type', wanted: 'number' });

/** A line for people, not only blanks. */
export const line = (most: number): Judge =>
  text((value) => {
    if (value === '') return wrong({ kind: 'empty' });
    return atMost(value, most) ?? told(lineProblem(value));
  });

/**
 * A name people know something by: it looks like what it is, and like nothing that is reserved (UTS
 * #39).
 */
const name =
  (most: number): Judge =>
  (value, all, rules) => {
    const problem = line(most)(value, all, rules) ?? told(nameProblem(value as string));
    if (problem) return problem;
    const looks = skeleton(value as string);
    return looks !== '' && rules.reservedNames?.some((reserved) => skeleton(reserved) === looks)
      ? wrong({ kind: 'reserved-name' })
      : undefined;
  };

/** Why, in the actor's words; may be empty. One line of at most 255 characters (registry 3.2). */
export const reason = text((value) =>
  [...value].length > 255 ? wrong({ kind: 'too-long', most: 255 }) : told(lineProblem(value)),
);

const isOAuth1 = (all: Values) => all.protocol === ('oauth1' satisfies Protocol);
/**
 * Whether an app of these values needs a redirect URI; it does as long as its grant types are not
 * known.
 */
const isSentBackTo = (all: Values) =>
  needsRedirectUri({
    protocol: isOAuth1(all) ? 'oauth1' : 'oauth2',
    ownerOnly: all.ownerOnly === true,
    grantTypes: Array.isArray(all.grantTypes)
      ? (all.grantTypes as readonly GrantType[])
      : ['authorization_code'],
  });
const isConfidential = (all: Values) => isOAuth1(all) || all.confidential !== false;

export const judges = {
  name: name(128),
  version: text((value) => {
    if (bytes(value) > 32) return wrong({ kind: 'too-long', most: 32 });
    return deceptive.test(value) || !isVersion(value)
      ? wrong({ kind: 'not-a-version' })
      : undefined;
  }),
  redirectUri: text((value, all, rules) => {
    if (all.ownerOnly === true) return atMost(value, 2000);
    if (value === '' && !isSentBackTo(all)) return undefined;
    const client = {
      protocol: isOAuth1(all) ? 'oauth1' : 'oauth2',
      confidential: isConfidential(all),
      redirectIsPrefix: all.redirectIsPrefix === true,
    } as const;
    return redirectProblem(value, client, rules);
  }),
  redirectIsPrefix: (value, all, rules) =>
    flag(value, all, rules) ??
    (value === true && !isOAuth1(all) ? wrong({ kind: 'not-for-this-kind-of-app' }) : undefined),
  description: text((value) => atMost(value, MOST_TEXT) ?? told(paragraphsProblem(value))),
  email: text((value) =>
    readAddress(value) === undefined ? wrong({ kind: 'not-an-address' }) : undefined,
  ),
  protocol: oneOf(protocols),
  site: text((value, _all, { sites }) =>
    sites.resolve(value) === undefined ? wrong({ kind: 'not-a-site' }) : undefined,
  ),
  scopes: list((value, _all, { catalogue }) => {
    const unknown = value.filter((scope) => !catalogue.has(scope));
    if (unknown.length > 0) return wrong({ kind: 'unknown-scopes', scopes: [...new Set(unknown)] });
    // The hidden ones come with every app; what only tells who somebody is excludes all else.
    const identity = [...new Set(value.filter((scope) => catalogue.identityOnly.includes(scope)))];
    const others = value.some((scope) => !catalogue.irrevocable.includes(scope));
    return identity.length > 1 || (identity.length === 1 && others)
      ? wrong({ kind: 'identity-scope-not-alone', scopes: identity })
      : undefined;
  }),
  optionalScopes: list((value, all) => {
    const scopes = new Set(Array.isArray(all.scopes) ? (all.scopes as readonly unknown[]) : []);
    const strange = value.filter((scope) => !scopes.has(scope));
    return strange.length > 0
      ? wrong({ kind: 'unknown-scopes', scopes: [...new Set(strange)] })
      : undefined;
  }),
  rsaPublicKey: (value, all) => {
    if (value === null || value === '') return undefined;
    if (typeof value !== 'string') return wrong({ kind: 'not-this-type', wanted: 'text' });
    if (bytes(value) > MOST_TEXT) return wrong({ kind: 'too-long', most: MOST_TEXT });
    if (!isOAuth1(all)) return wrong({ kind: 'not-for-this-kind-of-app' });
    const kind = rsaKeyKind(value);
    if (kind === 'none') return wrong({ kind: 'not-a-key' });
    if (kind === 'other') return wrong({ kind: 'not-an-rsa-key' });
    if (!hasSoundExponent(value)) return wrong({ kind: 'not-a-key' });
    return rsaBits(value) < LEAST_RSA_BITS
      ? wrong({ kind: 'key-too-short', bits: LEAST_RSA_BITS })
      : undefined;
  },
  restrictions: (value) => {
    const { addresses, pages } = (typeof value === 'object' && value !== null ? value : {}) as {
      addresses?: unknown;
      pages?: unknown;
    };
    const texts = (given: unknown) =>
      Array.isArray(given) && given.every((item) => typeof item === 'string');
    if (!texts(addresses) || (pages !== undefined && !texts(pages)))
      return wrong({ kind: 'not-this-type', wanted: 'addresses and pages' });
    if (bytes(JSON.stringify(value)) > MOST_TEXT)
      return wrong({ kind: 'too-long', most: MOST_TEXT });
    const ranges = addresses as readonly string[];
    const bad = ranges.find((entry) => !isRange(entry));
    if (bad !== undefined) return wrong({ kind: 'not-a-range', entry: bad.slice(0, 64) });
    return ((pages ?? []) as readonly string[]).length > 25
      ? wrong({ kind: 'too-long', most: 25 })
      : undefined;
  },
  grantTypes: list((value, all, rules) => {
    if (isOAuth1(all)) return undefined;
    if (value.length === 0) return wrong({ kind: 'empty' });
    if (value.some((type) => !rules.grantTypes.some((known) => known === type)))
      return wrong({ kind: 'not-one-of', values: rules.grantTypes });
    // Before anything is stored: the one credential of an owner-only app is of this kind (registry
    // 3.9).
    if (all.ownerOnly === true && (new Set(value).size !== 1 || value[0] !== 'client_credentials'))
      return wrong({ kind: 'owner-only-grant-types' });
    return !isConfidential(all) && value.includes('client_credentials')
      ? wrong({ kind: 'needs-a-secret' })
      : undefined;
  }),
  confidential: (value, all, rules) => {
    const problem = flag(value, all, rules);
    if (problem || value === true) return problem;
    if (isOAuth1(all)) return wrong({ kind: 'not-for-this-kind-of-app' });
    return all.ownerOnly === true ? wrong({ kind: 'needs-a-secret' }) : undefined;
  },
  pkceOptional: (value, all, rules) => {
    const problem = flag(value, all, rules);
    if (problem || value === false) return problem;
    if (isOAuth1(all)) return wrong({ kind: 'not-for-this-kind-of-app' });
    return isConfidential(all) ? undefined : wrong({ kind: 'needs-pkce' });
  },
  tokenAlgorithm: oneOf(['ES256', 'RS256']),
  termsAccepted: (value) => (value === true ? undefined : wrong({ kind: 'not-agreed' })),
} as const satisfies Record<string, Judge>;

/**
 * As a redirect URI is kept: a host in Unicode in A-labels, which is what goes over the wire and
 * can be read back (browser-uri.ts).
 */
export const storedUri = (uri: string): string => asciiSpelling(uri) ?? uri;

const named = (name: keyof typeof judges, optional: Field['optional'] = false): Field => ({
  name,
  optional,
  judge: judges[name],
  ...(name === 'redirectUri'
    ? { exact: true, stored: storedUri }
    : name === 'email'
      ? { stored: tidyAddress }
      : {}),
});

/**
 * The fields of a proposal in the order of the reference (registry 3.2), then those it has no word
 * for.
 */
export const proposalFields: readonly Field[] = [
  named('name'),
  named('version'),
  named('redirectUri', (all) => !isSentBackTo(all)),
  named('description'),
  named('email'),
  named('protocol'),
  named('site'),
  named('scopes'),
  named('rsaPublicKey', true),
  named('restrictions', true),
  named('grantTypes'),
  named('termsAccepted'),
  { name: 'ownerOnly', optional: true, judge: flag },
  named('redirectIsPrefix', true),
  named('confidential', true),
  named('pkceOptional', true),
  named('tokenAlgorithm', true),
  named('optionalScopes', true),
];

/** Fields that a revision may change, each optional. */
export const revisionFields: readonly Field[] = (
  [
    'name',
    'redirectUri',
    'description',
    'site',
    'scopes',
    'redirectIsPrefix',
    'optionalScopes',
  ] as const
).map((name) => named(name, true));

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
  const tidy: Record<string, unknown> = {};
  for (const { name, exact } of fields) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined)
      tidy[name] = typeof value === 'string' && !exact ? value.trim() : value;
  }
  const all = { ...context, ...tidy };
  const problems: FieldRefusal[] = [];
  for (const { name, optional, judge } of fields) {
    const value = tidy[name];
    const mayMiss = typeof optional === 'function' ? optional(all) : optional === true;
    if (value === undefined || (value === null && !mayMiss)) {
      if (!mayMiss) problems.push({ kind: 'missing_field', field: name });
      continue;
    }
    const judged = judge(value, all, rules);
    if (judged && !(judged.ignorable && values.ignoreWarnings === true))
      problems.push({ kind: 'invalid_field', field: name, ...judged });
  }
  const [first, ...others] = problems;
  if (first) return refuse(others.length === 0 ? first : { ...first, others });
  for (const { name, stored } of fields) {
    const value = tidy[name];
    if (stored && typeof value === 'string') tidy[name] = stored(value);
  }
  return accept(tidy);
}
