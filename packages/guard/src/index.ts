import manifest from '../package.json' with { type: 'json' };

/** The version of this package. */
export const version: string = manifest.version;

/** Who acts through a request, and what they may do at one site of an API. */
export interface Permit {
  /** The person; null: the app acts for itself. */
  readonly user: PermitUser | null;
  readonly client: PermitClient;
  /** The site the request was checked for. */
  readonly site: string;
  /** Where the credential may act at all: one site, or `*` for every one. It covers `site`. */
  readonly coveredSite: string;
  /** Scopes the person accepted and the app still has (RFC 6749 §3.3). */
  readonly scopes: readonly string[];
  /** Rights of the person that the scopes also give: what an API checks. */
  readonly rights: ReadonlySet<string>;
  /** How the request proved itself: a signature (RFC 5849 §3) or a bearer token (RFC 6750 §2). */
  readonly scheme: 'oauth1' | 'bearer';
}

/** The person a request acts for. */
export interface PermitUser {
  /** Number of the account; never given to another person. */
  readonly id: number;
  readonly name: string;
}

/** The app a request comes from. */
export interface PermitClient {
  /** `client_id` (RFC 6749 §2.2), or the consumer key of OAuth 1. */
  readonly id: string;
  readonly name: string;
  /** The app acts for its owner alone. */
  readonly ownerOnly: boolean;
}
