import type { FastifyInstance } from 'fastify';
import { consentsPage } from '#pages/consent.ts';
import { refusalText } from '#pages/refusals.ts';
import { refusedStatus, showPage, takeForm } from '../page.ts';
import type { World } from '../world.ts';

/** Apps a person allowed, and the end of each. */
export function consentsRoutes(app: FastifyInstance, world: World): void {
  showPage(
    app,
    world,
    '/consents',
    async ({ frame, user }) => {
      const consents = await world.records.listConsents(user.id);
      const apps = await Promise.all(
        consents.map(async (consent) => ({
          id: consent.id,
          appName: (await world.records.findClient(consent.clientId))?.name ?? null,
          site: world.sites.nameOf(consent.site) ?? null,
          since: consent.acceptedAt,
          scopes: consent.scopes
            .filter((scope) => !world.scopes.hidden.includes(scope))
            .map((scope) => world.scopes.get(scope)?.description ?? scope),
        })),
      );
      return consentsPage(frame, apps);
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/consents/:id/end',
    async ({ frame, actor, params }) => {
      const id = params.id ?? '';
      const consentId = /^\d{1,15}$/.test(id) ? Number(id) : 0;
      const answer = await world.registry.submit(actor, 'renounce', { consentId });
      if (answer.ok) return { to: '/consents?done=ended' };
      const { refusal } = answer;
      if (refusal.kind === 'readonly') return { status: 503, note: 'readonly', values: { reason: refusal.reason } };
      if (refusal.kind === 'permission_denied')
        return { status: refusedStatus(refusal), note: 'refused', values: { why: refusalText(frame.words, refusal) } };
      return { status: 404, note: 'consent-gone' };
    },
    'signed-in',
  );
}
