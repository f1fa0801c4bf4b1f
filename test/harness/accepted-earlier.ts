import type { Client } from '#registry/model/client.ts';
import type { TestWorld } from './world.ts';

/**
 * A client with fields that were stored before they would have been refused, as an importer or an
 * earlier version leaves them.
 */
export async function acceptedEarlier(
  world: TestWorld,
  client: Pick<Client, 'id'>,
  fields: Partial<Client>,
): Promise<Client> {
  const { store } = world.built;
  const now = await store.findClient(client.id);
  if (now === undefined) throw new Error('no such client');
  const applied = await store.apply({
    edition: now.edition,
    effects: [{ kind: 'save-client', client: { ...now, ...fields } }],
    audit: {
      at: world.now,
      action: 'import',
      actorId: null,
      via: 'cli',
      address: null,
      clientId: client.id,
      reason: '',
      changes: [],
    },
    notices: [],
  });
  if (applied.outcome !== 'applied') throw new Error(applied.outcome);
  return applied.client;
}
