import type { FastifyReply } from 'fastify';
import { isClientId } from '#kernel/ids.ts';
import { invalidActionError, invalidActionForClient } from '../../messages.ts';
import { sendError } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Says that the subpage does not exist, and whose developer can put it right. */
export async function handleUnknownAction(
  { services }: Pick<SpecialPageDependencies, 'services'>,
  { request, reply, form }: SpecialRequest,
): Promise<FastifyReply> {
  const key = form.get('oauth_consumer_key');
  const client =
    key !== undefined && isClientId(key) ? await services.records.findClient(key) : undefined;
  return sendError(
    services,
    { request, reply, format: form.get('format') ?? 'html' },
    client ? invalidActionForClient(client) : invalidActionError,
  );
}
