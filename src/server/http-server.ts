import type { FastifyInstance } from 'fastify';
import { createHttpServer } from '#http/server.ts';
import type { Services } from '#http/world.ts';
import { makeAuthorizationPages } from '#pages/authorization-pages.ts';
import { makeErrorPages } from '#pages/error-pages.ts';
import { pageRoutes } from '#pages/routes.ts';

/** The HTTP server with everything that stands on it: pages, and the dialect where it is served. */
export const composeHttpServer = (services: Services): FastifyInstance =>
  createHttpServer(services, {
    errorPages: makeErrorPages(services),
    authorizationPages: makeAuthorizationPages(services),
    dialectErrors: services.dialect?.errors ?? null,
    registerRoutes(app) {
      pageRoutes(app, services);
      services.dialect?.registerRoutes(app, services);
    },
  });
