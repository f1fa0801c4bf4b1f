import type { GuardRefusal } from '#guard/refusals.ts';
import { describeOAuth1Refusal } from '#oauth1/refusal-texts.ts';
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

const withErrorCode = (text: string, code: string) =>
  `${text} [https://www.mediawiki.org/wiki/Special:MyLanguage/Help:OAuth/Errors#${code} ${code}]`;
const makeDialectError = (key: string, text: string, code?: string): DialectError => ({
  key,
  text: code === undefined ? text : withErrorCode(text, code),
});

/** Errors that have no key of their own: the phrase is what clients match on. */
export const protocolException = (phrase: string): DialectError =>
  makeDialectError('mwoauth-oauth-exception', `An error occurred in the OAuth protocol: ${phrase}`);

export const missingParametersError = makeDialectError(
  'mwoauth-bad-request-missing-params',
  'This link is incomplete: oauth_verifier or oauth_token is missing.',
  'E001',
);
export const invalidActionError = makeDialectError(
  'mwoauth-bad-request-invalid-action',
  'This address is not part of the handshake. The app used a wrong URL.',
  'E002',
);
export const invalidActionForClient = (client: Client) =>
  makeDialectError(
    'mwoauth-bad-request-invalid-action-contact',
    `This address is not part of the handshake. The developer of ${client.name} can put it right.`,
    'E003',
  );
/**
 * The statement of identify is signed under the app's secret, RSA apps included (protocols 1.16):
 * without one it could not be checked.
 */
export const noSecretForIdentifyError = makeDialectError(
  'mwoauthserver-consumer-no-secret',
  'The statement of identify is signed under the secret of the app, and this app has none: add a secret on its page, or, if its scopes let it read, ask meta=userinfo at api.php, which needs none.',
  'E011',
);
export const readOnlyError = (reason: string) =>
  makeDialectError('mwoauth-db-readonly', `Nothing can be changed at the moment: ${reason}`);
export const unsupportedVersionError = (version: number) =>
  makeDialectError(
    'mwoauth-oauth-unsupported-version',
    `OAuth version ${version} is not served at this address.`,
  );

const missingParameterPhrases: Readonly<Record<string, string>> = {
  oauth_consumer_key: 'Invalid consumer key',
  oauth_timestamp: 'Missing timestamp parameter. The parameter is required',
  oauth_nonce: 'Missing nonce parameter. The parameter is required',
  oauth_signature_method: 'No signature method parameter. This parameter is required',
  oauth_signature: 'Invalid signature',
};

/** The reference's key for a refusal of the oauth1 room. */
export function toDialectError(refusal: OAuth1Refusal): DialectError {
  switch (refusal.kind) {
    case 'parameter_absent':
      return protocolException(
        missingParameterPhrases[refusal.parameter] ?? `Missing parameter ${refusal.parameter}`,
      );
    case 'parameter_rejected':
      return protocolException(
        `Invalid parameter ${refusal.parameter}: ${describeOAuth1Refusal(refusal)}`,
      );
    case 'version_rejected':
      return protocolException(`OAuth version '${refusal.requested}' not supported`);
    case 'signature_method_rejected':
      return protocolException(
        `Signature method '${refusal.requested}' not supported try one of the following: ${refusal.supported.join(', ')}`,
      );
    case 'insecure_transport':
    case 'signature_invalid':
    case 'body_unavailable':
    case 'body_hash_invalid':
      return protocolException(`Invalid signature: ${describeOAuth1Refusal(refusal)}`);
    case 'timestamp_refused':
      return protocolException(
        `Expired timestamp, yours ${refusal.requestTimestamp}, ours ${refusal.serverTime}`,
      );
    case 'nonce_used':
      return protocolException(`Nonce already used: ${refusal.nonce}`);
    case 'consumer_key_unknown':
      return protocolException('Invalid consumer');
    case 'consumer_key_refused':
      return refusal.why.kind === 'wrong-site'
        ? makeDialectError(
            'mwoauth-invalid-authorization-wrong-wiki',
            `What you allowed does not cover this site, only ${refusal.why.site}.`,
          )
        : makeDialectError(
            'mwoauth-invalid-authorization-not-approved',
            `The app ${refusal.client.name} is not approved, or not for you.`,
          );
    case 'wrong_protocol':
      return makeDialectError(
        'mwoauthserver-bad-consumer-version',
        'The app is registered for the other version of OAuth.',
        'E012',
      );
    case 'owner_only':
      return makeDialectError(
        'mwoauthserver-consumer-owner-only',
        `The app is for its owner alone: its owner uses the credential that was made with it, and makes another at /my/apps/${refusal.client.id} on this server.`,
        'E010',
      );
    case 'no_secret':
      return makeDialectError(
        'mwoauthserver-consumer-no-secret',
        'The app has neither a secret that is valid nor an RSA key: its owner makes one on its page, below /my/apps on this server.',
        'E011',
      );
    case 'address_refused':
      return makeDialectError(
        'mwoauthdatastore-bad-source-ip',
        'The request came from an address that the app does not allow.',
      );
    case 'token_rejected':
      return refusal.token === 'temporary'
        ? makeDialectError(
            'mwoauthdatastore-request-token-not-found',
            'The request token is not known, or it expired.',
            'E004',
          )
        : makeDialectError(
            'mwoauthdatastore-access-token-not-found',
            'No approved grant was found for that authorization token.',
          );
    case 'token_used':
      return makeDialectError(
        'mwoauthdatastore-request-token-already-used',
        'The request token was used before.',
        'E009',
      );
    case 'callback_misleading':
      return makeDialectError(
        'mwoauth-callback-not-oob-or-prefix',
        'The callback leads to another host than it shows: register another one.',
      );
    case 'callback_rejected':
      return refusal.prefix
        ? makeDialectError(
            'mwoauth-callback-not-oob-or-prefix',
            'oauth_callback must be "oob", or begin with the registered callback URL.',
          )
        : makeDialectError(
            'mwoauth-callback-not-oob',
            'oauth_callback must be "oob", exactly so, for this app.',
          );
    case 'permission_unknown':
      return makeDialectError(
        'mwoauthdatastore-bad-token',
        'Nobody has allowed this request token yet.',
      );
    case 'verifier_invalid':
      return makeDialectError(
        'mwoauthdatastore-bad-verifier',
        'oauth_verifier is missing, or not the one that was issued.',
      );
    case 'user_refused':
      return refusal.problem === 'blocked'
        ? makeDialectError('mwoauth-invalid-authorization-blocked-user', 'The account is blocked.')
        : makeDialectError(
            'mwoauth-invalid-authorization-invalid-user',
            'The account does not exist any more.',
          );
  }
}

