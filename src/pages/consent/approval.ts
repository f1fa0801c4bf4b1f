import type { Account } from '#accounts/account.ts';
import { protocolsNamed, type ServedProtocols } from '#http/world.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { ApprovalOutcome } from '#oauth1/authorization.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { CodeSeed } from '#oauth2/endpoints/authorization-response.ts';
import type { AuthorizationProblem } from '#oauth2/refusals.ts';
import { clientAccessDenial } from '#registry/access.ts';
import type { Actor } from '#registry/actor.ts';
import type { AuthorizationRequest } from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Registry } from '#registry/registry.ts';

// A person's approval, in either protocol: everything is judged, then it is written (ADR 26).

export interface ApprovalDependencies {
  readonly protocols: ServedProtocols;
  readonly registry: Pick<Registry, 'query' | 'submit' | 'approvalProblem'>;
}

/** What is decided, wherever the request is kept, and by whom. */
export interface ApprovalSubject {
  readonly request: Pick<AuthorizationRequest, 'asked' | 'scopes' | 'dialect'>;
  readonly client: Client;
  readonly user: Account;
  readonly actor: Actor;
}

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

/** Why an approval does not count: told to the person, not to the app. */
export type ApprovalRefusal =
  | OAuth1Refusal
  | AuthorizationProblem
  | { readonly kind: 'readonly'; readonly reason: string };

/** What became of an approval. */
export type ApprovalResult =
  | { readonly kind: 'completed'; readonly outcome: ApprovalOutcome }
  | { readonly kind: 'refused'; readonly refusal: ApprovalRefusal }
  /** Another decision was faster: nothing was written. */
  | { readonly kind: 'superseded' };

/**
 * Approves. Everything is judged first: the person, the app as it is now, where they would go, and
 * what stands for the request elsewhere. Then the request is claimed, and only then anything is
 * written. The app gets what it asked for and the person accepted now; the consent may be for more.
 *
 * @param claimDecision Claims the request for this decision; false: another one was faster. Left
 *   out: nothing is kept that has to be claimed.
 * @param previousParts Of the same approval, which is to be finished.
 */
export async function approve(
  dependencies: ApprovalDependencies,
  subject: ApprovalSubject,
  approval: Approval,
  {
    claimDecision,
    previousParts,
  }: {
    readonly claimDecision?: (parts: ApprovalResponseParts) => Promise<boolean>;
    readonly previousParts?: ApprovalResponseParts;
  } = {},
): Promise<ApprovalResult> {
  const { registry } = dependencies;
  const { actor, client } = subject;
  const values = {
    clientId: client.id,
    scopes: approval.consent,
    withdrawn: approval.withdrawn,
  };
  const problem = await registry.approvalProblem(actor, values);
  if (problem) return { kind: 'refused', refusal: approvalRefusal(subject, problem) };
  const prepared = await prepareApproval(dependencies, subject, approval, previousParts);
  if (!prepared.ok) return { kind: 'refused', refusal: prepared.refusal };
  const { parts } = prepared.value;
  if (claimDecision && !(await claimDecision(parts))) return { kind: 'superseded' };
  const claimed = await prepared.value.claim();
  if (!claimed.ok) return { kind: 'refused', refusal: claimed.refusal };
  const accepted = await registry.submit(actor, 'accept', values);
  if (!accepted.ok) return { kind: 'refused', refusal: approvalRefusal(subject, accepted.refusal) };
  const { consent, client: approvedClient } = accepted.value;
  if (consent === null) return { kind: 'refused', refusal: approvalRefusal(subject) };
  // The app as it was approved: nobody is sent where it may not send people any more.
  const approved = { ...subject, client: approvedClient };
  return completedOrRefused(
    await completeApproval(dependencies, approved, consent, approval, parts),
  );
}

/** Sends the app's code or pair on its way under a consent that stands; no consent is written. */
export async function completeAuthorization(
  dependencies: ApprovalDependencies,
  subject: ApprovalSubject,
  consent: Consent,
): Promise<ApprovalResult> {
  const approval = { consent: [], withdrawn: [], scopes: subject.request.scopes };
  return completedOrRefused(await completeApproval(dependencies, subject, consent, approval));
}

async function completeApproval(
  dependencies: ApprovalDependencies,
  subject: ApprovalSubject,
  consent: Consent,
  approval: Approval,
  parts?: ApprovalResponseParts,
): Promise<Result<ApprovalOutcome, ApprovalRefusal>> {
  const prepared = await prepareApproval(dependencies, subject, approval, parts);
  return prepared.ok ? prepared.value.complete(consent) : prepared;
}

const completedOrRefused = (
  completion: Result<ApprovalOutcome, ApprovalRefusal>,
): ApprovalResult =>
  completion.ok
    ? { kind: 'completed', outcome: completion.value }
    : { kind: 'refused', refusal: completion.refusal };

/** Why the registry does not take an approval, as far as the person is told. */
function approvalRefusal(
  { client, user }: ApprovalSubject,
  refusal?: RegistryRefusal,
): ApprovalRefusal {
  if (refusal?.kind === 'readonly') return { kind: 'readonly', reason: refusal.reason };
  const why = clientAccessDenial(client, user, { newConsent: true }) ?? {
    kind: 'client-not-usable',
    stage: client.stage,
    ownerOnly: client.ownerOnly,
  };
  return { kind: 'consumer_key_refused', client, why };
}

/** An approval that holds, as far as it can be judged before it is written. */
export interface PreparedApproval {
  readonly parts: ApprovalResponseParts;
  /** Where the person goes once it is written. */
  readonly outcome: ApprovalOutcome;
  /** Claims what stands for the request elsewhere, before anything durable is written. */
  claim(): Promise<Result<unknown, ApprovalRefusal>>;
  /** Gives the app its code or pair under the consent. */
  complete(consent: Consent): Promise<Result<ApprovalOutcome, ApprovalRefusal>>;
}

/**
 * Judges an approval with the client as it is now; nothing is written. `previousParts`: what the
 * answer was made of, to give it once more.
 */
export async function prepareApproval(
  { protocols }: ApprovalDependencies,
  { request, client, user }: ApprovalSubject,
  approval: Approval,
  previousParts?: ApprovalResponseParts,
): Promise<Result<PreparedApproval, ApprovalRefusal>> {
  const { oauth1, oauth2 } = protocolsNamed(protocols, request.dialect);
  const { asked } = request;
  const previousSeed = previousParts?.seed;
  if (asked.protocol === 'oauth2') {
    const seed = previousSeed && 'secret' in previousSeed ? previousSeed : undefined;
    const prepared = oauth2.prepareCode(asked, client, user, approval.scopes, seed);
    if (!prepared.ok) return refuse(prepared.refusal.problem);
    return accept({
      parts: { approval, seed: prepared.value.seed },
      outcome: { kind: 'redirect', uri: prepared.value.uri },
      claim: async () => accept(undefined),
      complete: async (consent) =>
        accept({ kind: 'redirect', uri: await oauth2.storeCode(prepared.value, consent) }),
    });
  }
  const verifier = previousSeed && 'verifier' in previousSeed ? previousSeed.verifier : undefined;
  const prepared = await oauth1.prepareAuthorization(asked.token, client, user, verifier);
  if (!prepared.ok) return prepared;
  return accept({
    parts: { approval, seed: { verifier: prepared.value.verifier } },
    outcome: prepared.value.approvalOutcome,
    claim: () => oauth1.claimTemporaryCredentials(prepared.value),
    complete: (consent) => oauth1.bindConsent(prepared.value, consent),
  });
}
