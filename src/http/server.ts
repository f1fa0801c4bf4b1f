import cookie from '@fastify/cookie';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { isTrustedProxy } from '#encoding/forwarded.ts';
import { pageRoutes } from '#pages/routes.ts';
import { registryApi } from './api/api.ts';
import { registerConnectionInfo } from './client-address.ts';
import {
  handleError,
  rejectConnection,
  rejectExpectation,
  securityHeaders,
  sendUnserved,
} from './fallback-answers.ts';
import { oauth1Routes } from './oauth/oauth1.ts';
import { oauth2Routes } from './oauth/oauth2.ts';
import { MAX_BODY_BYTES, normalizeTarget } from './request.ts';
import type { Services } from './world.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Answered whatever the clock says: how the node is, and what pages look like. */
const clockIndependentPaths = /^\/(?:healthz|readyz|assets\/[\w.-]{1,64})(?:\?|$)/;

/** Builds the HTTP server over the world; it does not listen yet. */
export function createHttpServer(services: Services): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    // Two slashes in front of a path are one, everywhere but in signatures: nothing that is built
    // from a path can be read as a host.
    rewriteUrl: ({ url }) => normalizeTarget(url ?? '/'),
    // The framework's own `ip` walks the same way; whether it is known for sure is in `arrival`.
    trustProxy: (address: string, hop: number) => isTrustedProxy(services.trustProxy, address, hop),
    requestTimeout: services.connectionLimits.requestTimeoutSeconds * 1000,
    keepAliveTimeout: services.connectionLimits.keepAliveTimeoutSeconds * 1000,
    http: {
      headersTimeout: services.connectionLimits.headersTimeoutSeconds * 1000,
      // How often Node looks for those that are over: half a minute by default.
      connectionsCheckingInterval: Math.min(
        5000,
        services.connectionLimits.headersTimeoutSeconds * 500,
      ),
      // Refused below, with words: Node's own answer has none.
      requireHostHeader: false,
    },
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (fault, request, reply) =>
      void handleError(services, fault, request, reply as FastifyReply),
    clientErrorHandler: (fault, socket) => rejectConnection(services, fault, socket),
  });
  app.server.on('checkExpectation', (request, response) =>
    rejectExpectation(services, request, response),
  );
  app.server.maxConnections = services.connectionLimits.maxConnections;
  app.register(cookie);
  // Bodies stay bytes: each protocol reads its own, and signatures are made over what was sent.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  registerConnectionInfo(app, services);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    if (services.secure) reply.header('strict-transport-security', 'max-age=31536000');
    if (request.raw.headers.host === undefined && request.raw.httpVersion === '1.1')
      return sendUnserved(services, request, reply, { kind: 'no-host' });
    if (
      services.clockMonitor.status().state !== 'unusable' ||
      clockIndependentPaths.test(request.raw.url ?? '')
    )
      return;
    return sendUnserved(
      services,
      request,
      reply.header('retry-after', '5').header('cache-control', 'no-store'),
      { kind: 'unavailable' },
    );
  });
  app.setErrorHandler((fault: FastifyError, request, reply) =>
    handleError(services, fault, request, reply),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
    const allowedMethods = METHODS.filter(
      (method) => app.findRoute({ url: path, method }) !== null,
    );
    if (allowedMethods.length === 0)
      return sendUnserved(services, request, reply, { kind: 'not-found' });
    return sendUnserved(services, request, reply, {
      kind: 'method',
      requestedMethod: request.method,
      allowed: allowedMethods,
    });
  });

  app.get('/healthz', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ alive: true }),
  );
  app.get('/readyz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    // The log tells by how much. A balancer sends to those whose clock is right.
    if (services.clockMonitor.status().state !== 'synchronized')
      return reply.code(503).header('retry-after', '5').send({ ready: false, reason: 'clock' });
    try {
      await services.ping();
      if (services.signingKeys.jwks().keys.length === 0)
        throw new Error('there are no signing keys');
      return reply.send({ ready: true });
    } catch (fault) {
      services.log.error('not ready', { message: (fault as Error).message });
      return reply.code(503).header('retry-after', '5').send({ ready: false });
    }
  });
  pageRoutes(app, services);
  oauth1Routes(app, services);
  oauth2Routes(app, services);
  registryApi(app, services);
  services.dialect?.(app, services);
  return app;
}
