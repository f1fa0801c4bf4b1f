import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { DEVICE_FOR } from '#accounts/devices.ts';
import type { Proof } from '#accounts/records.ts';
import { ADMINISTER } from '#accounts/rights.ts';
import type { From } from '#accounts/sessions.ts';
import { csrfHolds, csrfToken } from '#accounts/sign-in.ts';
import type { Permit } from '#guard/permit.ts';
import { messagePage, notePage } from '#pages/account/sign-in.template.ts';
import type { Frame, Html } from '#pages/layout.ts';
import { leavingPage } from '#pages/leaving.ts';
import {
  acceptedLanguage,
  acceptedRegion,
  catalogues,
  languageOf,
  type MessageKey,
  type Note,
  type Words,
  wordsOf,
} from '#pages/words.ts';
import { type Actor, RIGHTS, UNAUTHENTICATED } from '#registry/actor.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import { pageForm } from './request.ts';
import type { World } from './world.ts';

export { ADMINISTER };

/** The browser in front of us. */
export interface Visitor {
  readonly user: Account | null;
  /** The secret forms are proven with: the session's, or that of a form cookie before sign-in. */
  readonly secret: string;
  readonly signedIn: boolean;
  /**
   * When and how the person last proved who they are in this session; null: not known, or nobody is
   * signed in.
   */
  readonly proof: Proof | null;
  readonly words: Words;
  /** Path and query asked for, when it can be asked for again. */
  readonly here: string | null;
  readonly done: MessageKey | null;
}

const cookieName = (world: World, kind: 'session' | 'form' | 'device') =>
  `${world.secure ? '__Host-' : ''}gatehouse${kind === 'session' ? '' : `-${kind}`}`;

const cookieOptions = (world: World, maxAge?: number) =>
  ({
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: world.secure,
    ...(maxAge === undefined ? {} : { maxAge }),
  }) as const;

/** False where a browser sent no cookie that a form needs: it was removed, or is not accepted. */
export const hasCookie = (world: World, request: FastifyRequest): boolean =>
  (['session', 'form'] as const).some(
    (kind) => request.cookies[cookieName(world, kind)] !== undefined,
  );

/** Puts a session into the browser, in place of any other. */
export function startSession(
  world: World,
  reply: FastifyReply,
  secret: string,
  seconds: number,
): void {
  reply.setCookie(cookieName(world, 'session'), secret, cookieOptions(world, seconds));
  reply.clearCookie(cookieName(world, 'form'), cookieOptions(world));
}

/** Makes the browser known as one that this person signed in with. */
export const rememberDevice = (
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Account,
): void =>
  void reply.setCookie(
    cookieName(world, 'device'),
    world.accounts.rememberDevice(request.cookies[cookieName(world, 'device')], user),
    cookieOptions(world, DEVICE_FOR),
  );

/** Takes the session out of the browser. */
export const forgetSession = (world: World, reply: FastifyReply): void =>
  void reply.clearCookie(cookieName(world, 'session'), cookieOptions(world));

/** Where a request comes from, for the list of sessions and for throttling. */
export const fromOf = (world: World, request: FastifyRequest): From => ({
  address: request.arrival.address,
  known: request.arrival.known,
  agent: request.headers['user-agent'] ?? '',
  devices: request.cookies[cookieName(world, 'device')],
});

/** The session of a signed-in browser, and its person. */
export async function sessionOf(
  world: World,
  request: FastifyRequest,
): Promise<
  { readonly user: Account; readonly secret: string; readonly proof: Proof | null } | undefined
> {
  const secret = request.cookies[cookieName(world, 'session')];
  const session = secret === undefined ? undefined : await world.accounts.sessionOf(secret);
  return secret === undefined || session === undefined
    ? undefined
    : { user: session.account, secret, proof: session.proof };
}

/**
 * A person without an app between: their browser's session with every right of theirs, or a
 * stranger.
 */
