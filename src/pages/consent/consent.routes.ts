import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { describeDestination } from '#encoding/browser-uri.ts';
import type { FormParameters } from '#encoding/form.ts';
import { isFromOwnOrigin } from '#http/csrf.ts';
import { redirectLocally } from '#http/redirects.ts';
import { parsePageForm } from '#http/request.ts';
import type { Services } from '#http/world.ts';
import { isExpired } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { encryptWithSecret } from '#keys/secret-box.ts';
import { clientAccessDenial } from '#registry/access.ts';
import { currentConsent } from '#registry/consent-policy.ts';
import type {
  AuthorizationRequest,
  RequestDecision,
} from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import { formPagePath, redirectToSignIn } from '../account/sign-in-first.ts';
import { permissionGroups } from '../apps/app.view.ts';
import {
  identifyPageVisitor,
  isOwnForm,
  pageFrame,
  sendFormExpired,
  sendNote,
  sendPage,
} from '../respond.ts';
import { noteTexts } from '../words.ts';
import { type Approval, decryptApprovalResponse, revokeApprovalResponse } from './approval.ts';
import { authorizationErrorNote } from './authorization-notes.ts';
import { consentPage, continuePage } from './consent.template.ts';
import {
  approve,
  awaitResponse,
  deny,
  findAuthorizationRequest,
  handleParameter,
  isRepeatable,
  repeatApproval,
  type SignedInVisitor,
  saveConsentRequest,
} from './decision.ts';

/** A request that somebody opened, and the app that asked. */
interface OpenedRequest {
  readonly handle: string;
  readonly authorizationRequest: AuthorizationRequest;
  readonly client: Client;
}

/** One request for this page, by somebody who is signed in. */
interface ConsentCall {
  readonly services: Services;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly visitor: SignedInVisitor;
}

/** Host, or scheme of an app on the device, that the person will be sent to. */
function redirectDestination(request: AuthorizationRequest, client: Client): string | null {
  const uri = request.asked.protocol === 'oauth2' ? request.asked.redirectUri : client.redirectUri;
  return describeDestination(uri);
}

/** Where a person signs in with another account, and comes back to the request. */
const switchAccountPath = (handle: string): string =>
  `/sign-in?switch=1&${new URLSearchParams({ returnto: `/authorize/${handle}` })}`;

/** The request of an address, and its app. Undefined: neither is known to this person. */
async function openRequest({
  services,
  request,
  visitor,
}: ConsentCall): Promise<OpenedRequest | undefined> {
  const handle = handleParameter(request);
  const authorizationRequest = await findAuthorizationRequest(services, handle);
  const client =
    authorizationRequest && (await services.records.findClient(authorizationRequest.clientId));
  return client === undefined ||
    authorizationRequest === undefined ||
    looksUnknown(client, visitor.user)
    ? undefined
    : { handle, authorizationRequest, client };
}

/**
 * Tells a person that nothing can be decided any more, or not by them. False: it can, and nothing
 * was answered.
 */
async function sendIfClosed(
  { services, reply, visitor }: ConsentCall,
  { handle, authorizationRequest, client }: OpenedRequest,
): Promise<boolean> {
  const requestExpired = isExpired(authorizationRequest.expiresAt, services.clock.now());
  const isOwnRequest = authorizationRequest.userId === visitor.user.id;
  if (
    isOwnRequest
      ? !authorizationRequest.decision && requestExpired
      : authorizationRequest.decision || requestExpired
  )
    return awaitResponse(
      sendNote(services, reply, visitor, 410, 'request-late', { app: client.name }),
    );
  if (isOwnRequest) return false;
  const { title, text } = noteTexts(visitor.words, 'request-other', {
    app: client.name,
    user: visitor.user.name,
  });
  const label = visitor.words.say('consent.continue-as', { user: visitor.user.name });
  const page = continuePage(pageFrame(services, visitor), {
    title,
    text,
    name: 'continue',
    label,
    switchAccountHref: switchAccountPath(handle),
    bare: authorizationRequest.display === 'popup',
  });
  return awaitResponse(sendPage(reply, 403, page));
}

/** What was decided, and what to do now: somebody went back to the page. */
async function sendDecidedPage(
  { services, reply, visitor }: ConsentCall,
  { handle, authorizationRequest, client }: OpenedRequest,
): Promise<FastifyReply> {
  if (authorizationRequest.decision?.kind === 'denied')
    return sendNote(services, reply, visitor, 200, 'request-denied', { app: client.name });
  if (!(await isRepeatable(services, visitor, handle, authorizationRequest, client)))
    return sendNote(services, reply, visitor, 200, 'request-allowed', { app: client.name });
  const { title, text } = noteTexts(visitor.words, 'request-allowed', { app: client.name });
  const label = visitor.words.say('consent.continue-to', { app: client.name });
  return sendPage(
    reply,
    200,
    continuePage(pageFrame(services, visitor), {
      title,
      text,
      name: 'accept',
      label,
      bare: authorizationRequest.display === 'popup',
    }),
  );
}

