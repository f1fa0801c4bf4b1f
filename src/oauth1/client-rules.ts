import type { Account } from '#accounts/account.ts';
import { addressInRanges } from '#encoding/address.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import type { SiteId } from '#kernel/ids.ts';
import { clientAccessDenial } from '#registry/access.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { UnprovenRedirect } from '#registry/model/proven-redirect.ts';
import { callbackDestination, isCallbackAllowed, isRegisteredCallback } from './callback.ts';
import type { OAuth1Dependencies } from './parts.ts';
import type { OAuth1Refusal } from './refusals.ts';

/**
 * What a profile may say of an app before anything is proven: nobody could sign for such an app,
 * or has a use for what they would get, so a signature is not asked for. Otherwise it is said to a
 * proven app alone; a hidden app is never told of.
 */
export function unprovenClientProblem(
  deps: OAuth1Dependencies,
  client: Client | undefined,
): OAuth1Refusal | undefined {
  const { settings } = deps;
  const { profile } = settings;
  if (!profile.clientProblemsBeforeSignature || client === undefined || client.suppressed)
    return undefined;
  if (client.ownerOnly) return { kind: 'owner_only', client };
  return hasNoSigningKey(deps, client) ? { kind: 'no_secret' } : undefined;
}

/** True when there is nothing that the app could sign with. */
const hasNoSigningKey = ({ clock }: Pick<OAuth1Dependencies, 'clock'>, client: Client): boolean =>
  client.rsaPublicKey === null &&
  liveSecrets(client, clock.now()).every(({ encrypted }) => encrypted === null);

/** Rules of the handshake that an honest signer can break (protocols 1.12). */
export function handshakeProblem(
  deps: OAuth1Dependencies,
  client: Client,
  rawRequest: RawRequest,
): OAuth1Refusal | undefined {
  if (client.ownerOnly) return { kind: 'owner_only', client };
  if (hasNoSigningKey(deps, client)) return { kind: 'no_secret' };
  if (!addressInRanges(rawRequest.address, client.restrictions.addresses))
    return { kind: 'address_refused' };
  // Nobody can use a client that is suppressed, rejected, expired or disabled: why start.
  if (client.suppressed || !['approved', 'proposed'].includes(client.stage)) {
    return {
      kind: 'consumer_key_refused',
      client,
      why: { kind: 'client-not-usable', stage: client.stage, ownerOnly: false },
    };
  }
  return undefined;
}

/** Whether a person may use the client; every step that knows both asks. */
export function userProblem(
  client: Client,
  user: Account,
  where: { site?: SiteId; address?: string } = {},
): OAuth1Refusal | undefined {
  const accessDenial = clientAccessDenial(client, user, where);
  if (accessDenial === undefined) return undefined;
  if (accessDenial.kind === 'user-blocked') return { kind: 'user_refused', problem: 'blocked' };
  return accessDenial.kind === 'address-not-allowed'
    ? { kind: 'address_refused' }
    : { kind: 'consumer_key_refused', client, why: accessDenial };
}

/**
 * Whether a callback may be used by a client (RFC 5849 §2.1); the registered one itself is allowed
 * beside what a prefix allows, where the profile says so.
 */
export const isAllowedCallback = (
  { settings }: Pick<OAuth1Dependencies, 'settings'>,
  callback: string,
  client: Client,
): boolean =>
  isCallbackAllowed(callback, client) ||
  (settings.profile.registeredCallbackAllowed && isRegisteredCallback(callback, client));

/** True when whoever consents would be sent to another host than the callback shows. */
export const isMisleadingCallback = (
  { settings }: Pick<OAuth1Dependencies, 'settings'>,
  callback: string,
  client: Client,
): boolean =>
  callbackDestination(callback, client, settings.profile.oobRedirectsToRegisteredUrl) ===
  'misleads';

/** What a person is told who is not sent to a client. */
export function redirectRefusal(client: Client, why: UnprovenRedirect): OAuth1Refusal {
  if (why.kind === 'not-registered')
    return { kind: 'callback_rejected', prefix: client.redirectIsPrefix };
  return why.kind === 'misleading'
    ? { kind: 'callback_misleading' }
    : { kind: 'consumer_key_refused', client, why };
}
