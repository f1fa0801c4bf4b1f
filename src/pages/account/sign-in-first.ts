import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PendingRequests } from '#accounts/kept-requests.ts';
import type { RequestOrigin } from '#accounts/sessions.ts';
import { redirectLocally, safeLocalPath } from '#http/redirects.ts';
import { requestOriginOf, type SessionDependencies } from '#http/session.ts';
import { type FrameDependencies, identifyPageVisitor, sendNote } from '../respond.ts';

// How people who have to sign in first come back to what they came for (ADR 27).

/**
 * As much of a path, percent-encoded, is carried in our own addresses. What is longer is kept, and
 * its handle carried.
 */
const MAX_RETURN_LENGTH = 1000;

/**
 * The query of a path, with some of its characters percent-encoded. The path itself is not mended.
 */
function escapeQuery(path: string, characters: RegExp): string {
  const question = path.indexOf('?');
  if (question < 0) return path;
  const escaped = (char: string) =>
    `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return path.slice(0, question) + path.slice(question).replace(characters, escaped);
}

/**
 * A path as it was asked for, written so that it fits into an address: a browser may send a
 * backslash, or bytes beyond ASCII, as they are.
 */
export const encodeLocalPath = (path: string): string => escapeQuery(path, /[^\x21-\x7e]|\\/g);

/** What keeping a path takes. */
export interface ReturnPathDependencies {
  readonly pendingRequests: Pick<PendingRequests, 'save'>;
}

/**
 * The value of `returnto` for a path of ours, as it is up to `maxLength` characters; undefined:
 * it is too long for that.
 */
export async function returnToValue(
  { pendingRequests }: ReturnPathDependencies,
  requestOrigin: RequestOrigin,
  path: string,
  maxLength = MAX_RETURN_LENGTH,
): Promise<string | undefined> {
  const localPath = safeLocalPath(encodeLocalPath(path));
  // What is kept already is never kept once more, whatever was added: one handle does not lead to
  // another.
  const [savedPath] = /^\/continue\/[\w-]{51}/.exec(localPath) ?? [];
  if (savedPath !== undefined || localPath.startsWith('/continue/')) return savedPath ?? '/';
  if (encodeURIComponent(localPath).length <= maxLength) return localPath;
  // Kept as it was sent, for the bound of `state` counts bytes as they are sent; but no character
  // that a database refuses.
  const handle = await pendingRequests.save(
    localPath === '/' ? localPath : escapeQuery(path, /[^\x21-\xff]/g),
    requestOrigin,
  );
  if (handle !== undefined) return `/continue/${handle}`;
  // Where strangers fill the store, what fits most proxies is carried as it is.
  return maxLength > 0 && localPath.length <= 4096 ? localPath : undefined;
}

/**
 * The same in an e-mail: under a handle, for none carries what a stranger wrote. Undefined: they
 * were not on the way anywhere.
 */
export const returnPathForEmail = async (
  dependencies: ReturnPathDependencies,
  requestOrigin: RequestOrigin,
  returnPath: string,
): Promise<string | undefined> =>
  returnPath === '/' ? undefined : returnToValue(dependencies, requestOrigin, returnPath, 0);

/** What sending somebody to sign in takes. */
export interface SignInFirstDependencies
  extends SessionDependencies,
    FrameDependencies,
    ReturnPathDependencies {}

/** Sends somebody to sign in, to come back to a path of ours; left out: the one of the request. */
export async function redirectToSignIn(
  dependencies: SignInFirstDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    path = request.raw.url ?? '/',
    status = 303,
  }: { readonly path?: string | undefined; readonly status?: 303 | 307 } = {},
): Promise<FastifyReply> {
  const returnValue = await returnToValue(
    dependencies,
    requestOriginOf(dependencies, request),
    path,
  );
  if (returnValue === undefined)
    return sendNote(
      dependencies,
      reply,
      await identifyPageVisitor(dependencies, request, reply),
      413,
      'too-large',
    );
  return redirectLocally(reply, `/sign-in?returnto=${encodeURIComponent(returnValue)}`, status);
}

/**
 * The same for a form that nobody is signed in for any more: the page it was on, if it can be asked
 * for.
 */
export async function redirectFormToSignIn(
  dependencies: SignInFirstDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = formPagePath(request);
  return page === undefined
    ? redirectLocally(reply, '/sign-in')
    : redirectToSignIn(dependencies, request, reply, { path: page });
}

/** The page a form was on, if it has the same address; undefined: there is none. */
export function formPagePath(request: FastifyRequest): string | undefined {
  const { url } = request.routeOptions;
  const page = url !== undefined && request.server.hasRoute({ method: 'GET', url });
  return page ? safeLocalPath(request.raw.url) : undefined;
}
