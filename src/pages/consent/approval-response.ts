import { protocolsNamed } from '#http/world.ts';
import type { EncryptedSecret } from '#kernel/ids.ts';
import { decryptWithSecret } from '#keys/secret-box.ts';
import {
  type ApprovalDependencies,
  type ApprovalResponseParts,
  type ApprovalResult,
  type ApprovalSubject,
  approve,
  prepareApproval,
} from './approval.ts';

// What an approval gave, and what became of it.

/** Decrypts what an answer was made of. Only who has the handle can. */
export const decryptApprovalResponse = (
  handle: string,
  encrypted: EncryptedSecret,
): ApprovalResponseParts =>
  JSON.parse(decryptWithSecret(handle, encrypted)) as ApprovalResponseParts;

/**
 * What became of an approval that was given: its code or pair waits for the app, is over, or was
 * not stored (yet).
 */
export async function approvalResponseState(
  { protocols, registry }: ApprovalDependencies,
  { request, client, user, actor }: ApprovalSubject,
  { seed }: ApprovalResponseParts,
): Promise<'waits' | 'over' | 'unknown'> {
  const { oauth1, oauth2 } = protocolsNamed(protocols, request.dialect);
  if ('secret' in seed) return oauth2.codeStatus(seed);
  if (request.asked.protocol !== 'oauth1') return 'over';
  const { token } = request.asked;
  const prepared = await oauth1.prepareAuthorization(token, client, user, seed.verifier);
  if (!prepared.ok) return 'over';
  const { consentId } = prepared.value;
  if (consentId === null) return 'unknown';
  return (await registry.query(actor).hasConsent(consentId)) ? 'waits' : 'over';
}

/**
 * Gives the answer to an approval once more, or finishes an approval that was interrupted.
 * Undefined: it is over, since the app used it or it was ended.
 */
export async function repeatApproval(
  dependencies: ApprovalDependencies,
  subject: ApprovalSubject,
  parts: ApprovalResponseParts,
): Promise<ApprovalResult | undefined> {
  const state = await approvalResponseState(dependencies, subject, parts);
  if (state === 'over') return undefined;
  const { approval } = parts;
  if (state === 'unknown')
    return approve(dependencies, subject, approval, { previousParts: parts });
  const prepared = await prepareApproval(dependencies, subject, approval, parts);
  return prepared.ok
    ? { kind: 'completed', outcome: prepared.value.outcome }
    : { kind: 'refused', refusal: prepared.refusal };
}

/**
 * Ends what an approval gave. False: it is an OAuth 1 pair that was exchanged already, and stands
 * with its consent.
 */
export async function revokeApprovalResponse(
  dependencies: ApprovalDependencies,
  subject: ApprovalSubject,
  parts: ApprovalResponseParts,
): Promise<boolean> {
  const { request } = subject;
  const { oauth1, oauth2 } = protocolsNamed(dependencies.protocols, request.dialect);
  if ('secret' in parts.seed) {
    await oauth2.revokeCode(parts.seed);
    return true;
  }
  if (request.asked.protocol !== 'oauth1') return false;
  if ((await approvalResponseState(dependencies, subject, parts)) === 'over') return false;
  await oauth1.revokeTemporaryCredentials(request.asked.token);
  return true;
}
