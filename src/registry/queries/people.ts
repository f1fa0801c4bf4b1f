import type { Account } from '#accounts/account.ts';
import type { UserId } from '#kernel/ids.ts';
import type { Client } from '../model/client.ts';
import type { QueryContext } from './query-context.ts';

/** A person as answers speak of them. */
export interface Person {
  readonly id: UserId;
  /** Null: the account is gone. */
  readonly name: string | null;
}

/** Looks people up, each once. */
export type PersonLookup = (id: UserId) => Promise<Person>;

/** What a reviewer weighs about the owner of an app. */
export type OwnerFacts = Pick<Account, 'id' | 'name' | 'createdAt' | 'blocked'>;

/**
 * A number that no account has: an action for somebody who was named and does not exist is refused
 * where it looks for the person.
 */
export const NO_USER_ID = Number.MAX_SAFE_INTEGER as UserId;

/** Names of people, which everybody may know who sees what they did. */
export interface PersonQueries {
  /** Undefined: the account is gone. */
  ownerOf(client: Pick<Client, 'ownerId'>): Promise<OwnerFacts | undefined>;
  /** By name, without regard to case. */
  personNamed(name: string): Promise<Person | undefined>;
  /** The account somebody names, by number or by name; undefined: nobody has the name. */
  userIdOf(idOrName: number | string): Promise<UserId | undefined>;
  /** Makes a look-up that asks for each person once, for one answer. */
  personLookup(): PersonLookup;
}

/** Makes the queries about people; who asks does not matter. */
export function makePersonQueries({ accounts }: Pick<QueryContext, 'accounts'>): PersonQueries {
  return {
    async ownerOf({ ownerId }) {
      const owner = await accounts.findAccount(ownerId);
      return (
        owner && {
          id: owner.id,
          name: owner.name,
          createdAt: owner.createdAt,
          blocked: owner.blocked,
        }
      );
    },
    async personNamed(name) {
      const account = await accounts.findAccountByName(name);
      return account && { id: account.id, name: account.name };
    },
    async userIdOf(idOrName) {
      if (typeof idOrName === 'number') return idOrName as UserId;
      return (await accounts.findAccountByName(idOrName))?.id;
    },
    personLookup() {
      const people = new Map<UserId, Promise<Person>>();
      const lookUp = async (id: UserId): Promise<Person> => ({
        id,
        name: (await accounts.findAccount(id))?.name ?? null,
      });
      return (id) => {
        const person = people.get(id) ?? lookUp(id);
        people.set(id, person);
        return person;
      };
    },
  };
}
