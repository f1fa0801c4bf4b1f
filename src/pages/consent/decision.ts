import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { refusalForPerson } from '#http/responses.ts';
import {
  actorOf,
  frameOf,
  seeOther,
  sendAway,
  sendNote,
  sendPage,
  type Visitor,
} from '#http/session.ts';
import type { World } from '#http/world.ts';
import type { Digest } from '#kernel/ids.ts';
import { instant, isPast, later, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Completed } from '#oauth1/oauth1.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { AuthorizeProblem } from '#oauth2/refusals.ts';
import { hindrance } from '#registry/access.ts';
import { currentConsent, isIdentityOnly, needsNoConsent } from '#registry/consent-policy.ts';
import type {
  AuthorizationRequest,
  RequestDecision,
} from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import {
  type AnswerParts,
  type Approval,
  answerState,
  type Decided,
  faceOf,
  openAnswer,
  prepareApproval,
} from './approval.ts';
import { deniedPage, verifierPage } from './consent.template.ts';

const DECISION_FOR = seconds(600);

/** Stores what is asked of a person and answers where they decide. */
export async function askPerson(
  world: World,
  request: Omit<AuthorizationRequest, 'digest' | 'expiresAt'>,
): Promise<string> {
  const handle = world.mint.secret();
  await world.requests.saveRequest({
    ...request,
    digest: digestOf(handle),
    expiresAt: later(world.clock.now(), DECISION_FOR),
  });
  return `/authorize/${handle}`;
}

/**
 * The consent of a returning person who need not be asked: the app only learns who they are, they
 * allowed just that before, and it can keep a secret, so that nobody else can ask in its name
 * (registry 7.6). Undefined: ask.
 */
async function standingConsent(
  world: World,
  client: Client,
  user: Account,
  scopes: readonly string[],
): Promise<Consent | undefined> {
  if (
    !client.confidential ||
    !isIdentityOnly(client.scopes, world.scopes) ||
    !isIdentityOnly(scopes, world.scopes)
  )
    return undefined;
  const consent = await currentConsent(world.records, client, user, world.site);
  return consent !== undefined &&
    consent.site === client.site &&
    scopes.every((scope) => consent.scopes.includes(scope))
    ? consent
    : undefined;
}

/**
 * Leads a person on: back to the app at once when nobody need be asked, else to the page where they
 * decide. A first-party app of the configuration gets all its scopes (registry 7.6).
 */
export async function leadOn(
  world: World,
  http: FastifyRequest,
  reply: FastifyReply,
  visitor: Decider,
  wanted: Omit<AuthorizationRequest, 'digest' | 'expiresAt'>,
  client: Client,
  {
    maySkip = true,
    silent = false,
  }: { readonly maySkip?: boolean; readonly silent?: boolean } = {},
): Promise<FastifyReply> {
  if (
    wanted.asked.protocol === 'oauth2' &&
    needsNoConsent(client) &&
    /^https:/i.test(wanted.asked.redirectUri)
  ) {
    const consent = await currentConsent(world.records, client, visitor.user, world.site);
    const stands =
      consent?.site === client.site &&
      client.scopes.every((scope) => consent.scopes.includes(scope));
    if (stands) return sendOn(world, reply, visitor, wanted, client, consent);
    await carryOut(world, http, reply, visitor, wanted, client, {
      consent: client.scopes,
      withdrawn: [],
      scopes: wanted.scopes,
    });
    return reply;
  }
  const standing = maySkip
    ? await standingConsent(world, client, visitor.user, wanted.scopes)
    : undefined;
  if (standing) return sendOn(world, reply, visitor, wanted, client, standing);
  if (silent) return carryBack(world, reply, visitor, wanted, client, 'consent_required');
  return seeOther(reply, await askPerson(world, wanted));
}

/** For how long the same form gets the same answer again. */
const SAME_ANSWER_FOR = seconds(60);
/** For how long a request can still be named after it expired. */
const NAMED_FOR = seconds(86_400);

