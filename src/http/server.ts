import cookie from '@fastify/cookie';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { trusts } from '#encoding/forwarded.ts';
import { accountRoutes } from '#pages/account/account.routes.ts';
import { peopleRoutes } from '#pages/account/sign-in.routes.ts';
import { continueRoutes } from '#pages/account/sign-in-first.ts';
import { adminRoutes } from '#pages/admin/admin.routes.ts';
import { auditRoutes } from '#pages/admin/audit.routes.ts';
import { appsRoutes } from '#pages/apps/directory.routes.ts';
import { myAppsRoutes } from '#pages/apps/my-apps.routes.ts';
import { script } from '#pages/assets/script.ts';
import { stylesheet } from '#pages/assets/style.ts';
import { consentsRoutes } from '#pages/consent/connected-apps.routes.ts';
import { consentRoutes } from '#pages/consent/consent.routes.ts';
import { helpRoutes } from '#pages/help/help.routes.ts';
import { reviewRoutes } from '#pages/review/review.routes.ts';
import { registryApi } from './api/api.ts';
import { serveAsset } from './assets.ts';
import { noteArrivals } from './client-address.ts';
import {
  always,
  answerFault,
  answerUnserved,
  refuseConnection,
  refuseExpectation,
} from './fallback-answers.ts';
import { oauth1Routes } from './oauth/oauth1.ts';
import { oauth2Routes } from './oauth/oauth2.ts';
import { MOST_BODY, routedTarget } from './request.ts';
import type { World } from './world.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Answered whatever the clock says: how the node is, and what pages look like. */
const alwaysServed = /^\/(?:healthz|readyz|assets\/[\w.-]{1,64})(?:\?|$)/;

/** Builds the HTTP server over the world; it does not listen yet. */
export function buildHttp(world: World): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: MOST_BODY,
    // Two slashes in front of a path are one, everywhere but in signatures: nothing that is built
    // from a path can be read as a host.
    rewriteUrl: ({ url }) => routedTarget(url ?? '/'),
    // The framework's own `ip` walks the same way; whether it is known for sure is in `arrival`.
    trustProxy: (address: string, hop: number) => trusts(world.trustProxy, address, hop),
    requestTimeout: world.connections.requestFor * 1000,
    keepAliveTimeout: world.connections.keepAliveFor * 1000,
    http: {
      headersTimeout: world.connections.headersFor * 1000,
      // How often Node looks for those that are over: half a minute by default.
      connectionsCheckingInterval: Math.min(5000, world.connections.headersFor * 500),
      // Refused below, with words: Node's own answer has none.
      requireHostHeader: false,
    },
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (fault, request, reply) =>
      void answerFault(world, fault, request, reply as FastifyReply),
    clientErrorHandler: (fault, socket) => refuseConnection(world, fault, socket),
  });
  app.server.on('checkExpectation', (request, response) =>
    refuseExpectation(world, request, response),
  );
  app.server.maxConnections = world.connections.most;
  app.register(cookie);
  // Bodies stay bytes: each protocol reads its own, and signatures are made over what was sent.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  noteArrivals(app, world);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(always);
    if (world.secure) reply.header('strict-transport-security', 'max-age=31536000');
    if (request.raw.headers.host === undefined && request.raw.httpVersion === '1.1')
      return answerUnserved(world, request, reply, { kind: 'no-host' });
    if (world.clocks.standing().state !== 'far' || alwaysServed.test(request.raw.url ?? '')) return;
    return answerUnserved(
      world,
      request,
      reply.header('retry-after', '5').header('cache-control', 'no-store'),
      { kind: 'unavailable' },
    );
  });
  app.setErrorHandler((fault: FastifyError, request, reply) =>
    answerFault(world, fault, request, reply),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
    const others = METHODS.filter((method) => app.findRoute({ url: path, method }) !== null);
    if (others.length === 0) return answerUnserved(world, request, reply, { kind: 'not-found' });
    return answerUnserved(world, request, reply, {
      kind: 'method',
      asked: request.method,
      allowed: others,
    });
  });

  app.get('/healthz', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ alive: true }),
  );
  app.get('/readyz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    // The log tells by how much. A balancer sends to those whose clock is right.
    if (world.clocks.standing().state !== 'agrees')
      return reply.code(503).header('retry-after', '5').send({ ready: false, reason: 'clock' });
    try {
      await world.ping();
      if (world.signing.jwks().keys.length === 0) throw new Error('there are no signing keys');
      return reply.send({ ready: true });
    } catch (fault) {
      world.log.error('not ready', { message: (fault as Error).message });
      return reply.code(503).header('retry-after', '5').send({ ready: false });
    }
  });
  serveAsset(app, '/assets/gatehouse.css', 'text/css', stylesheet);
  serveAsset(app, '/assets/gatehouse.js', 'text/javascript', script);
  peopleRoutes(app, world);
  accountRoutes(app, world);
  appsRoutes(app, world);
  myAppsRoutes(app, world);
  consentsRoutes(app, world);
  helpRoutes(app, world);
  consentRoutes(app, world);
  continueRoutes(app, world);
  reviewRoutes(app, world);
  auditRoutes(app, world);
  adminRoutes(app, world);
  oauth1Routes(app, world);
  oauth2Routes(app, world);
  registryApi(app, world);
  world.dialect?.(app, world);
  return app;
}
