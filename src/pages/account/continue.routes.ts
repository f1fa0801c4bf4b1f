import type { FastifyInstance } from 'fastify';
import { redirectLocally } from '#http/redirects.ts';
import { sessionOf } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import { identifyPageVisitor, sendNote } from '../respond.ts';

export type ContinueDependencies = Services;

/** Goes on with a kept request, as if it were asked for now. */
export function continueRoutes(app: FastifyInstance, services: ContinueDependencies): void {
  app.get('/continue/:handle', async (request, reply) => {
    const { handle } = request.params as { readonly handle: string };
    const path = await services.pendingRequests.find(handle);
    if (path === undefined)
      return sendNote(
        services,
        reply,
        await identifyPageVisitor(services, request, reply),
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
