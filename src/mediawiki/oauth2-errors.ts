import { STATUS_CODES } from 'node:http';
import { describeOAuth2Refusal } from '#oauth2/refusal-texts.ts';
import type { GrantProblem, OAuth2Refusal } from '#oauth2/refusals.ts';

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

/** The person or this server refused. */
export const accessDeniedError = (hint: string) =>
  makeRestError(
    401,
    'access_denied',
    'The resource owner or authorization server denied the request.',
    hint,
  );

/** The descriptions go on with `message`, what the core says of the refusal. */
const invalidRequest = (hint: string, message: string): RestError =>
  makeRestError(
    400,
    'invalid_request',
    `The request is missing a parameter, repeats one, or has one that cannot be read: ${message}`,
    hint,
  );

const parameterError = (parameter: string, message: string, inQuery = false): RestError =>
  invalidRequest(
    `Check the \`${parameter}\` parameter${inQuery ? ': it came in the query, and is read from the body' : ''}`,
    message,
  );

const invalidClient = (message: string): RestError =>
  makeRestError(401, 'invalid_client', `Client authentication failed: ${message}`);

type InvalidClient = Extract<OAuth2Refusal, { readonly kind: 'invalid_client' }>;

function clientError({ problem, scheme }: InvalidClient, message: string): RestError {
  if (problem === 'secret-missing')
    return parameterError('client_secret', 'client_secret is missing.');
  if (problem === 'in-query') return parameterError('client_id', message, true);
  if (problem === 'missing' && scheme === 'none') return parameterError('client_id', message);
  return problem === 'unknown-or-wrong'
    ? makeRestError(401, 'invalid_client', 'Client authentication failed')
    : invalidClient(message);
}

/** Problems of a grant that the reference calls an invalid request, with their hints. */
const requestHints: { readonly [K in GrantProblem]?: string } = {
  'redirect-uri': 'Invalid redirect URI',
  'other-client': 'Authorization code was not issued to this client',
  'verifier-unexpected': 'code_verifier received when no code_challenge is present',
};

/** Hints for the other problems of a grant, where they have one of their own. */
const grantHints: { readonly [K in GrantProblem]?: string } = {
  'other-address':
    'The authorization code or refresh token was issued at other addresses of this server',
  verifier: 'Failed to verify `code_verifier`.',
  expired: 'Authorization code or token has expired',
  used: 'Authorization code or token has been revoked',
  superseded: 'Authorization code or token has been revoked',
  revoked: 'Authorization code or token has been revoked',
};

function grantError(problem: GrantProblem, message: string): RestError {
  const requestHint = requestHints[problem];
  if (requestHint !== undefined) return invalidRequest(requestHint, message);
  return makeRestError(
    400,
    'invalid_grant',
    `The authorization code or refresh token is not valid, expired, revoked or was issued to another client: ${message}`,
    grantHints[problem] ?? 'Cannot validate the provided authorization code or token',
  );
}

/**
 * The reference's error for a refusal of the token endpoint; hints are what its clients look at.
 * The description goes on with what the core says, so that a developer learns which parameter it
 * is, and why.
 */
export function toTokenError(refusal: OAuth2Refusal): RestError {
  if (refusal.kind === 'foreign_token')
    return makeRestError(400, 'invalid_request', 'The request cannot be carried out.');
  const message = describeOAuth2Refusal(refusal);
  switch (refusal.kind) {
    case 'invalid_request':
      return parameterError(refusal.parameter, message, refusal.problem === 'in-query');
    // Never unsupported_grant_type: clients of the reference know this one.
    case 'unsupported_grant_type':
      return parameterError('grant_type', message);
    case 'invalid_client':
      return clientError(refusal, message);
    case 'unauthorized_client':
      return invalidClient(message);
    case 'invalid_scope':
      return makeRestError(
        400,
        'invalid_scope',
        `The requested scope is invalid, unknown, or malformed: ${message}`,
        `Check the \`${refusal.scope.replace(/[<>&"']/g, '')}\` scope`,
      );
    case 'access_denied':
      return accessDeniedError('The client is not usable by this user');
    case 'invalid_grant':
      return grantError(refusal.problem, message);
  }
}

/** An error of the REST layer itself (protocols 3.1). */
export const restLayerError = (status: number, key: string, text: string) => ({
  errorKey: key,
  messageTranslations: { en: text },
  httpCode: status,
  httpReason: STATUS_CODES[status] ?? '',
});
