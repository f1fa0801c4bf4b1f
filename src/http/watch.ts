import type { ClientId } from '#kernel/ids.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import { parseSignedRequest, type Reading } from '#oauth1/parse.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import type { OAuth2Refusal } from '#oauth2/refusals.ts';
import type { FailureNotes } from '#registry/failures.ts';
import type { RegistryRecords } from '#registry/records.ts';
import { parseBasic, splitScheme } from '#wire/authorization.ts';
import type { FormValues } from '#wire/form.ts';
import type { SentRequest } from '#wire/sent-request.ts';

// Keeps what a developer needs to see why a request of their app was refused. It changes no answer.

const MOST_KEPT = 3000;

/** A signed request without what must not be kept. PLAINTEXT signatures are secrets; long bodies are other people's texts. */
function signedFacts(sent: SentRequest, reading: Reading, refusal: OAuth1Refusal) {
  const signed = parseSignedRequest(sent, reading);
  if (!signed.ok) return undefined;
  const { method, path, params, oauth } = signed.value;
  const key = oauth.get('oauth_consumer_key');
  if (key === undefined || !/^[0-9a-f]{32}$/.test(key)) return undefined;
  const plain = oauth.get('oauth_signature_method') === 'PLAINTEXT';
  const kept =
    oauth.get('oauth_verifier') === undefined
      ? params
      : params.map((pair) => (pair[0] === 'oauth_verifier' ? (['oauth_verifier', ''] as const) : pair));
  const whole = JSON.stringify(kept).length <= MOST_KEPT && kept === params && !plain;
  return {
    clientId: key as ClientId,
    facts: {
      refusal: refusal.kind,
      method,
      path: path.slice(0, 500),
      names: params.map(([name]) => name.slice(0, 64)).slice(0, 50),
      ...(refusal.kind === 'timestamp_refused' ? { yours: refusal.yours, ours: refusal.ours } : {}),
      ...(refusal.kind === 'parameter_absent' || refusal.kind === 'parameter_rejected' ? { parameter: refusal.parameter } : {}),
      ...(whole ? { params, signature: oauth.get('oauth_signature') ?? '' } : {}),
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
    <A extends readonly unknown[], T extends { readonly ok: boolean; readonly refusal?: OAuth1Refusal }>(
      verb: (sent: SentRequest, ...rest: A) => Promise<T>,
    ) =>
    async (sent: SentRequest, ...rest: A): Promise<T> => {
      const answer = await verb(sent, ...rest);
      if (answer.ok || answer.refusal === undefined) return answer;
      const kept = signedFacts(sent, reading, answer.refusal);
      if (kept && (await records.findClient(kept.clientId)) !== undefined) failures.note(kept.clientId, 'oauth1', kept.facts);
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
  if (authorization === undefined || splitScheme(authorization).scheme !== 'basic') return form.get('client_id');
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
    authentication: authorization === undefined ? (form.get('client_secret') === undefined ? 'none' : 'body') : 'header',
    with_verifier: form.get('code_verifier') !== undefined,
    ...Object.fromEntries(sent),
  };
}

/** Watches a face of OAuth 2. */
export function watchOAuth2(oauth2: OAuth2, records: Pick<RegistryRecords, 'findClient'>, failures: FailureNotes): OAuth2 {
  return {
    ...oauth2,
    async token(request) {
      const answer = await oauth2.token(request);
      if (answer.ok) return answer;
      const id = namedClient(request.authorization, request.form);
      if (id !== undefined && /^[0-9a-f]{32}$/.test(id) && (await records.findClient(id as ClientId)) !== undefined)
        failures.note(id as ClientId, 'token', tokenFacts(request.authorization, request.form, answer.refusal));
      return answer;
    },
  };
}
