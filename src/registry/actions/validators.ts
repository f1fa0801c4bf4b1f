import { isIpRange } from '#encoding/address.ts';
import { confusableSkeleton } from '#encoding/confusables.ts';
import { parseEmail } from '#encoding/email.ts';
import {
  findLineProblem,
  findNameProblem,
  findParagraphProblem,
  type TextProblem,
} from '#encoding/plain-text.ts';
import { hasSoundExponent, MIN_RSA_BITS, rsaKeyKind, rsaKeyLength } from '#keys/rsa.ts';
import { isVersion } from '../model/app-version.ts';
import { type GrantType, needsRedirectUri, type Protocol, protocols } from '../model/client.ts';
import { type FieldIssue, redirectProblem } from '../model/redirect-rules.ts';
import type { FieldProblem } from '../refusals.ts';
import type { FieldRules, FieldValidator, Values } from './fields.ts';

/** Largest text the reference's tables hold, in bytes. */
export const MAX_TEXT_BYTES = 65_534;
const bytes = (text: string) => Buffer.byteLength(text);
const invalidValue = (problem: FieldProblem): FieldIssue => ({ problem, ignorable: false });

const textProblems = {
  unseen: { kind: 'deceptive-characters' },
  'stacked-marks': { kind: 'stacked-marks' },
  'encoded-word': { kind: 'encoded-word' },
  'mixed-scripts': { kind: 'mixed-scripts' },
} as const satisfies Record<TextProblem, FieldProblem>;
const textIssue = (problem: TextProblem | undefined): FieldIssue | undefined =>
  problem && invalidValue(textProblems[problem]);

const textValidator =
  (
    validate: (value: string, all: Values, rules: FieldRules) => FieldIssue | undefined,
  ): FieldValidator =>
  (value, all, rules) =>
    typeof value === 'string'
      ? validate(value, all, rules)
      : invalidValue({ kind: 'not-this-type', wanted: 'text' });

const atMostBytes = (value: string, most: number): FieldIssue | undefined =>
  bytes(value) > most ? invalidValue({ kind: 'too-long', most }) : undefined;

const listValidator =
  (
    validate: (value: readonly string[], all: Values, rules: FieldRules) => FieldIssue | undefined,
  ): FieldValidator =>
  (value, all, rules) => {
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
      return invalidValue({ kind: 'not-this-type', wanted: 'list of texts' });
    if (bytes(JSON.stringify(value)) > MAX_TEXT_BYTES)
      return invalidValue({ kind: 'too-long', most: MAX_TEXT_BYTES });
    return validate(value, all, rules);
  };

export const oneOf =
  (values: readonly string[]): FieldValidator =>
  (value) =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : invalidValue({ kind: 'not-one-of', values });

export const booleanValue: FieldValidator = (value) =>
  typeof value === 'boolean'
    ? undefined
    : invalidValue({ kind: 'not-this-type', wanted: 'true or false' });

export const matchingText = (
  matches: (text: string) => boolean,
  problem: FieldProblem,
): FieldValidator => textValidator((value) => (matches(value) ? undefined : invalidValue(problem)));

export const positiveInteger: FieldValidator = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0
    ? undefined
    : invalidValue({ kind: 'not-this-type', wanted: 'number' });

/** A line for people, not only blanks. */
export const singleLine = (most: number): FieldValidator =>
  textValidator((value) => {
    if (value === '') return invalidValue({ kind: 'empty' });
    return atMostBytes(value, most) ?? textIssue(findLineProblem(value));
  });

/**
 * A name people know something by: it looks like what it is, and like nothing that is reserved (UTS
 * #39).
 */
const displayName =
  (most: number): FieldValidator =>
  (value, all, rules) => {
    const problem =
      singleLine(most)(value, all, rules) ?? textIssue(findNameProblem(value as string));
    if (problem) return problem;
    const looks = confusableSkeleton(value as string);
    return looks !== '' &&
      rules.reservedNames?.some((reserved) => confusableSkeleton(reserved) === looks)
      ? invalidValue({ kind: 'reserved-name' })
      : undefined;
  };

/** Why, in the actor's words; may be empty. One line of at most 255 characters (registry 3.2). */
export const reasonText = textValidator((value) =>
  [...value].length > 255
    ? invalidValue({ kind: 'too-long', most: 255 })
    : textIssue(findLineProblem(value)),
);

const isOAuth1 = (all: Values) => all.protocol === ('oauth1' satisfies Protocol);
/**
 * Whether an app of these values needs a redirect URI; it does as long as its grant types are not
 * known.
 */
export const needsRedirect = (all: Values) =>
  needsRedirectUri({
    protocol: isOAuth1(all) ? 'oauth1' : 'oauth2',
    ownerOnly: all.ownerOnly === true,
    grantTypes: Array.isArray(all.grantTypes)
      ? (all.grantTypes as readonly GrantType[])
      : ['authorization_code'],
  });
const isConfidential = (all: Values) => isOAuth1(all) || all.confidential !== false;

