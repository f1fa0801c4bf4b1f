import type { GuardRefusal } from '#guard/permit.ts';
import { oauth1Words } from '#oauth1/refusal-texts.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { BearerRefusal } from '#oauth2/refusals.ts';
import type { Client } from '#registry/model/client.ts';
import type { ApiProblem } from './api-errors.ts';

/**
 * An error as clients of the reference know it: its key, and a text of ours with the E-code where
 * it has one (protocols 1.5).
 */
export interface DialectError {
  readonly key: string;
  readonly text: string;
}

const withCode = (text: string, code: string) =>
  `${text} [https://www.mediawiki.org/wiki/Special:MyLanguage/Help:OAuth/Errors#${code} ${code}]`;
const error = (key: string, text: string, code?: string): DialectError => ({
  key,
  text: code === undefined ? text : withCode(text, code),
});

/** Errors that have no key of their own: the phrase is what clients match on. */
export const exception = (phrase: string): DialectError =>
  error('mwoauth-oauth-exception', `An error occurred in the OAuth protocol: ${phrase}`);

export const missingParameters = error(
  'mwoauth-bad-request-missing-params',
  'This link is incomplete: oauth_verifier or oauth_token is missing.',
  'E001',
);
export const invalidAction = error(
  'mwoauth-bad-request-invalid-action',
  'This address is not part of the handshake. The app used a wrong URL.',
  'E002',
);
export const invalidActionOf = (client: Client) =>
  error(
    'mwoauth-bad-request-invalid-action-contact',
    `This address is not part of the handshake. The developer of ${client.name} can put it right.`,
    'E003',
  );
/**
 * The statement of identify is signed under the app's secret, RSA apps included (protocols 1.16):
 * without one it could not be checked.
 */
export const noSecretForIdentify = error(
  'mwoauthserver-consumer-no-secret',
  'The statement of identify is signed under the secret of the app, and this app has none: add a secret on its page, or, if its scopes let it read, ask meta=userinfo at api.php, which needs none.',
  'E011',
);
export const readOnlyOf = (reason: string) =>
  error('mwoauth-db-readonly', `Nothing can be changed at the moment: ${reason}`);
export const unsupportedVersion = (version: number) =>
  error(
    'mwoauth-oauth-unsupported-version',
    `OAuth version ${version} is not served at this address.`,
  );

const phrases: Readonly<Record<string, string>> = {
  oauth_consumer_key: 'Invalid consumer key',
  oauth_timestamp: 'Missing timestamp parameter. The parameter is required',
  oauth_nonce: 'Missing nonce parameter. The parameter is required',
  oauth_signature_method: 'No signature method parameter. This parameter is required',
  oauth_signature: 'Invalid signature',
};

/** The reference's key for a refusal of the oauth1 room. */
export function errorOf(refusal: OAuth1Refusal): DialectError {
  switch (refusal.kind) {
    case 'parameter_absent':
      return exception(phrases[refusal.parameter] ?? `Missing parameter ${refusal.parameter}`);
    case 'parameter_rejected':
      return exception(`Invalid parameter ${refusal.parameter}: ${oauth1Words(refusal)}`);
    case 'version_rejected':
      return exception(`OAuth version '${refusal.asked}' not supported`);
    case 'signature_method_rejected':
      return exception(
        `Signature method '${refusal.asked}' not supported try one of the following: ${refusal.supported.join(', ')}`,
      );
    case 'insecure_transport':
    case 'signature_invalid':
    case 'body_unavailable':
    case 'body_hash_invalid':
      return exception(`Invalid signature: ${oauth1Words(refusal)}`);
    case 'timestamp_refused':
      return exception(`Expired timestamp, yours ${refusal.yours}, ours ${refusal.ours}`);
    case 'nonce_used':
      return exception(`Nonce already used: ${refusal.nonce}`);
    case 'consumer_key_unknown':
      return exception('Invalid consumer');
    case 'consumer_key_refused':
      return refusal.why.kind === 'wrong-site'
        ? error(
            'mwoauth-invalid-authorization-wrong-wiki',
            `What you allowed does not cover this site, only ${refusal.why.site}.`,
          )
        : error(
            'mwoauth-invalid-authorization-not-approved',
            `The app ${refusal.client.name} is not approved, or not for you.`,
          );
    case 'wrong_protocol':
      return error(
        'mwoauthserver-bad-consumer-version',
        'The app is registered for the other version of OAuth.',
        'E012',
      );
    case 'owner_only':
      return error(
        'mwoauthserver-consumer-owner-only',
        `The app is for its owner alone: its owner uses the credential that was made with it, and makes another at /my/apps/${refusal.client.id} on this server.`,
        'E010',
      );
    case 'no_secret':
      return error(
        'mwoauthserver-consumer-no-secret',
        'The app has neither a secret that is valid nor an RSA key: its owner makes one on its page, below /my/apps on this server.',
        'E011',
      );
    case 'address_refused':
      return error(
        'mwoauthdatastore-bad-source-ip',
        'The request came from an address that the app does not allow.',
      );
    case 'token_rejected':
      return refusal.token === 'temporary'
        ? error(
            'mwoauthdatastore-request-token-not-found',
            'The request token is not known, or it expired.',
            'E004',
          )
        : error(
            'mwoauthdatastore-access-token-not-found',
            'No approved grant was found for that authorization token.',
          );
    case 'token_used':
      return error(
        'mwoauthdatastore-request-token-already-used',
        'The request token was used before.',
        'E009',
      );
    case 'callback_misleading':
      return error(
        'mwoauth-callback-not-oob-or-prefix',
        'The callback leads to another host than it shows: register another one.',
      );
    case 'callback_rejected':
      return refusal.prefix
        ? error(
            'mwoauth-callback-not-oob-or-prefix',
            'oauth_callback must be "oob", or begin with the registered callback URL.',
          )
        : error(
            'mwoauth-callback-not-oob',
            'oauth_callback must be "oob", exactly so, for this app.',
          );
    case 'permission_unknown':
      return error('mwoauthdatastore-bad-token', 'Nobody has allowed this request token yet.');
    case 'verifier_invalid':
      return error(
        'mwoauthdatastore-bad-verifier',
        'oauth_verifier is missing, or not the one that was issued.',
      );
    case 'user_refused':
      return refusal.problem === 'blocked'
        ? error('mwoauth-invalid-authorization-blocked-user', 'The account is blocked.')
        : error(
            'mwoauth-invalid-authorization-invalid-user',
            'The account does not exist any more.',
          );
  }
}

