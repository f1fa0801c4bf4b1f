import type { FastifyReply } from 'fastify';
import { rawRequestOf } from '#http/request.ts';
import { signHs256 } from '#keys/signing.ts';
import { noSecretForIdentifyError, toDialectError } from '../../messages.ts';
import { identifyClaims } from '../../statement.ts';
import { noCacheHeaders, sendError } from './responses.ts';
import type { SpecialPageDependencies, SpecialRequest } from './special-request.ts';

/** States who the person is, as a JWT under the app's secret (protocols 1.16). */
export async function handleIdentify(
  { services, protocols, subjectOf }: SpecialPageDependencies,
  { request, reply }: SpecialRequest,
): Promise<FastifyReply> {
  const recipient = { request, reply, format: 'json' };
  const answer = await protocols.oauth1.authenticateRequest(rawRequestOf(request), services.site);
  if (!answer.ok) return sendError(services, recipient, toDialectError(answer.refusal));
  const { user, client, consent, nonce, clientSecret } = answer.value;
  if (clientSecret === null) return sendError(services, recipient, noSecretForIdentifyError);
  // All of the person's rights, not only those the scopes give: an app that only learns who they
  // are decides by them (protocols 1.16).
  const subject = {
    ...subjectOf(user, consent.scopes),
    rights: [...services.rights.rightsOf(user)],
  };
  const claims = identifyClaims(subject, {
    issuer: services.origin,
    audience: client.id,
    now: services.clock.now(),
    nonce,
  });
  // A bare JWT, labelled as JSON all the same: its clients expect it so.
  return reply
    .headers(noCacheHeaders)
    .code(200)
    .header('content-type', 'application/json')
    .send(Buffer.from(signHs256(claims, clientSecret)));
}
