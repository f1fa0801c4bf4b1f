import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import type { Digest } from '#kernel/ids.ts';
import { later, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { AuthorizeProblem } from '#oauth2/refusals.ts';
import { verifierPage } from '#pages/consent.ts';
import type { AuthorizationRequest } from '#registry/authorization-request.ts';
import type { Client } from '#registry/client.ts';
import type { Consent } from '#registry/consent.ts';
import { currentConsent, isIdentityOnly, needsNoConsent } from '#registry/consents.ts';
import { hindrance } from '#registry/policy.ts';
import { looksUnknown } from '#registry/proven-redirect.ts';
import { refusalForPerson } from './answers.ts';
import { actorOf, frameOf, seeOther, sendAway, sendNote, sendPage, type Visitor } from './visitor.ts';
import type { World } from './world.ts';

const DECISION_FOR = seconds(600);

/** Stores what is asked of a person and answers where they decide. */
async function askPerson(world: World, request: Omit<AuthorizationRequest, 'digest' | 'expiresAt'>): Promise<string> {
  const handle = world.mint.secret();
  await world.requests.saveRequest({ ...request, digest: digestOf(handle), expiresAt: later(world.clock.now(), DECISION_FOR) });
  return `/authorize/${handle}`;
}

/**
 * The consent of a returning person who need not be asked: the app only learns who they are, they allowed just that before, and it can keep
 * a secret, so that nobody else can ask in its name (registry 7.6). Undefined: ask.
 */
async function standingConsent(world: World, client: Client, user: Account, scopes: readonly string[]): Promise<Consent | undefined> {
  if (!client.confidential || !isIdentityOnly(client.scopes, world.scopes) || !isIdentityOnly(scopes, world.scopes)) return undefined;
  const consent = await currentConsent(world.records, client, user, world.site);
  return consent !== undefined && consent.site === client.site && scopes.every((scope) => consent.scopes.includes(scope))
    ? consent
    : undefined;
}

/**
 * Leads a person on: back to the app at once when nobody need be asked, else to the page where they decide. A first-party app of the
 * configuration gets all its scopes (registry 7.6).
 */
export async function leadOn(
  world: World,
  http: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor & { readonly user: Account },
  wanted: Omit<AuthorizationRequest, 'digest' | 'expiresAt'>,
  client: Client,
  { maySkip = true, silent = false }: { readonly maySkip?: boolean; readonly silent?: boolean } = {},
): Promise<FastifyReply> {
  if (wanted.asked.protocol === 'oauth2' && needsNoConsent(client) && /^https:/i.test(wanted.asked.redirectUri)) {
    const consent = await currentConsent(world.records, client, visitor.user, world.site);
    const stands = consent?.site === client.site && client.scopes.every((scope) => consent.scopes.includes(scope));
    return stands
      ? sendOn(world, reply, visitor, wanted, client, consent)
      : carryOut(world, http, reply, visitor, wanted, client, { consent: client.scopes });
  }
  const standing = maySkip ? await standingConsent(world, client, visitor.user, wanted.scopes) : undefined;
  if (standing) return sendOn(world, reply, visitor, wanted, client, standing);
  if (silent) return carryBack(world, reply, visitor, wanted, client, 'consent_required');
  return seeOther(reply, await askPerson(world, wanted));
}

/** The request a handle names; undefined when it is gone or is another person's. */
export async function pending(world: World, handle: string, user: Account): Promise<AuthorizationRequest | undefined> {
  const found = /^[\w-]{51}$/.test(handle) ? await world.requests.findRequest(digestOf(handle) as Digest, world.clock.now()) : undefined;
  return found?.userId === user.id ? found : undefined;
}

/** What a decision is about, wherever the request was kept. */
type Decided = Pick<AuthorizationRequest, 'asked' | 'scopes' | 'dialect'>;

const faceOf = (world: World, request: Decided) =>
  request.dialect === 'mediawiki' && world.faces.mediawiki ? world.faces.mediawiki : world.faces.core;

/**
 * Carries out a person's yes: the consent is written, then the code or verifier, and they are sent back. The app gets what it asked for and the
 * person accepted now; the consent may be for more.
 */
export async function carryOut(
  world: World,
  http: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor & { readonly user: Account },
  request: Decided,
  client: Client,
  { consent = request.scopes, withdrawn = [] }: { readonly consent?: readonly string[]; readonly withdrawn?: readonly string[] } = {},
): Promise<FastifyReply> {
  const { user } = visitor;
  const approval = { clientId: client.id, scopes: consent, withdrawn };
  const answer = await world.registry.submit(actorOf(world, http, visitor), 'accept', approval);
  if (answer.ok && answer.value.consent) return sendOn(world, reply, visitor, request, answer.value.client, answer.value.consent);
  if (!answer.ok && answer.refusal.kind === 'readonly')
    return sendNote(world, reply, visitor, 503, 'readonly', { reason: answer.refusal.reason });
  const why = hindrance(client, user, { newConsent: true }) ?? {
    kind: 'client-not-usable',
    stage: client.stage,
    ownerOnly: client.ownerOnly,
  };
  return tellPerson(world, reply, visitor, { kind: 'consumer_key_refused', client, why });
}

/** Tells a person on a page what is not told to the app. */
function tellPerson(world: World, reply: FastifyReply, visitor: Visitor, refusal: OAuth1Refusal | AuthorizeProblem): Promise<FastifyReply> {
  const { status, note, values } = refusalForPerson(refusal);
  return sendNote(world, reply, visitor, status, note, values);
}

/** Sends a person back to the app under a consent that stands; nothing about it is written. */
async function sendOn(
  world: World,
  reply: FastifyReply,
  visitor: Visitor,
  request: Decided,
  client: Client,
  consent: Consent,
): Promise<FastifyReply> {
  const face = faceOf(world, request);
  if (request.asked.protocol === 'oauth2') {
    const granted = await face.oauth2.grant(request.asked, client, consent, request.scopes);
    return granted.ok ? sendAway(reply, granted.value) : tellPerson(world, reply, visitor, granted.refusal.problem);
  }
  const done = await face.oauth1.grant(request.asked.token, client, consent);
  if (!done.ok) return tellPerson(world, reply, visitor, done.refusal);
  if (done.value.kind === 'redirect') return sendAway(reply, done.value.uri);
  return sendPage(reply, 200, verifierPage(frameOf(world, visitor), { appName: client.name, verifier: done.value.verifier }));
}

/** Carries out a person's no. OAuth 1 has no way to tell the app; OAuth 2 has (RFC 6749 §4.1.2.1). */
export function carryBack(
  world: World,
  reply: FastifyReply,
  visitor: Visitor & { readonly user: Account },
  request: Decided,
  client: Client,
  why: 'denied' | 'consent_required' = 'denied',
): Promise<FastifyReply> | FastifyReply {
  if (request.asked.protocol === 'oauth2') {
    const denied = faceOf(world, request).oauth2.deny(request.asked, client, visitor.user, why);
    return denied.ok ? sendAway(reply, denied.value) : tellPerson(world, reply, visitor, denied.refusal.problem);
  }
  if (looksUnknown(client, visitor.user)) return tellPerson(world, reply, visitor, { kind: 'unknown_client' });
  return sendNote(world, reply, visitor, 200, 'not-allowed', { app: client.name });
}

/** The handle of a decision route. */
export const handleOf = (request: FastifyRequest): string => (request.params as { readonly handle: string }).handle;
