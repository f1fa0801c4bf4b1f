import type { Account } from '#accounts/account.ts';
import { type FormParameters, makeFormParameters, type NameValuePair } from '#encoding/form.ts';
import { isRegisteredRedirectUri } from '#encoding/redirect-uri.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { isExpired } from '#kernel/time.ts';
import { isPkceText } from '#keys/pkce.ts';
import { clientAccessDenial } from '#registry/access.ts';
import type {
  AuthorizationRequest,
  OAuth2RequestDetails,
  ProtocolProfile,
} from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import {
  looksUnknown,
  proveRedirect,
  type RedirectPurpose,
} from '#registry/model/proven-redirect.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import { MAX_STATE_BYTES } from '../refusal-texts.ts';
import type {
  AuthorizationProblem,
  AuthorizationRefusal,
  AuthorizationResponseTarget,
  PkceProblem,
} from '../refusals.ts';
import { parseRequestedScopes } from '../scope-request.ts';
import { REPEATABLE_PARAMETERS } from './token.ts';

/** A sound request of the authorization endpoint, and the signed-in person it is put to. */
export interface ValidAuthorizationRequest {
  readonly client: Client;
  readonly user: Account;
  readonly scopes: readonly string[];
  readonly parameters: OAuth2RequestDetails;
  readonly display: 'page' | 'popup';
  /** The client forbids pages (`prompt=none`): who would have to be asked is not. */
  readonly promptNone: boolean;
}

/**
 * What is kept of a valid request until its person has decided. `profile`: of the address where it
 * came in, which decides where the code is redeemed.
 */
export const toPendingAuthorization = (
  { client, user, scopes, parameters, display }: ValidAuthorizationRequest,
  profile: ProtocolProfile,
): Omit<AuthorizationRequest, 'digest' | 'expiresAt'> => ({
  clientId: client.id,
  userId: user.id,
  scopes,
  asked: parameters,
  dialect: profile,
  display,
});

/**
 * Decoded, it has no more bytes than it was sent with; how many those were is judged where it is
 * read.
 */
const isStateWithinLimit = (state: string): boolean => Buffer.byteLength(state) <= MAX_STATE_BYTES;

const refuseOnPage = (problem: AuthorizationProblem) =>
  refuse<AuthorizationRefusal>({ problem, redirect: null, signInFirst: false });

const isRegisteredRedirect = (uri: string, client: Client): boolean =>
  client.redirectUri !== '' && isRegisteredRedirectUri([client.redirectUri], uri);

/**
 * Where this person may be sent with an answer to a request that asked for this URI; or what they
 * are told on a page instead.
 */
export function proveResponseTarget(
  client: Client,
  person: Pick<Account, 'id'> | null,
  { redirectUri, state }: Pick<OAuth2RequestDetails, 'redirectUri' | 'state'>,
  purpose: RedirectPurpose,
): Result<AuthorizationResponseTarget, AuthorizationRefusal> {
  if (looksUnknown(client, person)) return refuseOnPage({ kind: 'unknown_client' });
  const proof = proveRedirect(redirectUri, client, person, purpose, isRegisteredRedirect);
  if (proof.ok) return accept({ redirect: proof.value, state });
  switch (proof.refusal.kind) {
    case 'not-registered':
      // A service has no redirect URI that a request could miss.
      return refuseOnPage(
        client.redirectUri === ''
          ? { kind: 'unauthorized_client', problem: 'grant-type' }
          : { kind: 'redirect_uri_mismatch' },
      );
    case 'misleading':
      return refuseOnPage({ kind: 'redirect_uri_misleading' });
    default:
      return refuseOnPage({ kind: 'access_denied', problem: proof.refusal.kind });
  }
}

/** The client that a request names, before anything else of the request is believed. */
async function findRequestedClient(
  deps: OAuth2Dependencies,
  pairs: readonly NameValuePair[],
  form: FormParameters,
): Promise<Result<Client, AuthorizationRefusal>> {
  for (const parameter of ['client_id', 'redirect_uri'])
    if (pairs.filter(([name]) => name === parameter).length > 1)
      return refuseOnPage({ kind: 'invalid_request', parameter, problem: 'repeated' });
  const clientId = form.get('client_id');
  if (clientId === undefined)
    return refuseOnPage({ kind: 'invalid_request', parameter: 'client_id', problem: 'missing' });
  const foundClient =
    clientId.length <= 64 ? await deps.registry.findClient(clientId as ClientId) : undefined;
  return foundClient?.protocol === 'oauth2'
    ? accept(foundClient)
    : refuseOnPage({ kind: 'unknown_client' });
}

/**
 * The PKCE part of a request (RFC 7636 §4.3, RFC 9700 §2.1.1): S256, for every client in every
 * profile, but for a confidential one that is registered with the exemption. Where the profile
 * honours the mark of an importer, `plain` is taken until its day.
 */
function parsePkceChallenge(
  { profile, clock }: OAuth2Dependencies,
  client: Client,
  form: FormParameters,
): Result<
  Pick<OAuth2RequestDetails, 'codeChallenge' | 'codeChallengeMethod'>,
  AuthorizationProblem
