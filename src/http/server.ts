import cookie from '@fastify/cookie';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { isTrustedProxy } from '#encoding/forwarded.ts';
import { registryApi } from './api/api.ts';
import { registerConnectionInfo } from './client-address.ts';
import type { DialectErrors, ErrorPages } from './error-pages.ts';
import {
  type ErrorDependencies,
  handleError,
  rejectConnection,
  rejectExpectation,
  securityHeaders,
  sendUnserved,
} from './fallback-answers.ts';
import type { AuthorizationPages } from './oauth/authorization-pages.ts';
import { oauth1Routes } from './oauth/oauth1.ts';
import { oauth2Routes } from './oauth/oauth2.ts';
import { MAX_BODY_BYTES, normalizeTarget } from './request.ts';
import type { Services } from './world.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Answered whatever the clock says: how the node is, and what pages look like. */
const clockIndependentPaths = /^\/(?:healthz|readyz|assets\/[\w.-]{1,64})(?:\?|$)/;

/** What stands on this server and is not known to it: the web interface, and a dialect. */
export interface HttpExtensions {
  readonly errorPages: ErrorPages;
  readonly authorizationPages: AuthorizationPages;
  /** Null: no dialect is served. */
  readonly dialectErrors: DialectErrors | null;
  /** Registers the routes of the web interface and of the dialect. */
  registerRoutes(app: FastifyInstance): void;
}

function refuseSchema(): never {
  throw new Error('a route has a schema, and schemas are not compiled here');
}

/** Builds the HTTP server; it does not listen yet. */
export function createHttpServer(services: Services, extensions: HttpExtensions): FastifyInstance {
  const errorDependencies = {
    errorPages: extensions.errorPages,
    dialectErrors: extensions.dialectErrors,
    idGenerator: services.idGenerator,
    log: services.log,
    secure: services.secure,
  };
  const { headersTimeoutSeconds, requestTimeoutSeconds, keepAliveTimeoutSeconds } =
    services.connectionLimits;
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    // Two slashes in front of a path are one, everywhere but in signatures: nothing that is built
    // from a path can be read as a host.
    rewriteUrl: ({ url }) => normalizeTarget(url ?? '/'),
    // The framework's own `ip` walks the same way; whether it is known for sure is in `arrival`.
    trustProxy: (address: string, hop: number) => isTrustedProxy(services.trustProxy, address, hop),
    requestTimeout: requestTimeoutSeconds * 1000,
    keepAliveTimeout: keepAliveTimeoutSeconds * 1000,
    http: {
      headersTimeout: headersTimeoutSeconds * 1000,
      // How often Node looks for those that are over: half a minute by default.
      connectionsCheckingInterval: Math.min(5000, headersTimeoutSeconds * 500),
      // Refused below, with words: Node's own answer has none.
      requireHostHeader: false,
    },
    exposeHeadRoutes: true,
    // Routes check what they are sent themselves: the framework's compilers of schemas, a third of
    // its code, are not loaded.
    schemaController: {
      compilersFactory: {
        buildValidator: () => refuseSchema,
        buildSerializer: () => refuseSchema,
      },
    },
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (fault, request, reply) =>
      void handleError(errorDependencies, fault, request, reply as FastifyReply),
    clientErrorHandler: (fault, socket) => rejectConnection(errorDependencies, fault, socket),
  });
  app.server.on('checkExpectation', (request, response) =>
    rejectExpectation(errorDependencies, request, response),
  );
  app.server.maxConnections = services.connectionLimits.maxConnections;
  app.register(cookie);
  // Bodies stay bytes: each protocol reads its own, and signatures are made over what was sent.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  registerConnectionInfo(app, services);
  addFirstHook(app, services, errorDependencies);
  app.setErrorHandler((fault: FastifyError, request, reply) =>
    handleError(errorDependencies, fault, request, reply),
  );
  answerUnknownAddresses(app, errorDependencies);
  healthRoutes(app, services);
  oauth1Routes(app, services, extensions.authorizationPages);
  oauth2Routes(app, services, extensions.authorizationPages);
  registryApi(app, services);
  extensions.registerRoutes(app);
  return app;
}

/** Whether the process lives, and whether it can serve: for balancers. */
function healthRoutes(
  app: FastifyInstance,
  services: Pick<Services, 'clockMonitor' | 'ping' | 'signingKeys' | 'log'>,
): void {
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
}

/** Before anything else: the fields of every answer, and what no request is served without. */
function addFirstHook(
  app: FastifyInstance,
  services: Pick<Services, 'secure' | 'clockMonitor'>,
  errorDependencies: ErrorDependencies,
): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    if (services.secure) reply.header('strict-transport-security', 'max-age=31536000');
    if (request.raw.headers.host === undefined && request.raw.httpVersion === '1.1')
      return sendUnserved(errorDependencies, request, reply, { kind: 'no-host' });
    if (
      services.clockMonitor.status().state !== 'unusable' ||
      clockIndependentPaths.test(request.raw.url ?? '')
    )
      return;
    return sendUnserved(
      errorDependencies,
      request,
      reply.header('retry-after', '5').header('cache-control', 'no-store'),
      { kind: 'unavailable' },
    );
  });
}

/** 404, or 405 where another method is served at the address. */
function answerUnknownAddresses(app: FastifyInstance, errorDependencies: ErrorDependencies): void {
  app.setNotFoundHandler((request, reply) => {
    const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
    const allowedMethods = METHODS.filter(
      (method) => app.findRoute({ url: path, method }) !== null,
    );
    if (allowedMethods.length === 0)
      return sendUnserved(errorDependencies, request, reply, { kind: 'not-found' });
    return sendUnserved(errorDependencies, request, reply, {
      kind: 'method',
      requestedMethod: request.method,
      allowed: allowedMethods,
    });
  });
}
