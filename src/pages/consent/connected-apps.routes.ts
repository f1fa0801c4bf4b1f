import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { showConsents } from '#http/api/shapes.ts';
import { refusedStatus } from '#http/responses.ts';
import { seeOther, sessionOf } from '#http/session.ts';
import type { World } from '#http/world.ts';
import type { Consent } from '#registry/model/consent.ts';
import { looksUnknown } from '#registry/model/proven-redirect.ts';
import { showPage, takeForm } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { scopeWords } from '../scopes.ts';
import { type AllowedApp, consentsPage } from './consent.template.ts';
import { newOwnerSince } from './new-owner.ts';

/** Apps a person allowed, and the end of each. */
export function consentsRoutes(app: FastifyInstance, world: World): void {
  async function shownApp(
    { clientId: id, acceptedAt }: Consent,
    user: Account,
  ): Promise<Pick<AllowedApp, 'name' | 'page' | 'newOwner'>> {
    const client = await world.records.findClient(id);
    if (client === undefined) return { name: { kind: 'gone' }, page: null, newOwner: null };
    // It may have been hidden for what its name says.
    if (looksUnknown(client, user)) return { name: { kind: 'hidden' }, page: null, newOwner: null };
    const newOwner = client.suppressed
      ? null
      : await newOwnerSince(world.records, client, acceptedAt);
    return {
      name: { kind: 'shown', text: client.name },
      page: client.suppressed ? null : `/apps/${id}`,
      newOwner,
    };
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
      .send(
        JSON.stringify(
          {
            account: session.user.name,
            exported_at: new Date(world.clock.millis()).toISOString(),
            consents,
          },
          null,
          2,
        ),
      );
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
          ...(await shownApp(consent, user)),
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
      if (refusal.kind === 'readonly')
        return { status: 503, note: 'readonly', values: { reason: refusal.reason } };
      if (refusal.kind === 'permission_denied')
        return {
          status: refusedStatus(refusal),
          note: 'refused',
          values: { why: refusalText(frame.words, refusal) },
        };
      return { status: 404, note: 'consent-gone' };
    },
    'signed-in',
  );
}
