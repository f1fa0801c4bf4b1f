import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '#http/responses.ts';
import { grantsToRegister } from '../../client-management.ts';
import { restLayerError } from '../../oauth2-errors.ts';
import { type Parameter, parseBody } from './body.ts';
import { authenticateReader, type ClientDependencies } from './caller.ts';
import { sendOutcome } from './issued.ts';

const registrationParameters: readonly Parameter[] = [
  { name: 'name', type: 'string', required: true },
  { name: 'version', type: ['1.0', '2.0'], fallback: '1.0' },
  { name: 'description', type: 'string', required: true },
  { name: 'wiki', type: 'string', fallback: '*' },
  { name: 'owner_only', type: 'boolean' },
  { name: 'callback_url', type: 'string', fallback: '' },
  { name: 'callback_is_prefix', type: 'boolean', fallback: false },
  { name: 'email', type: 'string', required: true },
  { name: 'is_confidential', type: 'boolean', required: true },
  { name: 'grant_types', type: 'list', required: true },
  { name: 'scopes', type: 'names', required: true },
];

/** Registers an app. */
export async function handlePropose(
  dependencies: ClientDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services } = dependencies;
  const actor = await authenticateReader(dependencies, request, reply);
  if (actor === undefined) return reply;
  const parsed = parseBody(services, request, registrationParameters, actor.sessionSecret);
  if (!parsed.ok) return sendJson(reply, parsed.refusal.status, parsed.refusal.body);
  const body = parsed.value;
  if (body.owner_only === false && body.callback_url === '') {
    const text = 'An app for other people needs a callback URL.';
    return sendJson(
      reply,
      400,
      restLayerError(400, 'mwoauth-error-missing-callback-url-non-owner', text),
    );
  }
  const confidential = body.is_confidential === true;
  const outcome = await services.registry.submit(actor, 'propose', {
    name: body.name,
    version: body.version,
    description: body.description,
    email: body.email,
    protocol: 'oauth2',
    ownerOnly: body.owner_only === true,
    confidential,
    redirectUri: String(body.callback_url).trim(),
    grantTypes: body.grant_types,
    // Clients of the reference know no PKCE for apps that keep a secret.
    pkceOptional: confidential,
    tokenAlgorithm: 'RS256',
    site: body.wiki,
    scopes: grantsToRegister(body.scopes as readonly string[]),
    termsAccepted: true,
  });
  return sendOutcome(services, reply, outcome);
}
