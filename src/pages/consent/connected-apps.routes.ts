import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { serializeConsents } from '#http/api/shapes.ts';
import { redirectLocally } from '#http/redirects.ts';
import { pageStatusOf } from '#http/responses.ts';
import { personActor, sessionOf } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import type { Consent } from '#registry/model/consent.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import { getPage, postForm } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { scopeWords } from '../scopes.ts';
import { type ConnectedApp, connectedAppsPage } from './consent.template.ts';
import { findNewOwner } from './new-owner.ts';

/** Apps a person allowed, and the end of each. */
export function connectedAppsRoutes(app: FastifyInstance, services: Services): void {
  async function describeApp(
    { clientId: id, acceptedAt }: Consent,
    user: Account,
  ): Promise<Pick<ConnectedApp, 'name' | 'href' | 'newOwner'>> {
    const client = await services.records.findClient(id);
    if (client === undefined) return { name: { kind: 'gone' }, href: null, newOwner: null };
    // It may have been hidden for what its name says.
    if (looksUnknown(client, user)) return { name: { kind: 'hidden' }, href: null, newOwner: null };
    const newOwner = client.suppressed
      ? null
      : await findNewOwner(services.records, client, acceptedAt);
    return {
      name: { kind: 'shown', text: client.name },
      href: client.suppressed ? null : `/apps/${id}`,
      newOwner,
    };
  }

  /** A person's own records, in full, to keep. */
  app.get('/consents/export.json', async (request, reply) => {
    const session = await sessionOf(services, request);
    if (session === undefined) return redirectLocally(reply, '/sign-in?returnto=/consents');
    const consents = await serializeConsents(
      services,
      personActor(services, request, session, 'page'),
      await services.records.listConsents(session.user.id),
    );
    return reply
      .header('content-type', 'application/json')
      .header('cache-control', 'no-store')
      .header('content-disposition', 'attachment; filename="gatehouse-consents.json"')
      .send(
        JSON.stringify(
          {
            account: session.user.name,
            exported_at: new Date(services.clock.millis()).toISOString(),
            consents,
          },
          null,
          2,
        ),
      );
  });

  getPage(
    app,
    services,
    '/consents',
    async ({ frame, user }) => {
      const consents = await services.records.listConsents(user.id);
      const lastUsedDays = await services.records.lastUsed(
        'consent',
        consents.map(({ id }) => String(id)),
      );
      const apps = await Promise.all(
        consents.map(async (consent) => ({
          id: consent.id,
          ...(await describeApp(consent, user)),
          lastUsedAt: (lastUsedDays.get(String(consent.id)) ?? 0) * 86_400 || null,
          site: services.sites.nameOf(consent.site) ?? null,
          allowedAt: consent.acceptedAt,
          scopes: consent.scopes
            .filter((scope) => !services.scopes.hidden.includes(scope))
            .map((scope) => scopeWords(frame.words, services.scopes).description(scope)),
        })),
      );
      return connectedAppsPage(frame, apps);
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/consents/:id/end',
    async ({ frame, actor, params }) => {
      const id = params.id ?? '';
      const consentId = /^\d{1,15}$/.test(id) ? Number(id) : 0;
      const answer = await services.registry.submit(actor, 'renounce', { consentId });
      if (answer.ok) return { to: '/consents?done=ended' };
      const { refusal } = answer;
      if (refusal.kind === 'readonly')
        return { status: 503, note: 'readonly', values: { reason: refusal.reason } };
      if (refusal.kind === 'permission_denied')
        return {
          status: pageStatusOf(refusal),
          note: 'refused',
          values: { why: refusalText(frame.words, refusal) },
        };
      return { status: 404, note: 'consent-gone' };
    },
    'signed-in',
  );
}
