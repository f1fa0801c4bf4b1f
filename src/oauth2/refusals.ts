/** Every way OAuth 2 says no at the endpoints an app calls (RFC 6749 §5.2, RFC 7009 §2.2.1). `problem` and `parameter` are for whoever words the answer. */
export type OAuth2Refusal =
  | { readonly kind: 'invalid_request'; readonly parameter: string; readonly problem: 'missing' | 'repeated' | 'malformed' | 'unexpected' }
  | {
      readonly kind: 'invalid_client';
      readonly problem: 'missing' | 'secret-missing' | 'twice' | 'unknown-or-wrong' | 'grant-type';
      readonly scheme: 'basic' | 'body' | 'none';
    }
  | { readonly kind: 'invalid_grant'; readonly problem: GrantProblem }
  | { readonly kind: 'unauthorized_client' }
  | { readonly kind: 'unsupported_grant_type'; readonly asked: string }
  | { readonly kind: 'invalid_scope'; readonly scope: string }
  | { readonly kind: 'access_denied'; readonly problem: string };

/** What was wrong with a code or refresh token. */
export type GrantProblem =
  | 'unknown'
  | 'expired'
  | 'revoked'
  | 'used'
  /** Within the grace window, but the successor was redeemed already. */
  | 'superseded'
  | 'other-client'
  | 'redirect-uri'
  | 'verifier'
  | 'no-consent'
  | 'user';

/** Ways the authorization endpoint says no (RFC 6749 §4.1.2.1). */
export type AuthorizeProblem =
  | { readonly kind: 'invalid_request'; readonly parameter: string; readonly problem: 'missing' | 'repeated' | 'malformed' }
  | { readonly kind: 'unknown_client' }
  | { readonly kind: 'redirect_uri_mismatch' }
  | { readonly kind: 'unsupported_response_type' }
  | { readonly kind: 'invalid_scope'; readonly scope: string }
  | { readonly kind: 'unauthorized_client'; readonly problem: 'owner-only' | 'grant-type' }
  | { readonly kind: 'access_denied'; readonly problem: string };

/** A refusal of the authorization endpoint. Without `redirect` the person is told on a page: the redirect URI is not proven. */
export interface AuthorizeRefusal {
  readonly problem: AuthorizeProblem;
  readonly redirect: { readonly uri: string; readonly state: string | null } | null;
}

/** Ways a bearer token is refused (RFC 6750 §3.1). */
export type BearerRefusal =
  | {
      readonly kind: 'invalid_token';
      readonly problem: 'malformed' | 'unknown' | 'expired' | 'revoked' | 'no-consent' | 'not-usable' | 'user-blocked';
    }
  | { readonly kind: 'not_allowed'; readonly problem: 'wrong-site' | 'address-not-allowed' };
