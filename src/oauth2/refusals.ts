import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';

/**
 * Every refusal of OAuth 2 at the endpoints an app calls (RFC 6749 §5.2, RFC 7009 §2.2.1).
 * `problem` and `parameter` are for whoever words the answer.
 */
export type OAuth2Refusal =
  | {
      readonly kind: 'invalid_request';
      readonly parameter: string;
      readonly problem: RequestProblem;
    }
  | {
      readonly kind: 'invalid_client';
      readonly problem:
        | 'missing'
        | 'in-query'
        | 'secret-missing'
        | 'twice'
        | 'unknown-or-wrong'
        | 'grant-type'
        | 'other-scheme'
        | 'basic-malformed';
      readonly scheme: 'basic' | 'body' | 'none';
    }
  | { readonly kind: 'invalid_grant'; readonly problem: GrantProblem }
  /**
   * The client is not registered for the grant type; or it is public, and what was asked for is for
   * those that keep a secret.
   */
  | { readonly kind: 'unauthorized_client'; readonly problem: 'grant-type' | 'public' }
  /**
   * A live token of another client was to be revoked (RFC 7009 §2.1). Nothing more is said of it.
   */
  | { readonly kind: 'foreign_token' }
  | {
      readonly kind: 'unsupported_grant_type';
      readonly requested: string;
      readonly supported: readonly string[];
    }
  | InvalidScope
  | { readonly kind: 'access_denied'; readonly problem: string };

/** What was wrong with a request, or with one parameter of it. */
export type RequestProblem =
  | 'missing'
  | 'repeated'
  | 'malformed'
  | 'too-long'
  /** Sent in the query of an endpoint that reads the body (RFC 6749 §3.2). */
  | 'in-query'
  | 'not-a-form'
  | 'too-large'
  /** The body is compressed. */
  | 'encoded';

/**
 * A scope that cannot be had (RFC 6749 §3.3), and why. `scope`: its name, or the value that does
 * not fit the grammar.
 */
export interface InvalidScope {
  readonly kind: 'invalid_scope';
  readonly scope: string;
  readonly why:
    | 'unknown'
    | 'malformed'
    | 'too-long'
    | 'not-registered'
    | 'not-in-grant'
    | 'withdrawn';
}

/** What was wrong with a code or refresh token. */
export type GrantProblem =
  | 'unknown'
  | 'expired'
  | 'revoked'
  | 'used'
  /** Within the grace window, but the successor was redeemed already. */
  | 'superseded'
  | 'other-client'
  /** Bought at the core's addresses and brought to the dialect's, or the other way round. */
  | 'other-address'
  | 'redirect-uri'
  | 'verifier'
  /** A verifier for a code that had no challenge (RFC 9700 §2.1.1). */
  | 'verifier-unexpected'
  | 'no-consent'
  /**
   * Its person took away everything it was issued for, or its client may ask for none of it any
   * more.
   */
  | 'no-scopes'
  | 'user';

/**
 * Which PKCE a request lacks: any, for a client that cannot have the exemption; any, for one that
 * could; the method S256.
 */
export type PkceProblem = 'pkce-needed' | 'pkce-or-exemption-needed' | 's256-needed';

/** Refusals of the authorization endpoint (RFC 6749 §4.1.2.1). */
export type AuthorizationProblem =
  | {
      readonly kind: 'invalid_request';
      readonly parameter: string;
      readonly problem: 'missing' | 'repeated' | 'malformed' | 'too-long';
    }
  /** What is wrong with the challenge, and what would mend it (RFC 7636 §4.4.1). */
  | {
      readonly kind: 'invalid_request';
      readonly parameter: 'code_challenge' | 'code_challenge_method';
      readonly problem: PkceProblem;
    }
  | { readonly kind: 'unknown_client' }
  | { readonly kind: 'redirect_uri_mismatch' }
  /** It is the registered one, but a browser would go to another host than it shows. */
  | { readonly kind: 'redirect_uri_misleading' }
  | { readonly kind: 'unsupported_response_type' }
  | InvalidScope
  | { readonly kind: 'unauthorized_client'; readonly problem: 'owner-only' | 'grant-type' }
  | { readonly kind: 'access_denied'; readonly problem: string }
  /**
   * Nobody is signed in, and the request forbids a page (`prompt=none`, OpenID Connect Core
   * §3.1.2.6).
   */
  | { readonly kind: 'login_required' }
  /** The person would have to be asked, and the request forbids a page. */
  | { readonly kind: 'consent_required' };

/** Where an answer of the authorization endpoint goes, with the client's `state`. */
export interface AuthorizationResponseTarget {
  readonly redirect: ProvenRedirect;
  readonly state: string | null;
}

/**
 * A refusal of the authorization endpoint, for the person (on a page) or for the client (by a
 * redirect).
 */
export interface AuthorizationRefusal {
  readonly problem: AuthorizationProblem;
  /**
   * Where the client is told; null: the person is told on a page, for nobody is sent to this
   * client.
   */
  readonly redirect: AuthorizationResponseTarget | null;
  /**
   * Nobody is signed in, and somebody should be before anything is answered: the request is judged
   * again when they are.
   */
  readonly signInFirst: boolean;
}

/** Ways a bearer token is refused (RFC 6750 §3.1). */
export type BearerRefusal =
  | {
      readonly kind: 'invalid_token';
      readonly problem:
        | 'malformed'
        | 'unknown'
        | 'expired'
        | 'revoked'
        | 'no-consent'
        | 'not-usable'
        | 'user-blocked';
    }
  | { readonly kind: 'not_allowed'; readonly problem: 'wrong-site' | 'address-not-allowed' };
