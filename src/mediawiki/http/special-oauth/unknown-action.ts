import type { FastifyReply } from 'fastify';
import { type Actor, UNAUTHENTICATED } from '#registry/actor.ts';
import { invalidActionError, invalidActionForClient } from '../../messages.ts';
import { sendError } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Whoever sends an identifier, without having proved anything. */
const STRANGER: Actor = {
  kind: 'person',
  account: null,
  rights: new Set(),
  address: null,
  via: 'page',
  authentication: UNAUTHENTICATED,
};

/**
 * Says that the subpage does not exist, and whose developer can put it right. Hidden apps are not
 * named.
 */
export async function handleUnknownAction(
  { services }: Pick<SpecialPageDependencies, 'services'>,
  { request, reply, form }: SpecialRequest,
): Promise<FastifyReply> {
  const key = form.get('oauth_consumer_key') ?? '';
  const client = await services.registry.query(STRANGER).findClient(key);
  return sendError(
    services,
    { request, reply, format: form.get('format') ?? 'html' },
    client ? invalidActionForClient(client) : invalidActionError,
  );
}
