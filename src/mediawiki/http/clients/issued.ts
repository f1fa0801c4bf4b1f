import type { FastifyReply } from 'fastify';
import { sendJson } from '#http/responses.ts';
import type { Services } from '#http/world.ts';
import type { Result } from '#kernel/result.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { submissionFailure } from '../../client-management.ts';

/** Sends what was issued to an app, or why the registry refused. */
export function sendOutcome(
  { idGenerator }: Pick<Services, 'idGenerator'>,
  reply: FastifyReply,
  outcome: Result<ActionOutcome, RegistryRefusal>,
): FastifyReply {
  if (!outcome.ok) return sendJson(reply, 400, submissionFailure(outcome.refusal));
  const { client, secret, accessToken, credentials } = outcome.value;
  return sendJson(reply, 200, {
    name: client.name,
    client_key: client.id,
    // A public app has none. A client of the reference expects a text and may send it, which is
    // not looked at: this one is kept nowhere.
    secret: secret ?? (client.confidential ? null : idGenerator.randomHex(20)),
    ...(accessToken === null ? {} : { access_token: accessToken }),
    // The reference keeps the new one to itself, which leaves the owner with nothing that works.
    ...(credentials === null
      ? {}
      : { access_token: credentials.token, access_token_secret: credentials.secret }),
  });
}
