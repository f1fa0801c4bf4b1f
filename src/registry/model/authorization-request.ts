import type { ClientId, Digest, EncryptedSecret, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/**
 * At which addresses of this server an app speaks its protocol: `core`, or the name of a dialect.
 * It is stored with what is issued there, which is bound to it.
 */
export type ProtocolProfile = string;

/** What an OAuth 1 request for a user's decision holds (RFC 5849 §2.2). */
export interface OAuth1RequestDetails {
  readonly protocol: 'oauth1';
  /** Identifier of the temporary credentials. */
  readonly token: string;
}

/** What an OAuth 2 request for a user's decision holds (RFC 6749 §4.1.1), after validation. */
export interface OAuth2RequestDetails {
  readonly protocol: 'oauth2';
  /** Where the answer goes. */
  readonly redirectUri: string;
  /** The client sent it, so the token request must repeat it (RFC 6749 §4.1.3). */
  readonly redirectUriSent: boolean;
  readonly state: string | null;
  readonly codeChallenge: string | null;
  readonly codeChallengeMethod: 'S256' | 'plain' | null;
}

/**
 * A request waiting for one user's decision, either protocol. Stored before the page is shown, so
 * the decision can only be about what the user saw. The URL carries a handle; the store its digest.
 */
export interface AuthorizationRequest {
  readonly digest: Digest;
  readonly clientId: ClientId;
  /** Only this person may decide. */
  readonly userId: UserId;
  /** Scopes shown, and granted by "yes". */
  readonly scopes: readonly string[];
  readonly asked: OAuth1RequestDetails | OAuth2RequestDetails;
  /**
   * At which addresses the app asked, so that the answer has their shape.
   */
  readonly dialect: ProtocolProfile;
  readonly display: 'page' | 'popup';
  readonly expiresAt: Instant;
  /** What the person decided; absent: nothing yet. */
  readonly decision?: RequestDecision;
}

/**
 * A person's decision on a request, kept so that the same form sent twice gets the same answer (ADR
 * 26).
 */
export interface RequestDecision {
  readonly kind: 'allowed' | 'denied';
  /** Digest of the secret of the session in which it was made. */
  readonly session: Digest;
  readonly decidedAt: Instant;
  /**
   * What the answer is made of, encrypted under the handle of the request; null for a denial, which
   * has no secrets.
   */
  readonly answerSealed: EncryptedSecret | null;
}

/** Requests that wait for a decision: short-lived. */
export interface AuthorizationRequests {
  saveRequest(request: AuthorizationRequest): Promise<void>;
  /**
   * Undefined when unknown, or expired at `now`. One that has expired is kept for a day, so that it
   * can be asked for as of earlier.
   */
  findRequest(digest: Digest, now: Instant): Promise<AuthorizationRequest | undefined>;
  /**
   * Puts a request in the place of the one that was found. 'changed': it is not that one any more;
   * of several at once only one gets it.
   */
  replaceRequest(
    found: AuthorizationRequest,
    next: AuthorizationRequest,
  ): Promise<'replaced' | 'changed'>;
}
