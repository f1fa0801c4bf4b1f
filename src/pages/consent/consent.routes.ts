import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { destinationOf } from '#encoding/browser-uri.ts';
import type { FormValues } from '#encoding/form.ts';
import { pageForm } from '#http/request.ts';
import { refusalForPerson } from '#http/responses.ts';
import {
  formIsOurs,
  frameOf,
  isFromHere,
  refuseForm,
  seeOther,
  sendNote,
  sendPage,
  visitorOf,
} from '#http/session.ts';
import type { World } from '#http/world.ts';
import { isPast } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { sealWith } from '#keys/secret-box.ts';
import { hindrance } from '#registry/access.ts';
import { currentConsent } from '#registry/consent-policy.ts';
import type {
  AuthorizationRequest,
  RequestDecision,
} from '#registry/model/authorization-request.ts';
import type { Client } from '#registry/model/client.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import { pageOf, signInFirst } from '../account/sign-in-first.ts';
import { permissionGroups } from '../apps/app.view.ts';
import { noteTexts } from '../words.ts';
import { type Approval, endAnswer, openAnswer } from './approval.ts';
import { consentPage, wayOnPage } from './consent.template.ts';
import {
  allowAgain,
  answered,
  askPerson,
  carryBack,
  carryOut,
  type Decider,
  handleOf,
  isRepeatable,
  requestOf,
} from './decision.ts';

/** A request that somebody opened, and the app that asked. */
interface Opened {
  readonly handle: string;
  readonly asked: AuthorizationRequest;
  readonly client: Client;
}

/** One request for this page, by somebody who is signed in. */
interface Call {
  readonly world: World;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly visitor: Decider;
}

/** Host, or scheme of an app on the device, that the person will be sent to. */
function placeOf(request: AuthorizationRequest, client: Client): string | null {
  const uri = request.asked.protocol === 'oauth2' ? request.asked.redirectUri : client.redirectUri;
  return destinationOf(uri);
}

/** Where a person signs in with another account, and comes back to the request. */
const switchAt = (handle: string): string =>
  `/sign-in?switch=1&${new URLSearchParams({ returnto: `/authorize/${handle}` })}`;

/** The request of an address, and its app. Undefined: neither is known to this person. */
async function open({ world, request, visitor }: Call): Promise<Opened | undefined> {
  const handle = handleOf(request);
  const asked = await requestOf(world, handle);
  const client = asked && (await world.records.findClient(asked.clientId));
  return client === undefined || asked === undefined || looksUnknown(client, visitor.user)
    ? undefined
    : { handle, asked, client };
}

/**
 * Tells a person that nothing can be decided any more, or not by them. False: it can, and nothing
 * was answered.
 */
async function standstill(
  { world, reply, visitor }: Call,
  { handle, asked, client }: Opened,
): Promise<boolean> {
  const over = isPast(asked.expiresAt, world.clock.now());
  const own = asked.userId === visitor.user.id;
  if (own ? !asked.decision && over : asked.decision || over)
    return answered(sendNote(world, reply, visitor, 410, 'request-late', { app: client.name }));
  if (own) return false;
  const { title, text } = noteTexts(visitor.words, 'request-other', {
    app: client.name,
    user: visitor.user.name,
  });
  const label = visitor.words.say('consent.continue-as', { user: visitor.user.name });
  const page = wayOnPage(frameOf(world, visitor), {
    title,
    text,
    name: 'continue',
    label,
    switchTo: switchAt(handle),
    bare: asked.display === 'popup',
  });
  return answered(sendPage(reply, 403, page));
}

/** What was decided, and what to do now: somebody went back to the page. */
async function showDecided(
  { world, reply, visitor }: Call,
  { handle, asked, client }: Opened,
): Promise<FastifyReply> {
  if (asked.decision?.kind === 'denied')
    return sendNote(world, reply, visitor, 200, 'request-denied', { app: client.name });
  if (!(await isRepeatable(world, visitor, handle, asked, client)))
    return sendNote(world, reply, visitor, 200, 'request-allowed', { app: client.name });
  const { title, text } = noteTexts(visitor.words, 'request-allowed', { app: client.name });
  const label = visitor.words.say('consent.continue-to', { app: client.name });
  return sendPage(
    reply,
    200,
    wayOnPage(frameOf(world, visitor), {
      title,
      text,
      name: 'accept',
      label,
      bare: asked.display === 'popup',
    }),
  );
}

/** The page where a person decides. `again`: they sent a form of another session. */
async function showRequest(
  { world, reply, visitor }: Call,
  { handle, asked, client }: Opened,
  again = false,
): Promise<FastifyReply> {
  const owner = await world.records.findAccount(client.ownerId);
  const why = hindrance(client, visitor.user, { newConsent: true });
  const earlier =
    (await currentConsent(world.records, client, visitor.user, world.site))?.scopes ?? [];
  // An app that takes no new users still serves those who allowed all it asks for.
  if (
    why &&
    !(
      why.kind === 'client-halted' &&
      why.halted === 'consents' &&
      asked.scopes.every((scope) => earlier.includes(scope))
    )
  ) {
    const { status, note, values } = refusalForPerson({
      kind: 'consumer_key_refused',
      client,
      why,
    });
    return sendNote(world, reply, visitor, status, note, values);
  }
  const groups = (before: boolean) =>
    permissionGroups(
      world,
      visitor.words,
      ({ name }) => asked.scopes.includes(name) && earlier.includes(name) === before,
      client.optionalScopes,
    );
  const page = consentPage(frameOf(world, visitor), {
    appName: client.name,
    appDescription: client.description,
    ownerName: owner?.name ?? null,
    site: world.sites.nameOf(client.site) ?? null,
    groups: groups(false),
    allowedBefore: groups(true),
    userName: visitor.user.name,
    switchTo: switchAt(handle),
    returnsTo: placeOf(asked, client),
    proposed: client.stage === 'proposed',
    popup: asked.display === 'popup',
    again,
  });
  return sendPage(reply, again ? 403 : 200, page);
}

