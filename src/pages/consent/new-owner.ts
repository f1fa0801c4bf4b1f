import type { World } from '#http/world.ts';
import type { Instant } from '#kernel/time.ts';
import type { Client } from '#registry/model/client.ts';

/**
 * Who owns an app by now, and since when, when it had another owner at a time, such as that of a
 * consent; null: it is still theirs.
 */
export async function newOwnerSince(
  records: World['records'],
  client: Pick<Client, 'id' | 'ownerId'>,
  then: Instant,
): Promise<{ readonly name: string; readonly since: Instant } | null> {
  const ends = (await records.involvementsIn(client.id)).filter(
    ({ part, until }) => part === 'owner' && until >= then,
  );
  const last = ends.at(-1);
  const owner = last && (await records.findAccount(client.ownerId));
  return last && owner ? { name: owner.name, since: last.until } : null;
}
