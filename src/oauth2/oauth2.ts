import type { Account } from '#accounts/account.ts';
import type { NameValuePair } from '#encoding/form.ts';
import type { SiteId } from '#kernel/ids.ts';
import { accept, type Result } from '#kernel/result.ts';
import { isExpired } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { OAuth2RequestDetails } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import type { TokenResponse } from './access-token.ts';
import { type ActiveToken, authenticateToken } from './authenticate-token.ts';
import {
  type ValidAuthorizationRequest,
  validateAuthorizationRequest,
} from './endpoints/authorization.ts';
import {
  type CodeSeed,
  denialRedirect,
  type PreparedCode,
  prepareCode,
  redirectUriWith,
} from './endpoints/authorization-response.ts';
import { type IntrospectionResponse, introspectToken } from './endpoints/introspection.ts';
import { serverMetadata } from './endpoints/metadata.ts';
import { revokeToken } from './endpoints/revocation.ts';
import { type FormRequest, handleTokenRequest } from './endpoints/token.ts';
import type { OAuth2Dependencies } from './parts.ts';
import type {
  AuthorizationRefusal,
  AuthorizationResponseTarget,
  BearerRefusal,
  OAuth2Refusal,
} from './refusals.ts';

/** OAuth 2 under one profile. */
export interface OAuth2 {
  /** Judges an authorization request for the person in front of us; null: nobody has signed in. */
  validateAuthorizationRequest(
    pairs: readonly NameValuePair[],
    user: Account | null,
  ): Promise<Result<ValidAuthorizationRequest, AuthorizationRefusal>>;
  /**
   * Judges a person's approval; nothing is written. The client is judged once more: it has to be
   * read just before.
   */
  prepareCode(
    parameters: OAuth2RequestDetails,
    client: Client,
    user: Pick<Account, 'id'>,
    scopes: readonly string[],
    previousSeed?: CodeSeed,
  ): Result<PreparedCode, AuthorizationRefusal>;
  /** Stores the code under the consent, and answers the URI with it. */
  storeCode(prepared: PreparedCode, consent: Consent): Promise<ProvenRedirect>;
  /** What became of a code: it waits to be redeemed, is over, or was not stored (yet). */
  codeStatus(seed: CodeSeed): Promise<'waits' | 'over' | 'unknown'>;
  /** Ends a code, and everything that was bought with it. */
  revokeCode(seed: CodeSeed): Promise<void>;
  /** Judges, and stores a code under a consent that stands. */
  issueCode(
    parameters: OAuth2RequestDetails,
    client: Client,
    consent: Consent,
    scopes: readonly string[],
  ): Promise<Result<ProvenRedirect, AuthorizationRefusal>>;
  /**
   * The URI that tells the client that the person denied it, or was not asked. The client is judged
   * once more.
   */
  denialRedirect(
    parameters: OAuth2RequestDetails,
    client: Client,
    user: Account,
    reason: 'denied' | 'consent_required',
  ): Result<ProvenRedirect, AuthorizationRefusal>;
  /** The URI that tells the client an error (RFC 6749 §4.1.2.1). */
  redirectUriWith(
    reply: AuthorizationResponseTarget,
    params: readonly NameValuePair[],
  ): ProvenRedirect;
  issueTokens(request: FormRequest): Promise<Result<TokenResponse, OAuth2Refusal>>;
  /** RFC 7009: an unknown token is no error, another client's is. */
  revokeToken(request: FormRequest): Promise<Result<undefined, OAuth2Refusal>>;
  introspectToken(request: FormRequest): Promise<Result<IntrospectionResponse, OAuth2Refusal>>;
  /** Checks a token an API got, for a site and an address. */
  authenticateToken(
    jwt: string,
    where: { readonly site?: SiteId; readonly address?: string },
  ): Promise<Result<ActiveToken, BearerRefusal>>;
  /** RFC 8414 §2. */
  serverMetadata(): Readonly<Record<string, unknown>>;
}

/** Builds OAuth 2 under one profile. */
export function makeOAuth2(deps: OAuth2Dependencies): OAuth2 {
  const { clock } = deps;
  return {
    validateAuthorizationRequest: (pairs, user) => validateAuthorizationRequest(deps, pairs, user),
    prepareCode: (parameters, client, user, scopes, previousSeed) =>
      prepareCode(deps, parameters, client, user, scopes, previousSeed),
    storeCode: async (prepared, consent) => {
      const code = prepared.createCode(consent);
      try {
        await deps.records.saveCode(code);
      } catch (fault) {
        // The same form sent twice at the same time: the other request stored it.
        if ((await deps.records.findCode(code.digest)) === undefined) throw fault;
      }
      return prepared.uri;
    },
    async codeStatus({ secret }) {
      const found = await deps.records.findCode(digestOf(secret));
      if (found === undefined) return 'unknown';
      const { code, familyRevoked, consent } = found;
      return code.used ||
        familyRevoked ||
        consent === undefined ||
        isExpired(code.expiresAt, clock.now())
        ? 'over'
        : 'waits';
    },
    revokeCode: ({ familyId }) => deps.records.revokeFamily(familyId, clock.now()),
    async issueCode(parameters, client, consent, scopes) {
      const prepared = this.prepareCode(parameters, client, { id: consent.userId }, scopes);
      return prepared.ok ? accept(await this.storeCode(prepared.value, consent)) : prepared;
    },
    denialRedirect: (parameters, client, user, why) =>
      denialRedirect(deps, parameters, client, user, why),
    redirectUriWith: (reply, params) => redirectUriWith(deps, reply, params),
    issueTokens: (request) => handleTokenRequest(deps, request),

    revokeToken: (request) => revokeToken(deps, request),
    introspectToken: (request) => introspectToken(deps, request),

    authenticateToken: (jwt, where) => authenticateToken(deps, jwt, where),
    serverMetadata: () => serverMetadata(deps),
  };
}
