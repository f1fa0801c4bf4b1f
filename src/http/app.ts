import cookie from '@fastify/cookie';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isUnavailable } from '#kernel/unavailable.ts';
import { restError } from '#mediawiki/oauth2-errors.ts';
import { notePage } from '#pages/people.ts';
import { script } from '#pages/script.ts';
import { stylesheet } from '#pages/style.ts';
import { type Note, noteTexts, wordsOf } from '#pages/words.ts';
import { trusts } from '#wire/forwarded.ts';
import { sendForm, sendJson } from './answers.ts';
import { noteArrivals } from './arrival.ts';
import { serveAsset } from './assets.ts';
import { accountRoutes } from './routes/account.ts';
import { adminRoutes } from './routes/admin.ts';
import { registryApi } from './routes/api/api.ts';
import { sendProblem } from './routes/api/problems.ts';
import { appsRoutes } from './routes/apps.ts';
import { auditRoutes } from './routes/audit.ts';
import { consentRoutes } from './routes/consent.ts';
import { consentsRoutes } from './routes/consents.ts';
import { helpRoutes } from './routes/help.ts';
import { myAppsRoutes } from './routes/my-apps.ts';
import { oauth1Routes } from './routes/oauth1.ts';
import { oauth2Routes } from './routes/oauth2.ts';
import { peopleRoutes } from './routes/people.ts';
import { reviewRoutes } from './routes/review.ts';
import { languageFor, sendPage } from './visitor.ts';
import { continueRoutes } from './way-back.ts';
import type { World } from './world.ts';

const MOST_BODY = 1_048_576;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Sent with every answer. No `form-action`: browsers apply it to the redirect after a decision, which leads to the app. */
const always = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Answered whatever the clock says: how the node is, and what pages look like. */
const alwaysServed = /^\/(?:healthz|readyz|assets\/[\w.-]{1,64})(?:\?|$)/;

/** Builds the HTTP server over the world; it does not listen yet. */
export function buildHttp(world: World): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: MOST_BODY,
    // The framework's own `ip` walks the same way; whether it is known for sure is in `arrival`.
    trustProxy: (address: string, hop: number) => trusts(world.trustProxy, address, hop),
    requestTimeout: world.connections.requestFor * 1000,
    keepAliveTimeout: world.connections.keepAliveFor * 1000,
    http: {
      headersTimeout: world.connections.headersFor * 1000,
      // How often Node looks for those that are over: half a minute by default.
      connectionsCheckingInterval: Math.min(5000, world.connections.headersFor * 500),
    },
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (fault, request, reply) => void answerFault(world, fault, request, reply as FastifyReply),
  });
  app.server.maxConnections = world.connections.most;
  app.register(cookie);
  // Bodies stay bytes: each protocol reads its own, and signatures are made over what was sent.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  noteArrivals(app, world);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(always);
    if (world.secure) reply.header('strict-transport-security', 'max-age=31536000');
    if (world.clocks.standing().state !== 'far' || alwaysServed.test(request.raw.url ?? '')) return;
    return answerPlain(world, request, reply.header('retry-after', '5').header('cache-control', 'no-store'), 503, 'fault');
  });
  app.setErrorHandler((fault: FastifyError, request, reply) => answerFault(world, fault, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
    const others = METHODS.filter((method) => app.findRoute({ url: path, method }) !== null);
    if (others.length > 0) return answerPlain(world, request, reply.header('allow', others.join(', ')), 405, 'method');
    return answerPlain(world, request, reply, 404, 'not-found');
  });

  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ alive: true }));
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

/** A plain refusal in the shape of whoever asks: a protocol endpoint's, or a page. */
function answerPlain(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  note: Note,
  reference: string | null = null,
): FastifyReply | Promise<FastifyReply> {
  const path = request.raw.url ?? '/';
  const { text } = noteTexts(wordsOf('en'), note);
  const error = status >= 500 ? 'server_error' : 'invalid_request';
  if (path.startsWith('/oauth1/'))
    return sendForm(reply, status, [['oauth_problem', error], ...(reference ? [['reference', reference] as const] : [])]);
  if (path.startsWith('/api/')) {
    const kind = status === 405 ? 'method_not_allowed' : status === 404 ? 'not_found' : status >= 500 ? 'server_error' : 'invalid_request';
    return sendProblem(reply, status, kind, text, reference ? { reference } : {});
  }
  if (path.startsWith('/w/rest.php/') && world.dialect) return sendJson(reply, status, restError(status, `rest-${note}`, text));
  const page = path.startsWith('/oauth2/authorize');
  if ((path.startsWith('/oauth2/') && !page) || !/text\/html/.test(request.headers.accept ?? '')) {
    return sendJson(reply, status, { error, error_description: text, ...(reference ? { reference } : {}) });
  }
  return sendPage(
    reply,
    status,
    notePage(
      { words: languageFor(request, null), siteName: world.siteName, user: null, csrf: '', here: null, done: null },
      note,
      {},
      reference,
    ),
  );
}

/** A request the framework could not read is a 4xx; anything else is our fault: logged once under a reference, answered in fixed words. */
function answerFault(
  world: World,
  fault: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  reply.headers(always);
  const status = fault.statusCode ?? 500;
  if (status >= 400 && status < 500) return answerPlain(world, request, reply, status, status === 413 ? 'too-large' : 'unreadable');
  const reference = world.mint.randomHex(6);
  // The path alone: a query may carry what must not be logged.
  world.log.error('request failed', {
    reference,
    method: request.method,
    path: request.raw.url?.split('?', 1)[0]?.slice(0, 200),
    message: fault.message,
    stack: fault.stack,
  });
  const passing = isUnavailable(fault);
  if (passing) reply.header('retry-after', String(fault.retryAfter));
  return answerPlain(world, request, reply, passing ? 503 : 500, 'fault', reference);
}
