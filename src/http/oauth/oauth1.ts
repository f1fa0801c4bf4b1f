import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { makeFormParameters } from '#encoding/form.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import type { ProtocolProfile } from '#registry/model/authorization-request.ts';
import { parseQuery, rawRequestOf } from '../request.ts';
import { sendForm, sendOAuth1Refusal } from '../responses.ts';
import { identifyVisitor } from '../session.ts';
import { protocolsNamed, type Services } from '../world.ts';
import type { AuthorizationPages } from './authorization-pages.ts';

/**
 * A person is asked by an OAuth 1 app (RFC 5849 §2.2). `authenticate` lets a returning one through;
 * `authorize` always asks.
 */
export async function startOAuth1Authorization(
  services: Services,
  pages: AuthorizationPages,
  request: FastifyRequest,
  reply: FastifyReply,
  parameters: {
    readonly token: string;
    readonly clientId: string | undefined;
    readonly canSkipConsent: boolean;
    readonly dialect: ProtocolProfile;
    readonly popup: boolean;
    /** Path to come back to after sign-in; absent: the request's own. */
    readonly returnTo?: string | undefined;
    /** What a dialect says of a refusal on the page, with its codes. */
    readonly describeRefusal?: (refusal: OAuth1Refusal) => { readonly text: string };
  },
): Promise<FastifyReply> {
  const visitor = await identifyVisitor(services, request, reply);
  if (visitor.user === null) return pages.signInFirst(request, reply, parameters.returnTo);
  const protocols = protocolsNamed(services.protocols, parameters.dialect);
  const client = await protocols.oauth1.findClientToAuthorize(
    parameters.token,
    parameters.clientId,
    visitor.user,
  );
  if (!client.ok) {
    const { refusal } = client;
    const text = parameters.describeRefusal?.(refusal).text;
    return pages.sendAuthorizationError(request, reply, visitor, { refusal, text });
  }
  const pendingRequest = {
    clientId: client.value.id,
    userId: visitor.user.id,
    scopes: client.value.scopes,
    asked: { protocol: 'oauth1', token: parameters.token } as const,
    dialect: parameters.dialect,
    display: parameters.popup ? ('popup' as const) : ('page' as const),
  };
  return pages.continueAuthorization(
    request,
    reply,
    { ...visitor, user: visitor.user },
    pendingRequest,
    client.value,
    { canSkipConsent: parameters.canSkipConsent },
  );
}

/** The canonical OAuth 1.0a endpoints (RFC 5849 §2). */
export function oauth1Routes(
  app: FastifyInstance,
  services: Services,
  pages: AuthorizationPages,
): void {
  const { oauth1 } = services.protocols.core;

  app.post('/oauth1/initiate', async (request, reply) => {
    const answer = await oauth1.issueTemporaryCredentials(rawRequestOf(request));
    if (!answer.ok) return sendOAuth1Refusal(reply, answer.refusal);
    return sendForm(reply, 200, [
      ['oauth_token', answer.value.token],
      ['oauth_token_secret', answer.value.secret],
      ['oauth_callback_confirmed', 'true'],
    ]);
  });

  app.post('/oauth1/token', async (request, reply) => {
    const answer = await oauth1.issueTokenCredentials(rawRequestOf(request));
    if (!answer.ok) return sendOAuth1Refusal(reply, answer.refusal);
    return sendForm(reply, 200, [
      ['oauth_token', answer.value.token],
      ['oauth_token_secret', answer.value.secret],
    ]);
  });

  for (const [path, canSkipConsent] of [
    ['/oauth1/authorize', false],
    ['/oauth1/authenticate', true],
  ] as const) {
    app.get(path, async (request, reply) => {
      const query = parseQuery(request);
      const form = query.ok ? makeFormParameters(query.value) : undefined;
      const token = form?.get('oauth_token');
      if (form === undefined || form.repeated !== undefined || token === undefined) {
        const visitor = await identifyVisitor(services, request, reply);
        return pages.sendAuthorizationError(request, reply, visitor, {
          refusal: { kind: 'parameter_absent', parameter: form?.repeated ?? 'oauth_token' },
        });
      }
      const popup = form.get('display') === 'popup';
      return startOAuth1Authorization(services, pages, request, reply, {
        token,
        clientId: form.get('oauth_consumer_key'),
        canSkipConsent,
        dialect: 'core',
        popup,
      });
    });
  }
}
