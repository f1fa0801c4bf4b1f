import type { UserId } from '#kernel/ids.ts';
import type { World } from './world.ts';

// Who people are, for pages and the API: each is asked for once in an answer.

/** Names of people; null: somebody who left. */
export function namesOf(world: World): (id: UserId) => Promise<string | null> {
  const known = new Map<UserId, Promise<string | null>>();
  return (id) => {
    const found =
      known.get(id) ?? world.records.findAccount(id).then((account) => account?.name ?? null);
    known.set(id, found);
    return found;
  };
}

/** A person, as answers speak of them: the number stays when the name is gone. */
export interface Person {
  readonly id: number;
  readonly name: string | null;
}

/** People by number. */
export function makeNames(world: World): (id: UserId) => Promise<Person> {
  const nameOf = namesOf(world);
  return async (id) => ({ id, name: await nameOf(id) });
}
