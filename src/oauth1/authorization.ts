import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Client } from '#registry/model/client.ts';
import {
  looksUnknown,
  type ProvenRedirect,
  proveRedirect,
  withParameters,
} from '#registry/model/proven-redirect.ts';
import {
  isAllowedCallback,
  isMisleadingCallback,
  redirectRefusal,
  userProblem,
} from './client-rules.ts';
import { identifierPattern, type OAuth1Dependencies } from './parts.ts';
import type { OAuth1Refusal } from './refusals.ts';

/** Where the person goes after approving. */
export type ApprovalOutcome =
  | { readonly kind: 'redirect'; readonly uri: ProvenRedirect }
  | { readonly kind: 'show-verifier'; readonly verifier: string };

/** A person's approval to a pair that holds, as far as it can be judged before it is written. */
export interface PreparedAuthorization {
  readonly token: string;
  readonly userId: UserId;
  readonly verifier: string;
  /** The consent it is bound to already; null: none yet. */
  readonly consentId: ConsentId | null;
  readonly approvalOutcome: ApprovalOutcome;
}

/** The client whose temporary credentials these are; undefined: they are unknown or expired. */
export async function findClientOfToken(
  deps: OAuth1Dependencies,
  token: string,
): Promise<Client | undefined> {
  const { temporaryCredentials, registry, clock } = deps;
  const pair = identifierPattern.test(token)
    ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
    : undefined;
  return pair && registry.findClient(pair.clientId);
}

/** The client that asks for this person's decision (RFC 5849 §2.2); see `OAuth1`. */
export async function findClientToAuthorize(
  deps: OAuth1Dependencies,
  token: string,
  clientId: string | undefined,
  user: Account,
): Promise<Result<Client, OAuth1Refusal>> {
  const { temporaryCredentials, registry, clock } = deps;
  const pair = identifierPattern.test(token)
    ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
    : undefined;
  const id = clientId ?? pair?.clientId;
  const client =
    id !== undefined && identifierPattern.test(id)
      ? await registry.findClient(id as ClientId)
      : undefined;
  // A hidden app looks like one that was never registered: its requests are unknown, too.
  if (client === undefined || looksUnknown(client, user))
    return refuse(
      clientId === undefined
        ? { kind: 'token_rejected', token: 'temporary' }
        : { kind: 'consumer_key_unknown' },
    );
  if (client.protocol !== 'oauth1') return refuse({ kind: 'wrong_protocol', client });
  const problem = userProblem(client, user);
  if (problem) return refuse(problem);
  if (client.ownerOnly) return refuse({ kind: 'owner_only', client });
  if (pair === undefined || pair.clientId !== client.id)
    return refuse({ kind: 'token_rejected', token: 'temporary' });
  if (pair.used) return refuse({ kind: 'token_used' });
  return isMisleadingCallback(deps, pair.callback, client)
    ? refuse({ kind: 'callback_misleading' })
    : accept(client);
}

/** Judges an approval, and where the person would go; nothing is written. See `OAuth1`. */
export async function prepareAuthorization(
  deps: OAuth1Dependencies,
  token: string,
  client: Client,
  user: Pick<Account, 'id'>,
  previousVerifier?: string,
): Promise<Result<PreparedAuthorization, OAuth1Refusal>> {
  const { temporaryCredentials, idGenerator, clock, settings } = deps;
  const { profile } = settings;
  const now = clock.now();
  const verifier = previousVerifier ?? idGenerator.randomHex(16);
  const pair = await temporaryCredentials.findTemporaryCredentials(token, now);
  if (pair === undefined || pair.clientId !== client.id)
    return refuse({ kind: 'token_rejected', token: 'temporary' });
  const isSameApproval =
    pair.authorized === null ||
    (pair.authorized.userId === user.id && pair.authorized.verifierDigest === digestOf(verifier));
  if (pair.used || !isSameApproval) return refuse({ kind: 'token_used' });
  const outOfBand = pair.callback === 'oob';
  const callback = outOfBand ? client.redirectUri : pair.callback;
  // Judged as the client is now, and before anything is written: also a verifier that is only
  // shown is for nobody else.
  const redirect = proveRedirect(
    callback,
    client,
    user,
    'consent',
    outOfBand ? () => true : (uri, owner) => isAllowedCallback(deps, uri, owner),
  );
  const isVerifierShown =
    outOfBand && !(profile.oobRedirectsToRegisteredUrl && client.redirectUri !== '');
  // Where a callback leads counts only for those who are sent there.
  if (!redirect.ok && !(isVerifierShown && redirect.refusal.kind === 'misleading'))
    return refuse(redirectRefusal(client, redirect.refusal));
  const params = [['oauth_verifier', verifier] as const, ['oauth_token', token] as const];
  const approvalOutcome: ApprovalOutcome =
    isVerifierShown || !redirect.ok
      ? { kind: 'show-verifier', verifier }
      : { kind: 'redirect', uri: withParameters(redirect.value, params) };
  return accept({
    token,
    userId: user.id,
    verifier,
    consentId: pair.authorized?.consentId ?? null,
    approvalOutcome,
  });
}

/** Where a person who denied a request may go back to; see `OAuth1`. */
export async function denialRedirect(
  deps: OAuth1Dependencies,
  token: string,
  client: Client,
  user: Pick<Account, 'id'>,
): Promise<ProvenRedirect | undefined> {
  const { temporaryCredentials, clock, settings } = deps;
  const { profile } = settings;
  const pair = profile.denialRedirects
    ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
    : undefined;
  if (pair === undefined || pair.clientId !== client.id || pair.callback === 'oob')
    return undefined;
  const redirect = proveRedirect(pair.callback, client, user, 'error', (uri, owner) =>
    isAllowedCallback(deps, uri, owner),
  );
  const params = [['oauth_problem', 'permission_denied'] as const, ['oauth_token', token] as const];
  return redirect.ok ? withParameters(redirect.value, params) : undefined;
}

/** Binds a pair to a person's approval, and to the consent once there is one. */
export async function authorizeCredentials(
  deps: OAuth1Dependencies,
  { token, userId, verifier, approvalOutcome }: PreparedAuthorization,
  consentId: ConsentId | null,
): Promise<Result<ApprovalOutcome, OAuth1Refusal>> {
  const { temporaryCredentials, clock, settings } = deps;
  const now = clock.now();
  const approval = { userId, consentId, verifierDigest: digestOf(verifier) };
  const outcome = await temporaryCredentials.authorizeTemporaryCredentials(
    token,
    approval,
    now,
    addSeconds(now, settings.temporaryCredentialsTtlSeconds),
  );
  if (outcome === 'authorized') return accept(approvalOutcome);
  // The same form sent twice at the same time: the other request was faster, and it is the same
  // yes.
  const { authorized } =
    (outcome === 'already-authorized'
      ? await temporaryCredentials.findTemporaryCredentials(token, now)
      : undefined) ?? {};
  if (authorized?.userId === userId && authorized.verifierDigest === approval.verifierDigest)
    return accept(approvalOutcome);
  return refuse(
    outcome === 'already-authorized'
      ? { kind: 'token_used' }
      : { kind: 'token_rejected', token: 'temporary' },
  );
}
