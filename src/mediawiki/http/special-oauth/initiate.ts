import type { FastifyReply } from 'fastify';
import { rawRequestOf } from '#http/request.ts';
import { toDialectError } from '../../messages.ts';
import { sendError, sendPair } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Issues temporary credentials (RFC 5849 §2.1). */
export async function handleInitiate(
  { services, protocols }: SpecialPageDependencies,
  call: SpecialRequest,
): Promise<FastifyReply> {
  const answer = await protocols.oauth1.issueTemporaryCredentials(rawRequestOf(call.request));
  return answer.ok
    ? sendPair(services, call, answer.value)
    : sendError(services, call, toDialectError(answer.refusal));
}
