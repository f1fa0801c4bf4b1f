import type { FastifyReply } from 'fastify';
import { rawRequestOf } from '#http/request.ts';
import { toDialectError } from '../../messages.ts';
import { sendError, sendPair } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Exchanges allowed temporary credentials for token credentials (RFC 5849 §2.3). */
export async function handleToken(
  { services, protocols }: SpecialPageDependencies,
  call: SpecialRequest,
): Promise<FastifyReply> {
  const answer = await protocols.oauth1.issueTokenCredentials(rawRequestOf(call.request));
  if (!answer.ok) return sendError(services, call, toDialectError(answer.refusal));
  const { token, secret, method } = answer.value;
  return sendPair(services, call, {
    token,
    secret: method === 'RSA-SHA1' ? '__unused__' : secret,
  });
}
