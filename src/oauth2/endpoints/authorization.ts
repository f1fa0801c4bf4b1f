import type { Account } from '#accounts/account.ts';
import { type FormValues, formValues, type Pair } from '#encoding/form.ts';
import { redirectUriMatches } from '#encoding/redirect-uri.ts';
import type { ClientId, FamilyId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, isPast, later } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { isPkceText } from '#keys/pkce.ts';
import { hindrance } from '#registry/access.ts';
import type { OAuth2Asked } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import {
  looksUnknown,
  type ProvenRedirect,
  proveRedirect,
  type RedirectPurpose,
  withParameters,
} from '#registry/model/proven-redirect.ts';
import type { OAuth2Parts } from '../parts.ts';
import type { Code } from '../records.ts';
import { MOST_STATE } from '../refusal-texts.ts';
import type {
  AuthorizeProblem,
  AuthorizeRefusal,
  AuthorizeReply,
  PkceProblem,
} from '../refusals.ts';
import { askedScopes } from '../scope-request.ts';
import { REPEATABLE } from './token.ts';

/** A sound request of the authorization endpoint, and the signed-in person it is put to. */
export interface SoundRequest {
  readonly client: Client;
  readonly user: Account;
  readonly scopes: readonly string[];
  readonly asked: OAuth2Asked;
  readonly display: 'page' | 'popup';
  /** The client forbids pages (`prompt=none`): who would have to be asked is not. */
  readonly silent: boolean;
}

/**
 * Decoded, it has no more bytes than it was sent with; how many those were is judged where it is
 * read.
 */
const fitsState = (state: string): boolean => Buffer.byteLength(state) <= MOST_STATE;

const onPage = (problem: AuthorizeProblem) =>
  refuse<AuthorizeRefusal>({ problem, redirect: null, signInFirst: false });

const isRegistered = (uri: string, client: Client): boolean =>
  client.redirectUri !== '' && redirectUriMatches([client.redirectUri], uri);

/**
 * Where this person may be sent with an answer to a request that asked for this URI; or what they
 * are told on a page instead.
 */
function proveReply(
  client: Client,
  person: Pick<Account, 'id'> | null,
  { redirectUri, state }: Pick<OAuth2Asked, 'redirectUri' | 'state'>,
  purpose: RedirectPurpose,
): Result<AuthorizeReply, AuthorizeRefusal> {
  if (looksUnknown(client, person)) return onPage({ kind: 'unknown_client' });
  const proof = proveRedirect(redirectUri, client, person, purpose, isRegistered);
  if (proof.ok) return accept({ to: proof.value, state });
  switch (proof.refusal.kind) {
    case 'not-registered':
      // A service has no redirect URI that a request could miss.
      return onPage(
        client.redirectUri === ''
          ? { kind: 'unauthorized_client', problem: 'grant-type' }
          : { kind: 'redirect_uri_mismatch' },
      );
    case 'misleading':
      return onPage({ kind: 'redirect_uri_misleading' });
    default:
      return onPage({ kind: 'access_denied', problem: proof.refusal.kind });
  }
}

/** The client that a request names, before anything else of the request is believed. */
async function namedClient(
  parts: OAuth2Parts,
  pairs: readonly Pair[],
  form: FormValues,
): Promise<Result<Client, AuthorizeRefusal>> {
  for (const parameter of ['client_id', 'redirect_uri'])
    if (pairs.filter(([name]) => name === parameter).length > 1)
      return onPage({ kind: 'invalid_request', parameter, problem: 'repeated' });
  const clientId = form.get('client_id');
  if (clientId === undefined)
    return onPage({ kind: 'invalid_request', parameter: 'client_id', problem: 'missing' });
  const found =
    clientId.length <= 64 ? await parts.registry.findClient(clientId as ClientId) : undefined;
  return found?.protocol === 'oauth2' ? accept(found) : onPage({ kind: 'unknown_client' });
}

/**
 * The PKCE part of a request (RFC 7636 §4.3, RFC 9700 §2.1.1): S256, for every client in every
 * profile, but for a confidential one that is registered with the exemption. Where the profile
 * honours the mark of an importer, `plain` is taken until its day.
 */
