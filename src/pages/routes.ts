import type { FastifyInstance } from 'fastify';
import type { Services } from '#http/world.ts';
import { accountRoutes } from './account/account.routes.ts';
import { peopleRoutes } from './account/sign-in.routes.ts';
import { continueRoutes } from './account/sign-in-first.ts';
import { adminRoutes } from './admin/admin.routes.ts';
import { auditRoutes } from './admin/audit.routes.ts';
import { appsRoutes } from './apps/directory.routes.ts';
import { myAppsRoutes } from './apps/my-apps.routes.ts';
import { assetRoutes } from './assets.ts';
import { connectedAppsRoutes } from './consent/connected-apps.routes.ts';
import { consentRoutes } from './consent/consent.routes.ts';
import { helpRoutes } from './help/help.routes.ts';
import { reviewRoutes } from './review/review.routes.ts';

/** Every page, with the stylesheet and the scripts of all. */
export function pageRoutes(app: FastifyInstance, services: Services): void {
  assetRoutes(app);
  peopleRoutes(app, services);
  accountRoutes(app, services);
  appsRoutes(app, services);
  myAppsRoutes(app, services);
  connectedAppsRoutes(app, services);
  helpRoutes(app, services);
  consentRoutes(app, services);
  continueRoutes(app, services);
  reviewRoutes(app, services);
  auditRoutes(app, services);
  adminRoutes(app, services);
}
