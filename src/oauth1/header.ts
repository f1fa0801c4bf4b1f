import { MAX_AUTH_PARAMS_LENGTH } from '#encoding/auth-params.ts';
import { isOAuth1Authorization, trimHttpWhitespace } from '#encoding/authorization.ts';
import type { Result } from '#kernel/result.ts';
import type { OAuth1Profile } from './profile.ts';
import { type ParameterRejected, rejectParameter } from './refusals.ts';
import { describeCharacter, type HeaderParameters } from './strict-parameters.ts';

/**
 * Reads `Authorization: OAuth …` (RFC 5849 §3.5.1, RFC 9110 §11.4); the scheme in any case.
 * Undefined for another scheme. A scheme that no blank follows and a list that is too
 * long are refused in every profile; the profile reads the list.
 */
export function parseOAuthHeader(
  value: string,
  profile: Pick<OAuth1Profile, 'parseHeaderParameters'>,
): Result<HeaderParameters, ParameterRejected> | undefined {
  const trimmed = trimHttpWhitespace(value);
  if (!isOAuth1Authorization(trimmed)) return undefined;
  const [after, rest] = [trimmed[5], trimHttpWhitespace(trimmed.slice(5))];
  const example = 'write OAuth oauth_consumer_key="value", and so on.';
  if (after === '_')
    return rejectParameter(
      'Authorization',
      'malformed',
      ` cannot be read: the scheme OAuth and a space are missing in front of the parameters; ${example}`,
    );
  if (after !== undefined && after !== ' ' && after !== '\t')
    return rejectParameter(
      'Authorization',
      'malformed',
      ` cannot be read: after the scheme OAuth a space is expected, and ${describeCharacter(after)} stands there; ${example}`,
    );
  if (rest.length > MAX_AUTH_PARAMS_LENGTH)
    return rejectParameter(
      'Authorization',
      'too-long',
      ` has ${rest.length} characters after the scheme, and at most ${MAX_AUTH_PARAMS_LENGTH} are read.`,
    );
  return profile.parseHeaderParameters(rest);
}