> {
  const invalidParameter = (
    parameter: 'code_challenge' | 'code_challenge_method',
    problem: 'malformed' | PkceProblem,
  ) => refuse({ kind: 'invalid_request', parameter, problem } as const);
  const challenge = form.get('code_challenge') ?? null;
  const method = form.get('code_challenge_method');
  if (challenge === null) {
    if (client.confidential && client.pkceOptional && method === undefined)
      return accept({ codeChallenge: null, codeChallengeMethod: null });
    return invalidParameter(
      'code_challenge',
      client.confidential && !client.pkceOptional ? 'pkce-or-exemption-needed' : 'pkce-needed',
    );
  }
  if (!isPkceText(challenge)) return invalidParameter('code_challenge', 'malformed');
  if (method === 'S256') return accept({ codeChallenge: challenge, codeChallengeMethod: 'S256' });
  // Left out, it means plain (§4.3).
  if (method !== undefined && method !== 'plain')
    return invalidParameter('code_challenge_method', 's256-needed');
  const plainAllowed =
    profile.plainPkceForImportedClients &&
    client.plainPkceUntil !== null &&
    !isExpired(client.plainPkceUntil, clock.now());
  return plainAllowed
    ? accept({ codeChallenge: challenge, codeChallengeMethod: 'plain' })
    : invalidParameter('code_challenge_method', 's256-needed');
}

/** What a request asks for, once its client and redirect URI hold (RFC 6749 §4.1.1). */
function parseRequestParameters(
  deps: OAuth2Dependencies,
  client: Client,
  form: FormParameters,
): Result<
  Pick<ValidAuthorizationRequest, 'scopes' | 'parameters' | 'display' | 'promptNone'>,
  AuthorizationProblem
> {
  const invalidParameter = (
    parameter: string,
    problem: 'missing' | 'repeated' | 'malformed' | 'too-long',
  ) => refuse({ kind: 'invalid_request', parameter, problem } as const);
  if (form.repeated !== undefined) return invalidParameter(form.repeated.slice(0, 64), 'repeated');
  const state = form.get('state') ?? null;
  if (state !== null && !isStateWithinLimit(state)) return invalidParameter('state', 'too-long');
  const responseType = form.get('response_type');
  if (responseType === undefined) return invalidParameter('response_type', 'missing');
  if (responseType !== 'code') return refuse({ kind: 'unsupported_response_type' });
  const prompts = parsePrompts(form);
  // "none" with another value is an error (OpenID Connect Core §3.1.2.1).
  if (prompts.includes('none') && prompts.length > 1)
    return invalidParameter('prompt', 'malformed');
  if (client.ownerOnly) return refuse({ kind: 'unauthorized_client', problem: 'owner-only' });
  if (!client.grantTypes.includes('authorization_code'))
    return refuse({ kind: 'unauthorized_client', problem: 'grant-type' });
  const scopes = parseRequestedScopes(form.get('scope'), client, deps);
  if (!scopes.ok) return scopes;
  const challenge = parsePkceChallenge(deps, client, form);
  if (!challenge.ok) return challenge;
  const redirectUri = form.get('redirect_uri');
  const display = form.get('display');
  return accept({
    scopes: scopes.value,
    parameters: {
      protocol: 'oauth2',
      redirectUri: redirectUri ?? client.redirectUri,
      redirectUriSent: redirectUri !== undefined,
      state,
      ...challenge.value,
    },
    display: display === undefined || display === 'page' ? 'page' : 'popup',
    promptNone: prompts.includes('none'),
  });
}

const parsePrompts = (form: FormParameters): readonly string[] =>
  (form.get('prompt') ?? '').split(' ').filter((prompt) => prompt !== '');

/**
 * Judges an authorization request for whoever is in front of us (RFC 6749 §4.1.1); null: nobody has
 * signed in. First comes whether anybody may be sent to this client at all: its stage and
 * suppression, then the redirect URI. Until these hold, and also when the request itself is wrong,
 * the refusal goes to the person on a page (§4.1.2.1, RFC 9700 §4.11.2). A person who has not
 * signed in does that before the client is told anything, so that no link leads through this server
 * to somewhere else without a page; `prompt=none` is answered at once.
 */
export async function validateAuthorizationRequest(
  deps: OAuth2Dependencies,
  pairs: readonly NameValuePair[],
  user: Account | null,
): Promise<Result<ValidAuthorizationRequest, AuthorizationRefusal>> {
  const form = makeFormParameters(pairs, REPEATABLE_PARAMETERS);
  const requestedClient = await findRequestedClient(deps, pairs, form);
  if (!requestedClient.ok) return requestedClient;
  const client = requestedClient.value;
  const state = form.get('state') ?? null;
  const requestedTarget = {
    redirectUri: form.get('redirect_uri') ?? client.redirectUri,
    state: state !== null && isStateWithinLimit(state) ? state : null,
  };
  const consentTarget = proveResponseTarget(client, user, requestedTarget, 'consent');
  if (!consentTarget.ok) return consentTarget;
  const errorTarget = proveResponseTarget(client, user, requestedTarget, 'error');
  const signInFirst = user === null && !parsePrompts(form).includes('none');
  const refuseRequest = (problem: AuthorizationProblem): Result<never, AuthorizationRefusal> =>
    errorTarget.ok ? refuse({ problem, redirect: errorTarget.value, signInFirst }) : errorTarget;

  const parsed = parseRequestParameters(deps, client, form);
  if (!parsed.ok) return refuseRequest(parsed.refusal);
  if (user === null)
    return signInFirst
      ? refuse({ problem: { kind: 'login_required' }, redirect: null, signInFirst })
      : refuseRequest({ kind: 'login_required' });
  const accessDenial = clientAccessDenial(client, user);
  return accessDenial
    ? refuseRequest({ kind: 'access_denied', problem: accessDenial.kind })
    : accept({ client, user, ...parsed.value });
}