export const validators = {
  name: displayName(128),
  version: textValidator((value) => {
    if (bytes(value) > 32) return invalidValue({ kind: 'too-long', most: 32 });
    return findLineProblem(value) !== undefined || !isVersion(value)
      ? invalidValue({ kind: 'not-a-version' })
      : undefined;
  }),
  redirectUri: textValidator((value, all, rules) => {
    if (all.ownerOnly === true) return atMostBytes(value, 2000);
    if (value === '' && !needsRedirect(all)) return undefined;
    const client = {
      protocol: isOAuth1(all) ? 'oauth1' : 'oauth2',
      confidential: isConfidential(all),
      redirectIsPrefix: all.redirectIsPrefix === true,
    } as const;
    return redirectProblem(value, client, rules);
  }),
  redirectIsPrefix: (value, all, rules) =>
    booleanValue(value, all, rules) ??
    (value === true && !isOAuth1(all)
      ? invalidValue({ kind: 'not-for-this-kind-of-app' })
      : undefined),
  description: textValidator(
    (value) => atMostBytes(value, MAX_TEXT_BYTES) ?? textIssue(findParagraphProblem(value)),
  ),
  email: textValidator((value) =>
    parseEmail(value) === undefined ? invalidValue({ kind: 'not-an-address' }) : undefined,
  ),
  protocol: oneOf(protocols),
  site: textValidator((value, _all, { sites }) =>
    sites.resolve(value) === undefined ? invalidValue({ kind: 'not-a-site' }) : undefined,
  ),
  scopes: listValidator((value, _all, { catalogue }) => {
    const unknown = value.filter((scope) => !catalogue.has(scope));
    if (unknown.length > 0)
      return invalidValue({ kind: 'unknown-scopes', scopes: [...new Set(unknown)] });
    // The hidden ones come with every app; what only tells who somebody is excludes all else.
    const identity = [...new Set(value.filter((scope) => catalogue.identityOnly.includes(scope)))];
    const others = value.some((scope) => !catalogue.irrevocable.includes(scope));
    return identity.length > 1 || (identity.length === 1 && others)
      ? invalidValue({ kind: 'identity-scope-not-alone', scopes: identity })
      : undefined;
  }),
  optionalScopes: listValidator((value, all) => {
    const scopes = new Set(Array.isArray(all.scopes) ? (all.scopes as readonly unknown[]) : []);
    const unlisted = value.filter((scope) => !scopes.has(scope));
    return unlisted.length > 0
      ? invalidValue({ kind: 'unknown-scopes', scopes: [...new Set(unlisted)] })
      : undefined;
  }),
  rsaPublicKey: (value, all) => {
    if (value === null || value === '') return undefined;
    if (typeof value !== 'string') return invalidValue({ kind: 'not-this-type', wanted: 'text' });
    if (bytes(value) > MAX_TEXT_BYTES)
      return invalidValue({ kind: 'too-long', most: MAX_TEXT_BYTES });
    if (!isOAuth1(all)) return invalidValue({ kind: 'not-for-this-kind-of-app' });
    const kind = rsaKeyKind(value);
    if (kind === 'none') return invalidValue({ kind: 'not-a-key' });
    if (kind === 'other') return invalidValue({ kind: 'not-an-rsa-key' });
    if (!hasSoundExponent(value)) return invalidValue({ kind: 'not-a-key' });
    return rsaKeyLength(value) < MIN_RSA_BITS
      ? invalidValue({ kind: 'key-too-short', bits: MIN_RSA_BITS })
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
      return invalidValue({ kind: 'not-this-type', wanted: 'addresses and pages' });
    if (bytes(JSON.stringify(value)) > MAX_TEXT_BYTES)
      return invalidValue({ kind: 'too-long', most: MAX_TEXT_BYTES });
    const ranges = addresses as readonly string[];
    const bad = ranges.find((entry) => !isIpRange(entry));
    if (bad !== undefined) return invalidValue({ kind: 'not-a-range', entry: bad.slice(0, 64) });
    return ((pages ?? []) as readonly string[]).length > 25
      ? invalidValue({ kind: 'too-long', most: 25 })
      : undefined;
  },
  grantTypes: listValidator((value, all, rules) => {
    if (isOAuth1(all)) return undefined;
    if (value.length === 0) return invalidValue({ kind: 'empty' });
    if (value.some((type) => !rules.grantTypes.some((known) => known === type)))
      return invalidValue({ kind: 'not-one-of', values: rules.grantTypes });
    // Before anything is stored: the one credential of an owner-only app is of this kind (registry
    // 3.9).
    if (all.ownerOnly === true && (new Set(value).size !== 1 || value[0] !== 'client_credentials'))
      return invalidValue({ kind: 'owner-only-grant-types' });
    return !isConfidential(all) && value.includes('client_credentials')
      ? invalidValue({ kind: 'needs-a-secret' })
      : undefined;
  }),
  confidential: (value, all, rules) => {
    const problem = booleanValue(value, all, rules);
    if (problem || value === true) return problem;
    if (isOAuth1(all)) return invalidValue({ kind: 'not-for-this-kind-of-app' });
    return all.ownerOnly === true ? invalidValue({ kind: 'needs-a-secret' }) : undefined;
  },
  pkceOptional: (value, all, rules) => {
    const problem = booleanValue(value, all, rules);
    if (problem || value === false) return problem;
    if (isOAuth1(all)) return invalidValue({ kind: 'not-for-this-kind-of-app' });
    return isConfidential(all) ? undefined : invalidValue({ kind: 'needs-pkce' });
  },
  tokenAlgorithm: oneOf(['ES256', 'RS256']),
  termsAccepted: (value) => (value === true ? undefined : invalidValue({ kind: 'not-agreed' })),
} as const satisfies Record<string, FieldValidator>;
