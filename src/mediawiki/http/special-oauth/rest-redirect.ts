import type { FastifyReply } from 'fastify';
import { redirectLocally, safeLocalPath } from '#http/redirects.ts';
import { requestOriginOf } from '#http/session.ts';
import { returnToValue } from '#pages/account/sign-in-first.ts';
import { protocolException } from '../../messages.ts';
import { sendError } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Leads on to a path of this server, as the reference does after sign-in. */
export async function handleRestRedirect(
  { services }: SpecialPageDependencies,
  { request, reply, form }: SpecialRequest,
): Promise<FastifyReply> {
  const restUrl = form.get('rest_url');
  if (restUrl === undefined)
    return sendError(
      services,
      { request, reply, format: 'html' },
      protocolException('Invalid redirect'),
    );
  const path = safeLocalPath(restUrl.startsWith('/') ? restUrl : `/${restUrl}`);
  return redirectLocally(
    reply,
    (await returnToValue(services, requestOriginOf(services, request), path)) ?? '/',
  );
}