/** What the dialog says where the endpoints of apps use other keys (protocols 1.14). */
export function toDialogError(refusal: OAuth1Refusal): DialectError {
  switch (refusal.kind) {
    case 'consumer_key_unknown':
      return makeDialectError(
        'mwoauthserver-bad-consumer-key',
        'The link names an app that is not registered here.',
        'E006',
      );
    case 'consumer_key_refused':
      return refusal.why.kind === 'client-suppressed'
        ? makeDialectError(
            'mwoauthserver-bad-consumer-key',
            'The link names an app that is not registered here.',
            'E006',
          )
        : makeDialectError(
            'mwoauthserver-bad-consumer',
            `The app ${refusal.client.name} is not approved, or not for you.`,
            'E005',
          );
    case 'user_refused':
      return makeDialectError(
        'mwoauthserver-insufficient-rights',
        'Your account is blocked, so it cannot connect apps.',
        'E007',
      );
    default:
      return toDialectError(refusal);
  }
}

const invalidHeadersPrefix = 'The authorization headers in your request are not valid: ';

/** The same for the action API, which can be asked for the name of a message and its parameters. */
export const toApiProblem = ({ key, text }: DialectError): ApiProblem => ({
  code: key,
  info: text,
  params: text.startsWith(invalidHeadersPrefix) ? [text.slice(invalidHeadersPrefix.length)] : [],
});

/**
 * What the API says of a refused signature: known clients look for the phrase inside (protocols 4).
 */
export function toApiError(refusal: OAuth1Refusal): DialectError {
  const dialectError = toDialectError(refusal);
  if (dialectError.key.startsWith('mwoauth-invalid-authorization')) return dialectError;
  const phrase = dialectError.text.replace(/^An error occurred in the OAuth protocol: /, '');
  return makeDialectError('mwoauth-invalid-authorization', invalidHeadersPrefix + phrase);
}

/** What the API says of a bearer token that does not hold. */
export const invalidBearerError = makeDialectError(
  'mwoauth-invalid-authorization',
  `${invalidHeadersPrefix}Invalid access token`,
);

/** What the API says of credentials that the guard refuses: for those that cannot be read, why. */
export function guardToApiError({ why, body }: Pick<GuardRefusal, 'why' | 'body'>): DialectError {
  if (why.kind === 'oauth1') return toApiError(why.refusal);
  if (why.kind === 'bearer') return bearerToApiError(why.refusal);
  return {
    key: invalidBearerError.key,
    text: `${invalidBearerError.text}. ${body.error_description}`,
  };
}

/**
 * What the API says of a refused bearer token (protocols 4). Clients fetch a new token when they
 * read the key of `badBearer`, so what a new token would not mend has keys of its own.
 */
export function bearerToApiError(refusal: BearerRefusal): DialectError {
  switch (refusal.problem) {
    case 'not-usable':
      return makeDialectError(
        'mwoauth-invalid-authorization-not-approved',
        'The app is not approved, or not for you.',
      );
    case 'user-blocked':
      return makeDialectError(
        'mwoauth-invalid-authorization-blocked-user',
        'The account is blocked.',
      );
    case 'wrong-site':
      return makeDialectError(
        'mwoauth-invalid-authorization-wrong-wiki',
        'What was allowed does not cover this site.',
      );
    case 'address-not-allowed':
      return makeDialectError(
        'mwoauthdatastore-bad-source-ip',
        'The request came from an address that the app does not allow.',
      );
    default:
      return invalidBearerError;
  }
}