/** The page where a person decides. `again`: they sent a form of another session. */
async function sendConsentPage(
  { services, reply, visitor }: ConsentCall,
  { handle, authorizationRequest, client }: OpenedRequest,
  isStaleForm = false,
): Promise<FastifyReply> {
  const owner = await services.records.findAccount(client.ownerId);
  const denial = clientAccessDenial(client, visitor.user, { newConsent: true });
  const allowedScopes =
    (await currentConsent(services.records, client, visitor.user, services.site))?.scopes ?? [];
  // An app that takes no new users still serves those who allowed all it asks for.
  if (
    denial &&
    !(
      denial.kind === 'client-suspended' &&
      denial.suspension === 'new-consents' &&
      authorizationRequest.scopes.every((scope) => allowedScopes.includes(scope))
    )
  ) {
    const { status, note, values } = authorizationErrorNote({
      kind: 'consumer_key_refused',
      client,
      why: denial,
    });
    return sendNote(services, reply, visitor, status, note, values);
  }
  const groups = (allowedBefore: boolean) =>
    permissionGroups(
      services.scopes,
      visitor.words,
      ({ name }) =>
        authorizationRequest.scopes.includes(name) &&
        allowedScopes.includes(name) === allowedBefore,
      client.optionalScopes,
    );
  const page = consentPage(pageFrame(services, visitor), {
    appName: client.name,
    appDescription: client.description,
    ownerName: owner?.name ?? null,
    site: services.sites.nameOf(client.site) ?? null,
    newGroups: groups(false),
    previouslyGranted: groups(true),
    userName: visitor.user.name,
    switchAccountHref: switchAccountPath(handle),
    destination: redirectDestination(authorizationRequest, client),
    isProposed: client.stage === 'proposed',
    isPopup: authorizationRequest.display === 'popup',
    askedAgain: isStaleForm,
  });
  return sendPage(reply, isStaleForm ? 403 : 200, page);
}

/**
 * What the form says: what was asked for, less what may be left out and was; and what that takes
 * away.
 */
function parseApproval(
  form: FormParameters,
  authorizationRequest: AuthorizationRequest,
  client: Client,
): Approval {
  const scopes = authorizationRequest.scopes.filter(
    (scope) => !client.optionalScopes.includes(scope) || form.get(`scope.${scope}`) !== undefined,
  );
  const withdrawn = authorizationRequest.scopes.filter(
    (scope) => !scopes.includes(scope) && form.get(`before.${scope}`) !== undefined,
  );
  return { consent: scopes, withdrawn, scopes };
}

/** Takes the request for a decision. False: another one was faster. */
const claimDecision = async (
  { services }: ConsentCall,
  { authorizationRequest }: OpenedRequest,
  decision: RequestDecision,
): Promise<boolean> =>
  (await services.authorizationRequests.replaceRequest(authorizationRequest, {
    ...authorizationRequest,
    decision,
  })) === 'replaced';

const makeDecision = (
  { services, visitor }: ConsentCall,
  kind: RequestDecision['kind'],
): Omit<RequestDecision, 'answerSealed'> => ({
  kind,
  session: digestOf(visitor.secret),
  decidedAt: services.clock.now(),
});

/** Allows, or answers as before. False: another decision was faster, and is to be looked at. */
async function handleApproval(
  call: ConsentCall,
  opened: OpenedRequest,
  form: FormParameters,
): Promise<boolean> {
  const { services, request, reply, visitor } = call;
  const { handle, authorizationRequest, client } = opened;
  if (authorizationRequest.decision?.kind === 'denied')
    return awaitResponse(deny(services, reply, visitor, authorizationRequest, client));
  if (authorizationRequest.decision)
    return awaitResponse(
      repeatApproval(services, request, reply, visitor, handle, authorizationRequest, client),
    );
  return approve(
    services,
    request,
    reply,
    visitor,
    authorizationRequest,
    client,
    parseApproval(form, authorizationRequest, client),
    {
      claimDecision: (parts) =>
        claimDecision(call, opened, {
          ...makeDecision(call, 'allowed'),
          answerSealed: encryptWithSecret(handle, JSON.stringify(parts), services.entropy),
        }),
    },
  );
}

