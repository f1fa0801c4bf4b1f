import { toAsciiUri } from '#encoding/browser-uri.ts';
import { normalizeEmail } from '#encoding/email.ts';
import type { Field } from './fields.ts';
import { booleanValue, needsRedirect, validators } from './validators.ts';

/**
 * As a redirect URI is kept: a host in Unicode in A-labels, which is what goes over the wire and
 * can be read back (browser-uri.ts).
 */
export const normalizeRedirectUri = (uri: string): string => toAsciiUri(uri) ?? uri;

const namedField = (name: keyof typeof validators, optional: Field['optional'] = false): Field => ({
  name,
  optional,
  validate: validators[name],
  ...(name === 'redirectUri'
    ? { isUntrimmed: true, normalize: normalizeRedirectUri }
    : name === 'email'
      ? { normalize: normalizeEmail }
      : {}),
});

/**
 * The fields of a proposal in the order of the reference (registry 3.2), then those it has no word
 * for.
 */
export const proposalFields: readonly Field[] = [
  namedField('name'),
  namedField('version'),
  namedField('redirectUri', (all) => !needsRedirect(all)),
  namedField('description'),
  namedField('email'),
  namedField('protocol'),
  namedField('site'),
  namedField('scopes'),
  namedField('rsaPublicKey', true),
  namedField('restrictions', true),
  namedField('grantTypes'),
  namedField('termsAccepted'),
  { name: 'ownerOnly', optional: true, validate: booleanValue },
  namedField('redirectIsPrefix', true),
  namedField('confidential', true),
  namedField('pkceOptional', true),
  namedField('tokenAlgorithm', true),
  namedField('optionalScopes', true),
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
).map((name) => namedField(name, true));
