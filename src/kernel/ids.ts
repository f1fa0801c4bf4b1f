/** Our number of a person; `sub` on the wire is this number in decimal. */
export type UserId = number & { readonly __brand: 'UserId' };
/**
 * Public identifier of a client: 32 lower-case hexadecimal digits; `client_id` and
 * `oauth_consumer_key` on the wire.
 */
export type ClientId = string & { readonly __brand: 'ClientId' };
/** Our number of a consent. */
export type ConsentId = number & { readonly __brand: 'ConsentId' };
/** All that one authorization code bought, by name; time-ordered. */
export type FamilyId = string & { readonly __brand: 'FamilyId' };
/** `jti` of an access token; time-ordered. */
export type TokenId = string & { readonly __brand: 'TokenId' };
/** A place whose resources a consent covers, or `*` for every place. */
export type SiteId = string & { readonly __brand: 'SiteId' };
/** One-way image of a secret, as the store keys it. Time-ordered when the secret is. */
export type Digest = string & { readonly __brand: 'Digest' };
/**
 * A secret that must be read back, encrypted: `v1.<key id>.<iv>.<ciphertext and tag>`, base64url
 * parts.
 */
export type EncryptedSecret = string & { readonly __brand: 'EncryptedSecret' };

/** The site value that means every site. */
export const EVERY_SITE = '*' as SiteId;

/** True for a text of the form of our client identifiers. */
export const isClientId = (text: string): text is ClientId => /^[0-9a-f]{32}$/.test(text);
