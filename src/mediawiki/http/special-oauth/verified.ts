import type { FastifyReply } from 'fastify';
import { verifierPage } from '#pages/consent/verifier.template.ts';
import { identifyPageVisitor, pageFrame, sendPage } from '#pages/respond.ts';
import { missingParametersError } from '../../messages.ts';
import { sendError } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** Shows the verifier, for the person to take to an app without a callback. */
export async function handleVerified(
  { services }: SpecialPageDependencies,
  { request, reply, form }: SpecialRequest,
): Promise<FastifyReply> {
  const [verifier, token] = [form.get('oauth_verifier'), form.get('oauth_token')];
  if (verifier === undefined || token === undefined)
    return sendError(services, { request, reply, format: 'html' }, missingParametersError);
  const visitor = await identifyPageVisitor(services, request, reply);
  return sendPage(
    reply,
    200,
    verifierPage(pageFrame(services, visitor), {
      appName: null,
      verifier: verifier.slice(0, 200),
    }),
  );
}
