import type { UserId } from '#kernel/ids.ts';
import type { Services } from './world.ts';

// Who people are, for pages and the API: each is asked for once in an answer.

/** Names of people; null: somebody who left. */
export function makeNameLookup(services: Services): (id: UserId) => Promise<string | null> {
  const nameById = new Map<UserId, Promise<string | null>>();
  return (id) => {
    const pendingName =
      nameById.get(id) ?? services.records.findAccount(id).then((account) => account?.name ?? null);
    nameById.set(id, pendingName);
    return pendingName;
  };
}

/** A person, as answers speak of them: the number stays when the name is gone. */
export interface Person {
  readonly id: number;
  readonly name: string | null;
}

/** People by number. */
export function makePersonLookup(services: Services): (id: UserId) => Promise<Person> {
  const lookUpName = makeNameLookup(services);
  return async (id) => ({ id, name: await lookUpName(id) });
}
