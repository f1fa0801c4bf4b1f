import type { FastifyInstance } from 'fastify';
import type { PendingRequests } from '#accounts/kept-requests.ts';
import { redirectLocally } from '#http/redirects.ts';
import { type SessionDependencies, sessionOf } from '#http/session.ts';
import { type FrameDependencies, identifyPageVisitor, sendNote } from '../respond.ts';

export interface ContinueDependencies extends SessionDependencies, FrameDependencies {
  readonly pendingRequests: Pick<PendingRequests, 'find'>;
}

/** Goes on with a kept request, as if it were asked for now. */
export function continueRoutes(app: FastifyInstance, dependencies: ContinueDependencies): void {
  app.get('/continue/:handle', async (request, reply) => {
    const { handle } = request.params as { readonly handle: string };
    const path = await dependencies.pendingRequests.find(handle);
    if (path === undefined)
      return sendNote(
        dependencies,
        reply,
        await identifyPageVisitor(dependencies, request, reply),
        404,
        'request-gone',
      );
    if ((await sessionOf(dependencies, request)) === undefined)
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
