import type { GuardRefusal } from '#guard/refusals.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { BearerRefusal } from '#oauth2/refusals.ts';
import type { ApiProblem } from './api-errors.ts';
import { type DialectError, makeDialectError, toDialectError } from './messages.ts';

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
 * read the key of `invalidBearerError`, so what a new token would not mend has keys of its own.
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