/** What the dialog says where the endpoints of apps use other keys (protocols 1.14). */
export function dialogErrorOf(refusal: OAuth1Refusal): DialectError {
  switch (refusal.kind) {
    case 'consumer_key_unknown':
      return error(
        'mwoauthserver-bad-consumer-key',
        'The link names an app that is not registered here.',
        'E006',
      );
    case 'consumer_key_refused':
      return refusal.why.kind === 'client-suppressed'
        ? error(
            'mwoauthserver-bad-consumer-key',
            'The link names an app that is not registered here.',
            'E006',
          )
        : error(
            'mwoauthserver-bad-consumer',
            `The app ${refusal.client.name} is not approved, or not for you.`,
            'E005',
          );
    case 'user_refused':
      return error(
        'mwoauthserver-insufficient-rights',
        'Your account is blocked, so it cannot connect apps.',
        'E007',
      );
    default:
      return errorOf(refusal);
  }
}

const invalidHeaders = 'The authorization headers in your request are not valid: ';

/** The same for the action API, which can be asked for the name of a message and its parameters. */
export const apiProblemOf = ({ key, text }: DialectError): ApiProblem => ({
  code: key,
  info: text,
  params: text.startsWith(invalidHeaders) ? [text.slice(invalidHeaders.length)] : [],
});

/**
 * What the API says of a refused signature: known clients look for the phrase inside (protocols 4).
 */
export function apiErrorOf(refusal: OAuth1Refusal): DialectError {
  const inner = errorOf(refusal);
  if (inner.key.startsWith('mwoauth-invalid-authorization')) return inner;
  const phrase = inner.text.replace(/^An error occurred in the OAuth protocol: /, '');
  return error('mwoauth-invalid-authorization', invalidHeaders + phrase);
}

/** What the API says of a bearer token that does not hold. */
export const badBearer = error(
  'mwoauth-invalid-authorization',
  `${invalidHeaders}Invalid access token`,
);

/** What the API says of credentials that the guard refuses: for those that cannot be read, why. */
export function guardErrorOf({ why, body }: Pick<GuardRefusal, 'why' | 'body'>): DialectError {
  if (why.kind === 'oauth1') return apiErrorOf(why.refusal);
  if (why.kind === 'bearer') return bearerErrorOf(why.refusal);
  return { key: badBearer.key, text: `${badBearer.text}. ${body.error_description}` };
}

/**
 * What the API says of a refused bearer token (protocols 4). Clients fetch a new token when they
 * read the key of `badBearer`, so what a new token would not mend has keys of its own.
 */
export function bearerErrorOf(refusal: BearerRefusal): DialectError {
  switch (refusal.problem) {
    case 'not-usable':
      return error(
        'mwoauth-invalid-authorization-not-approved',
        'The app is not approved, or not for you.',
      );
    case 'user-blocked':
      return error('mwoauth-invalid-authorization-blocked-user', 'The account is blocked.');
    case 'wrong-site':
      return error(
        'mwoauth-invalid-authorization-wrong-wiki',
        'What was allowed does not cover this site.',
      );
    case 'address-not-allowed':
      return error(
        'mwoauthdatastore-bad-source-ip',
        'The request came from an address that the app does not allow.',
      );
    default:
      return badBearer;
  }
}
