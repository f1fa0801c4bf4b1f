import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '#http/responses.ts';
import { restLayerError } from '../../oauth2-errors.ts';
import { type Parameter, parseBody } from './body.ts';
import { authenticateReader, type ClientDependencies } from './caller.ts';
import { sendOutcome } from './issued.ts';

const resetParameters: readonly Parameter[] = [{ name: 'reason', type: 'string', fallback: '' }];

/** Gives an app a new secret in place of those it has. */
export async function handleResetSecret(
  dependencies: ClientDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services } = dependencies;
  const actor = await authenticateReader(dependencies, request, reply);
  if (actor === undefined) return reply;
  const parsed = parseBody(services, request, resetParameters, actor.sessionSecret);
  if (!parsed.ok) return sendJson(reply, parsed.refusal.status, parsed.refusal.body);
  const { key } = request.params as { readonly key: string };
  const refuseWith = (status: number, errorKey: string, text: string) =>
    sendJson(reply, status, restLayerError(status, errorKey, text));
  const registry = services.registry.query(actor);
  const client = await registry.findClient(key);
  if (client === undefined && !(await registry.isRegistered(key)))
    return refuseWith(400, 'mwoauth-invalid-consumer-key', 'There is no such app.');
  if (client === undefined || client.suppressed)
    return refuseWith(401, 'mwoauth-consumer-deleted-error', 'The app was hidden.');
  if (actor.kind === 'person' && actor.account?.id !== client.ownerId)
    return refuseWith(400, 'mwoauth-consumer-user-mismatch', 'The app is not yours.');
  const outcome = await services.registry.submit(actor, 'update', {
    clientId: key,
    reason: parsed.value.reason,
    resetSecret: true,
  });
  return sendOutcome(services, reply, outcome);
}
