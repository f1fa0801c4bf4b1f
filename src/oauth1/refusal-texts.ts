import type { NameValuePair } from '#encoding/form.ts';
import { bodyAdvice, type OAuth1Refusal } from './refusals.ts';

// What a developer reads of a refusal, at every address: its kind, what they need to mend it, and
// what to do. ASCII alone, for header fields.

/** The page that shows developers what was signed, and why it was refused. */
export const HELP_PAGE_PATH = '/my/help';

/** Text of a stranger, in characters that a header field may have. */
const toPrintableAscii = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

/** What a parameter has to be, where its name alone does not say what is missing. */
const expectedValues: Readonly<Record<string, string>> = {
  oauth_consumer_key: 'the key of the app, in Authorization: OAuth ..., in the query, or in a form',
  oauth_callback: '"oob", or the registered address',
  oauth_timestamp: 'seconds since 1970, in digits',
  oauth_nonce: 'a text that is new with each request',
  oauth_token: 'the token that was issued',
  oauth_verifier: 'the one that came back with the approval',
};

/** In milliseconds, as some clocks tell it. */
const isInMilliseconds = (requestTimestamp: string, serverTime: number) =>
  /^\d{13}$/.test(requestTimestamp) &&
  Math.abs(Number(requestTimestamp) / 1000 - serverTime) < 86_400;

/**
 * What went wrong and what to do, in one sentence or two. A stranger learns no more than the kind
 * of the refusal says.
 */
export function describeOAuth1Refusal(refusal: OAuth1Refusal): string {
  switch (refusal.kind) {
    case 'parameter_absent': {
      const what = expectedValues[refusal.parameter];
      return `${toPrintableAscii(refusal.parameter)} is missing${what === undefined ? '' : `: ${what}`}.`;
    }
    case 'parameter_rejected':
      return refusal.advice;
    case 'version_rejected':
      return `oauth_version ${toPrintableAscii(refusal.requested)} is not served: it is 1.0, or left out.`;
    case 'signature_method_rejected':
      return `oauth_signature_method ${toPrintableAscii(refusal.requested)} is not served: use ${refusal.supported.join(', ')}.`;
    case 'insecure_transport':
      return 'PLAINTEXT is taken over https alone: sign with another method, or use https.';
    case 'timestamp_refused':
      return isInMilliseconds(refusal.requestTimestamp, refusal.serverTime)
        ? `oauth_timestamp is in milliseconds: send seconds. Here it is ${refusal.serverTime}.`
        : `oauth_timestamp is ${toPrintableAscii(refusal.requestTimestamp)}, and here it is ${refusal.serverTime}: set the clock, 300 seconds apart are the most.`;
    case 'consumer_key_unknown':
      return 'oauth_consumer_key names no app that is registered here.';
    case 'consumer_key_refused':
      return refusal.why.kind === 'wrong-site'
        ? 'What was allowed is for another site.'
        : 'The app may not be used: it is not approved, was stopped, or is not for this user.';
    case 'wrong_protocol':
      return 'The app is registered for OAuth 2.';
    case 'owner_only':
      return 'The app is for its owner alone: use the token that it was created with.';
    case 'no_secret':
      return 'The app has neither a secret that is valid nor an RSA key: its keepers can make one.';
    case 'address_refused':
      return 'The app does not allow requests from this address.';
    case 'token_rejected':
      return refusal.token === 'temporary'
        ? 'oauth_token is not known here, or it expired: begin again with temporary credentials.'
        : 'oauth_token is not known here: it was ended, or belongs to another app. Ask the user again.';
    case 'token_used':
      return 'oauth_token was used before: begin again with temporary credentials.';
    case 'signature_invalid':
      return `oauth_signature is not the one of this request: ${HELP_PAGE_PATH} on this server shows the developer of the app what was signed.`;
    case 'body_unavailable':
    case 'body_hash_invalid':
      return bodyAdvice[refusal.kind];
    case 'nonce_used':
      return 'oauth_nonce was used before: make a new one for each request, and sign again.';
    case 'callback_rejected':
      return refusal.prefix
        ? 'oauth_callback has to be "oob", or begin with the registered address.'
        : 'oauth_callback has to be "oob", or the registered address.';
    case 'callback_misleading':
      return 'oauth_callback leads a browser to another host than it shows: register another address.';
    case 'permission_unknown':
      return 'Nobody has allowed this request yet: send the user to the authorization page first.';
    case 'verifier_invalid':
      return 'oauth_verifier is not the one that was issued with the approval.';
    case 'user_refused':
      return refusal.problem === 'blocked'
        ? 'The user is blocked.'
        : 'The user does not exist any more.';
  }
}

/** What a program needs of a refusal, by the names of the OAuth Problem Reporting extension. */
function problemParameters(refusal: OAuth1Refusal): readonly NameValuePair[] {
  switch (refusal.kind) {
    case 'parameter_absent':
      return [['oauth_parameters_absent', toPrintableAscii(refusal.parameter)]];
    case 'parameter_rejected':
      return [['oauth_parameters_rejected', toPrintableAscii(refusal.parameter)]];
    case 'version_rejected':
      return [['oauth_acceptable_versions', '1.0-1.0']];
    case 'signature_method_rejected':
      return [['oauth_acceptable_signature_methods', refusal.supported.join(' ')]];
    case 'timestamp_refused':
      return [
        ['oauth_acceptable_timestamps', `${refusal.serverTime - 300}-${refusal.serverTime + 300}`],
      ];
    default:
      return [];
  }
}

/**
 * A refusal as it is reported, in a body or in a challenge: its kind, the facts, and what to do.
 */
export const problemReport = (refusal: OAuth1Refusal): readonly NameValuePair[] => [
  ['oauth_problem', refusal.kind],
  ...problemParameters(refusal),
  ['oauth_problem_advice', describeOAuth1Refusal(refusal)],
];
