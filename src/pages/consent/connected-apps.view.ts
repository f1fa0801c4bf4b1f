import type { Actor } from '#registry/actor.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import type { Registry } from '#registry/registry.ts';
import { DAY } from '#registry/usage.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import type { ConnectedApp } from './connected-apps.template.ts';

export interface ConnectedAppsViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
  readonly scopes: ScopeCatalogue;
  readonly sites: Pick<Sites, 'nameOf'>;
}

async function describeApp(
  queries: RegistryQueries,
  { clientId, acceptedAt }: Consent,
): Promise<Pick<ConnectedApp, 'name' | 'href' | 'newOwner'>> {
  const client = await queries.findRequestingClient(clientId);
  if (client === undefined) {
    // It may have been hidden for what its name says.
    const kind = (await queries.isRegistered(clientId)) ? 'hidden' : 'gone';
    return { name: { kind }, href: null, newOwner: null };
  }
  return {
    name: { kind: 'shown', text: client.name },
    href: client.suppressed ? null : `/apps/${clientId}`,
    newOwner: client.suppressed ? null : await queries.newOwnerSince(client, acceptedAt),
  };
}

/** The apps that a person allowed. */
export async function makeConnectedAppsView(
  { registry, scopes: catalogue, sites }: ConnectedAppsViewDependencies,
  { actor, words }: { readonly actor: Actor; readonly words: Words },
): Promise<readonly ConnectedApp[]> {
  const queries = registry.query(actor);
  const consents = await queries.listConsents();
  const ids = consents.map(({ id }) => String(id));
  const lastUsedDays = await queries.lastUsed('consent', ids);
  const scopeTexts = scopeWords(words, catalogue);
  return Promise.all(
    consents.map(async (consent) => ({
      id: consent.id,
      ...(await describeApp(queries, consent)),
      lastUsedAt: (lastUsedDays.get(String(consent.id)) ?? 0) * DAY || null,
      site: sites.nameOf(consent.site) ?? null,
      allowedAt: consent.acceptedAt,
      scopes: consent.scopes
        .filter((scope) => !catalogue.hidden.includes(scope))
        .map((scope) => scopeTexts.description(scope)),
    })),
  );
}