export const personActor = (
  world: World,
  request: FastifyRequest,
  session: { readonly user: Account; readonly proof: Proof | null } | null,
  via: 'page' | 'api',
): Actor => ({
  kind: 'person',
  account: session?.user ?? null,
  rights: world.rights.rightsOf(session?.user ?? null),
  address: request.arrival.address,
  via,
  authentication: session === null ? UNAUTHENTICATED : { kind: 'session', proof: session.proof },
});

/** An app that acts for a person by a token or a signature, with what both may do. */
export const appActor = (
  request: FastifyRequest,
  { user, client, scopes, rights, coveredSite }: Permit,
): Actor => ({
  kind: 'person',
  account: user,
  rights,
  address: request.arrival.address,
  via: 'api',
  authentication: { kind: 'app', clientId: client.id, scopes, site: coveredSite },
});

/**
 * Finds out who is there. A browser without a session gets a form cookie, so that its forms can be
 * proven too.
 */
export async function visitorOf(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Visitor> {
  const session = await sessionOf(world, request);
  const page = pageFacts(world, request, reply, session?.user ?? null);
  if (session) return { ...session, signedIn: true, ...page };
  const known = request.cookies[cookieName(world, 'form')];
  const secret = known !== undefined && /^[\w-]{51}$/.test(known) ? known : world.mint.secret();
  if (secret !== known)
    reply.setCookie(cookieName(world, 'form'), secret, cookieOptions(world, 86_400));
  return { user: null, secret, signedIn: false, proof: null, ...page };
}

/** The person in front of a page, with every right of theirs. */
export const actorOf = (
  world: World,
  request: FastifyRequest,
  { user, proof }: Pick<Visitor, 'user' | 'proof'>,
): Actor => personActor(world, request, user && { user, proof }, 'page');

/** What every page of this visitor knows. */
export function frameOf(world: World, { user, secret, words, here, done }: Visitor): Frame {
  const rights = world.rights.rightsOf(user);
  return {
    words,
    siteName: world.siteName,
    user: user && {
      name: user.name,
      mayPropose: rights.has(RIGHTS.propose) || rights.has(RIGHTS.updateOwn),
      mayReview: rights.has(RIGHTS.review),
      mayAdminister: rights.has(ADMINISTER),
    },
    csrf: csrfToken(secret),
    here,
    done,
  };
}

const LANGUAGE_COOKIE = 'gatehouse-language';

/**
 * The language of a request: asked for in the address (and kept), that of the person's account,
 * chosen before, or what the browser prefers. Dates have the form of the region that the browser
 * names with it.
 */
export function languageFor(
  request: FastifyRequest,
  reply: FastifyReply | null,
  secure = false,
  own: string | null = null,
): Words {
  const target = request.raw.url ?? '/';
  const query = new URLSearchParams(
    target.includes('?') ? target.slice(target.indexOf('?') + 1) : '',
  );
  // OpenID Connect Core §3.1.2.1 has a list, best first; `uselang` is what clients of the reference
  // send.
  const asked = [query.get('uselang'), ...(query.get('ui_locales') ?? '').split(' ')].map((tag) =>
    languageOf(tag ?? undefined),
  );
  const chosen = asked.find((language) => language !== undefined);
  if (chosen && reply && !reply.sent)
    reply.setCookie(LANGUAGE_COOKIE, chosen, {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure,
      maxAge: 31_536_000,
    });
  const kept = languageOf(own ?? undefined) ?? languageOf(request.cookies?.[LANGUAGE_COOKIE]);
  const accepts = request.headers['accept-language'];
  const language = chosen ?? kept ?? acceptedLanguage(accepts) ?? 'en';
  return wordsOf(language, acceptedRegion(accepts, language));
}

function pageFacts(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Account | null,
): Pick<Visitor, 'words' | 'here' | 'done'> {
  const target = request.raw.url ?? '/';
  const done = `done.${new URLSearchParams(target.split('?', 2)[1] ?? '').get('done') ?? ''}`;
  const again = request.method === 'GET' && target.length <= 2048 && ownPath(target) === target;
  return {
    words: languageFor(request, reply, world.secure, user?.language),
    here: again ? target : null,
    done: Object.hasOwn(catalogues.en, done) ? (done as MessageKey) : null,
  };
}

/** Sends a page that is this person's alone: never kept, never framed, no script. */
export async function sendPage(
  reply: FastifyReply,
  status: number,
  page: Html,
): Promise<FastifyReply> {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(String(await page));
}

/** Sends a page that says one thing, given as text: for the dialect, whose words are fixed. */
export const sendMessage = (
  world: World,
  reply: FastifyReply,
  visitor: Visitor,
  status: number,
  title: string,
  text: string,
): Promise<FastifyReply> =>
  sendPage(reply, status, messagePage(frameOf(world, visitor), title, text));

/** Sends a page that says one thing, in the visitor's language. */
export const sendNote = (
  world: World,
  reply: FastifyReply,
  visitor: Visitor,
  status: number,
  note: Note,
  values?: Readonly<Record<string, string | number>>,
): Promise<FastifyReply> =>
  sendPage(reply, status, notePage(frameOf(world, visitor), note, values));

const redirect = (reply: FastifyReply, status: 303 | 307, location: string): FastifyReply =>
  reply.code(status).header('cache-control', 'no-store').header('location', location).send('');

/**
 * To one of our own paths. Another host here is a fault of this program: only `sendAway` leads to
 * one.
 */
export function seeOther(reply: FastifyReply, path: string, status: 303 | 307 = 303): FastifyReply {
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(path))
    throw new Error('a redirect within this server names a path of it');
  return redirect(reply, status, path);
}

