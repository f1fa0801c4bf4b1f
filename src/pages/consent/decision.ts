import type { FormParameters } from '#encoding/form.ts';
import { addSeconds, isExpired, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { encryptWithSecret } from '#keys/secret-box.ts';
import type { Entropy } from '#platform/random.ts';
import type { RequestDecision } from '#registry/model/authorization-request.ts';
import type { PageVisitor } from '../respond.ts';
import { type Approval, type ApprovalResponseParts, approve } from './approval.ts';
import {
  approvalResponseState,
  decryptApprovalResponse,
  repeatApproval,
  revokeApprovalResponse,
} from './approval-response.ts';
import type { AuthorizationDependencies } from './authorization.ts';
import { type AuthorizationResponse, approvalResponse } from './authorization-response.ts';
import { deny } from './denial.ts';
import type { OpenedRequest } from './opened-request.ts';

// The decision of a person on a stored request: made once, and answered the same way when the form
// is sent again (ADR 26).

export interface DecisionDependencies extends AuthorizationDependencies {
  readonly entropy: Entropy;
}

/** For how long the same form gets the same answer again. */
const REPEAT_WINDOW_SECONDS = seconds(60);

/**
 * What the form says: what was asked for, less what may be left out and was; and what that takes
 * away.
 */
function parseApproval(form: FormParameters, { request, client }: OpenedRequest): Approval {
  const scopes = request.scopes.filter(
    (scope) => !client.optionalScopes.includes(scope) || form.get(`scope.${scope}`) !== undefined,
  );
  const withdrawn = request.scopes.filter(
    (scope) => !scopes.includes(scope) && form.get(`before.${scope}`) !== undefined,
  );
  return { consent: scopes, withdrawn, scopes };
}

/**
 * Stores a decision with the request. `parts`: what the answer is made of; a denial has no secrets.
 * False: another decision was faster.
 */
async function claimDecision(
  { authorizationRequests, clock, entropy }: DecisionDependencies,
  visitor: PageVisitor,
  { handle, request }: OpenedRequest,
  parts: ApprovalResponseParts | null,
): Promise<boolean> {
  const decision: RequestDecision = {
    kind: parts === null ? 'denied' : 'allowed',
    session: digestOf(visitor.secret),
    decidedAt: clock.now(),
    answerSealed: parts && encryptWithSecret(handle, JSON.stringify(parts), entropy),
  };
  const outcome = await authorizationRequests.replaceRequest(request, { ...request, decision });
  return outcome === 'replaced';
}

/**
 * What the answer was made of, for the session that decided, within a minute; undefined: the answer
 * is not given again.
 */
function repeatableParts(
  { clock }: DecisionDependencies,
  visitor: PageVisitor,
  { handle, request: { decision } }: OpenedRequest,
): ApprovalResponseParts | undefined {
  if (!decision?.answerSealed || decision.session !== digestOf(visitor.secret)) return undefined;
  return isExpired(addSeconds(decision.decidedAt, REPEAT_WINDOW_SECONDS), clock.now())
    ? undefined
    : decryptApprovalResponse(handle, decision.answerSealed);
}

/** True when an approval that is sent again would get its answer again. */
export async function isRepeatable(
  dependencies: DecisionDependencies,
  visitor: PageVisitor,
  opened: OpenedRequest,
): Promise<boolean> {
  const parts = repeatableParts(dependencies, visitor, opened);
  if (parts === undefined) return false;
  return (await approvalResponseState(dependencies, opened, parts)) !== 'over';
}

const alreadyAllowed = ({ client }: OpenedRequest): AuthorizationResponse => ({
  status: 409,
  note: 'request-allowed',
  values: { app: client.name },
});

/**
 * An approval that is sent again: the same answer, in the same session, within a minute and until
 * the app used it. Another time the person is told that they allowed the app, and what to do.
 */
async function answerAgain(
  dependencies: DecisionDependencies,
  visitor: PageVisitor,
  opened: OpenedRequest,
): Promise<AuthorizationResponse> {
  const parts = repeatableParts(dependencies, visitor, opened);
  const result = parts && (await repeatApproval(dependencies, opened, parts));
  return (
    (result && approvalResponse(dependencies, visitor, opened.client, result)) ??
    alreadyAllowed(opened)
  );
}

/** Allows, or answers as before. Undefined: another decision was faster. */
export async function decideApproval(
  dependencies: DecisionDependencies,
  visitor: PageVisitor,
  opened: OpenedRequest,
  form: FormParameters,
): Promise<AuthorizationResponse | undefined> {
  const { decision } = opened.request;
  if (decision?.kind === 'denied') return deny(dependencies, visitor, opened);
  if (decision) return answerAgain(dependencies, visitor, opened);
  const result = await approve(dependencies, opened, parseApproval(form, opened), {
    claimDecision: (parts) => claimDecision(dependencies, visitor, opened, parts),
  });
  return approvalResponse(dependencies, visitor, opened.client, result);
}

/**
 * Denies; after an approval it ends what that gave. Undefined: another decision was faster.
 */
export async function decideDenial(
  dependencies: DecisionDependencies,
  visitor: PageVisitor,
  opened: OpenedRequest,
): Promise<AuthorizationResponse | undefined> {
  const { handle, request } = opened;
  if (request.decision?.kind === 'denied') return deny(dependencies, visitor, opened);
  if (!(await claimDecision(dependencies, visitor, opened, null))) return undefined;
  const previous = request.decision?.answerSealed;
  const isEnded =
    !previous ||
    (await revokeApprovalResponse(dependencies, opened, decryptApprovalResponse(handle, previous)));
  // A pair that the app has already stands with the consent, which the person ends on their list.
  return isEnded ? deny(dependencies, visitor, opened) : alreadyAllowed(opened);
}
