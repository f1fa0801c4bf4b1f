import type { FastifyInstance } from 'fastify';
import { sendJson } from '#http/responses.ts';
import { restLayerError } from '../../oauth2-errors.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS';
const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

/** Answers 405 to every other method at a path. */
export function rejectOtherMethods(
  app: FastifyInstance,
  url: string,
  allowed: readonly Method[],
): void {
  app.route({
    method: methods.filter((method) => !allowed.includes(method)),
    url,
    handler: async (_request, reply) =>
      sendJson(
        reply.header('allow', allowed.join(', ')),
        405,
        restLayerError(405, 'rest-wrong-method', `Use ${allowed.join(' or ')}.`),
      ),
  });
}
