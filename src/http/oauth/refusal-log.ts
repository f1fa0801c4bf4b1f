import { parseBasicCredentials, splitAuthorization } from '#encoding/authorization.ts';
import type { FormParameters } from '#encoding/form.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { parseSignedRequest } from '#oauth1/parse.ts';
import type { OAuth1Profile } from '#oauth1/profile.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import type { OAuth2Refusal } from '#oauth2/refusals.ts';
import type { FailureRecorder } from '#registry/refused-requests.ts';
import { toStoredRequest } from './refused-request.ts';

// Keeps what a developer needs to see why a request of their app was refused. It changes no answer.

const consumerKey = /oauth_consumer_key(?:="|=|%3D)([0-9a-f]{32})/i;
/** Most bytes of a form that are searched for the app it names. */
const MAX_SEARCHED_BYTES = 16_384;

/**
 * The app that a request names which cannot be read: whatever is broken about it, its developer
 * should hear of it.
 */
function findConsumerKey(rawRequest: RawRequest): string | undefined {
  const body =
    rawRequest.body === undefined
      ? ''
      : Buffer.from(rawRequest.body.subarray(0, MAX_SEARCHED_BYTES)).toString();
  for (const text of [
    [rawRequest.headers.authorization ?? []].flat().join(','),
    rawRequest.target,
    body,
  ]) {
    const key = consumerKey.exec(text.replace(/[\\ \t]/g, ''))?.[1];
    if (key !== undefined) return key.toLowerCase();
  }
  return undefined;
}

/** What a refusal says, without records and secrets. */
function refusalFacts(refusal: OAuth1Refusal): Readonly<Record<string, unknown>> {
  switch (refusal.kind) {
    case 'timestamp_refused':
      return { yours: refusal.requestTimestamp, ours: refusal.serverTime };
    case 'parameter_absent':
      return { parameter: refusal.parameter };
    case 'parameter_rejected':
      return { parameter: refusal.parameter, problem: refusal.problem };
    case 'version_rejected':
      return { asked: refusal.requested };
    case 'signature_method_rejected':
      return { asked: refusal.requested, supported: refusal.supported.join(', ') };
    default:
      return {};
  }
}

/** A refused request without what must not be kept; also one that could not be read. */
function signedRequestFacts(
  rawRequest: RawRequest,
  profile: OAuth1Profile,
  refusal: OAuth1Refusal,
) {
  const parsed = parseSignedRequest(rawRequest, profile);
  const key =
    (parsed.ok ? parsed.value.oauth.get('oauth_consumer_key') : undefined) ??
    findConsumerKey(rawRequest);
  if (key === undefined || !/^[0-9a-f]{32}$/.test(key)) return undefined;
  const storedRequest = toStoredRequest(rawRequest);
  return {
    clientId: key as ClientId,
    facts: {
      refusal: refusal.kind,
      reading: profile.name,
      method: rawRequest.method.slice(0, 32),
      path: (rawRequest.target.split(/[?#]/, 1)[0] ?? '').slice(0, 500),
      ...(parsed.ok
        ? { names: parsed.value.params.slice(0, 50).map(([name]) => name.slice(0, 64)) }
        : {}),
      ...refusalFacts(refusal),
      ...(storedRequest === undefined ? {} : { request: storedRequest }),
    },
  };
}

/** Records what is refused of OAuth 1. */
export function withOAuth1FailureLog(oauth1: OAuth1, failures: FailureRecorder): OAuth1 {
  const withFailureLog =
    <
      A extends readonly unknown[],
      T extends { readonly ok: boolean; readonly refusal?: OAuth1Refusal },
    >(
      method: (rawRequest: RawRequest, ...rest: A) => Promise<T>,
    ) =>
    async (rawRequest: RawRequest, ...rest: A): Promise<T> => {
      const answer = await method(rawRequest, ...rest);
      if (answer.ok || answer.refusal === undefined) return answer;
      const failure = signedRequestFacts(rawRequest, oauth1.profile, answer.refusal);
      if (failure) await failures.recordFailure(failure.clientId, 'oauth1', failure.facts);
      return answer;
    };
  return {
    ...oauth1,
    issueTemporaryCredentials: withFailureLog(oauth1.issueTemporaryCredentials),
    issueTokenCredentials: withFailureLog(oauth1.issueTokenCredentials),
    authenticateRequest: withFailureLog(oauth1.authenticateRequest),
  };
}

/** Which app a token request names, whether or not it proved to be it. */
function findClaimedClientId(
  authorization: string | undefined,
  form: FormParameters,
): string | undefined {
  if (authorization === undefined || splitAuthorization(authorization).scheme !== 'basic')
    return form.get('client_id');
  const basic = parseBasicCredentials(authorization, 'form');
  return basic.ok ? basic.value.id : undefined;
}

function tokenRequestFacts(
  authorization: string | undefined,
  form: FormParameters,
  refusal: OAuth2Refusal,
) {
  const { kind, ...rest } = refusal;
  const requestValues = ['redirect_uri', 'scope', 'client_id'].flatMap((name) => {
    const value = form.get(name);
    return value === undefined ? [] : [[name, value.slice(0, 300)] as const];
  });
  return {
    refusal: kind,
    ...('problem' in rest ? { problem: rest.problem } : {}),
    ...('parameter' in rest ? { parameter: rest.parameter.slice(0, 64) } : {}),
    grant_type: (form.get('grant_type') ?? '').slice(0, 64),
    // How it proved itself, never with what.
    authentication:
      authorization === undefined
        ? form.get('client_secret') === undefined
          ? 'none'
          : 'body'
        : 'header',
    with_verifier: form.get('code_verifier') !== undefined,
    ...Object.fromEntries(requestValues),
  };
}

/** Records what is refused of OAuth 2. */
export function withOAuth2FailureLog(oauth2: OAuth2, failures: FailureRecorder): OAuth2 {
  return {
    ...oauth2,
    async issueTokens(request) {
      const answer = await oauth2.issueTokens(request);
      if (answer.ok) return answer;
      const id = findClaimedClientId(request.authorization, request.form);
      if (id !== undefined)
        await failures.recordFailure(
          id,
          'token',
          tokenRequestFacts(request.authorization, request.form, answer.refusal),
        );
      return answer;
    },
  };
}

const clientId = /client_id(?:":"|=)([0-9a-f]{32})/i;

/**
 * The app that a token request names which cannot be read: in Basic credentials, or anywhere in the
 * body.
 */
function findTokenClientId(rawRequest: RawRequest): string | undefined {
  const authorization = singleHeader(rawRequest, 'authorization');
  const basic =
    authorization === undefined ? undefined : parseBasicCredentials(authorization, 'form');
  if (basic?.ok) return basic.value.id;
  const body = Buffer.from(rawRequest.body?.subarray(0, MAX_SEARCHED_BYTES) ?? []).toString();
  return clientId.exec(body.replace(/\s/g, ''))?.[1];
}

/**
 * Notes a token request that nobody could read, such as one with a JSON body, for the app it names.
 * Nothing of the body is kept.
 */
export async function logUnreadableTokenRequest(
  { failures }: { readonly failures: FailureRecorder },
  rawRequest: RawRequest,
  refusal: { readonly parameter: string; readonly problem: string },
): Promise<void> {
  const id = findTokenClientId(rawRequest);
  if (id === undefined) return;
  await failures.recordFailure(id, 'token', {
    refusal: 'invalid_request',
    parameter: refusal.parameter,
    problem: refusal.problem,
  });
}
