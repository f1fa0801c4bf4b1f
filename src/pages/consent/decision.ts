import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { redirectLocally } from '#http/redirects.ts';
import { pageActor } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import type { Digest } from '#kernel/ids.ts';
import { addSeconds, instant, isExpired, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { ApprovalOutcome } from '#oauth1/authorization.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { AuthorizationProblem } from '#oauth2/refusals.ts';
import { clientAccessDenial } from '#registry/access.ts';
import type {
  AuthorizationRequest,
  RequestDecision,
} from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { type PageVisitor, pageFrame, redirectToClient, sendNote, sendPage } from '../respond.ts';
import {
  type Approval,
  type ApprovalResponseParts,
  approvalResponseState,
  decryptApprovalResponse,
  prepareApproval,
  protocolsFor,
  type RequestUnderDecision,
} from './approval.ts';
import { authorizationErrorNote } from './authorization-notes.ts';
import { deniedPage, verifierPage } from './consent.template.ts';

const DECISION_TTL_SECONDS = seconds(600);

/** Stores what is asked of a person and answers where they decide. */
export async function saveConsentRequest(
  services: Services,
  request: Omit<AuthorizationRequest, 'digest' | 'expiresAt'>,
): Promise<string> {
  const handle = services.idGenerator.secret();
  await services.authorizationRequests.saveRequest({
    ...request,
    digest: digestOf(handle),
    expiresAt: addSeconds(services.clock.now(), DECISION_TTL_SECONDS),
  });
  return `/authorize/${handle}`;
}

/**
 * Sends a person back to the app at once when they need not be asked, else to the page where they
 * decide.
 */
export async function continueAuthorization(
  services: Services,
  httpRequest: FastifyRequest,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  pendingRequest: Omit<AuthorizationRequest, 'digest' | 'expiresAt'>,
  client: Client,
  {
    canSkipConsent = true,
    promptNone = false,
  }: { readonly canSkipConsent?: boolean; readonly promptNone?: boolean } = {},
): Promise<FastifyReply> {
  const { asked } = pendingRequest;
  const need = await services.registry
    .query(pageActor(services, httpRequest, visitor))
    .consentNeed(client, {
      scopes: pendingRequest.scopes,
      site: services.site,
      redirectUri: asked.protocol === 'oauth2' ? asked.redirectUri : null,
      canSkipConsent,
    });
  if (need?.kind === 'standing')
    return completeAuthorization(services, reply, visitor, pendingRequest, client, need.consent);
  if (need?.kind === 'implied') {
    await approve(services, httpRequest, reply, visitor, pendingRequest, client, {
      consent: need.scopes,
      withdrawn: [],
      scopes: pendingRequest.scopes,
    });
    return reply;
  }
  if (promptNone) return deny(services, reply, visitor, pendingRequest, client, 'consent_required');
  return redirectLocally(reply, await saveConsentRequest(services, pendingRequest));
}

/** For how long the same form gets the same answer again. */
const REPEAT_WINDOW_SECONDS = seconds(60);
/** For how long a request can still be named after it expired. */
const EXPIRED_REQUEST_TTL_SECONDS = seconds(86_400);

/** The request a handle names, also one that has expired or was decided. */
export async function findAuthorizationRequest(
  services: Pick<Services, 'clock' | 'authorizationRequests'>,
  handle: string,
): Promise<AuthorizationRequest | undefined> {
  const asOf = instant(services.clock.now() - EXPIRED_REQUEST_TTL_SECONDS);
  return /^[\w-]{51}$/.test(handle)
    ? services.authorizationRequests.findRequest(digestOf(handle) as Digest, asOf)
    : undefined;
}

/** True while a decision may be answered the same way again, for the session that made it. */
const canRepeatResponse = (
  services: Services,
  { session, decidedAt }: RequestDecision,
  visitor: PageVisitor,
): boolean =>
  session === digestOf(visitor.secret) &&
  !isExpired(addSeconds(decidedAt, REPEAT_WINDOW_SECONDS), services.clock.now());

/** What is known of who decides. */
export type SignedInVisitor = PageVisitor & { readonly user: Account };

/**
 * An answer is a promise to whoever waits for it, so it cannot be handed on by those who also have
 * something else to say.
 */
export async function awaitResponse(
  responseSent: FastifyReply | Promise<FastifyReply>,
): Promise<true> {
  await responseSent;
  return true;
}

/**
 * Carries out a person's approval. Everything is judged first: the person, the app as it is now,
 * where they would go, and what stands for the request elsewhere. Then the request is taken
 * (`take`; false: another decision was faster), and only then anything is written. The app gets
 * what it asked for and the person accepted now; the consent may be for more. `earlier`: the same
 * approval once more, to be finished. False: it was not taken, nothing was done, and nothing was
 * answered.
 */
export async function approve(
  services: Services,
  httpRequest: FastifyRequest,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  request: RequestUnderDecision,
  client: Client,
  approval: Approval,
  {
    claimDecision,
    previousParts,
  }: {
    readonly claimDecision?: (parts: ApprovalResponseParts) => Promise<boolean>;
    readonly previousParts?: ApprovalResponseParts;
  } = {},
): Promise<boolean> {
  const [actor, values] = [
    pageActor(services, httpRequest, visitor),
    { clientId: client.id, scopes: approval.consent, withdrawn: approval.withdrawn },
  ];
  const problem = await services.registry.approvalProblem(actor, values);
  if (problem) return awaitResponse(sendApprovalRefusal(services, reply, visitor, client, problem));
  const prepared = await prepareApproval(
    services,
    request,
    client,
    visitor.user,
    approval,
    previousParts,
  );
  if (!prepared.ok)
    return awaitResponse(sendRefusalPage(services, reply, visitor, prepared.refusal));
  const { parts } = prepared.value;
  if (claimDecision && !(await claimDecision(parts))) return false;
  const claimed = await prepared.value.claim();
  if (!claimed.ok) return awaitResponse(sendRefusalPage(services, reply, visitor, claimed.refusal));
  const answer = await services.registry.submit(actor, 'accept', values);
  if (!answer.ok || answer.value.consent === null)
    return awaitResponse(
      sendApprovalRefusal(services, reply, visitor, client, answer.ok ? undefined : answer.refusal),
    );
  // The app as it was approved: nobody is sent where it may not send people any more.
  const rechecked = await prepareApproval(
    services,
    request,
    answer.value.client,
    visitor.user,
    approval,
    parts,
  );
  const completion = rechecked.ok
    ? await rechecked.value.complete(answer.value.consent)
    : rechecked;
  return awaitResponse(
    completion.ok
      ? sendCompletion(services, reply, visitor, client, completion.value)
      : sendRefusalPage(services, reply, visitor, completion.refusal),
  );
}

/** Tells a person why their approval does not count. */
function sendApprovalRefusal(
  services: Services,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  client: Client,
  refusal: RegistryRefusal | undefined,
): Promise<FastifyReply> {
  if (refusal?.kind === 'readonly')
    return sendNote(services, reply, visitor, 503, 'readonly', { reason: refusal.reason });
  const denial = clientAccessDenial(client, visitor.user, { newConsent: true }) ?? {
    kind: 'client-not-usable',
    stage: client.stage,
    ownerOnly: client.ownerOnly,
  };
  return sendRefusalPage(services, reply, visitor, {
    kind: 'consumer_key_refused',
    client,
    why: denial,
  });
}

/** Tells a person on a page what is not told to the app. */
function sendRefusalPage(
  services: Services,
  reply: FastifyReply,
  visitor: PageVisitor,
  refusal: OAuth1Refusal | AuthorizationProblem,
): Promise<FastifyReply> {
  const { status, note, values } = authorizationErrorNote(refusal);
  return sendNote(services, reply, visitor, status, note, values);
}

const sendCompletion = (
  services: Services,
  reply: FastifyReply,
  visitor: PageVisitor,
  client: Client,
  completed: ApprovalOutcome,
) =>
  completed.kind === 'redirect'
    ? redirectToClient(reply, completed.uri)
    : sendPage(
        reply,
        200,
        verifierPage(pageFrame(services, visitor), {
          appName: client.name,
          verifier: completed.verifier,
        }),
      );

/** Sends a person back to the app under a consent that stands; nothing about it is written. */
async function completeAuthorization(
  services: Services,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  request: RequestUnderDecision,
  client: Client,
  consent: Consent,
): Promise<FastifyReply> {
  const approval = { consent: [], withdrawn: [], scopes: request.scopes };
  const prepared = await prepareApproval(services, request, client, visitor.user, approval);
  const completion = prepared.ok ? await prepared.value.complete(consent) : prepared;
  return completion.ok
    ? sendCompletion(services, reply, visitor, client, completion.value)
    : sendRefusalPage(services, reply, visitor, completion.refusal);
}

/**
 * A person sends an approval again: in the same session, within a minute and until the app used the
 * answer, it is the same answer. Another time they are told that they allowed the app, and what to
 * do.
 */
export async function repeatApproval(
  services: Services,
  httpRequest: FastifyRequest,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  handle: string,
  request: AuthorizationRequest,
  client: Client,
): Promise<FastifyReply> {
  const { decision } = request;
  const parts =
    decision?.answerSealed && canRepeatResponse(services, decision, visitor)
      ? decryptApprovalResponse(handle, decision.answerSealed)
      : undefined;
  const state = parts
    ? await approvalResponseState(services, request, client, visitor.user, parts)
    : 'over';
  if (parts === undefined || state === 'over')
    return sendNote(services, reply, visitor, 409, 'request-allowed', { app: client.name });
  if (state === 'waits') {
    const prepared = await prepareApproval(
      services,
      request,
      client,
      visitor.user,
      parts.approval,
      parts,
    );
    if (!prepared.ok) return sendRefusalPage(services, reply, visitor, prepared.refusal);
    const { completed } = prepared.value;
    return sendCompletion(services, reply, visitor, client, completed);
  }
  await approve(services, httpRequest, reply, visitor, request, client, parts.approval, {
    previousParts: parts,
  });
  return reply;
}

/** True when an approval that is sent again would get its answer again. */
export async function isRepeatable(
  services: Services,
  visitor: SignedInVisitor,
  handle: string,
  request: AuthorizationRequest,
  client: Client,
): Promise<boolean> {
  const { decision } = request;
  if (!decision?.answerSealed || !canRepeatResponse(services, decision, visitor)) return false;
  return (
    (await approvalResponseState(
      services,
      request,
      client,
      visitor.user,
      decryptApprovalResponse(handle, decision.answerSealed),
    )) !== 'over'
  );
}

/**
 * Carries out a person's no. OAuth 2 sends them back with it (RFC 6749 §4.1.2.1); OAuth 1 has no
 * such answer, so that a page says it, with the way back to the app.
 */
export async function deny(
  services: Services,
  reply: FastifyReply,
  visitor: SignedInVisitor,
  request: RequestUnderDecision,
  client: Client,
  why: 'denied' | 'consent_required' = 'denied',
): Promise<FastifyReply> {
  if (request.asked.protocol === 'oauth2') {
    const denied = protocolsFor(services, request).oauth2.denialRedirect(
      request.asked,
      client,
      visitor.user,
      why,
    );
    return denied.ok
      ? redirectToClient(reply, denied.value)
      : sendRefusalPage(services, reply, visitor, denied.refusal.problem);
  }
  if (looksUnknown(client, visitor.user))
    return sendRefusalPage(services, reply, visitor, { kind: 'unknown_client' });
  const returnUri = await protocolsFor(services, request).oauth1.denialRedirect(
    request.asked.token,
    client,
    visitor.user,
  );
  if (returnUri === undefined)
    return sendNote(services, reply, visitor, 200, 'not-allowed', { app: client.name });
  return sendPage(
    reply,
    200,
    deniedPage(pageFrame(services, visitor), { appName: client.name, returnHref: returnUri }),
  );
}

/** The handle of a decision route. */
export const handleParameter = (request: FastifyRequest): string =>
  (request.params as { readonly handle: string }).handle;
