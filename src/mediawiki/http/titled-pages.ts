import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasOAuthCredentials } from '#http/request.ts';
import { notePage } from '#pages/note.template.ts';
import { identifyPageVisitor, pageFrame, sendPage } from '#pages/respond.ts';
import { parsePageTitle, parseTitleInPath } from '../titles.ts';
import { redirectReferencePage } from './pages.ts';
import { sendError } from './special-oauth/responses.ts';
import { handleSpecialPage } from './special-oauth/special-page.ts';
import { parseParameters, type SpecialPageDependencies } from './special-oauth/special-request.ts';

const titleOf = (request: FastifyRequest): string | undefined => {
  const path = (request.raw.url ?? '/').split(/[?#]/, 1)[0] ?? '/';
  return parseTitleInPath(path) ?? parseParameters(request).get('title');
};

async function handlePage(
  dependencies: SpecialPageDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services } = dependencies;
  const page = parsePageTitle(titleOf(request) ?? '');
  if (page.kind === 'oauth')
    return handleSpecialPage(dependencies, { request, reply }, page.subpage);
  // Signed requests belong to the API; any other page here is not ours.
  if (hasOAuthCredentials(request))
    return sendError(
      services,
      { request, reply, format: 'html' },
      { key: 'mwoauth-not-api', text: 'OAuth credentials are for the API.' },
      400,
    );
  const visitor = await identifyPageVisitor(services, request, reply);
  const redirected =
    page.kind === 'special'
      ? await redirectReferencePage(
          services,
          request,
          reply,
          page.name,
          page.subpage,
          parseParameters(request),
        )
      : undefined;
  if (redirected) return redirected;
  return sendPage(reply, 404, notePage(pageFrame(services, visitor), 'not-found'));
}

/** The pages that are named by a title, in the path or the parameters: Special:OAuth among them. */
export function registerTitledPages(
  app: FastifyInstance,
  dependencies: SpecialPageDependencies,
): void {
  for (const url of ['/w/index.php', '/w/index.php/*', '/wiki/*'])
    app.route({
      method: ['GET', 'POST', 'PUT'],
      url,
      handler: (request, reply) => handlePage(dependencies, request, reply),
    });
}
