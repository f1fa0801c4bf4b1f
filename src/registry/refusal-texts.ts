import type { DependenceReason } from './model/involvement.ts';
import {
  type FieldProblem,
  type FieldRefusal,
  fieldRefusals,
  type RegistryRefusal,
  refusalCode,
} from './refusals.ts';

/** Why somebody's approval does not count, as the end of a sentence. */
const dependenceTexts: Readonly<Record<DependenceReason, string>> = {
  owner: 'the app is yours',
  maintainer: 'you help look after the app',
  proposer: 'you proposed the app',
  'revision-proposer': 'you proposed the change',
  'former-owner': 'you owned the app, or did so not long before',
  'former-maintainer': 'you helped look after the app, or did so not long before',
  'handed-over': 'you chose to whom the app is given',
  'approved-before': 'you approved already, and two people must',
};

/** A text for each kind of a union, or a function of the value that makes it. */
type Texts<T extends { readonly kind: string }> = {
  readonly [Kind in T['kind']]: string | ((value: Extract<T, { readonly kind: Kind }>) => string);
};

function textOf<T extends { readonly kind: string }>(texts: Texts<T>, value: T): string {
  const text = texts[value.kind as T['kind']] as string | ((value: T) => string);
  return typeof text === 'string' ? text : text(value);
}

const problemTexts: Texts<FieldProblem> = {
  empty: 'must not be empty',
  'not-this-type': (problem) => `must be: ${problem.wanted}`,
  'too-long': (problem) => `is too long: at most ${problem.most}`,
  'deceptive-characters': 'has characters that cannot be seen or that turn the direction of text',
  'stacked-marks':
    'has more accents on one letter than any language writes, or an accent without a letter',
  'encoded-word': 'must not have =? and ?= in it: mail readers decode what is between',
  'mixed-scripts':
    'has a word that mixes letters or digits of scripts that are not written together',
  'reserved-name': 'looks like the name of this server or of one of its sites',
  'not-a-version': 'must be a version such as 1.0 or 2.1.0-beta1, of at most 32 bytes',
  'not-an-address': 'must be an e-mail address',
  'not-one-of': (problem) => `must be one of: ${problem.values.join(', ')}`,
  'not-a-site': 'must be a site of this server, or * for all',
  'unknown-scopes': (problem) => `has scopes that are not known here: ${problem.scopes.join(', ')}`,
  'identity-scope-not-alone': (problem) =>
    `has ${problem.scopes.join(' and ')}: a scope that only tells who somebody is stands alone`,
  'not-a-key': 'must be a public key or a certificate in PEM',
  'not-an-rsa-key': 'must be an RSA key',
  'key-too-short': (problem) => `must be an RSA key of at least ${problem.bits} bits`,
  'not-a-range': (problem) =>
    `has an entry that is neither an address nor a range: ${problem.entry}`,
  'not-for-this-kind-of-app': 'is not for an app of this kind',
  'not-a-uri': 'must be an absolute URI of printable ASCII characters, apart from its host',
  'scheme-not-allowed': (problem) => `must not have the scheme ${problem.scheme}`,
  'credentials-in-uri': 'must not have a user name or password in it',
  'backslash-in-uri': 'must not have a backslash: browsers take it for a slash',
  'encoding-in-uri':
    'has a percent-encoding that is malformed, or that hides a control character, a dot or a backslash',
  'host-in-uri':
    'must name its host as browsers do: without percent-encoding and without a dot at the end, an IPv4 address as four decimal numbers',
  'port-in-uri': 'must have a port from 1 to 65535 without leading zeros, or no colon',
  'dot-segments-in-uri': 'must not have . or .. as a segment of its path',
  'uri-rewritten': (problem) => `would be rewritten by browsers: use ${problem.reads}`,
  'fragment-in-uri': 'must not have a fragment',
  'own-scheme-confidential': 'must be http or https for an app that keeps a secret',
  'own-scheme-without-dot':
    'has a scheme without a dot, which another app on the device may claim too: use a reversed domain name such as org.example.app',
  'not-https': 'must be https, or lead to the own machine',
  'our-own-site': 'leads to one of the sites this server protects, which is usually a mistake',
  'bare-domain': 'is a bare domain without a path, which is usually a mistake',
  'owner-only-grant-types': 'must be client_credentials alone for an owner-only app',
  'needs-a-secret': 'needs an app that can keep a secret',
  'needs-pkce': 'cannot be set for an app that keeps no secret: it always uses PKCE',
  'not-agreed': 'must be agreed to',
  'not-a-name': 'must be a name',
  'in-the-past': 'must be in the future',
};

