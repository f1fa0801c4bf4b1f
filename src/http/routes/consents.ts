import type { FastifyInstance } from 'fastify';
import type { ClientId } from '#kernel/ids.ts';
import { consentsPage } from '#pages/consent.ts';
import { refusalText } from '#pages/refusals.ts';
import { scopeWords } from '#pages/scopes.ts';
import { refusedStatus } from '../answers.ts';
import { showPage, takeForm } from '../page.ts';
import { seeOther, sessionOf } from '../visitor.ts';
import type { World } from '../world.ts';
import { showConsents } from './api/shapes.ts';

/** Apps a person allowed, and the end of each. */
export function consentsRoutes(app: FastifyInstance, world: World): void {
  async function nameOf(id: ClientId): Promise<{ readonly appName: string | null; readonly page: string | null }> {
    const client = await world.records.findClient(id);
    // People know the name of what they allowed; a page of a hidden app is not for them.
    return { appName: client?.name ?? null, page: client === undefined || client.suppressed ? null : `/apps/${id}` };
  }

  /** A person's own records, in full, to keep. */
  app.get('/consents/export.json', async (request, reply) => {
    const session = await sessionOf(world, request);
    if (session === undefined) return seeOther(reply, '/sign-in?returnto=/consents');
    const consents = await showConsents(world, await world.records.listConsents(session.user.id));
    return reply
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .header('content-disposition', 'attachment; filename="gatehouse-consents.json"')
      .send(JSON.stringify({ account: session.user.name, exported_at: new Date(world.clock.millis()).toISOString(), consents }, null, 2));
  });

  showPage(
    app,
    world,
    '/consents',
    async ({ frame, user }) => {
      const consents = await world.records.listConsents(user.id);
      const used = await world.records.lastUsed(
        'consent',
        consents.map(({ id }) => String(id)),
      );
      const apps = await Promise.all(
        consents.map(async (consent) => ({
          id: consent.id,
          ...(await nameOf(consent.clientId)),
          lastUsed: (used.get(String(consent.id)) ?? 0) * 86_400 || null,
          site: world.sites.nameOf(consent.site) ?? null,
          since: consent.acceptedAt,
          scopes: consent.scopes
            .filter((scope) => !world.scopes.hidden.includes(scope))
            .map((scope) => scopeWords(frame.words, world.scopes).description(scope)),
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
