import type { Services } from '#http/world.ts';
import type { Instant } from '#kernel/time.ts';
import type { Client } from '#registry/model/client.ts';

/**
 * Who owns an app by now, and since when, when it had another owner at a time, such as that of a
 * consent; null: it is still theirs.
 */
export async function findNewOwner(
  records: Services['records'],
  client: Pick<Client, 'id' | 'ownerId'>,
  asOf: Instant,
): Promise<{ readonly name: string; readonly since: Instant } | null> {
  const formerOwnerships = (await records.involvementsIn(client.id)).filter(
    ({ part, until }) => part === 'owner' && until >= asOf,
  );
  const latest = formerOwnerships.at(-1);
  const owner = latest && (await records.findAccount(client.ownerId));
  return latest && owner ? { name: owner.name, since: latest.until } : null;
}
