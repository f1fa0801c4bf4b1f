import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Guard } from '#guard/permit.ts';
import { hasOAuthCredentials, rawRequestOf } from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import { appActor, personActor, sessionOf } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import type { Actor } from '#registry/actor.ts';
import { guardToApiError } from '../../credential-errors.ts';
import { MEDIAWIKI } from '../../oauth1-profile.ts';
import { restLayerError } from '../../oauth2-errors.ts';

/** What the management of apps works with. */
export interface ClientDependencies {
  readonly services: Services;
  /** Judges credentials under the dialect's profile. */
  readonly guard: Guard;
}

/** Who calls. `sessionSecret`: of the browser session; null: there is none. */
export type Caller = Actor & { readonly sessionSecret: string | null };

const viaDialect = (actor: Actor): Actor =>
  actor.kind === 'person' ? { ...actor, dialect: MEDIAWIKI } : actor;

/** Any session will do: a cookie, or either version of OAuth. Undefined: refused, and answered. */
async function authenticateCaller(
  { services, guard }: ClientDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Caller | undefined> {
  if (hasOAuthCredentials(request)) {
    const permit = await guard.permit(rawRequestOf(request), services.site);
    if (permit.ok) return { ...viaDialect(appActor(request, permit.value)), sessionSecret: null };
    const { key, text } = guardToApiError(permit.refusal);
    sendJson(reply, 403, restLayerError(403, key, text));
    return undefined;
  }
  const session = (await sessionOf(services, request)) ?? null;
  return {
    ...viaDialect(personActor(services, request, session, 'api')),
    sessionSecret: session?.secret ?? null,
  };
}

/**
 * Who calls, if they may read here: who may not is told so before anything else. Undefined:
 * refused, and answered.
 */
export async function authenticateReader(
  dependencies: ClientDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Caller | undefined> {
  const caller = await authenticateCaller(dependencies, request, reply);
  if (caller === undefined || caller.kind === 'operator' || caller.rights.has('read'))
    return caller;
  sendJson(reply, 403, {
    error: 'rest-read-denied',
    ...restLayerError(403, 'rest-read-denied', 'You may not read here.'),
  });
  return undefined;
}
