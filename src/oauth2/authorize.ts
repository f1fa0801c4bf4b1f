import type { Account } from '#accounts/account.ts';
import type { ClientId, FamilyId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { later } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { isPkceText } from '#keys/pkce.ts';
import type { OAuth2Asked } from '#registry/authorization-request.ts';
import type { Client } from '#registry/client.ts';
import type { Consent } from '#registry/consent.ts';
import { hindrance } from '#registry/policy.ts';
import { formValues, type Pair } from '#wire/form.ts';
import { addToQuery, redirectUriMatches } from '#wire/redirect-uri.ts';
import type { OAuth2Parts } from './parts.ts';
import type { AuthorizeProblem, AuthorizeRefusal } from './refusals.ts';
import { askedScopes } from './scope-request.ts';

/** A sound request of the authorization endpoint, before the person is known. */
export interface SoundRequest {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly asked: OAuth2Asked;
  readonly display: 'page' | 'popup';
}

const MOST_STATE = 2048;

/**
 * Reads an authorization request (RFC 6749 §4.1.1). Client and redirect URI come first: until both hold, the refusal must not be sent
 * anywhere but to the person (§4.1.2.1).
 */
export async function readAuthorization(parts: OAuth2Parts, pairs: readonly Pair[]): Promise<Result<SoundRequest, AuthorizeRefusal>> {
  const form = formValues(pairs);
  const onPage = (problem: AuthorizeProblem) => refuse({ problem, redirect: null });
  const clientId = form.get('client_id');
  const clientTwice =
    pairs.filter(([name]) => name === 'client_id' || name === 'redirect_uri').length >
    new Set(pairs.map(([name]) => name).filter((name) => name === 'client_id' || name === 'redirect_uri')).size;
  if (clientTwice)
    return onPage({
      kind: 'invalid_request',
      parameter: form.repeated === 'redirect_uri' ? 'redirect_uri' : 'client_id',
      problem: 'repeated',
    });
  if (clientId === undefined) return onPage({ kind: 'invalid_request', parameter: 'client_id', problem: 'missing' });
  const found = clientId.length <= 64 ? await parts.registry.findClient(clientId as ClientId) : undefined;
  if (found?.protocol !== 'oauth2') return onPage({ kind: 'unknown_client' });
  const client = found;
  const redirectUri = form.get('redirect_uri');
  if (client.redirectUri === '' || (redirectUri !== undefined && !redirectUriMatches([client.redirectUri], redirectUri)))
    return onPage({ kind: 'redirect_uri_mismatch' });

  const state = form.get('state') ?? null;
  const redirect = { uri: redirectUri ?? client.redirectUri, state: state !== null && state.length <= MOST_STATE ? state : null };
  const back = (problem: AuthorizeProblem) => refuse({ problem, redirect });
  const invalid = (parameter: string, problem: 'missing' | 'repeated' | 'malformed') =>
    back({ kind: 'invalid_request', parameter, problem });
  if (form.repeated !== undefined) return invalid(form.repeated.slice(0, 64), 'repeated');
  if (state !== null && state.length > MOST_STATE) return invalid('state', 'malformed');
  const responseType = form.get('response_type');
  if (responseType === undefined) return invalid('response_type', 'missing');
  if (responseType !== 'code') return back({ kind: 'unsupported_response_type' });
  if (client.ownerOnly) return back({ kind: 'unauthorized_client', problem: 'owner-only' });
  if (!client.grantTypes.includes('authorization_code')) return back({ kind: 'unauthorized_client', problem: 'grant-type' });
  const scopes = askedScopes(form.get('scope'), client, parts);
  if (!scopes.ok) return back(scopes.refusal);

  // PKCE (RFC 7636 §4.3, RFC 9700 §2.1.1): S256, for every client but a confidential one with an exemption.
  const challenge = form.get('code_challenge') ?? null;
  const method = form.get('code_challenge_method');
  const exempt = client.confidential && (client.pkceOptional || parts.reading.relaxedPkce);
  if (challenge === null && (!exempt || method !== undefined)) return invalid('code_challenge', 'missing');
  if (challenge !== null && !isPkceText(challenge)) return invalid('code_challenge', 'malformed');
  const plain = method === undefined || method === 'plain';
  if (challenge !== null && !(method === 'S256' || (plain && parts.reading.relaxedPkce)))
    return invalid('code_challenge_method', 'malformed');
  const asked: OAuth2Asked = {
    protocol: 'oauth2',
    redirectUri: redirect.uri,
    redirectUriSent: redirectUri !== undefined,
    state,
    codeChallenge: challenge,
    codeChallengeMethod: challenge === null ? null : plain ? 'plain' : 'S256',
  };
  const display = form.get('display');
  return accept({ client, scopes: scopes.value, asked, display: display === undefined || display === 'page' ? 'page' : 'popup' });
}

/** Whether this person may use the client at all; the refusal goes back to the client. */
export function checkUser({ client, asked }: SoundRequest, user: Account): AuthorizeRefusal | undefined {
  const why = hindrance(client, user);
  return why && { problem: { kind: 'access_denied', problem: why.kind }, redirect: { uri: asked.redirectUri, state: asked.state } };
}

/** Stores a code for what was accepted and answers where to send the person (RFC 6749 §4.1.2, RFC 9207 §2). */
export async function issueCode(
  parts: OAuth2Parts,
  asked: OAuth2Asked,
  client: Client,
  consent: Consent,
  scopes: readonly string[],
): Promise<string> {
  const { records, mint, clock, settings } = parts;
  const secret = mint.secret();
  const issuedAt = clock.now();
  await records.saveCode({
    digest: digestOf(secret),
    clientId: client.id,
    userId: consent.userId,
    consentId: consent.id,
    familyId: mint.id() as FamilyId,
    redirectUri: asked.redirectUriSent ? asked.redirectUri : null,
    scopes: scopes.filter((scope) => consent.scopes.includes(scope)),
    codeChallenge: asked.codeChallenge,
    codeChallengeMethod: asked.codeChallengeMethod,
    issuedAt,
    expiresAt: later(issuedAt, settings.codeFor),
    used: false,
  });
  return sendBack(parts, asked.redirectUri, asked.state, [['code', secret]]);
}

/** Builds the URI that carries an answer back, with `state` and, in the core, `iss`. */
export function sendBack(
  { reading, settings }: Pick<OAuth2Parts, 'reading' | 'settings'>,
  uri: string,
  state: string | null,
  params: readonly Pair[],
): string {
  return addToQuery(uri, [
    ...params,
    ...(state === null ? [] : [['state', state] as const]),
    ...(reading.iss ? [['iss', settings.issuer] as const] : []),
  ]);
}