function readChallenge(
  { reading, clock }: OAuth2Parts,
  client: Client,
  form: FormValues,
): Result<Pick<OAuth2Asked, 'codeChallenge' | 'codeChallengeMethod'>, AuthorizeProblem> {
  const invalid = (
    parameter: 'code_challenge' | 'code_challenge_method',
    problem: 'malformed' | PkceProblem,
  ) => refuse({ kind: 'invalid_request', parameter, problem } as const);
  const challenge = form.get('code_challenge') ?? null;
  const method = form.get('code_challenge_method');
  if (challenge === null) {
    if (client.confidential && client.pkceOptional && method === undefined)
      return accept({ codeChallenge: null, codeChallengeMethod: null });
    return invalid(
      'code_challenge',
      client.confidential && !client.pkceOptional ? 'pkce-or-exemption-needed' : 'pkce-needed',
    );
  }
  if (!isPkceText(challenge)) return invalid('code_challenge', 'malformed');
  if (method === 'S256') return accept({ codeChallenge: challenge, codeChallengeMethod: 'S256' });
  // Left out, it means plain (§4.3).
  if (method !== undefined && method !== 'plain')
    return invalid('code_challenge_method', 's256-needed');
  const marked =
    reading.plainPkceOfMarked &&
    client.plainPkceUntil !== null &&
    !isPast(client.plainPkceUntil, clock.now());
  return marked
    ? accept({ codeChallenge: challenge, codeChallengeMethod: 'plain' })
    : invalid('code_challenge_method', 's256-needed');
}

/** What a request asks for, once its client and redirect URI hold (RFC 6749 §4.1.1). */
function readAsked(
  parts: OAuth2Parts,
  client: Client,
  form: FormValues,
): Result<Pick<SoundRequest, 'scopes' | 'asked' | 'display' | 'silent'>, AuthorizeProblem> {
  const invalid = (parameter: string, problem: 'missing' | 'repeated' | 'malformed' | 'too-long') =>
    refuse({ kind: 'invalid_request', parameter, problem } as const);
  if (form.repeated !== undefined) return invalid(form.repeated.slice(0, 64), 'repeated');
  const state = form.get('state') ?? null;
  if (state !== null && !fitsState(state)) return invalid('state', 'too-long');
  const responseType = form.get('response_type');
  if (responseType === undefined) return invalid('response_type', 'missing');
  if (responseType !== 'code') return refuse({ kind: 'unsupported_response_type' });
  const prompts = promptsOf(form);
  // "none" with another value is an error (OpenID Connect Core §3.1.2.1).
  if (prompts.includes('none') && prompts.length > 1) return invalid('prompt', 'malformed');
  if (client.ownerOnly) return refuse({ kind: 'unauthorized_client', problem: 'owner-only' });
  if (!client.grantTypes.includes('authorization_code'))
    return refuse({ kind: 'unauthorized_client', problem: 'grant-type' });
  const scopes = askedScopes(form.get('scope'), client, parts);
  if (!scopes.ok) return scopes;
  const challenge = readChallenge(parts, client, form);
  if (!challenge.ok) return challenge;
  const redirectUri = form.get('redirect_uri');
  const display = form.get('display');
  return accept({
    scopes: scopes.value,
    asked: {
      protocol: 'oauth2',
      redirectUri: redirectUri ?? client.redirectUri,
      redirectUriSent: redirectUri !== undefined,
      state,
      ...challenge.value,
    },
    display: display === undefined || display === 'page' ? 'page' : 'popup',
    silent: prompts.includes('none'),
  });
}

const promptsOf = (form: FormValues): readonly string[] =>
  (form.get('prompt') ?? '').split(' ').filter((prompt) => prompt !== '');

/**
 * Judges an authorization request for whoever is in front of us (RFC 6749 §4.1.1); null: nobody has
 * signed in. First comes whether anybody may be sent to this client at all: its stage and
 * suppression, then the redirect URI. Until these hold, and also when the request itself is wrong,
 * the refusal goes to the person on a page (§4.1.2.1, RFC 9700 §4.11.2). A person who has not
 * signed in does that before the client is told anything, so that no link leads through this server
 * to somewhere else without a page; `prompt=none` is answered at once.
 */
