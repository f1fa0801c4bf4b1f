import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import type { PageRouter } from '../page.ts';
import { scopeGroups } from '../scopes.ts';
import { administrators } from './administrators.ts';
import { scopesPage } from './scopes.template.ts';

export interface ScopesDependencies {
  readonly scopes: ScopeCatalogue;
  readonly sites: Pick<Sites, 'all'>;
}

/** Scopes and sites, as the operator configured them. */
export function scopesRoutes({ getPage }: PageRouter, { scopes, sites }: ScopesDependencies): void {
  getPage(
    '/admin/scopes',
    async ({ frame }) =>
      scopesPage(frame, { groups: scopeGroups(frame.words, scopes), sites: sites.all }),
    administrators,
  );
}
