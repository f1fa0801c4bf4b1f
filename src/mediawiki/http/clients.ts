import type { FastifyInstance } from 'fastify';
import type { ClientDependencies } from './clients/caller.ts';
import { handleList } from './clients/list.ts';
import { handlePropose } from './clients/propose.ts';
import { handleResetSecret } from './clients/reset-secret.ts';
import { rejectOtherMethods } from './rest/wrong-method.ts';

/**
 * Management of apps over REST (protocols 3): registration, list of one's own, reset of the secret.
 */
export function mediawikiClientRoutes(
  app: FastifyInstance,
  dependencies: ClientDependencies,
): void {
  const root = '/w/rest.php/oauth2/client';
  app.post(root, (request, reply) => handlePropose(dependencies, request, reply));
  app.get(root, (request, reply) => handleList(dependencies, request, reply));
  rejectOtherMethods(app, root, ['GET', 'POST']);
  app.post(`${root}/:key/reset_secret`, (request, reply) =>
    handleResetSecret(dependencies, request, reply),
  );
  rejectOtherMethods(app, `${root}/:key/reset_secret`, ['POST']);
}