/**
 * What the form says: what was asked for, less what may be left out and was; and what that takes
 * away.
 */
function approvalOf(form: FormValues, asked: AuthorizationRequest, client: Client): Approval {
  const scopes = asked.scopes.filter(
    (scope) => !client.optionalScopes.includes(scope) || form.get(`scope.${scope}`) !== undefined,
  );
  const withdrawn = asked.scopes.filter(
    (scope) => !scopes.includes(scope) && form.get(`before.${scope}`) !== undefined,
  );
  return { consent: scopes, withdrawn, scopes };
}

/** Takes the request for a decision. False: another one was faster. */
const take = async (
  { world }: Call,
  { asked }: Opened,
  decision: RequestDecision,
): Promise<boolean> =>
  (await world.requests.replaceRequest(asked, { ...asked, decision })) === 'replaced';

const decisionOf = (
  { world, visitor }: Call,
  kind: RequestDecision['kind'],
): Omit<RequestDecision, 'answerSealed'> => ({
  kind,
  session: digestOf(visitor.secret),
  decidedAt: world.clock.now(),
});

/** Allows, or answers as before. False: another decision was faster, and is to be looked at. */
async function allow(call: Call, opened: Opened, form: FormValues): Promise<boolean> {
  const { world, request, reply, visitor } = call;
  const { handle, asked, client } = opened;
  if (asked.decision?.kind === 'denied')
    return answered(carryBack(world, reply, visitor, asked, client));
  if (asked.decision)
    return answered(allowAgain(world, request, reply, visitor, handle, asked, client));
  return carryOut(world, request, reply, visitor, asked, client, approvalOf(form, asked, client), {
    take: (parts) =>
      take(call, opened, {
        ...decisionOf(call, 'allowed'),
        answerSealed: sealWith(handle, JSON.stringify(parts), world.entropy),
      }),
  });
}

/**
 * Denies; after an approval it ends what that gave. False: another decision was faster, and is to
 * be looked at.
 */
async function deny(call: Call, opened: Opened): Promise<boolean> {
  const { world, reply, visitor } = call;
  const { handle, asked, client } = opened;
  if (asked.decision?.kind === 'denied')
    return answered(carryBack(world, reply, visitor, asked, client));
  if (!(await take(call, opened, { ...decisionOf(call, 'denied'), answerSealed: null })))
    return false;
  const given = asked.decision?.answerSealed;
  const ended =
    !given || (await endAnswer(world, asked, client, visitor.user, openAnswer(handle, given)));
  // A pair that the app has already stands with the consent, which the person ends on their list.
  return answered(
    ended
      ? carryBack(world, reply, visitor, asked, client)
      : sendNote(world, reply, visitor, 409, 'request-allowed', { app: client.name }),
  );
}

/**
 * The page where a person decides, and their decision; both protocols (house rule: the form carries
 * the decision and nothing else).
 */
export function consentRoutes(app: FastifyInstance, world: World): void {
  app.get('/authorize/:handle', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (visitor.user === null) return signInFirst(world, request, reply);
    const call: Call = { world, request, reply, visitor: { ...visitor, user: visitor.user } };
    const opened = await open(call);
    if (opened === undefined) return sendNote(world, reply, visitor, 404, 'request-gone');
    if (await standstill(call, opened)) return reply;
    return opened.asked.decision ? showDecided(call, opened) : showRequest(call, opened);
  });

  app.post('/authorize/:handle', async (request, reply) => {
    const visitor = await visitorOf(world, request, reply);
    if (visitor.user === null) return signInFirst(world, request, reply);
    const call: Call = { world, request, reply, visitor: { ...visitor, user: visitor.user } };
    const form = pageForm(request);
    const ours = formIsOurs(world, request, visitor);
    if (!ours && !isFromHere(world, request))
      return refuseForm(world, reply, visitor, pageOf(request));
    const [accepted, cancelled] = [
      form.get('accept') !== undefined,
      form.get('cancel') !== undefined,
    ];
    // Of two decisions at the same time one is taken; the other looks again at how things stand.
    for (let tried = 0; tried < 2; tried++) {
      const opened = await open(call);
      if (opened === undefined)
        return ours
          ? sendNote(world, reply, visitor, 404, 'request-gone')
          : refuseForm(world, reply, visitor);
      const goesOn = ours && form.get('continue') !== undefined;
      if (goesOn && opened.asked.userId !== visitor.user.id) return continueAs(call, opened);
      if (await standstill(call, opened)) return reply;
      // A form of another session of theirs: nothing is done, and they are asked again.
      if (!ours)
        return opened.asked.decision ? showDecided(call, opened) : showRequest(call, opened, true);
      if (accepted === cancelled) return sendNote(world, reply, visitor, 400, 'yes-or-no');
      if (await (accepted ? allow(call, opened, form) : deny(call, opened))) return reply;
    }
    return sendNote(world, reply, visitor, 409, 'request-answered');
  });
}

/** The request of somebody else is asked once more, of the person who is here. */
async function continueAs(
  { world, reply, visitor }: Call,
  { asked, client }: Opened,
): Promise<FastifyReply> {
  if (asked.decision || isPast(asked.expiresAt, world.clock.now()))
    return sendNote(world, reply, visitor, 410, 'request-late', { app: client.name });
  const { digest: _digest, expiresAt: _expiresAt, decision: _decision, ...wanted } = asked;
  return seeOther(reply, await askPerson(world, { ...wanted, userId: visitor.user.id }));
}
