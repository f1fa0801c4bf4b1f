import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import { hasRight } from '#registry/actor.ts';
import { DAY } from '#registry/usage.ts';
import type { OwnerView } from './owner.template.ts';
import type { ReviewScene } from './review-scene.ts';

const MAX_APPS = 20;

/** The person behind the app, with their other apps; `gone`: the account is no longer there. */
export async function makeOwnerView({
  queries,
  clock,
  actor,
  client,
}: ReviewScene): Promise<OwnerView | 'gone'> {
  const owner = await queries.ownerOf(client);
  if (owner === undefined) return 'gone';
  const apps = await queries.listClients({
    ownerId: owner.id,
    includeOwnHidden: false,
    limit: MAX_APPS + 1,
  });
  const otherApps = apps.items.filter(({ id }) => id !== client.id);
  return {
    name: owner.name,
    href: hasRight(actor, ADMINISTER_RIGHT) ? `/admin/people/${owner.id}` : null,
    accountCreatedAt: owner.createdAt,
    accountAgeDays: Math.floor((clock.now() - owner.createdAt) / DAY),
    blocked: owner.blocked,
    apps: otherApps
      .slice(0, MAX_APPS)
      .map(({ id, name, version, stage }) => ({ id, name, version, stage })),
    hasMoreApps: otherApps.length > MAX_APPS || apps.next !== null,
  };
}
