import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { DEVICE_COOKIE_TTL_SECONDS } from '#accounts/devices.ts';
import type { Proof } from '#accounts/records.ts';
import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import type { RequestOrigin } from '#accounts/sessions.ts';
import { csrfToken, isValidCsrfToken } from '#accounts/sign-in.ts';
import type { Permit } from '#guard/permit.ts';
import type { Frame, Html } from '#pages/frame.ts';
import { redirectPage } from '#pages/layout.ts';
import { messagePage, notePage } from '#pages/note.template.ts';
import {
  acceptedLanguage,
  acceptedRegion,
  catalogues,
  languageOf,
  type MessageKey,
  type NoteKey,
  type Words,
  wordsOf,
} from '#pages/words.ts';
import { type Actor, RIGHTS, UNAUTHENTICATED } from '#registry/actor.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import { parsePageForm } from './request.ts';
import type { Services } from './world.ts';

export { ADMINISTER_RIGHT };

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
  readonly currentPath: string | null;
  readonly flashMessage: MessageKey | null;
}

const cookieName = (services: Services, kind: 'session' | 'form' | 'device') =>
  `${services.secure ? '__Host-' : ''}gatehouse${kind === 'session' ? '' : `-${kind}`}`;

const cookieOptions = (services: Services, maxAge?: number) =>
  ({
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: services.secure,
    ...(maxAge === undefined ? {} : { maxAge }),
  }) as const;

/** False where a browser sent no cookie that a form needs: it was removed, or is not accepted. */
export const hasFormCookie = (services: Services, request: FastifyRequest): boolean =>
  (['session', 'form'] as const).some(
    (kind) => request.cookies[cookieName(services, kind)] !== undefined,
  );

/** Puts a session into the browser, in place of any other. */
export function startSession(
  services: Services,
  reply: FastifyReply,
  secret: string,
  seconds: number,
): void {
  reply.setCookie(cookieName(services, 'session'), secret, cookieOptions(services, seconds));
  reply.clearCookie(cookieName(services, 'form'), cookieOptions(services));
}

/** Makes the browser known as one that this person signed in with. */
export const rememberDevice = (
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Account,
): void =>
  void reply.setCookie(
    cookieName(services, 'device'),
    services.accounts.rememberDevice(request.cookies[cookieName(services, 'device')], user),
    cookieOptions(services, DEVICE_COOKIE_TTL_SECONDS),
  );

/** Takes the session out of the browser. */
export const clearSession = (services: Services, reply: FastifyReply): void =>
  void reply.clearCookie(cookieName(services, 'session'), cookieOptions(services));

/** Where a request comes from, for the list of sessions and for throttling. */
export const requestOriginOf = (services: Services, request: FastifyRequest): RequestOrigin => ({
  address: request.connectionInfo.address,
  isAddressKnown: request.connectionInfo.isAddressTrusted,
  agent: request.headers['user-agent'] ?? '',
  deviceCookie: request.cookies[cookieName(services, 'device')],
});

/** The session of a signed-in browser, and its person. */
export async function sessionOf(
  services: Services,
  request: FastifyRequest,
): Promise<
  { readonly user: Account; readonly secret: string; readonly proof: Proof | null } | undefined
> {
  const secret = request.cookies[cookieName(services, 'session')];
  const session = secret === undefined ? undefined : await services.accounts.sessionOf(secret);
  return secret === undefined || session === undefined
    ? undefined
    : { user: session.account, secret, proof: session.proof };
}

/**
 * A person without an app between: their browser's session with every right of theirs, or a
 * stranger.
 */
export const personActor = (
  services: Services,
  request: FastifyRequest,
  session: { readonly user: Account; readonly proof: Proof | null } | null,
  via: 'page' | 'api',
): Actor => ({
  kind: 'person',
  account: session?.user ?? null,
  rights: services.rights.rightsOf(session?.user ?? null),
  address: request.connectionInfo.address,
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
  address: request.connectionInfo.address,
  via: 'api',
  authentication: { kind: 'app', clientId: client.id, scopes, site: coveredSite },
});

/**
 * Finds out who is there. A browser without a session gets a form cookie, so that its forms can be
 * proven too.
 */