/** The request a handle names, also one that has expired or was decided. */
export async function requestOf(
  world: World,
  handle: string,
): Promise<AuthorizationRequest | undefined> {
  const asOf = instant(world.clock.now() - NAMED_FOR);
  return /^[\w-]{51}$/.test(handle)
    ? world.requests.findRequest(digestOf(handle) as Digest, asOf)
    : undefined;
}

/** True while a decision may be answered the same way again, for the session that made it. */
const answersAgain = (
  world: World,
  { session, decidedAt }: RequestDecision,
  visitor: Visitor,
): boolean =>
  session === digestOf(visitor.secret) &&
  !isPast(later(decidedAt, SAME_ANSWER_FOR), world.clock.now());

/** What is known of who decides. */
export type Decider = Visitor & { readonly user: Account };

/**
 * An answer is a promise to whoever waits for it, so it cannot be handed on by those who also have
 * something else to say.
 */
export async function answered(sending: FastifyReply | Promise<FastifyReply>): Promise<true> {
  await sending;
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
export async function carryOut(
  world: World,
  http: FastifyRequest,
  reply: FastifyReply,
  visitor: Decider,
  request: Decided,
  client: Client,
  approval: Approval,
  {
    take,
    earlier,
  }: {
    readonly take?: (parts: AnswerParts) => Promise<boolean>;
    readonly earlier?: AnswerParts;
  } = {},
): Promise<boolean> {
  const [actor, values] = [
    actorOf(world, http, visitor),
    { clientId: client.id, scopes: approval.consent, withdrawn: approval.withdrawn },
  ];
  const problem = await world.registry.approvalProblem(actor, values);
  if (problem) return answered(refuseApproval(world, reply, visitor, client, problem));
  const prepared = await prepareApproval(world, request, client, visitor.user, approval, earlier);
  if (!prepared.ok) return answered(tellPerson(world, reply, visitor, prepared.refusal));
  const { parts } = prepared.value;
  if (take && !(await take(parts))) return false;
  const claimed = await prepared.value.claim();
  if (!claimed.ok) return answered(tellPerson(world, reply, visitor, claimed.refusal));
  const answer = await world.registry.submit(actor, 'accept', values);
  if (!answer.ok || answer.value.consent === null)
    return answered(
      refuseApproval(world, reply, visitor, client, answer.ok ? undefined : answer.refusal),
    );
  // The app as it was approved: nobody is sent where it may not send people any more.
  const judged = await prepareApproval(
    world,
    request,
    answer.value.client,
    visitor.user,
    approval,
    parts,
  );
  const done = judged.ok ? await judged.value.complete(answer.value.consent) : judged;
  return answered(
    done.ok
      ? sendCompleted(world, reply, visitor, client, done.value)
      : tellPerson(world, reply, visitor, done.refusal),
  );
}

/** Tells a person why their approval does not count. */
function refuseApproval(
  world: World,
  reply: FastifyReply,
  visitor: Decider,
  client: Client,
  refusal: RegistryRefusal | undefined,
): Promise<FastifyReply> {
  if (refusal?.kind === 'readonly')
    return sendNote(world, reply, visitor, 503, 'readonly', { reason: refusal.reason });
  const why = hindrance(client, visitor.user, { newConsent: true }) ?? {
    kind: 'client-not-usable',
    stage: client.stage,
    ownerOnly: client.ownerOnly,
  };
  return tellPerson(world, reply, visitor, { kind: 'consumer_key_refused', client, why });
}

/** Tells a person on a page what is not told to the app. */
function tellPerson(
  world: World,
  reply: FastifyReply,
  visitor: Visitor,
  refusal: OAuth1Refusal | AuthorizeProblem,
): Promise<FastifyReply> {
  const { status, note, values } = refusalForPerson(refusal);
  return sendNote(world, reply, visitor, status, note, values);
}

const sendCompleted = (
  world: World,
  reply: FastifyReply,
  visitor: Visitor,
  client: Client,
  completed: Completed,
) =>
  completed.kind === 'redirect'
    ? sendAway(reply, completed.uri)
    : sendPage(
        reply,
        200,
        verifierPage(frameOf(world, visitor), {
          appName: client.name,
          verifier: completed.verifier,
        }),
      );

/** Sends a person back to the app under a consent that stands; nothing about it is written. */
async function sendOn(
  world: World,
  reply: FastifyReply,
  visitor: Decider,
  request: Decided,
  client: Client,
  consent: Consent,
): Promise<FastifyReply> {
  const approval = { consent: [], withdrawn: [], scopes: request.scopes };
  const prepared = await prepareApproval(world, request, client, visitor.user, approval);
  const done = prepared.ok ? await prepared.value.complete(consent) : prepared;
  return done.ok
    ? sendCompleted(world, reply, visitor, client, done.value)
    : tellPerson(world, reply, visitor, done.refusal);
}

/**
 * A person sends an approval again: in the same session, within a minute and until the app used the
 * answer, it is the same answer. Another time they are told that they allowed the app, and what to
 * do.
 */
export async function allowAgain(
  world: World,
  http: FastifyRequest,
  reply: FastifyReply,
  visitor: Decider,
  handle: string,
  request: AuthorizationRequest,
  client: Client,
): Promise<FastifyReply> {
  const { decision } = request;
  const parts =
    decision?.answerSealed && answersAgain(world, decision, visitor)
      ? openAnswer(handle, decision.answerSealed)
      : undefined;
  const state = parts ? await answerState(world, request, client, visitor.user, parts) : 'over';
  if (parts === undefined || state === 'over')
    return sendNote(world, reply, visitor, 409, 'request-allowed', { app: client.name });
  if (state === 'waits') {
    const prepared = await prepareApproval(
      world,
      request,
      client,
      visitor.user,
      parts.approval,
      parts,
    );
    if (!prepared.ok) return tellPerson(world, reply, visitor, prepared.refusal);
    const { completed } = prepared.value;
    return sendCompleted(world, reply, visitor, client, completed);
  }
  await carryOut(world, http, reply, visitor, request, client, parts.approval, { earlier: parts });
  return reply;
}

/** True when an approval that is sent again would get its answer again. */
export async function isRepeatable(
  world: World,
  visitor: Decider,
  handle: string,
  request: AuthorizationRequest,
  client: Client,
): Promise<boolean> {
  const { decision } = request;
  if (!decision?.answerSealed || !answersAgain(world, decision, visitor)) return false;
  return (
    (await answerState(
      world,
      request,
      client,
      visitor.user,
      openAnswer(handle, decision.answerSealed),
    )) !== 'over'
  );
}

/**
 * Carries out a person's no. OAuth 2 sends them back with it (RFC 6749 §4.1.2.1); OAuth 1 has no
 * such answer, so that a page says it, with the way back to the app.
 */
export async function carryBack(
  world: World,
  reply: FastifyReply,
  visitor: Decider,
  request: Decided,
  client: Client,
  why: 'denied' | 'consent_required' = 'denied',
): Promise<FastifyReply> {
  if (request.asked.protocol === 'oauth2') {
    const denied = faceOf(world, request).oauth2.deny(request.asked, client, visitor.user, why);
    return denied.ok
      ? sendAway(reply, denied.value)
      : tellPerson(world, reply, visitor, denied.refusal.problem);
  }
  if (looksUnknown(client, visitor.user))
    return tellPerson(world, reply, visitor, { kind: 'unknown_client' });
  const back = await faceOf(world, request).oauth1.wayBack(
    request.asked.token,
    client,
    visitor.user,
  );
  if (back === undefined)
    return sendNote(world, reply, visitor, 200, 'not-allowed', { app: client.name });
  return sendPage(reply, 200, deniedPage(frameOf(world, visitor), { appName: client.name, back }));
}

/** The handle of a decision route. */
export const handleOf = (request: FastifyRequest): string =>
  (request.params as { readonly handle: string }).handle;
