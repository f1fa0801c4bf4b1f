import type { DependenceReason } from './model/involvement.ts';
import {
  type FieldProblem,
  type FieldRefusal,
  fieldRefusals,
  type RegistryRefusal,
  refusalCode,
} from './refusals.ts';

/** Why somebody's yes does not count, as the end of a sentence. */
const dependenceTexts: Readonly<Record<DependenceReason, string>> = {
  owner: 'the app is yours',
  maintainer: 'you help look after the app',
  proposer: 'you proposed the app',
  'revision-proposer': 'you proposed the change',
  'former-owner': 'you owned the app, or did so not long before',
  'former-maintainer': 'you helped look after the app, or did so not long before',
  'handed-over': 'you chose to whom the app is given',
  'approved-before': 'you said yes already, and two people must',
};

/** What is wrong with a value, as the end of a sentence that begins with the field's name. */
export function problemText(problem: FieldProblem): string {
  switch (problem.kind) {
    case 'empty':
      return 'must not be empty';
    case 'not-this-type':
      return `must be: ${problem.wanted}`;
    case 'too-long':
      return `is too long: at most ${problem.most}`;
    case 'deceptive-characters':
      return 'has characters that cannot be seen or that turn the direction of text';
    case 'stacked-marks':
      return 'has more accents on one letter than any language writes, or an accent without a letter';
    case 'encoded-word':
      return 'must not have =? and ?= in it: mail readers decode what is between';
    case 'mixed-scripts':
      return 'has a word that mixes letters or digits of scripts that are not written together';
    case 'reserved-name':
      return 'looks like the name of this server or of one of its sites';
    case 'not-a-version':
      return 'must be a version such as 1.0 or 2.1.0-beta1, of at most 32 bytes';
    case 'not-an-address':
      return 'must be an e-mail address';
    case 'not-one-of':
      return `must be one of: ${problem.values.join(', ')}`;
    case 'not-a-site':
      return 'must be a site of this server, or * for all';
    case 'unknown-scopes':
      return `has scopes that are not known here: ${problem.scopes.join(', ')}`;
    case 'identity-scope-not-alone':
      return `has ${problem.scopes.join(' and ')}: a scope that only tells who somebody is stands alone`;
    case 'not-a-key':
      return 'must be a public key or a certificate in PEM';
    case 'not-an-rsa-key':
      return 'must be an RSA key';
    case 'key-too-short':
      return `must be an RSA key of at least ${problem.bits} bits`;
    case 'not-a-range':
      return `has an entry that is neither an address nor a range: ${problem.entry}`;
    case 'not-for-this-kind-of-app':
      return 'is not for an app of this kind';
    case 'not-a-uri':
      return 'must be an absolute URI of printable ASCII characters, apart from its host';
    case 'scheme-not-allowed':
      return `must not have the scheme ${problem.scheme}`;
    case 'credentials-in-uri':
      return 'must not have a user name or password in it';
    case 'backslash-in-uri':
      return 'must not have a backslash: browsers take it for a slash';
    case 'encoding-in-uri':
      return 'has a percent-encoding that is malformed, or that hides a control character, a dot or a backslash';
    case 'host-in-uri':
      return 'must name its host as browsers do: without percent-encoding and without a dot at the end, an IPv4 address as four decimal numbers';
    case 'port-in-uri':
      return 'must have a port from 1 to 65535 without leading zeros, or no colon';
    case 'dot-segments-in-uri':
      return 'must not have . or .. as a segment of its path';
    case 'uri-rewritten':
      return `would be rewritten by browsers: use ${problem.reads}`;
    case 'fragment-in-uri':
      return 'must not have a fragment';
    case 'own-scheme-confidential':
      return 'must be http or https for an app that keeps a secret';
    case 'own-scheme-without-dot':
      return 'has a scheme without a dot, which another app on the device may claim too: use a reversed domain name such as org.example.app';
    case 'not-https':
      return 'must be https, or lead to the own machine';
    case 'our-own-site':
      return 'leads to one of the sites this server protects, which is usually a mistake';
    case 'bare-domain':
      return 'is a bare domain without a path, which is usually a mistake';
    case 'owner-only-grant-types':
      return 'must be client_credentials alone for an owner-only app';
    case 'needs-a-secret':
      return 'needs an app that can keep a secret';
    case 'needs-pkce':
      return 'cannot be set for an app that keeps no secret: it always uses PKCE';
    case 'not-agreed':
      return 'must be agreed to';
    case 'not-a-name':
      return 'must be a name';
    case 'in-the-past':
      return 'must be in the future';
  }
}

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

/** What would help whoever was refused: one sentence, or one for each field that is wrong. */
export function refusalText(refusal: RegistryRefusal): string {
  switch (refusal.kind) {
    case 'not_logged_in':
      return 'Sign in first.';
    case 'user_blocked':
      return 'Your account is blocked.';
    case 'readonly':
      return `Nothing can be changed at the moment: ${refusal.reason}`;
    case 'invalid_field_action':
      return 'There is no such action.';
    case 'missing_field':
    case 'invalid_field':
      return fieldRefusals(refusal).map(fieldText).join(' ');
    case 'permission_denied':
      return refusal.right === null
        ? 'This app does not allow it to you, or not in its present stage.'
        : `You need the right ${refusal.right}.`;
    case 'email_not_confirmed':
      return 'Confirm your e-mail address first.';
    case 'email_mismatched':
      return 'The e-mail address is not that of your account.';
    case 'consumer_exists':
      return refusal.version === null
        ? 'An app with this name and version exists already. Raise the version.'
        : `Version ${refusal.version} of this app exists already. Use a later version.`;
    case 'invalid_consumer_key':
      return 'There is no such app.';
    case 'not_proposed':
      return `The app is ${refusal.stage}: this is for apps that wait for a review.`;
    case 'not_approved':
      return `The app is ${refusal.stage}: this is for approved apps.`;
    case 'not_disabled':
      return `The app is ${refusal.stage}: this is for disabled apps.`;
    case 'change_conflict':
      return 'Somebody changed the app after you looked at it. Look again, and decide on what it is now.';
    case 'invalid_access_token':
      return 'There is no such consent among yours.';
    case 'managed_by_configuration':
      return 'The configuration of this server describes this app. It is changed there.';
    case 'nothing_to_do':
      return `There is nothing to change (${refusal.field}).`;
    case 'not_found':
      return `There is no such ${refusal.what} here.`;
    case 'too_many':
      return `There are ${refusal.most} ${refusal.what} already, which is the most.`;
    case 'too_many_invitations':
      return `You sent ${refusal.most} invitations of this kind within a day, which is the most. Try again tomorrow.`;
    case 'invitations_declined':
      return 'This person does not want to be invited.';
    case 'last_secret':
      return 'This is the last secret of the app. Add another one first.';
    case 'needs_another_reviewer':
      return `Another reviewer has to decide: ${dependenceTexts[refusal.why]}.`;
    case 'browser_session_required':
      return refusal.scopes.length === 0
        ? 'This is done in a browser, signed in at this server: a token or a signature cannot do it.'
        : `A token or a signature cannot give more than it holds, and lacks ${refusal.scopes.slice(0, 20).join(', ')}. Do this in a browser, signed in at this server.`;
    case 'reauthentication_required':
      return 'Confirm that it is you, with your password or a passkey, at /account/prove: the last time was more than ten minutes ago.';
  }
}

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
