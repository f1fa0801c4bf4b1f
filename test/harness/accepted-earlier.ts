import type { Client } from '#registry/model/client.ts';
import type { TestServer } from './world.ts';

/**
 * A client with fields that were stored before they would have been refused, as an importer or an
 * earlier version leaves them.
 */
export async function storeLegacyClient(
  world: TestServer,
  client: Pick<Client, 'id'>,
  fields: Partial<Client>,
): Promise<Client> {
  const { store } = world.server;
  const now = await store.findClient(client.id);
  if (now === undefined) throw new Error('no such client');
  const applied = await store.applyChange({
    recordVersion: now.recordVersion,
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
    notifications: [],
  });
  if (applied.outcome !== 'applied') throw new Error(applied.outcome);
  return applied.client;
}
