import type { FastifyInstance } from 'fastify';
import { notFoundMessage } from '#http/fallback-texts.ts';
import { sendJson } from '#http/responses.ts';
import { restLayerError } from '../oauth2-errors.ts';
import { mediawikiErrors } from './errors.ts';
import { type AccessTokenDependencies, handleAccessToken } from './rest/access-token.ts';
import { type AuthorizeDependencies, handleAuthorize } from './rest/authorize.ts';
import { handleResource, type ResourceDependencies } from './rest/resource.ts';
import { rejectOtherMethods } from './rest/wrong-method.ts';

/** What the endpoints below /w/rest.php/oauth2 work with. */
export type RestDependencies = AuthorizeDependencies &
  AccessTokenDependencies &
  ResourceDependencies;

/** The REST paths of OAuth 2 below /w/rest.php (protocols 2). */
export function mediawikiRestRoutes(app: FastifyInstance, dependencies: RestDependencies): void {
  const root = '/w/rest.php/oauth2';
  app.get(`${root}/authorize`, (request, reply) => handleAuthorize(dependencies, request, reply));
  rejectOtherMethods(app, `${root}/authorize`, ['GET']);
  app.post(`${root}/access_token`, (request, reply) =>
    handleAccessToken(dependencies, request, reply),
  );
  rejectOtherMethods(app, `${root}/access_token`, ['POST']);
  app.get(`${root}/resource/:type`, (request, reply) =>
    handleResource(dependencies, request, reply),
  );
  rejectOtherMethods(app, `${root}/resource/:type`, ['GET']);
  app.route({
    method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
    url: '/w/rest.php/*',
    handler: async (request, reply) =>
      sendJson(
        reply,
        404,
        restLayerError(
          404,
          'rest-no-match',
          notFoundMessage((request.raw.url ?? '').split('?', 1)[0] ?? '', mediawikiErrors),
        ),
      ),
  });
}