/** What is wrong with a value, as the end of a sentence that begins with the field's name. */
export const problemText = (problem: FieldProblem): string => textOf(problemTexts, problem);

const fieldText = (refusal: FieldRefusal): string =>
  refusal.kind === 'missing_field'
    ? `${refusal.field} is missing.`
    : `${refusal.field} ${problemText(refusal.problem)}.${refusal.ignorable ? ' This is advice and can be waved through.' : ''}`;

/** The same refusal with other names for its fields. */
export function withRenamedFields(
  refusal: RegistryRefusal,
  name: (field: string) => string,
): RegistryRefusal {
  if (refusal.kind === 'nothing_to_do') return { ...refusal, field: name(refusal.field) };
  if (refusal.kind !== 'missing_field' && refusal.kind !== 'invalid_field') return refusal;
  const [first = refusal, ...others] = fieldRefusals(refusal).map((one) => ({
    ...one,
    field: name(one.field),
  }));
  return others.length === 0 ? first : { ...first, others };
}

const refusalTexts: Texts<RegistryRefusal> = {
  not_logged_in: 'Sign in first.',
  user_blocked: 'Your account is blocked.',
  readonly: (refusal) => `Nothing can be changed at the moment: ${refusal.reason}`,
  invalid_field_action: 'There is no such action.',
  missing_field: (refusal) => fieldRefusals(refusal).map(fieldText).join(' '),
  invalid_field: (refusal) => fieldRefusals(refusal).map(fieldText).join(' '),
  permission_denied: (refusal) =>
    refusal.right === null
      ? 'This app does not allow it to you, or not in its present stage.'
      : `You need the right ${refusal.right}.`,
  email_not_confirmed: 'Confirm your e-mail address first.',
  email_mismatched: 'The e-mail address is not that of your account.',
  consumer_exists: (refusal) =>
    refusal.version === null
      ? 'An app with this name and version exists already. Raise the version.'
      : `Version ${refusal.version} of this app exists already. Use a later version.`,
  invalid_consumer_key: 'There is no such app.',
  not_proposed: (refusal) =>
    `The app is ${refusal.stage}: this is for apps that wait for a review.`,
  not_approved: (refusal) => `The app is ${refusal.stage}: this is for approved apps.`,
  not_disabled: (refusal) => `The app is ${refusal.stage}: this is for disabled apps.`,
  change_conflict:
    'Somebody changed the app after you looked at it. Look again, and decide on what it is now.',
  invalid_access_token: 'There is no such consent among yours.',
  managed_by_configuration:
    'The configuration of this server describes this app. It is changed there.',
  nothing_to_do: (refusal) => `There is nothing to change (${refusal.field}).`,
  not_found: (refusal) => `There is no such ${refusal.what} here.`,
  too_many: (refusal) => `There are ${refusal.most} ${refusal.what} already, which is the most.`,
  too_many_invitations: (refusal) =>
    `You sent ${refusal.most} invitations of this kind within a day, which is the most. Try again tomorrow.`,
  invitations_declined: 'This person does not want to be invited.',
  last_secret: 'This is the last secret of the app. Add another one first.',
  needs_another_reviewer: (refusal) =>
    `Another reviewer has to decide: ${dependenceTexts[refusal.why]}.`,
  browser_session_required: (refusal) =>
    refusal.scopes.length === 0
      ? 'This is done in a browser, signed in at this server: a token or a signature cannot do it.'
      : `A token or a signature cannot give more than it holds, and lacks ${refusal.scopes.slice(0, 20).join(', ')}. Do this in a browser, signed in at this server.`,
  reauthentication_required:
    'Confirm that it is you, with your password or a passkey, at /account/prove: the last time was more than ten minutes ago.',
};

/** What would help whoever was refused: one sentence, or one for each field that is wrong. */
export const refusalText = (refusal: RegistryRefusal): string => textOf(refusalTexts, refusal);

/** The options that fill fields, where their names differ. */
const options: Readonly<Record<string, string>> = {
  scopes: 'scope',
  grantTypes: 'grant-type',
  confidential: 'public',
  redirectIsPrefix: 'prefix',
};
const optionFor = (field: string) =>
  `--${options[field] ?? field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * The sentences, each with its stable code, for a terminal: fields are named by the options that
 * fill them.
 */
export function refusalForTerminal(refusal: RegistryRefusal): string {
  const fields = fieldRefusals(refusal);
  const each: readonly RegistryRefusal[] = fields.length > 0 ? fields : [refusal];
  return each
    .map((one) => `${refusalText(withRenamedFields(one, optionFor))} (${refusalCode(one)})`)
    .join(' ');
}
