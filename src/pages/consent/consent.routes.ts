import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FormParameters } from '#encoding/form.ts';
import { isFromOwnOrigin } from '#http/csrf.ts';
import { parsePageForm } from '#http/request.ts';
import { isExpired } from '#kernel/time.ts';
import {
  formPagePath,
  redirectToSignIn,
  type SignInFirstDependencies,
} from '../account/sign-in-first.ts';
import { identifyPageVisitor, isOwnForm, sendFormExpired } from '../respond.ts';
import {
  type AuthorizationResponse,
  sendAuthorizationResponse,
  supersededResponse,
} from './authorization-response.ts';
import {
  type ConsentViewDependencies,
  closedResponse,
  consentResponse,
  decidedResponse,
  lateResponse,
} from './consent.view.ts';
import { decideApproval, decideDenial } from './decision.ts';
import {
  type ConsentCall,
  isOwnRequest,
  type OpenedRequest,
  openRequest,
} from './opened-request.ts';
import { storeAuthorizationRequest } from './stored-requests.ts';

export interface ConsentDependencies extends ConsentViewDependencies, SignInFirstDependencies {
  /** The public origin. */
  readonly origin: string;
}

const requestGone = { status: 404, note: 'request-gone' } as const;
/** Of two decisions at the same time one is taken; the other looks again at how things stand. */
const MAX_TRIES = 2;

/**
 * The page where a person decides, and their decision; both protocols. The form carries the
 * decision and nothing else: what was asked is stored.
 */
export function consentRoutes(app: FastifyInstance, dependencies: ConsentDependencies): void {
  app.get('/authorize/:handle', async (request, reply) => {
    const call = await admit(dependencies, request, reply);
    if (call === undefined) return reply;
    const response = await showRequest(dependencies, call);
    return sendAuthorizationResponse(dependencies, reply, call.visitor, response);
  });

  app.post('/authorize/:handle', async (request, reply) => {
    const call = await admit(dependencies, request, reply);
    if (call === undefined) return reply;
    const { visitor } = call;
    const isCsrfValid = isOwnForm(dependencies, request, visitor);
    if (!isCsrfValid && !isFromOwnOrigin(dependencies.origin, request))
      return sendFormExpired(dependencies, reply, visitor, formPagePath(request));
    const response = isCsrfValid
      ? await decide(dependencies, call, parsePageForm(request))
      : await showStaleForm(dependencies, call);
    return response === undefined
      ? sendFormExpired(dependencies, reply, visitor)
      : sendAuthorizationResponse(dependencies, reply, visitor, response);
  });
}

/** The call of somebody who is signed in; others were sent to sign in. */
async function admit(
  dependencies: ConsentDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<ConsentCall | undefined> {
  const visitor = await identifyPageVisitor(dependencies, request, reply);
  if (visitor.user !== null) return { request, reply, visitor: { ...visitor, user: visitor.user } };
  await redirectToSignIn(dependencies, request, reply);
  return undefined;
}

/** The page of a request: the question, or how the request stands. */
async function showRequest(
  dependencies: ConsentDependencies,
  call: ConsentCall,
): Promise<AuthorizationResponse> {
  const { visitor } = call;
  const opened = await openRequest(dependencies, call);
  if (opened === undefined) return requestGone;
  const closed = closedResponse(dependencies, visitor, opened);
  if (closed) return closed;
  return opened.request.decision
    ? decidedResponse(dependencies, visitor, opened)
    : consentResponse(dependencies, visitor, opened);
}

/**
 * A form of another session of theirs: nothing is done, and they are asked again. Undefined: there
 * is nothing to ask.
 */
async function showStaleForm(
  dependencies: ConsentDependencies,
  call: ConsentCall,
): Promise<AuthorizationResponse | undefined> {
  const { visitor } = call;
  const opened = await openRequest(dependencies, call);
  if (opened === undefined) return undefined;
  const closed = closedResponse(dependencies, visitor, opened);
  if (closed) return closed;
  return opened.request.decision
    ? decidedResponse(dependencies, visitor, opened)
    : consentResponse(dependencies, visitor, opened, { isStaleForm: true });
}

/** What a form of this session says is done: continue as oneself, allow, or deny. */
async function decide(
  dependencies: ConsentDependencies,
  call: ConsentCall,
  form: FormParameters,
): Promise<AuthorizationResponse> {
  const { visitor } = call;
  const has = (name: string) => form.get(name) !== undefined;
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const opened = await openRequest(dependencies, call);
    if (opened === undefined) return requestGone;
    if (has('continue') && !isOwnRequest(opened)) return continueAsVisitor(dependencies, opened);
    const closed = closedResponse(dependencies, visitor, opened);
    if (closed) return closed;
    if (has('accept') === has('cancel')) return { status: 400, note: 'approve-or-deny' };
    const response = has('accept')
      ? await decideApproval(dependencies, visitor, opened, form)
      : await decideDenial(dependencies, visitor, opened);
    if (response) return response;
  }
  return supersededResponse;
}

/** The request of somebody else is asked once more, of the person who is here. */
async function continueAsVisitor(
  dependencies: ConsentDependencies,
  opened: OpenedRequest,
): Promise<AuthorizationResponse> {
  const { digest: _digest, expiresAt, decision, ...request } = opened.request;
  if (decision || isExpired(expiresAt, dependencies.clock.now())) return lateResponse(opened);
  const ownRequest = { ...request, userId: opened.user.id };
  return { to: await storeAuthorizationRequest(dependencies, ownRequest) };
}
