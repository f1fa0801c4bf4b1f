import { formatChallenges } from '#encoding/authorization.ts';
import { parseForm } from '#encoding/form.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import { refuse } from '#kernel/result.ts';
import { oauth1StatusOf } from '#oauth1/refusal-statuses.ts';
import { describeOAuth1Refusal, problemReport } from '#oauth1/refusal-texts.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import { bearerStatusOf } from '#oauth2/refusal-statuses.ts';
import { describeBearerRefusal } from '#oauth2/refusal-texts.ts';
import type { BearerRefusal } from '#oauth2/refusals.ts';

/**
 * Why a request may not act. `status`, `wwwAuthenticate` and `body` are ready to be sent (RFC 6750
 * §3, RFC 9110 §11.6.1).
 */
export interface GuardRefusal {
  readonly status: 400 | 401 | 403 | 413;
  readonly wwwAuthenticate: string;
  /**
   * For a JSON body: the kind, what to do in a sentence of ASCII, and what a program needs, such as
   * `oauth_acceptable_timestamps`.
   */
  readonly body: {
    readonly error: string;
    readonly error_description: string;
    readonly [fact: string]: string;
  };
  readonly why:
    | { readonly kind: 'no-credentials' }
    | { readonly kind: 'two-credentials' }
    | { readonly kind: 'malformed' }
    | { readonly kind: 'oauth1'; readonly refusal: OAuth1Refusal }
    | { readonly kind: 'bearer'; readonly refusal: BearerRefusal };
}

/**
 * What a request without credentials that are read here is told; a token beside `Authorization` is
 * noticed (RFC 9700 §4.3.2).
 */
export function credentialAdvice(
  rawRequest: RawRequest,
  authorization: string | undefined,
): string {
  if (authorization !== undefined)
    return 'Authorization has a scheme that is not read here: send "Bearer" and a token, or "OAuth" and a signature.';
  const query = parseForm(rawRequest.target.split('?').slice(1).join('?'));
  return query.ok && query.value.some(([name]) => name === 'access_token')
    ? 'access_token was sent in the query, where it is in logs: send it as Authorization: Bearer.'
    : 'Send a token (Authorization: Bearer) or a signed request (Authorization: OAuth).';
}

const twoCredentialsMessages = {
  repeated: 'Authorization was sent more than once: send it once.',
  mixed: 'Authorization was sent beside a signature in the query or the form: send one of them.',
} as const;
const malformedTokenMessage =
  'The token is malformed: Authorization is "Bearer", a space, and the token as it was issued.';

/** The refusals of a realm's guard: every answer with its challenges (RFC 9110 §11.6.1). */
export function makeGuardRefusals(realm: string) {
  const challenge = (
    scheme: 'OAuth' | 'Bearer',
    params: Readonly<Record<string, string>> = {},
  ) => ({
    scheme,
    params: { realm, ...params },
  });
  const refuseWith = (
    status: GuardRefusal['status'],
    why: GuardRefusal['why'],
    body: GuardRefusal['body'],
    ...challenges: readonly ReturnType<typeof challenge>[]
  ) => refuse<GuardRefusal>({ status, why, body, wwwAuthenticate: formatChallenges(challenges) });
  /** A refusal of RFC 6750 §3.1: the same in the challenge and in the body. */
  const refuseBearer = (
    status: GuardRefusal['status'],
    why: GuardRefusal['why'],
    error: string,
    error_description: string,
  ) =>
    refuseWith(
      status,
      why,
      { error, error_description },
      challenge('Bearer', { error, error_description }),
    );
  return {
    noCredentials: (rawRequest: RawRequest, authorization: string | undefined) =>
      refuseWith(
        401,
        { kind: 'no-credentials' },
        { error: 'no_credentials', error_description: credentialAdvice(rawRequest, authorization) },
        challenge('Bearer'),
        challenge('OAuth'),
      ),
    twoCredentials: (how: keyof typeof twoCredentialsMessages) =>
      refuseBearer(
        400,
        { kind: 'two-credentials' },
        'invalid_request',
        twoCredentialsMessages[how],
      ),
    malformedToken: () =>
      refuseBearer(400, { kind: 'malformed' }, 'invalid_request', malformedTokenMessage),
    signedRequest(refusal: OAuth1Refusal) {
      const problem = Object.fromEntries(problemReport(refusal));
      const { oauth_problem_advice: _advice, ...facts } = problem;
      return refuseWith(
        oauth1StatusOf(refusal),
        { kind: 'oauth1', refusal },
        { error: refusal.kind, error_description: describeOAuth1Refusal(refusal), ...facts },
        challenge('OAuth', problem),
      );
    },
    bearerToken: (refusal: BearerRefusal) =>
      refuseBearer(
        bearerStatusOf(refusal),
        { kind: 'bearer', refusal },
        refusal.kind === 'not_allowed' ? 'insufficient_scope' : refusal.kind,
        describeBearerRefusal(refusal),
      ),
  };
}
export type GuardRefusals = ReturnType<typeof makeGuardRefusals>;
