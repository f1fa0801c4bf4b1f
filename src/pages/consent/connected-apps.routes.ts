import { pageStatusOf } from '#http/responses.ts';
import type { Clock } from '#platform/clock.ts';
import type { Actor } from '#registry/actor.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Registry } from '#registry/registry.ts';
import type { PageCall, PageResponse, PageRouter } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import type { Words } from '../words.ts';
import { connectedAppsPage } from './connected-apps.template.ts';
import {
  type ConnectedAppsViewDependencies,
  makeConnectedAppsView,
} from './connected-apps.view.ts';

export interface ConnectedAppsDependencies extends ConnectedAppsViewDependencies {
  readonly registry: Pick<Registry, 'query' | 'submit'>;
  readonly clock: Clock;
  /** Consents as the API writes them. */
  serializeConsents(actor: Actor, consents: readonly Consent[]): Promise<readonly unknown[]>;
}

/** A person's own records, in full, to keep. */
async function sendExport(
  { registry, clock, serializeConsents }: ConnectedAppsDependencies,
  { actor, reply, user }: PageCall,
): Promise<PageResponse> {
  if (user === null) return { to: '/sign-in?returnto=/consents' };
  const consents = await registry.query(actor).listConsents();
  const records = {
    account: user.name,
    exported_at: new Date(clock.millis()).toISOString(),
    consents: await serializeConsents(actor, consents),
  };
  await reply
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .header('content-disposition', 'attachment; filename="gatehouse-consents.json"')
    .send(JSON.stringify(records, null, 2));
  return { responseSent: true };
}

/** Why an app was not disconnected. */
function refusedDisconnection(words: Words, refusal: RegistryRefusal): PageResponse {
  switch (refusal.kind) {
    case 'readonly':
      return { status: 503, note: 'readonly', values: { reason: refusal.reason } };
    case 'permission_denied':
      return {
        status: pageStatusOf(refusal),
        note: 'refused',
        values: { why: refusalText(words, refusal) },
      };
    default:
      return { status: 404, note: 'consent-gone' };
  }
}

/** The apps a person allowed, and how each is disconnected. */
export function connectedAppsRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: ConnectedAppsDependencies,
): void {
  getPage('/consents/export.json', (call) => sendExport(dependencies, call));

  getPage(
    '/consents',
    async ({ frame, actor }) =>
      connectedAppsPage(
        frame,
        await makeConnectedAppsView(dependencies, { actor, words: frame.words }),
      ),
    'signed-in',
  );

  postForm(
    '/consents/:id/end',
    async ({ frame, actor, params }) => {
      const id = params.id ?? '';
      const consentId = /^\d{1,15}$/.test(id) ? Number(id) : 0;
      const outcome = await dependencies.registry.submit(actor, 'renounce', { consentId });
      return outcome.ok
        ? { to: '/consents?done=ended' }
        : refusedDisconnection(frame.words, outcome.refusal);
    },
    'signed-in',
  );
}
