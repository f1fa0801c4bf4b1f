import type { RightsTable } from '#accounts/rights.ts';

/** Groups that people can be put into. */
export const assignableGroups = (rights: RightsTable): readonly string[] =>
  rights
    .allGroups()
    .map(({ name }) => name)
    .filter(rights.hasGroup);