export async function readAuthorization(
  parts: OAuth2Parts,
  pairs: readonly Pair[],
  user: Account | null,
): Promise<Result<SoundRequest, AuthorizeRefusal>> {
  const form = formValues(pairs, REPEATABLE);
  const named = await namedClient(parts, pairs, form);
  if (!named.ok) return named;
  const client = named.value;
  const state = form.get('state') ?? null;
  const where = {
    redirectUri: form.get('redirect_uri') ?? client.redirectUri,
    state: state !== null && fitsState(state) ? state : null,
  };
  const possible = proveReply(client, user, where, 'consent');
  if (!possible.ok) return possible;
  const told = proveReply(client, user, where, 'error');
  const signInFirst = user === null && !promptsOf(form).includes('none');
  const refused = (problem: AuthorizeProblem): Result<never, AuthorizeRefusal> =>
    told.ok ? refuse({ problem, redirect: told.value, signInFirst }) : told;

  const read = readAsked(parts, client, form);
  if (!read.ok) return refused(read.refusal);
  if (user === null)
    return signInFirst
      ? refuse({ problem: { kind: 'login_required' }, redirect: null, signInFirst })
      : refused({ kind: 'login_required' });
  const why = hindrance(client, user);
  return why
    ? refused({ kind: 'access_denied', problem: why.kind })
    : accept({ client, user, ...read.value });
}

/** What a code is made of: kept, it gives the same answer once more. */
export interface CodeSeed {
  readonly secret: string;
  readonly familyId: FamilyId;
  readonly issuedAt: Instant;
}

/** A person's yes that holds, as far as it can be judged before it is written. */
export interface PreparedCode {
  readonly seed: CodeSeed;
  readonly uri: ProvenRedirect;
  /** The code under a consent; never for more than that is. */
  codeFor(consent: Consent): Code;
}

/**
 * Judges a person's yes, and where they would go (RFC 6749 §4.1.2); nothing is written. The client
 * is judged once more, as it is now. `earlier`: what the code of a yes was made of that was given
 * already.
 */
export function prepareCode(
  parts: OAuth2Parts,
  asked: OAuth2Asked,
  client: Client,
  user: Pick<Account, 'id'>,
  scopes: readonly string[],
  earlier?: CodeSeed,
): Result<PreparedCode, AuthorizeRefusal> {
  const reply = proveReply(client, user, asked, 'consent');
  if (!reply.ok) return reply;
  const { mint, clock, settings, reading } = parts;
  const seed = earlier ?? {
    secret: mint.secret(),
    familyId: mint.id() as FamilyId,
    issuedAt: clock.now(),
  };
  const codeFor = (consent: Consent): Code => ({
    digest: digestOf(seed.secret),
    clientId: client.id,
    userId: consent.userId,
    consentId: consent.id,
    familyId: seed.familyId,
    redirectUri: asked.redirectUriSent ? asked.redirectUri : null,
    scopes: scopes.filter((scope) => consent.scopes.includes(scope)),
    codeChallenge: asked.codeChallenge,
    codeChallengeMethod: asked.codeChallengeMethod,
    profile: reading.profile,
    issuedAt: seed.issuedAt,
    expiresAt: later(seed.issuedAt, settings.codeFor),
    used: false,
  });
  return accept({ seed, uri: answerWith(parts, reply.value, [['code', seed.secret]]), codeFor });
}

/**
 * Where a person goes who said no, or whom nobody may ask; the client is judged once more, as it is
 * now (RFC 6749 §4.1.2.1).
 */
export function refuseClient(
  parts: OAuth2Parts,
  asked: OAuth2Asked,
  client: Client,
  user: Account,
  why: 'denied' | 'consent_required',
): Result<ProvenRedirect, AuthorizeRefusal> {
  const reply = proveReply(client, user, asked, 'error');
  if (!reply.ok) return reply;
  const { denial } = parts.reading;
  const [error, description] =
    why === 'denied'
      ? [denial.error, 'The resource owner denied the request.']
      : [
          'consent_required',
          'The resource owner has not consented to this, and prompt=none forbids to ask.',
        ];
  const to = why === 'denied' && !denial.withState ? { ...reply.value, state: null } : reply.value;
  return accept(
    answerWith(parts, to, [
      ['error', error],
      ['error_description', description],
    ]),
  );
}

/**
 * The URI that carries an answer to the client, with its `state` and our name (RFC 9207 §2), in
 * every profile and for errors too.
 */
export const answerWith = (
  { settings }: Pick<OAuth2Parts, 'settings'>,
  { to, state }: AuthorizeReply,
  params: readonly Pair[],
): ProvenRedirect =>
  withParameters(to, [
    ...params,
    ...(state === null ? [] : [['state', state] as const]),
    ['iss', settings.issuer],
  ]);
