import { parseBasic, splitScheme } from '#encoding/authorization.ts';
import type { FormValues } from '#encoding/form.ts';
import { header, type SentRequest } from '#encoding/raw-request.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { parseSignedRequest, type Reading } from '#oauth1/parse.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import type { OAuth2Refusal } from '#oauth2/refusals.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { FailureNotes } from '#registry/refused-requests.ts';
import { keepRequest } from './refused-request.ts';

// Keeps what a developer needs to see why a request of their app was refused. It changes no answer.

const consumerKey = /oauth_consumer_key(?:="|=|%3D)([0-9a-f]{32})/i;
/** Most bytes of a form that are searched for the app it names. */
const MOST_SEARCHED = 16_384;

/**
 * The app that a request names which cannot be read: whatever is broken about it, its developer
 * should hear of it.
 */
function namedIn(sent: SentRequest): string | undefined {
  const body =
    sent.body === undefined ? '' : Buffer.from(sent.body.subarray(0, MOST_SEARCHED)).toString();
  for (const text of [[sent.headers.authorization ?? []].flat().join(','), sent.target, body]) {
    const key = consumerKey.exec(text.replace(/[\\ \t]/g, ''))?.[1];
    if (key !== undefined) return key.toLowerCase();
  }
  return undefined;
}

/** What a refusal says, without records and secrets. */
function refusalFacts(refusal: OAuth1Refusal): Readonly<Record<string, unknown>> {
  switch (refusal.kind) {
    case 'timestamp_refused':
      return { yours: refusal.yours, ours: refusal.ours };
    case 'parameter_absent':
      return { parameter: refusal.parameter };
    case 'parameter_rejected':
      return { parameter: refusal.parameter, problem: refusal.problem };
    case 'version_rejected':
      return { asked: refusal.asked };
    case 'signature_method_rejected':
      return { asked: refusal.asked, supported: refusal.supported.join(', ') };
    default:
      return {};
  }
}

/** A refused request without what must not be kept; also one that could not be read. */
function signedFacts(sent: SentRequest, reading: Reading, refusal: OAuth1Refusal) {
  const signed = parseSignedRequest(sent, reading);
  const key =
    (signed.ok ? signed.value.oauth.get('oauth_consumer_key') : undefined) ?? namedIn(sent);
  if (key === undefined || !/^[0-9a-f]{32}$/.test(key)) return undefined;
  const request = keepRequest(sent);
  return {
    clientId: key as ClientId,
    facts: {
      refusal: refusal.kind,
      reading,
      method: sent.method.slice(0, 32),
      path: (sent.target.split(/[?#]/, 1)[0] ?? '').slice(0, 500),
      ...(signed.ok
        ? { names: signed.value.params.slice(0, 50).map(([name]) => name.slice(0, 64)) }
        : {}),
      ...refusalFacts(refusal),
      ...(request === undefined ? {} : { request }),
    },
  };
}

/** Watches a face of OAuth 1. */
export function watchOAuth1(
  oauth1: OAuth1,
  reading: Reading,
  records: Pick<RegistryRecords, 'findClient'>,
  failures: FailureNotes,
): OAuth1 {
  const watched =
    <
      A extends readonly unknown[],
      T extends { readonly ok: boolean; readonly refusal?: OAuth1Refusal },
    >(
      verb: (sent: SentRequest, ...rest: A) => Promise<T>,
    ) =>
    async (sent: SentRequest, ...rest: A): Promise<T> => {
      const answer = await verb(sent, ...rest);
      if (answer.ok || answer.refusal === undefined) return answer;
      const kept = signedFacts(sent, reading, answer.refusal);
      if (kept && (await records.findClient(kept.clientId)) !== undefined)
        failures.note(kept.clientId, 'oauth1', kept.facts);
      return answer;
    };
  return {
    ...oauth1,
    initiate: watched(oauth1.initiate),
    exchange: watched(oauth1.exchange),
    authenticateRequest: watched(oauth1.authenticateRequest),
  };
}

/** Which app a token request names, whether or not it proved to be it. */
function namedClient(authorization: string | undefined, form: FormValues): string | undefined {
  if (authorization === undefined || splitScheme(authorization).scheme !== 'basic')
    return form.get('client_id');
  const basic = parseBasic(authorization, 'form');
  return basic.ok ? basic.value.id : undefined;
}

function tokenFacts(authorization: string | undefined, form: FormValues, refusal: OAuth2Refusal) {
  const { kind, ...rest } = refusal;
  const sent = ['redirect_uri', 'scope', 'client_id'].flatMap((name) => {
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
    ...Object.fromEntries(sent),
  };
}

/** Watches a face of OAuth 2. */
export function watchOAuth2(
  oauth2: OAuth2,
  records: Pick<RegistryRecords, 'findClient'>,
  failures: FailureNotes,
): OAuth2 {
  return {
    ...oauth2,
    async token(request) {
      const answer = await oauth2.token(request);
      if (answer.ok) return answer;
      const id = namedClient(request.authorization, request.form);
      if (
        id !== undefined &&
        /^[0-9a-f]{32}$/.test(id) &&
        (await records.findClient(id as ClientId)) !== undefined
      )
        failures.note(
          id as ClientId,
          'token',
          tokenFacts(request.authorization, request.form, answer.refusal),
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
function namedInToken(sent: SentRequest): string | undefined {
  const authorization = header(sent, 'authorization');
  const basic = authorization === undefined ? undefined : parseBasic(authorization, 'form');
  if (basic?.ok) return basic.value.id;
  const body = Buffer.from(sent.body?.subarray(0, MOST_SEARCHED) ?? []).toString();
  return clientId.exec(body.replace(/\s/g, ''))?.[1];
}

/**
 * Notes a token request that nobody could read, such as one with a JSON body, for the app it names.
 * Nothing of the body is kept.
 */
export async function noteUnreadableToken(
  {
    records,
    failures,
  }: { readonly records: Pick<RegistryRecords, 'findClient'>; readonly failures: FailureNotes },
  sent: SentRequest,
  refusal: { readonly parameter: string; readonly problem: string },
): Promise<void> {
  const id = namedInToken(sent);
  if (
    id === undefined ||
    !/^[0-9a-f]{32}$/.test(id) ||
    (await records.findClient(id as ClientId)) === undefined
  )
    return;
  failures.note(id as ClientId, 'token', {
    refusal: 'invalid_request',
    parameter: refusal.parameter,
    problem: refusal.problem,
  });
}
