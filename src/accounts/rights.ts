import * as z from 'zod';
import type { Account } from './account.ts';

const fileSchema = z.strictObject({
  groups: z.record(z.string().min(1).max(64), z.array(z.string().min(1).max(64))),
  implicit: z.array(z.string()).default(['*', 'user']),
});

/** The right to look after accounts, groups and the server itself. */
export const ADMINISTER_RIGHT = 'userrights';

/** A group of the table. */
export interface Group {
  readonly name: string;
  readonly rights: readonly string[];
  /** Everybody is in it. */
  readonly implicit: boolean;
}

/** Groups and the rights they give. */
export interface RightsTable {
  /**
   * Every right of the person: explicit and implicit groups together. Null: a stranger, who is in
   * `*` alone.
   */
  rightsOf(account: Account | null): ReadonlySet<string>;
  /** Implicit groups first, then the account's own. */
  groupsOf(account: Account | null): readonly string[];
  /** True when accounts can be put into the group. */
  hasGroup(name: string): boolean;
  /** Every group, in the order of the file. */
  allGroups(): readonly Group[];
}

/**
 * Reads the table from JSON of the form of `data/groups.json`. Throws one error that names every
 * problem. `neededRights`: rights that some group must give, each with what nobody could do without
 * it.
 */
export function loadRights(
  json: unknown,
  neededRights: Readonly<Record<string, string>> = {},
): RightsTable {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success)
    throw new Error(`the groups file does not fit:\n${z.prettifyError(parsed.error)}`);
  const { groups, implicit } = parsed.data;
  const grantedRights = new Set(Object.values(groups).flat());
  const missing = Object.entries(neededRights).filter(([right]) => !grantedRights.has(right));
  if (missing.length > 0) {
    throw new Error(
      `the groups file does not fit:\n${missing.map(([right, use]) => `✖ no group gives the right ${right}, so nobody could ${use}`).join('\n')}`,
    );
  }
  const rightsByGroup = new Map(Object.entries(groups));
  const groupsOf = (account: Account | null) =>
    account === null ? ['*'] : [...new Set([...implicit, ...account.groups])];
  const rightsCache = new Map<string, ReadonlySet<string>>();
  return {
    groupsOf,
    rightsOf(account) {
      const names = groupsOf(account);
      const key = JSON.stringify(names);
      const rights =
        rightsCache.get(key) ?? new Set(names.flatMap((name) => rightsByGroup.get(name) ?? []));
      if (rightsCache.size < 10_000) rightsCache.set(key, rights);
      return rights;
    },
    allGroups: () =>
      [...rightsByGroup].map(([name, rights]) => ({
        name,
        rights,
        implicit: implicit.includes(name),
      })),
    hasGroup: (name) => rightsByGroup.has(name) && !implicit.includes(name),
  };
}