export async function identifyVisitor(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Visitor> {
  const session = await sessionOf(services, request);
  const pageContext = loadPageContext(services, request, reply, session?.user ?? null);
  if (session) return { ...session, signedIn: true, ...pageContext };
  const formCookie = request.cookies[cookieName(services, 'form')];
  const secret =
    formCookie !== undefined && /^[\w-]{51}$/.test(formCookie)
      ? formCookie
      : services.idGenerator.secret();
  if (secret !== formCookie)
    reply.setCookie(cookieName(services, 'form'), secret, cookieOptions(services, 86_400));
  return { user: null, secret, signedIn: false, proof: null, ...pageContext };
}

/** The person in front of a page, with every right of theirs. */
export const pageActor = (
  services: Services,
  request: FastifyRequest,
  { user, proof }: Pick<Visitor, 'user' | 'proof'>,
): Actor => personActor(services, request, user && { user, proof }, 'page');

/** What every page of this visitor knows. */
export function pageFrame(
  services: Services,
  { user, secret, words, currentPath, flashMessage }: Visitor,
): Frame {
  const rights = services.rights.rightsOf(user);
  return {
    words,
    siteName: services.siteName,
    user: user && {
      name: user.name,
      mayPropose: rights.has(RIGHTS.propose) || rights.has(RIGHTS.updateOwn),
      mayReview: rights.has(RIGHTS.review),
      mayAdminister: rights.has(ADMINISTER_RIGHT),
    },
    csrfToken: csrfToken(secret),
    currentPath,
    flashMessage,
  };
}

const LANGUAGE_COOKIE = 'gatehouse-language';

/**
 * The language of a request: asked for in the address (and kept), that of the person's account,
 * chosen before, or what the browser prefers. Dates have the form of the region that the browser
 * names with it.
 */
export function resolveLanguage(
  request: FastifyRequest,
  reply: FastifyReply | null,
  secure = false,
  accountLanguage: string | null = null,
): Words {
  const target = request.raw.url ?? '/';
  const query = new URLSearchParams(
    target.includes('?') ? target.slice(target.indexOf('?') + 1) : '',
  );
  // OpenID Connect Core §3.1.2.1 has a list, best first; `uselang` is what clients of the reference
  // send.
  const requested = [query.get('uselang'), ...(query.get('ui_locales') ?? '').split(' ')].map(
    (tag) => languageOf(tag ?? undefined),
  );
  const requestedLanguage = requested.find((language) => language !== undefined);
  if (requestedLanguage && reply && !reply.sent)
    reply.setCookie(LANGUAGE_COOKIE, requestedLanguage, {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure,
      maxAge: 31_536_000,
    });
  const savedLanguage =
    languageOf(accountLanguage ?? undefined) ?? languageOf(request.cookies?.[LANGUAGE_COOKIE]);
  const acceptLanguage = request.headers['accept-language'];
  const language = requestedLanguage ?? savedLanguage ?? acceptedLanguage(acceptLanguage) ?? 'en';
  return wordsOf(language, acceptedRegion(acceptLanguage, language));
}

function loadPageContext(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Account | null,
): Pick<Visitor, 'words' | 'currentPath' | 'flashMessage'> {
  const target = request.raw.url ?? '/';
  const flashMessageKey = `done.${new URLSearchParams(target.split('?', 2)[1] ?? '').get('done') ?? ''}`;
  const canReload =
    request.method === 'GET' && target.length <= 2048 && safeLocalPath(target) === target;
  return {
    words: resolveLanguage(request, reply, services.secure, user?.language),
    currentPath: canReload ? target : null,
    flashMessage: Object.hasOwn(catalogues.en, flashMessageKey)
      ? (flashMessageKey as MessageKey)
      : null,
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
  services: Services,
  reply: FastifyReply,
  visitor: Visitor,
  status: number,
  title: string,
  text: string,
): Promise<FastifyReply> =>
  sendPage(reply, status, messagePage(pageFrame(services, visitor), title, text));

/** Sends a page that says one thing, in the visitor's language. */
export const sendNote = (
  services: Services,
  reply: FastifyReply,
  visitor: Visitor,
  status: number,
  note: NoteKey,
  values?: Readonly<Record<string, string | number>>,
): Promise<FastifyReply> =>
  sendPage(reply, status, notePage(pageFrame(services, visitor), note, values));

const redirect = (reply: FastifyReply, status: 303 | 307, location: string): FastifyReply =>
  reply.code(status).header('cache-control', 'no-store').header('location', location).send('');

/**
 * To one of our own paths. Another host here is a fault of this program: only `sendAway` leads to
 * one.
 */
export function redirectLocally(
  reply: FastifyReply,
  path: string,
  status: 303 | 307 = 303,
): FastifyReply {
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(path))
    throw new Error('a redirect within this server names a path of it');
  return redirect(reply, status, path);
}

/**
 * 303 to an app: the one place where an answer leads away from this server. An address that the
 * header of a proxy may not hold, because the app's `state` is long, goes out in a page instead.
 */
export function redirectToClient(
  reply: FastifyReply,
  to: ProvenRedirect,
): FastifyReply | Promise<FastifyReply> {
  const { request } = reply;
  if (to.length <= MAX_LOCATION_LENGTH || !isBehindProxy(request)) return redirect(reply, 303, to);
  return sendPage(reply, 200, redirectPage(resolveLanguage(request, null), to));
}

/**
 * With the other fields of our answers, what fits the 4 KiB that nginx has for a header by itself.
 */
const MAX_LOCATION_LENGTH = 2800;

/**
 * Whether a proxy stands between: HTTP/1.0 is what nginx speaks to us unless it is told otherwise.
 */
const isBehindProxy = ({ headers, raw }: FastifyRequest): boolean =>
  raw.httpVersion === '1.0' ||
  ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-proto'].some(
    (name) => name in headers,
  );

/** A path of ours, or `/`: never another origin, whatever was asked for. */
export function safeLocalPath(requestedPath: string | undefined): string {
  return requestedPath !== undefined &&
    requestedPath.length <= 16_384 &&
    /^\/(?![/\\])[\x21-\x7e]*$/.test(requestedPath) &&
    !requestedPath.includes('\\')
    ? requestedPath
    : '/';
}

/**
 * True when the browser, where it tells, sent a form from our own origin. (Our pages send no
 * referrer, so browsers name it `null`; Sec-Fetch-Site then tells.)
 */
export function isSameOrigin(services: Services, request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined && origin !== services.origin && origin !== 'null') return false;
  return site === undefined || site === 'same-origin' || site === 'none';
}

/**
 * True when a form came from a page of ours, which send each field once, in the visitor's session:
 * its proof fits their secret.
 */
export function hasValidCsrfToken(
  services: Services,
  request: FastifyRequest,
  visitor: Visitor,
): boolean {
  if (!isSameOrigin(services, request)) return false;
  const form = parsePageForm(request);
  return form.repeated === undefined && isValidCsrfToken(visitor.secret, form.get('csrf') ?? '');
}

/** Tells a person whose form was not ours, or too old. `page`: where to open it again. */
export const sendFormExpired = (
  services: Services,
  reply: FastifyReply,
  visitor: Visitor,
  page?: string,
): Promise<FastifyReply> =>
  sendPage(reply, 403, notePage(pageFrame(services, visitor), 'form-expired', {}, null, page));
