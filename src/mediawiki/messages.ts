import { describeOAuth1Refusal } from '#oauth1/refusal-texts.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { Client } from '#registry/model/client.ts';

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

/** An error of a key, with the E-code where it has one. */
export const makeDialectError = (key: string, text: string, code?: string): DialectError => ({
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

/** The refusals that are about the app itself. */
type ClientRefusal = Extract<
  OAuth1Refusal,
  {
    readonly kind:
      | 'consumer_key_refused'
      | 'wrong_protocol'
      | 'owner_only'
      | 'no_secret'
      | 'address_refused';
  }
>;

/** The refusals of a token, and of what comes with it. */
type TokenRefusal = Extract<
  OAuth1Refusal,
  {
    readonly kind:
      | 'token_rejected'
      | 'token_used'
      | 'callback_misleading'
      | 'callback_rejected'
      | 'permission_unknown'
      | 'verifier_invalid'
      | 'user_refused';
  }
>;

/** The phrase of a refusal that has no key of its own. */
function phraseOf(refusal: Exclude<OAuth1Refusal, ClientRefusal | TokenRefusal>): string {
  switch (refusal.kind) {
    case 'parameter_absent':
      return missingParameterPhrases[refusal.parameter] ?? `Missing parameter ${refusal.parameter}`;
    case 'parameter_rejected':
      return `Invalid parameter ${refusal.parameter}: ${describeOAuth1Refusal(refusal)}`;
    case 'version_rejected':
      return `OAuth version '${refusal.requested}' not supported`;
    case 'signature_method_rejected':
      return `Signature method '${refusal.requested}' not supported try one of the following: ${refusal.supported.join(', ')}`;
    case 'insecure_transport':
    case 'signature_invalid':
    case 'body_unavailable':
    case 'body_hash_invalid':
      return `Invalid signature: ${describeOAuth1Refusal(refusal)}`;
    case 'timestamp_refused':
      return `Expired timestamp, yours ${refusal.requestTimestamp}, ours ${refusal.serverTime}`;
    case 'nonce_used':
      return `Nonce already used: ${refusal.nonce}`;
    case 'consumer_key_unknown':
      return 'Invalid consumer';
  }
}

function clientError(refusal: ClientRefusal): DialectError {
  switch (refusal.kind) {
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
  }
}

function tokenError(refusal: TokenRefusal): DialectError {
  switch (refusal.kind) {
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

/** The reference's key for a refusal of the oauth1 room. */
export function toDialectError(refusal: OAuth1Refusal): DialectError {
  switch (refusal.kind) {
    case 'consumer_key_refused':
    case 'wrong_protocol':
    case 'owner_only':
    case 'no_secret':
    case 'address_refused':
      return clientError(refusal);
    case 'token_rejected':
    case 'token_used':
    case 'callback_misleading':
    case 'callback_rejected':
    case 'permission_unknown':
    case 'verifier_invalid':
    case 'user_refused':
      return tokenError(refusal);
    default:
      return protocolException(phraseOf(refusal));
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
