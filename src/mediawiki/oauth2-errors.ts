import { STATUS_CODES } from 'node:http';
import { describeOAuth2Refusal } from '#oauth2/refusal-texts.ts';
import type { OAuth2Refusal } from '#oauth2/refusals.ts';

/**
 * An error of the REST endpoints: status, body, and whether to name the Basic scheme (protocols
 * 2.10).
 */
export interface RestError {
  readonly status: number;
  readonly body: {
    readonly error: string;
    readonly error_description: string;
    readonly hint?: string;
  };
}

const makeRestError = (
  status: number,
  error: string,
  description: string,
  hint?: string,
): RestError => ({
  status,
  body: { error, error_description: description, ...(hint === undefined ? {} : { hint }) },
});

/**
 * The reference's error for a refusal of the token endpoint; hints are what its clients look at.
 * The description goes on with what the core says, so that a developer learns which parameter it
 * is, and why.
 */
export function toTokenError(refusal: OAuth2Refusal): RestError {
  if (refusal.kind === 'foreign_token')
    return makeRestError(400, 'invalid_request', 'The request cannot be carried out.');
  const message = describeOAuth2Refusal(refusal);
  const invalidRequest = (hint: string, detail = message) =>
    makeRestError(
      400,
      'invalid_request',
      `The request is missing a parameter, repeats one, or has one that cannot be read: ${detail}`,
      hint,
    );
  const checkParameterError = (parameter: string, inQuery = false, detail = message) =>
    invalidRequest(
      `Check the \`${parameter}\` parameter${inQuery ? ': it came in the query, and is read from the body' : ''}`,
      detail,
    );
  const invalidGrant = (hint: string) =>
    makeRestError(
      400,
      'invalid_grant',
      `The authorization code or refresh token is not valid, expired, revoked or was issued to another client: ${message}`,
      hint,
    );
  switch (refusal.kind) {
    case 'invalid_request':
      return checkParameterError(refusal.parameter, refusal.problem === 'in-query');
    // Never unsupported_grant_type: clients of the reference know this one.
    case 'unsupported_grant_type':
      return checkParameterError('grant_type');
    case 'invalid_client':
      if (refusal.problem === 'secret-missing')
        return checkParameterError('client_secret', false, 'client_secret is missing.');
      if (refusal.problem === 'in-query') return checkParameterError('client_id', true);
      return refusal.problem === 'missing' && refusal.scheme === 'none'
        ? checkParameterError('client_id')
        : makeRestError(
            401,
            'invalid_client',
            refusal.problem === 'unknown-or-wrong'
              ? 'Client authentication failed'
              : `Client authentication failed: ${message}`,
          );
    case 'unauthorized_client':
      return makeRestError(401, 'invalid_client', `Client authentication failed: ${message}`);
    case 'invalid_scope':
      return makeRestError(
        400,
        'invalid_scope',
        `The requested scope is invalid, unknown, or malformed: ${message}`,
        `Check the \`${refusal.scope.replace(/[<>&"']/g, '')}\` scope`,
      );
    case 'access_denied':
      return makeRestError(
        401,
        'access_denied',
        'The resource owner or authorization server denied the request.',
        'The client is not usable by this user',
      );
    case 'invalid_grant':
      switch (refusal.problem) {
        case 'redirect-uri':
          return invalidRequest('Invalid redirect URI');
        case 'other-client':
          return invalidRequest('Authorization code was not issued to this client');
        case 'verifier-unexpected':
          return invalidRequest('code_verifier received when no code_challenge is present');
        case 'other-address':
          return invalidGrant(
            'The authorization code or refresh token was issued at other addresses of this server',
          );
        case 'verifier':
          return invalidGrant('Failed to verify `code_verifier`.');
        case 'expired':
          return invalidGrant('Authorization code or token has expired');
        case 'used':
        case 'superseded':
        case 'revoked':
          return invalidGrant('Authorization code or token has been revoked');
        default:
          return invalidGrant('Cannot validate the provided authorization code or token');
      }
  }
}

/** An error of the REST layer itself (protocols 3.1). */
export const restLayerError = (status: number, key: string, text: string) => ({
  errorKey: key,
  messageTranslations: { en: text },
  httpCode: status,
  httpReason: STATUS_CODES[status] ?? '',
});

export const accessDeniedError = (hint: string) =>
  makeRestError(
    401,
    'access_denied',
    'The resource owner or authorization server denied the request.',
    hint,
  );
