import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { ADMINISTER_RIGHT, type RightsTable } from '#accounts/rights.ts';
import { csrfProblem, csrfToken, csrfTokenInForm } from '#http/csrf.ts';
import { redirect, safeLocalPath } from '#http/redirects.ts';
import { identifyVisitor, type SessionDependencies, type Visitor } from '#http/session.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { ProvenRedirect } from '#registry/model/proven-redirect.ts';
import type { Frame, Html } from './frame.ts';
import { redirectPage } from './layout.ts';
import { messagePage, notePage } from './note.template.ts';
import {
  acceptedLanguage,
  acceptedRegion,
  catalogues,
  languageOf,
  type MessageKey,
  type NoteKey,
  type Words,
  wordsOf,
} from './words.ts';

/** What the frame of a page is made with. */
export interface FrameDependencies {
  readonly siteName: string;
  readonly rights: RightsTable;
}

/** The browser in front of us, and what a page for it knows. */
export interface PageVisitor extends Visitor {
  readonly words: Words;
  /** Path and query asked for, when it can be asked for again. */
  readonly currentPath: string | null;
  readonly flashMessage: MessageKey | null;
}

/** Finds out who is there, and in which language to speak to them. */
export async function identifyPageVisitor(
  dependencies: SessionDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<PageVisitor> {
  return toPageVisitor(
    dependencies,
    request,
    reply,
    await identifyVisitor(dependencies, request, reply),
  );
}

/** The same for somebody who was identified. A language that was asked for is kept. */
export const toPageVisitor = <V extends Visitor>(
  dependencies: Pick<SessionDependencies, 'secure'>,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: V,
): V & PageVisitor => ({
  ...visitor,
  ...loadPageContext(dependencies, request, reply, visitor.user),
});

/** What every page of this visitor knows. */
export function pageFrame(
  dependencies: FrameDependencies,
  { user, secret, words, currentPath, flashMessage }: PageVisitor,
): Frame {
  const rights = dependencies.rights.rightsOf(user);
  return {
    words,
    siteName: dependencies.siteName,
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

/** Keeps the language that a request asks for, where the answer is no page of this person's. */
export const keepLanguage = (
  dependencies: Pick<SessionDependencies, 'secure'>,
  request: FastifyRequest,
  reply: FastifyReply,
): void => void resolveLanguage(request, reply, dependencies.secure);

function loadPageContext(
  dependencies: Pick<SessionDependencies, 'secure'>,
  request: FastifyRequest,
  reply: FastifyReply,
  user: Account | null,
): Pick<PageVisitor, 'words' | 'currentPath' | 'flashMessage'> {
  const target = request.raw.url ?? '/';
  const flashMessageKey = `done.${new URLSearchParams(target.split('?', 2)[1] ?? '').get('done') ?? ''}`;
  const canReload =
    request.method === 'GET' && target.length <= 2048 && safeLocalPath(target) === target;
  return {
    words: resolveLanguage(request, reply, dependencies.secure, user?.language),
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

/** Sends a page that says one thing, given as text: for a dialect, whose words are fixed. */
export const sendMessage = (
  dependencies: FrameDependencies,
  reply: FastifyReply,
  visitor: PageVisitor,
  status: number,
  title: string,
  text: string,
): Promise<FastifyReply> =>
  sendPage(reply, status, messagePage(pageFrame(dependencies, visitor), title, text));

/** Sends a page that says one thing, in the visitor's language. */
export const sendNote = (
  dependencies: FrameDependencies,
  reply: FastifyReply,
  visitor: PageVisitor,
  status: number,
  note: NoteKey,
  values?: Readonly<Record<string, string | number>>,
): Promise<FastifyReply> =>
  sendPage(reply, status, notePage(pageFrame(dependencies, visitor), note, values));

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

/** True when a form came from a page of ours, in the session of the visitor. */
export const isOwnForm = (
  { origin }: { readonly origin: string },
  request: FastifyRequest,
  { secret }: Pick<Visitor, 'secret'>,
): boolean => csrfProblem(origin, request, secret, csrfTokenInForm(request)) === null;

/** Tells a person whose form was not ours, or too old. `page`: where to open it again. */
export const sendFormExpired = (
  dependencies: FrameDependencies,
  reply: FastifyReply,
  visitor: PageVisitor,
  page?: string,
): Promise<FastifyReply> =>
  sendPage(reply, 403, notePage(pageFrame(dependencies, visitor), 'form-expired', {}, null, page));