/**
 * 303 to an app: the one place where an answer leads away from this server. An address that the
 * header of a proxy may not hold, because the app's `state` is long, goes out in a page instead.
 */
export function sendAway(
  reply: FastifyReply,
  to: ProvenRedirect,
): FastifyReply | Promise<FastifyReply> {
  const { request } = reply;
  if (to.length <= MOST_LOCATION || !throughProxy(request)) return redirect(reply, 303, to);
  return sendPage(reply, 200, leavingPage(languageFor(request, null), to));
}

/**
 * With the other fields of our answers, what fits the 4 KiB that nginx has for a header by itself.
 */
const MOST_LOCATION = 2800;

/**
 * Whether a proxy stands between: HTTP/1.0 is what nginx speaks to us unless it is told otherwise.
 */
const throughProxy = ({ headers, raw }: FastifyRequest): boolean =>
  raw.httpVersion === '1.0' ||
  ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-proto'].some(
    (name) => name in headers,
  );

/** A path of ours, or `/`: never another origin, whatever was asked for. */
export function ownPath(asked: string | undefined): string {
  return asked !== undefined &&
    asked.length <= 16_384 &&
    /^\/(?![/\\])[\x21-\x7e]*$/.test(asked) &&
    !asked.includes('\\')
    ? asked
    : '/';
}

/**
 * True when the browser, where it tells, sent a form from our own origin. (Our pages send no
 * referrer, so browsers name it `null`; Sec-Fetch-Site then tells.)
 */
export function isFromHere(world: World, request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined && origin !== world.origin && origin !== 'null') return false;
  return site === undefined || site === 'same-origin' || site === 'none';
}

/**
 * True when a form came from a page of ours, which send each field once, in the visitor's session:
 * its proof fits their secret.
 */
export function formIsOurs(world: World, request: FastifyRequest, visitor: Visitor): boolean {
  if (!isFromHere(world, request)) return false;
  const form = pageForm(request);
  return form.repeated === undefined && csrfHolds(visitor.secret, form.get('csrf') ?? '');
}

/** Tells a person whose form was not ours, or too old. `page`: where to open it again. */
export const refuseForm = (
  world: World,
  reply: FastifyReply,
  visitor: Visitor,
  page?: string,
): Promise<FastifyReply> =>
  sendPage(reply, 403, notePage(frameOf(world, visitor), 'form-expired', {}, null, page));
