import type { Account } from '#accounts/account.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { Result } from '#kernel/result.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import { type AuthenticatedRequest, authenticateRequest } from './api-request.ts';
import {
  type ApprovalOutcome,
  authorizeCredentials,
  denialRedirect,
  findClientOfToken,
  findClientToAuthorize,
  type PreparedAuthorization,
  prepareAuthorization,
} from './authorization.ts';
import { diagnoseRequest } from './client-diagnosis.ts';
import type { Diagnosis, RequestToDiagnose } from './diagnosis/diagnosis.ts';
import type { IssuedCredentials, OAuth1Dependencies } from './parts.ts';
import type { OAuth1Profile } from './profile.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { issueTemporaryCredentials } from './temporary-credentials.ts';
import { issueTokenCredentials } from './token-credentials.ts';

/** OAuth 1.0a under one profile. */
export interface OAuth1 {
  readonly profile: OAuth1Profile;
  /** Temporary credentials (RFC 5849 §2.1). */
  issueTemporaryCredentials(
    rawRequest: RawRequest,
  ): Promise<Result<IssuedCredentials, OAuth1Refusal>>;
  /**
   * The client that asks for this person's decision (RFC 5849 §2.2). The client identifier in the
   * URL is optional.
   */
  findClientToAuthorize(
    token: string,
    clientId: string | undefined,
    user: Account,
  ): Promise<Result<Client, OAuth1Refusal>>;
  /**
   * The client whose temporary credentials these are; undefined: they are unknown or expired.
   * Nothing is judged.
   */
  findClientOfToken(token: string): Promise<Client | undefined>;
  /**
   * Judges a person's approval to a pair, and where they would go; nothing is written.
   * `previousVerifier`: the verifier of an approval that was given already, for the same answer
   * once more; another person's, or another approval, is refused.
   */
  prepareAuthorization(
    token: string,
    client: Client,
    user: Pick<Account, 'id'>,
    previousVerifier?: string,
  ): Promise<Result<PreparedAuthorization, OAuth1Refusal>>;
  /**
   * Where a person who denied a request may go back to: its callback, with what became of it in the
   * words of OAuth Problem Reporting, for RFC 5849 §2.2 has none. Undefined: there is no callback,
   * nobody is sent there, or the profile has no such way.
   */
  denialRedirect(
    token: string,
    client: Client,
    user: Pick<Account, 'id'>,
  ): Promise<ProvenRedirect | undefined>;
  /**
   * Takes the pair for this approval, before the consent is written: of two decisions one counts.
   * It cannot be exchanged yet.
   */
  claimTemporaryCredentials(
    prepared: PreparedAuthorization,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>>;
  /** Binds the pair to the consent. */
  bindConsent(
    prepared: PreparedAuthorization,
    consent: Consent,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>>;
  /** Judges, and binds the pair to a consent that stands. */
  authorizeUnderConsent(
    token: string,
    client: Client,
    consent: Consent,
  ): Promise<Result<ApprovalOutcome, OAuth1Refusal>>;
  /** Ends a pair: the person took their approval back before the exchange. */
  revokeTemporaryCredentials(token: string): Promise<void>;
  /** Token credentials (RFC 5849 §2.3). */
  issueTokenCredentials(
    rawRequest: RawRequest,
  ): Promise<Result<IssuedCredentials & { readonly method: string }, OAuth1Refusal>>;
  /** Checks a signed API request (RFC 5849 §3.2) for a site; null: any the consent covers. */
  authenticateRequest(
    rawRequest: RawRequest,
    site: SiteId | null,
  ): Promise<Result<AuthenticatedRequest, OAuth1Refusal>>;
  /**
   * Explains a request of this client to its developer: what is signed, and which mistake made the
   * signature that came. Nothing is spent.
   */
  diagnoseRequest(request: RequestToDiagnose, client: Client): Promise<Diagnosis>;
}

/** Builds OAuth 1.0a under one profile. */
export function makeOAuth1(deps: OAuth1Dependencies): OAuth1 {
  const { temporaryCredentials, settings } = deps;
  return {
    profile: settings.profile,
    issueTemporaryCredentials: (rawRequest) => issueTemporaryCredentials(deps, rawRequest),
    findClientToAuthorize: (token, clientId, user) =>
      findClientToAuthorize(deps, token, clientId, user),
    findClientOfToken: (token) => findClientOfToken(deps, token),
    prepareAuthorization: (token, client, user, previousVerifier) =>
      prepareAuthorization(deps, token, client, user, previousVerifier),
    denialRedirect: (token, client, user) => denialRedirect(deps, token, client, user),
    claimTemporaryCredentials: (prepared) => authorizeCredentials(deps, prepared, null),
    bindConsent: (prepared, consent) => authorizeCredentials(deps, prepared, consent.id),
    async authorizeUnderConsent(token, client, consent) {
      const prepared = await prepareAuthorization(deps, token, client, { id: consent.userId });
      return prepared.ok ? authorizeCredentials(deps, prepared.value, consent.id) : prepared;
    },
    revokeTemporaryCredentials: (token) => temporaryCredentials.deleteTemporaryCredentials(token),
    issueTokenCredentials: (rawRequest) => issueTokenCredentials(deps, rawRequest),
    authenticateRequest: (rawRequest, site) => authenticateRequest(deps, rawRequest, site),
    diagnoseRequest: (request, client) => diagnoseRequest(deps, request, client),
  };
}
