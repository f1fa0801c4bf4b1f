import type { Account } from '#accounts/account.ts';
import type { NameValuePair } from '#encoding/form.ts';
import type { FamilyId } from '#kernel/ids.ts';
import { accept, type Result } from '#kernel/result.ts';
import { addSeconds, type Instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { OAuth2RequestDetails } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { type ProvenRedirect, withParameters } from '#registry/model/proven-redirect.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import type { AuthorizationCode } from '../records.ts';
import type { AuthorizationRefusal, AuthorizationResponseTarget } from '../refusals.ts';
import { proveResponseTarget } from './authorization.ts';

/** What a code is made of: kept, it gives the same answer once more. */
export interface CodeSeed {
  readonly secret: string;
  readonly familyId: FamilyId;
  readonly issuedAt: Instant;
}

/** A person's approval that holds, as far as it can be judged before it is written. */
export interface PreparedCode {
  readonly seed: CodeSeed;
  readonly uri: ProvenRedirect;
  /** The code under a consent; never for more than that is. */
  createCode(consent: Consent): AuthorizationCode;
}

/**
 * Judges a person's approval, and where they would go (RFC 6749 §4.1.2); nothing is written. The
 * client is judged once more, as it is now. `previousSeed`: what the code of an approval was made
 * of that was given already.
 */
export function prepareCode(
  deps: OAuth2Dependencies,
  parameters: OAuth2RequestDetails,
  client: Client,
  user: Pick<Account, 'id'>,
  scopes: readonly string[],
  previousSeed?: CodeSeed,
): Result<PreparedCode, AuthorizationRefusal> {
  const target = proveResponseTarget(client, user, parameters, 'consent');
  if (!target.ok) return target;
  const { idGenerator, clock, settings, profile } = deps;
  const seed = previousSeed ?? {
    secret: idGenerator.secret(),
    familyId: idGenerator.id() as FamilyId,
    issuedAt: clock.now(),
  };
  const createCode = (consent: Consent): AuthorizationCode => ({
    digest: digestOf(seed.secret),
    clientId: client.id,
    userId: consent.userId,
    consentId: consent.id,
    familyId: seed.familyId,
    redirectUri: parameters.redirectUriSent ? parameters.redirectUri : null,
    scopes: scopes.filter((scope) => consent.scopes.includes(scope)),
    codeChallenge: parameters.codeChallenge,
    codeChallengeMethod: parameters.codeChallengeMethod,
    profile: profile.name,
    issuedAt: seed.issuedAt,
    expiresAt: addSeconds(seed.issuedAt, settings.codeTtlSeconds),
    used: false,
  });
  return accept({
    seed,
    uri: redirectUriWith(deps, target.value, [['code', seed.secret]]),
    createCode,
  });
}

/**
 * Where a person goes who denied it, or whom nobody may ask; the client is judged once more, as it
 * is now (RFC 6749 §4.1.2.1).
 */
export function denialRedirect(
  deps: OAuth2Dependencies,
  parameters: OAuth2RequestDetails,
  client: Client,
  user: Account,
  why: 'denied' | 'consent_required',
): Result<ProvenRedirect, AuthorizationRefusal> {
  const target = proveResponseTarget(client, user, parameters, 'error');
  if (!target.ok) return target;
  const { denialError, stateInDenial } = deps.profile;
  const [error, description] =
    why === 'denied'
      ? [denialError, 'The resource owner denied the request.']
      : [
          'consent_required',
          'The resource owner has not consented to this, and prompt=none forbids to ask.',
        ];
  const to = why === 'denied' && !stateInDenial ? { ...target.value, state: null } : target.value;
  return accept(
    redirectUriWith(deps, to, [
      ['error', error],
      ['error_description', description],
    ]),
  );
}

/**
 * The URI that carries an answer to the client, with its `state` and our name (RFC 9207 §2), in
 * every profile and for errors too.
 */
export const redirectUriWith = (
  { settings }: Pick<OAuth2Dependencies, 'settings'>,
  { redirect, state }: AuthorizationResponseTarget,
  params: readonly NameValuePair[],
): ProvenRedirect =>
  withParameters(redirect, [
    ...params,
    ...(state === null ? [] : [['state', state] as const]),
    ['iss', settings.issuer],
  ]);
