import type { FastifyInstance } from 'fastify';
import { makeAuditEntrySerializer, serializeConsents } from '#http/api/serializers.ts';
import type { Services } from '#http/world.ts';
import { accountRoutes } from './account/account.routes.ts';
import { continueRoutes } from './account/continue.routes.ts';
import { emailRoutes } from './account/email.routes.ts';
import { homeRoutes } from './account/home.routes.ts';
import { passkeyRoutes } from './account/passkeys.routes.ts';
import { passwordResetRoutes } from './account/password-reset.routes.ts';
import { reauthenticationRoutes } from './account/reauthentication.routes.ts';
import { registrationRoutes } from './account/registration.routes.ts';
import { setupRoutes } from './account/setup.routes.ts';
import { signInRoutes } from './account/sign-in.routes.ts';
import { auditRoutes } from './admin/audit.routes.ts';
import { groupsRoutes } from './admin/groups.routes.ts';
import { overviewRoutes } from './admin/overview.routes.ts';
import { scopesRoutes } from './admin/scopes.routes.ts';
import { appsRoutes } from './apps/apps.routes.ts';
import { assetRoutes } from './assets.ts';
import { connectedAppsRoutes } from './consent/connected-apps.routes.ts';
import { consentRoutes } from './consent/consent.routes.ts';
import { helpRoutes } from './help/help.routes.ts';
import { makePageRouter } from './page.ts';
import { peopleRoutes } from './people/people.routes.ts';
import { personRoutes } from './people/person.routes.ts';
import { reviewRoutes } from './review/review.routes.ts';

/** Every page, with the stylesheet and the scripts of all. */
export function pageRoutes(app: FastifyInstance, services: Services): void {
  const pages = makePageRouter(app, services);
  assetRoutes(app);
  homeRoutes(pages, services);
  signInRoutes(pages, services);
  continueRoutes(app, services);
  setupRoutes(pages, services);
  registrationRoutes(pages, services);
  passwordResetRoutes(pages, services);
  accountRoutes(pages, services);
  emailRoutes(pages, services);
  passkeyRoutes(pages, services);
  reauthenticationRoutes(pages, services);
  appsRoutes(pages, services);
  connectedAppsRoutes(pages, {
    ...services,
    serializeConsents: (actor, consents) => serializeConsents(services, actor, consents),
  });
  helpRoutes(pages, services);
  consentRoutes(app, services);
  reviewRoutes(pages, services);
  auditRoutes(pages, {
    ...services,
    auditEntrySerializer: (actor) =>
      makeAuditEntrySerializer(services.registry.query(actor).personLookup()),
  });
  overviewRoutes(pages, { ...services, server: services });
  groupsRoutes(pages, services);
  scopesRoutes(pages, services);
  peopleRoutes(pages, services);
  personRoutes(pages, services);
}
