import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { describeDestination } from '#encoding/browser-uri.ts';
import { makeFormParameters, parseForm } from '#encoding/form.ts';
import {
  identifyVisitor,
  redirectLocally,
  requestOriginOf,
  safeLocalPath,
  sendNote,
  sessionOf,
} from '#http/session.ts';
import type { Services } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import { findAuthorizationRequest } from '../consent/decision.ts';

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

/**
 * The value of `returnto` for a path of ours, as it is up to `mostCarried` characters; undefined:
 * it is too long for that.
 */
export async function returnToValue(
  services: Services,
  request: FastifyRequest,
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
  const handle = await services.pendingRequests.save(
    localPath === '/' ? localPath : escapeQuery(path, /[^\x21-\xff]/g),
    requestOriginOf(services, request),
  );
  if (handle !== undefined) return `/continue/${handle}`;
  // Where strangers fill the store, what fits most proxies is carried as it is.
  return maxLength > 0 && localPath.length <= 4096 ? localPath : undefined;
}

/** Sends somebody to sign in, to come back to a path of ours; left out: the one of the request. */
export async function redirectToSignIn(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    path = request.raw.url ?? '/',
    status = 303,
  }: { readonly path?: string | undefined; readonly status?: 303 | 307 } = {},
): Promise<FastifyReply> {
  const returnValue = await returnToValue(services, request, path);
  if (returnValue === undefined)
    return sendNote(
      services,
      reply,
      await identifyVisitor(services, request, reply),
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
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = formPagePath(request);
  return page === undefined
    ? redirectLocally(reply, '/sign-in')
    : redirectToSignIn(services, request, reply, { path: page });
}

/** The page a form was on, if it has the same address; undefined: there is none. */
export function formPagePath(request: FastifyRequest): string | undefined {
  const { url } = request.routeOptions;
  const page = url !== undefined && request.server.hasRoute({ method: 'GET', url });
  return page ? safeLocalPath(request.raw.url) : undefined;
}

/** An app that a person is on the way to. */
export interface PendingApp {
  /** Null: nothing is said of one that nobody approved. */
  readonly shown: { readonly name: string; readonly place: string | null } | null;
}

const authorizationPaths =
  /^\/(?:oauth2\/authorize|oauth1\/(?:authorize|authenticate)|w\/rest\.php\/oauth2\/authorize|w\/index\.php|wiki\/)/;

async function findClientOfPath(services: Services, path: string): Promise<Client | undefined> {
  const [, handle] = /^\/authorize\/([\w-]{51})(?:\?|$)/.exec(path) ?? [];
  if (handle !== undefined) {
    const authorizationRequest = await findAuthorizationRequest(services, handle);
    return authorizationRequest && services.records.findClient(authorizationRequest.clientId);
  }
  const question = path.indexOf('?');
  const query =
    question < 0 || !authorizationPaths.test(path)
      ? undefined
      : parseForm(path.slice(question + 1));
  if (!query?.ok) return undefined;
  const values = makeFormParameters(query.value);
  const id =
    values.get('client_id') ?? values.get('oauth_consumer_key') ?? values.get('consumerKey');
  if (id !== undefined)
    return /^[\w-]{1,64}$/.test(id) ? services.records.findClient(id as ClientId) : undefined;
  return services.protocols.core.oauth1.findClientOfToken(
    values.get('oauth_token') ?? values.get('requestToken') ?? '',
  );
}

/** The app that waits behind a `returnto`; null: none does. */
export async function findPendingApp(
  services: Services,
  returnto: string,
): Promise<PendingApp | null> {
  const [, handle] = /^\/continue\/([\w-]{51})$/.exec(returnto) ?? [];
  const path =
    handle === undefined ? returnto : ((await services.pendingRequests.find(handle)) ?? '/');
  const client = await findClientOfPath(services, path);
  if (client === undefined)
    return authorizationPaths.test(path) && path.includes('?') ? { shown: null } : null;
  const approved = client.stage === 'approved' && !client.suppressed;
  return {
    shown: approved ? { name: client.name, place: describeDestination(client.redirectUri) } : null,
  };
}

/** Goes on with a kept request, as if it were asked for now. */
export function continueRoutes(app: FastifyInstance, services: Services): void {
  app.get('/continue/:handle', async (request, reply) => {
    const { handle } = request.params as { readonly handle: string };
    const path = await services.pendingRequests.find(handle);
    if (path === undefined)
      return sendNote(
        services,
        reply,
        await identifyVisitor(services, request, reply),
        404,
        'request-gone',
      );
    if ((await sessionOf(services, request)) === undefined)
      return redirectLocally(
        reply,
        `/sign-in?returnto=${encodeURIComponent(`/continue/${handle}`)}`,
      );
    // Served here, for as an address it may be longer than a proxy takes.
    reply.hijack();
    request.raw.url = path;
    app.routing(request.raw, reply.raw);
    return reply;
  });
}
