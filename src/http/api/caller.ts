import type { FastifyReply, FastifyRequest } from 'fastify';
import { csrfHolds } from '#accounts/sign-in.ts';
import { carriesSignature } from '#oauth1/parse.ts';
import type { Actor } from '#registry/actor.ts';
import { sentRequest } from '../request.ts';
import { appActor, personActor, sessionOf } from '../session.ts';
import type { World } from '../world.ts';
import { opensRoute, routeScopes } from './field-scopes.ts';
import { sendProblem } from './problems.ts';
import type { ApiRoute } from './route.ts';

const safe = new Set(['GET', 'HEAD']);

/**
 * Who calls. A token acts with its person's rights as far as its scopes lend them. A browser's
 * session may call too: with its own proof on whatever changes something, and never from another
 * origin. Undefined: it was refused, and answered.
 */
export async function callerOf(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  route: ApiRoute,
): Promise<Actor | undefined> {
  const no = (
    ...problem: Parameters<typeof sendProblem> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    sendProblem(reply, ...problem);
    return undefined;
  };
  const sent = sentRequest(request);
  if (request.headers.authorization !== undefined || carriesSignature(sent)) {
    const permit = await world.guard.permit(sent, world.site);
    if (!permit.ok) {
      const { status, wwwAuthenticate, body } = permit.refusal;
      const { error, error_description, ...facts } = body;
      reply.header('www-authenticate', wwwAuthenticate);
      return no(status, 'invalid_token', error_description, { problem: error, ...facts });
    }
    const { scopes } = permit.value;
    if (route.scope !== null && route.scope !== 'nobody' && !scopes.includes(route.scope)) {
      reply.header(
        'www-authenticate',
        `Bearer realm="gatehouse", error="insufficient_scope", scope="${route.scope}"`,
      );
      return no(403, 'insufficient_scope', `The token needs the scope ${route.scope}.`, {
        scope: route.scope,
      });
    }
    if (!opensRoute(route.id, scopes)) {
      const { opens = [] } = routeScopes[route.id] ?? {};
      const needed = [opens].flat();
      reply.header(
        'www-authenticate',
        `Bearer realm="gatehouse", error="insufficient_scope", scope="${needed[0] ?? ''}"`,
      );
      return no(
        403,
        'insufficient_scope',
        `The token needs one of the scopes ${needed.join(', ')}.`,
        { scope: needed[0], scopes: needed },
      );
    }
    return appActor(request, permit.value);
  }
  const session = await sessionOf(world, request);
  if (session === undefined) return personActor(world, request, null, 'api');
  const { origin, 'sec-fetch-site': site, 'x-csrf-token': proof } = request.headers;
  const foreign =
    (origin !== undefined && origin !== world.origin) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  const proven =
    safe.has(request.method) || (typeof proof === 'string' && csrfHolds(session.secret, proof));
  if (foreign)
    return no(
      403,
      'cross_site',
      'A browser session is taken from pages of this server alone, and this request came from another. Use a token.',
    );
  if (!proven) {
    return no(
      403,
      'cross_site',
      'A browser session needs the header X-CSRF-Token, from a page of this server. Better use a token.',
    );
  }
  return personActor(world, request, session, 'api');
}
