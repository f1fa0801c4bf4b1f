import type { FastifyInstance } from 'fastify';
import { makeGuard } from '#guard/permit.ts';
import type { HttpDialect, Protocols, Services } from '#http/world.ts';
import { MEDIAWIKI } from '../oauth1-profile.ts';
import { registerActionApi } from './action-api.ts';
import { mediawikiClientRoutes } from './clients.ts';
import { mediawikiErrors } from './errors.ts';
import { makeProfileSubjectOf } from './profile-subject.ts';
import { mediawikiRestRoutes } from './rest.ts';
import { registerTitledPages } from './titled-pages.ts';

/** Every address of the dialect. Only translation: the rules are in the rooms. */
function registerRoutes(app: FastifyInstance, services: Services): void {
  const protocols = services.protocols.dialect as Protocols;
  const guard = makeGuard({
    ...protocols,
    scopes: services.scopes,
    rightsOf: services.rights.rightsOf,
    realm: services.siteName,
  });
  const subjectOf = makeProfileSubjectOf(services);
  registerTitledPages(app, { services, protocols, subjectOf });
  registerActionApi(app, { services, guard, subjectOf });
  mediawikiClientRoutes(app, { services, guard });
  mediawikiRestRoutes(app, { services, protocols, guard, subjectOf });
}

/** The dialect, as the HTTP server takes it in. */
export const mediawikiHttp: HttpDialect = {
  name: MEDIAWIKI,
  exemptsFromPkce: true,
  registerRoutes,
  errors: mediawikiErrors,
};
