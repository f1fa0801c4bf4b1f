import type { Account } from '#accounts/account.ts';
import { type Protocols, protocolsNamed, type Services } from '#http/world.ts';
import type { EncryptedSecret } from '#kernel/ids.ts';
import { accept, type Result } from '#kernel/result.ts';
import { decryptWithSecret } from '#keys/secret-box.ts';
import type { ApprovalOutcome } from '#oauth1/authorization.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { CodeSeed } from '#oauth2/endpoints/authorization.ts';
import type { AuthorizationProblem } from '#oauth2/refusals.ts';
import type { AuthorizationRequest } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

// An approval of either protocol, in two steps: everything is judged, then it is written (ADR 26).

/** What a decision is about, wherever the request was kept. */
export type RequestUnderDecision = Pick<AuthorizationRequest, 'asked' | 'scopes' | 'dialect'>;

/** What a person approves. */
export interface Approval {
  /** What is added to the consent. */
  readonly consent: readonly string[];
  /** What was shown as allowed before, and left out. */
  readonly withdrawn: readonly string[];
  /** What the app gets this time. */
  readonly scopes: readonly string[];
}

/** What the answer to an approval is made of: kept, it gives the same answer once more. */
export interface ApprovalResponseParts {
  readonly approval: Approval;
  /** OAuth 2: of the code. OAuth 1: the verifier. */
  readonly seed: CodeSeed | { readonly verifier: string };
}

type ApprovalRefusal = OAuth1Refusal | AuthorizationProblem;

/** An approval that holds, as far as it can be judged before it is written. */
export interface PreparedApproval {
  readonly parts: ApprovalResponseParts;
  /** Where the person goes once it is written. */
  readonly completed: ApprovalOutcome;
  /** Takes what stands for the request elsewhere, before anything durable is written. */
  claim(): Promise<Result<unknown, ApprovalRefusal>>;
  /** Gives the app its code or pair under the consent. */
  complete(consent: Consent): Promise<Result<ApprovalOutcome, ApprovalRefusal>>;
}

/** The protocols that a request came by. */
export const protocolsFor = (
  services: Services,
  request: Pick<RequestUnderDecision, 'dialect'>,
): Protocols => protocolsNamed(services.protocols, request.dialect);

/**
 * Judges an approval with the client as it is now; nothing is written. `earlier`: what the answer
 * was made of, to give it once more.
 */
export async function prepareApproval(
  services: Services,
  request: RequestUnderDecision,
  client: Client,
  user: Pick<Account, 'id'>,
  approval: Approval,
  previousParts?: ApprovalResponseParts,
): Promise<Result<PreparedApproval, ApprovalRefusal>> {
  const protocols = protocolsFor(services, request);
  const { asked: requestParameters } = request;
  if (requestParameters.protocol === 'oauth2') {
    const seed = previousParts && 'secret' in previousParts.seed ? previousParts.seed : undefined;
    const prepared = protocols.oauth2.prepareCode(
      requestParameters,
      client,
      user,
      approval.scopes,
      seed,
    );
    if (!prepared.ok) return { ok: false, refusal: prepared.refusal.problem };
    return accept({
      parts: { approval, seed: prepared.value.seed },
      completed: { kind: 'redirect', uri: prepared.value.uri },
      claim: async () => accept(undefined),
      complete: async (consent) =>
        accept({
          kind: 'redirect',
          uri: await protocols.oauth2.storeCode(prepared.value, consent),
        }),
    });
  }
  const verifier =
    previousParts && 'verifier' in previousParts.seed ? previousParts.seed.verifier : undefined;
  const prepared = await protocols.oauth1.prepareAuthorization(
    requestParameters.token,
    client,
    user,
    verifier,
  );
  if (!prepared.ok) return prepared;
  return accept({
    parts: { approval, seed: { verifier: prepared.value.verifier } },
    completed: prepared.value.approvalOutcome,
    claim: () => protocols.oauth1.claimTemporaryCredentials(prepared.value),
    complete: (consent) => protocols.oauth1.bindConsent(prepared.value, consent),
  });
}

/** Opens what an answer was made of. Only who has the handle can. */
export const decryptApprovalResponse = (
  handle: string,
  sealed: EncryptedSecret,
): ApprovalResponseParts => JSON.parse(decryptWithSecret(handle, sealed)) as ApprovalResponseParts;

/**
 * What became of an approval that was given: its code or pair waits for the app, is over, or was
 * not stored (yet).
 */
export async function approvalResponseState(
  services: Services,
  request: RequestUnderDecision,
  client: Client,
  user: Account,
  { seed }: ApprovalResponseParts,
): Promise<'waits' | 'over' | 'unknown'> {
  const protocols = protocolsFor(services, request);
  if ('secret' in seed) return protocols.oauth2.codeStatus(seed);
  if (request.asked.protocol !== 'oauth1') return 'over';
  const prepared = await protocols.oauth1.prepareAuthorization(
    request.asked.token,
    client,
    user,
    seed.verifier,
  );
  if (!prepared.ok) return 'over';
  const { consentId } = prepared.value;
  if (consentId === null) return 'unknown';
  return (await services.records.findConsentById(consentId)) === undefined ? 'over' : 'waits';
}

/**
 * Ends what an approval gave. False: it is an OAuth 1 pair that was exchanged already, and stands
 * with its consent.
 */
export async function revokeApprovalResponse(
  services: Services,
  request: RequestUnderDecision,
  client: Client,
  user: Account,
  parts: ApprovalResponseParts,
): Promise<boolean> {
  const protocols = protocolsFor(services, request);
  if ('secret' in parts.seed) {
    await protocols.oauth2.revokeCode(parts.seed);
    return true;
  }
  if (
    request.asked.protocol !== 'oauth1' ||
    (await approvalResponseState(services, request, client, user, parts)) === 'over'
  )
    return false;
  await protocols.oauth1.revokeTemporaryCredentials(request.asked.token);
  return true;
}
