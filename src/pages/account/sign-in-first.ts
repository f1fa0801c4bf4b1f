import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { destinationOf } from '#encoding/browser-uri.ts';
import { formValues, parseForm } from '#encoding/form.ts';
import { fromOf, ownPath, seeOther, sendNote, sessionOf, visitorOf } from '#http/session.ts';
import type { World } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import { requestOf } from '../consent/decision.ts';

// How people who have to sign in first come back to what they came for (ADR 27).

/**
 * As much of a path, percent-encoded, is carried in our own addresses. What is longer is kept, and
 * its handle carried.
 */
const MOST_CARRIED = 1000;

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
export const asAddress = (asked: string): string => escapeQuery(asked, /[^\x21-\x7e]|\\/g);

/**
 * The value of `returnto` for a path of ours, as it is up to `mostCarried` characters; undefined:
 * it is too long for that.
 */
export async function returnTo(
  world: World,
  request: FastifyRequest,
  path: string,
  mostCarried = MOST_CARRIED,
): Promise<string | undefined> {
  const own = ownPath(asAddress(path));
  // What is kept already is never kept once more, whatever was added: one handle does not lead to
  // another.
  const [kept] = /^\/continue\/[\w-]{51}/.exec(own) ?? [];
  if (kept !== undefined || own.startsWith('/continue/')) return kept ?? '/';
  if (encodeURIComponent(own).length <= mostCarried) return own;
  // Kept as it was sent, for the bound of `state` counts bytes as they are sent; but no character
  // that a database refuses.
  const handle = await world.kept.keep(
    own === '/' ? own : escapeQuery(path, /[^\x21-\xff]/g),
    fromOf(world, request),
  );
  if (handle !== undefined) return `/continue/${handle}`;
  // Where strangers fill the store, what fits most proxies is carried as it is.
  return mostCarried > 0 && own.length <= 4096 ? own : undefined;
}

/** Sends somebody to sign in, to come back to a path of ours; left out: the one of the request. */
export async function signInFirst(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    path = request.raw.url ?? '/',
    status = 303,
  }: { readonly path?: string | undefined; readonly status?: 303 | 307 } = {},
): Promise<FastifyReply> {
  const back = await returnTo(world, request, path);
  if (back === undefined)
    return sendNote(world, reply, await visitorOf(world, request, reply), 413, 'too-large');
  return seeOther(reply, `/sign-in?returnto=${encodeURIComponent(back)}`, status);
}

/**
 * The same for a form that nobody is signed in for any more: the page it was on, if it can be asked
 * for.
 */
export async function signInForForm(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = pageOf(request);
  return page === undefined
    ? seeOther(reply, '/sign-in')
    : signInFirst(world, request, reply, { path: page });
}

/** The page a form was on, if it has the same address; undefined: there is none. */
export function pageOf(request: FastifyRequest): string | undefined {
  const { url } = request.routeOptions;
  const page = url !== undefined && request.server.hasRoute({ method: 'GET', url });
  return page ? ownPath(request.raw.url) : undefined;
}

/** An app that a person is on the way to. */
export interface WaitingApp {
  /** Null: nothing is said of one that nobody approved. */
  readonly shown: { readonly name: string; readonly place: string | null } | null;
}

const doors =
  /^\/(?:oauth2\/authorize|oauth1\/(?:authorize|authenticate)|w\/rest\.php\/oauth2\/authorize|w\/index\.php|wiki\/)/;

async function clientBehind(world: World, path: string): Promise<Client | undefined> {
  const [, handle] = /^\/authorize\/([\w-]{51})(?:\?|$)/.exec(path) ?? [];
  if (handle !== undefined) {
    const asked = await requestOf(world, handle);
    return asked && world.records.findClient(asked.clientId);
  }
  const question = path.indexOf('?');
  const query = question < 0 || !doors.test(path) ? undefined : parseForm(path.slice(question + 1));
  if (!query?.ok) return undefined;
  const values = formValues(query.value);
  const id =
    values.get('client_id') ?? values.get('oauth_consumer_key') ?? values.get('consumerKey');
  if (id !== undefined)
    return /^[\w-]{1,64}$/.test(id) ? world.records.findClient(id as ClientId) : undefined;
  return world.faces.core.oauth1.clientOf(
    values.get('oauth_token') ?? values.get('requestToken') ?? '',
  );
}

/** The app that waits behind a `returnto`; null: none does. */
export async function waitingApp(world: World, returnto: string): Promise<WaitingApp | null> {
  const [, handle] = /^\/continue\/([\w-]{51})$/.exec(returnto) ?? [];
  const path = handle === undefined ? returnto : ((await world.kept.find(handle)) ?? '/');
  const client = await clientBehind(world, path);
  if (client === undefined) return doors.test(path) && path.includes('?') ? { shown: null } : null;
  const approved = client.stage === 'approved' && !client.suppressed;
  return {
    shown: approved ? { name: client.name, place: destinationOf(client.redirectUri) } : null,
  };
}

/** Goes on with a kept request, as if it were asked for now. */
export function continueRoutes(app: FastifyInstance, world: World): void {
  app.get('/continue/:handle', async (request, reply) => {
    const { handle } = request.params as { readonly handle: string };
    const path = await world.kept.find(handle);
    if (path === undefined)
      return sendNote(world, reply, await visitorOf(world, request, reply), 404, 'request-gone');
    if ((await sessionOf(world, request)) === undefined)
      return seeOther(reply, `/sign-in?returnto=${encodeURIComponent(`/continue/${handle}`)}`);
    // Served here, for as an address it may be longer than a proxy takes.
    reply.hijack();
    request.raw.url = path;
    app.routing(request.raw, reply.raw);
    return reply;
  });
}
