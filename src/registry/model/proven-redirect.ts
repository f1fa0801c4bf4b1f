import type { Account } from '#accounts/account.ts';
import { isMisleadingUri, toAsciiUri } from '#encoding/browser-uri.ts';
import type { NameValuePair } from '#encoding/form.ts';
import { makeRedirectLocation } from '#encoding/redirect-uri.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type ClientAccessDenial, isOwnedBy } from '../access.ts';
import type { Client } from './client.ts';

/**
 * A URI that the person in front of us may be sent to: it is registered for its client, leads to
 * the host that it shows, and somebody approved the client. `proveRedirect` alone makes one, and
 * only one of these is ever sent as a `Location` that leaves this server (RFC 9700 §4.11.2).
 */
export type ProvenRedirect = string & { readonly __brand: 'ProvenRedirect' };

/**
 * What is carried to the client: a person's consent (a code, a verifier), or anything else, which
 * is an error. An app that takes no new consents still serves the people who gave theirs before,
 * and is sent nobody else.
 */
export type RedirectPurpose = 'consent' | 'error';

/** Why nobody is sent to a URI. */
export type UnprovenRedirect =
  | ClientAccessDenial
  | { readonly kind: 'not-registered' }
  /**
   * It was registered before such URIs were refused, or imported: a browser would go to another
   * host than it shows.
   */
  | { readonly kind: 'misleading' };

/** Who is in front of us; null: nobody has signed in. */
type Person = Pick<Account, 'id'> | null;

/**
 * True when the app must look to this person as if it did not exist: it was hidden, and is not
 * their own.
 */
export const looksUnknown = (client: Client, person: Person): boolean =>
  client.suppressed && !isOwnedBy(client, person);

/**
 * Why this person is not sent to any URI of the client; undefined: they may be. Owners are sent to
 * their own apps at every stage, for they try them before anybody else may. Everybody else is sent
 * only to apps that were approved, so that registering one makes no open redirector. An owner-only
 * app was approved by nobody.
 */
function redirectDenial(
  client: Client,
  person: Person,
  purpose: RedirectPurpose,
): ClientAccessDenial | undefined {
  if (client.stage !== 'configured' && isOwnedBy(client, person)) return undefined;
  if (client.suppressed) return { kind: 'client-suppressed' };
  if (client.stage !== 'approved' || client.ownerOnly)
    return { kind: 'client-not-usable', stage: client.stage, ownerOnly: client.ownerOnly };
  if (client.suspension === 'all' || (client.suspension === 'new-consents' && purpose === 'error'))
    return { kind: 'client-suspended', suspension: client.suspension };
  return undefined;
}

/**
 * The one place that decides whether a person is sent to a client's URI (RFC 6749 §4.1.2.1, RFC
 * 9700 §4.11.2). `isRegistered` is the protocol's rule for which URIs belong to a client; the
 * client has to be read at the moment of the redirect, for it may have been disabled, or given
 * another URI, while a page was open.
 */
export function proveRedirect(
  uri: string,
  client: Client,
  person: Person,
  purpose: RedirectPurpose,
  isRegistered: (uri: string, client: Client) => boolean,
): Result<ProvenRedirect, UnprovenRedirect> {
  const denial = redirectDenial(client, person, purpose);
  if (denial) return refuse(denial);
  if (!isRegistered(uri, client)) return refuse({ kind: 'not-registered' });
  const asciiUri = toAsciiUri(uri);
  return asciiUri === undefined || isMisleadingUri(asciiUri)
    ? refuse({ kind: 'misleading' })
    : accept(asciiUri as ProvenRedirect);
}

/** The same place, with more parameters in its query (RFC 6749 §4.1.2). */
export const withParameters = (
  redirect: ProvenRedirect,
  params: readonly NameValuePair[],
): ProvenRedirect => makeRedirectLocation(redirect, params) as ProvenRedirect;