/**
 * Denies; after an approval it ends what that gave. False: another decision was faster, and is to
 * be looked at.
 */
async function handleDenial(call: ConsentCall, opened: OpenedRequest): Promise<boolean> {
  const { services, reply, visitor } = call;
  const { handle, authorizationRequest, client } = opened;
  if (authorizationRequest.decision?.kind === 'denied')
    return awaitResponse(deny(services, reply, visitor, authorizationRequest, client));
  if (!(await claimDecision(call, opened, { ...makeDecision(call, 'denied'), answerSealed: null })))
    return false;
  const previousResponse = authorizationRequest.decision?.answerSealed;
  const isRevoked =
    !previousResponse ||
    (await revokeApprovalResponse(
      services,
      authorizationRequest,
      client,
      visitor.user,
      decryptApprovalResponse(handle, previousResponse),
    ));
  // A pair that the app has already stands with the consent, which the person ends on their list.
  return awaitResponse(
    isRevoked
      ? deny(services, reply, visitor, authorizationRequest, client)
      : sendNote(services, reply, visitor, 409, 'request-allowed', { app: client.name }),
  );
}

/**
 * The page where a person decides, and their decision; both protocols (house rule: the form carries
 * the decision and nothing else).
 */
export function consentRoutes(app: FastifyInstance, services: Services): void {
  app.get('/authorize/:handle', async (request, reply) => {
    const visitor = await identifyPageVisitor(services, request, reply);
    if (visitor.user === null) return redirectToSignIn(services, request, reply);
    const call: ConsentCall = {
      services,
      request,
      reply,
      visitor: { ...visitor, user: visitor.user },
    };
    const opened = await openRequest(call);
    if (opened === undefined) return sendNote(services, reply, visitor, 404, 'request-gone');
    if (await sendIfClosed(call, opened)) return reply;
    return opened.authorizationRequest.decision
      ? sendDecidedPage(call, opened)
      : sendConsentPage(call, opened);
  });

  app.post('/authorize/:handle', async (request, reply) => {
    const visitor = await identifyPageVisitor(services, request, reply);
    if (visitor.user === null) return redirectToSignIn(services, request, reply);
    const call: ConsentCall = {
      services,
      request,
      reply,
      visitor: { ...visitor, user: visitor.user },
    };
    const form = parsePageForm(request);
    const isCsrfValid = isOwnForm(services, request, visitor);
    if (!isCsrfValid && !isFromOwnOrigin(services.origin, request))
      return sendFormExpired(services, reply, visitor, formPagePath(request));
    const [accepted, cancelled] = [
      form.get('accept') !== undefined,
      form.get('cancel') !== undefined,
    ];
    // Of two decisions at the same time one is taken; the other looks again at how things stand.
    for (let attempt = 0; attempt < 2; attempt++) {
      const opened = await openRequest(call);
      if (opened === undefined)
        return isCsrfValid
          ? sendNote(services, reply, visitor, 404, 'request-gone')
          : sendFormExpired(services, reply, visitor);
      const wantsToContinue = isCsrfValid && form.get('continue') !== undefined;
      if (wantsToContinue && opened.authorizationRequest.userId !== visitor.user.id)
        return continueAsVisitor(call, opened);
      if (await sendIfClosed(call, opened)) return reply;
      // A form of another session of theirs: nothing is done, and they are asked again.
      if (!isCsrfValid)
        return opened.authorizationRequest.decision
          ? sendDecidedPage(call, opened)
          : sendConsentPage(call, opened, true);
      if (accepted === cancelled) return sendNote(services, reply, visitor, 400, 'approve-or-deny');
      if (await (accepted ? handleApproval(call, opened, form) : handleDenial(call, opened)))
        return reply;
    }
    return sendNote(services, reply, visitor, 409, 'request-answered');
  });
}

/** The request of somebody else is asked once more, of the person who is here. */
async function continueAsVisitor(
  { services, reply, visitor }: ConsentCall,
  { authorizationRequest, client }: OpenedRequest,
): Promise<FastifyReply> {
  if (
    authorizationRequest.decision ||
    isExpired(authorizationRequest.expiresAt, services.clock.now())
  )
    return sendNote(services, reply, visitor, 410, 'request-late', { app: client.name });
  const {
    digest: _digest,
    expiresAt: _expiresAt,
    decision: _decision,
    ...pendingRequest
  } = authorizationRequest;
  return redirectLocally(
    reply,
    await saveConsentRequest(services, { ...pendingRequest, userId: visitor.user.id }),
  );
}
