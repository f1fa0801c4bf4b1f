import type { FastifyReply, FastifyRequest } from 'fastify';
import { pageActor } from '#http/session.ts';
import { isExpired } from '#kernel/time.ts';
import type { Actor } from '#registry/actor.ts';
import type { AuthorizationRequest } from '#registry/model/authorization-request.ts';
import type { ApprovalSubject } from './approval.ts';
import type { AuthorizationDependencies, SignedInVisitor } from './authorization.ts';
import { findAuthorizationRequest, handleParameter } from './stored-requests.ts';

/** One request for the page of a decision, by somebody who is signed in. */
export interface ConsentCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly visitor: SignedInVisitor;
}

/** A stored request that somebody opened, the app that asked, and who opened it. */
export interface OpenedRequest extends ApprovalSubject {
  readonly handle: string;
  readonly request: AuthorizationRequest;
  readonly actor: Actor;
}

/** The request of an address, and its app. Undefined: neither is known to this person. */
export async function openRequest(
  dependencies: AuthorizationDependencies,
  { request: httpRequest, visitor }: ConsentCall,
): Promise<OpenedRequest | undefined> {
  const handle = handleParameter(httpRequest);
  const request = await findAuthorizationRequest(dependencies, handle);
  if (request === undefined) return undefined;
  const actor = pageActor(dependencies, httpRequest, visitor);
  const client = await dependencies.registry.query(actor).findRequestingClient(request.clientId);
  return client && { handle, request, client, user: visitor.user, actor };
}

/** True for the person who was asked. */
export const isOwnRequest = ({ request, user }: OpenedRequest): boolean =>
  request.userId === user.id;

/**
 * True when nothing can be decided any more. Whoever was asked may still look at their own decision
 * after the time for it is over.
 */
export function isClosed(
  { clock }: Pick<AuthorizationDependencies, 'clock'>,
  opened: OpenedRequest,
): boolean {
  const { decision, expiresAt } = opened.request;
  const expired = isExpired(expiresAt, clock.now());
  if (isOwnRequest(opened)) return decision === undefined && expired;
  return decision !== undefined || expired;
}
