import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasSignatureParameter } from '#oauth1/parse.ts';
import type { Actor } from '#registry/actor.ts';
import { type CsrfProblem, csrfProblem, csrfTokenInHeader, isFromOwnOrigin } from '../csrf.ts';
import { rawRequestOf } from '../request.ts';
import { appActor, personActor, sessionOf } from '../session.ts';
import type { Services } from '../world.ts';
import { canUseRoute, routeScopes } from './field-scopes.ts';
import { sendProblem } from './problems.ts';
import type { ApiRoute } from './route.ts';

const safeMethods = new Set(['GET', 'HEAD']);

type Problem = Parameters<typeof sendProblem> extends [unknown, ...infer Rest] ? Rest : never;

/** Answers a caller who is refused. */
function refuseCaller(reply: FastifyReply, ...problem: Problem): undefined {
  sendProblem(reply, ...problem);
  return undefined;
}

/** The app that a token or a signature stands for; undefined: it was refused, and answered. */
async function authenticateApp(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  route: ApiRoute,
): Promise<Actor | undefined> {
  const permit = await services.guard.permit(rawRequestOf(request), services.site);
  if (!permit.ok) {
    const { status, wwwAuthenticate, body } = permit.refusal;
    const { error, error_description, ...facts } = body;
    reply.header('www-authenticate', wwwAuthenticate);
    return refuseCaller(reply, status, 'invalid_token', error_description, {
      problem: error,
      ...facts,
    });
  }
  const { scopes } = permit.value;
  if (route.scope !== null && route.scope !== 'public' && !scopes.includes(route.scope)) {
    reply.header(
      'www-authenticate',
      `Bearer realm="gatehouse", error="insufficient_scope", scope="${route.scope}"`,
    );
    return refuseCaller(
      reply,
      403,
      'insufficient_scope',
      `The token needs the scope ${route.scope}.`,
      {
        scope: route.scope,
      },
    );
  }
  if (!canUseRoute(route.id, scopes)) {
    const { requiredScopes: required = [] } = routeScopes[route.id] ?? {};
    const needed = [required].flat();
    reply.header(
      'www-authenticate',
      `Bearer realm="gatehouse", error="insufficient_scope", scope="${needed[0] ?? ''}"`,
    );
    return refuseCaller(
      reply,
      403,
      'insufficient_scope',
      `The token needs one of the scopes ${needed.join(', ')}.`,
      { scope: needed[0], scopes: needed },
    );
  }
  return appActor(request, permit.value);
}

/**
 * Who calls. A token acts with its person's rights as far as its scopes lend them. A browser's
 * session may call too: with its own proof on whatever changes something, and never from another
 * origin. Undefined: it was refused, and answered.
 */
export async function authenticateCaller(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  route: ApiRoute,
): Promise<Actor | undefined> {
  const rawRequest = rawRequestOf(request);
  if (request.headers.authorization !== undefined || hasSignatureParameter(rawRequest))
    return authenticateApp(services, request, reply, route);
  const session = await sessionOf(services, request);
  if (session === undefined) return personActor(services, request, null, 'api');
  const problem = sessionProblem(services, request, session.secret);
  if (problem === 'foreign-origin')
    return refuseCaller(
      reply,
      403,
      'cross_site',
      'A browser session is taken from pages of this server alone, and this request came from another. Use a token.',
    );
  if (problem === 'wrong-token')
    return refuseCaller(
      reply,
      403,
      'cross_site',
      'A browser session needs the header X-CSRF-Token, from a page of this server. Better use a token.',
    );
  return personActor(services, request, session, 'api');
}

/** Why a session does not count: what only reads needs no token, but comes from no other origin. */
function sessionProblem(
  { origin }: Pick<Services, 'origin'>,
  request: FastifyRequest,
  secret: string,
): CsrfProblem | null {
  if (safeMethods.has(request.method))
    return isFromOwnOrigin(origin, request) ? null : 'foreign-origin';
  return csrfProblem(origin, request, secret, csrfTokenInHeader(request));
}
