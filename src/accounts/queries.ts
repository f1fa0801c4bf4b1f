import type { AccountRecords, PeopleRecords } from './records.ts';

/**
 * Look-ups of people, with their addresses and groups: for whoever administers accounts, and for
 * what concerns the person themself. Names for everybody else come from the registry's queries. The
 * caller checked that the reader may.
 */
export type AccountQueries = Pick<
  AccountRecords & PeopleRecords,
  'findAccount' | 'findAccountByName' | 'listAccounts' | 'searchAccounts' | 'countAccounts'
>;

/** Makes the look-ups over the records. */
export const makeAccountQueries = (records: AccountQueries): AccountQueries => ({
  findAccount: (id) => records.findAccount(id),
  findAccountByName: (name) => records.findAccountByName(name),
  listAccounts: () => records.listAccounts(),
  searchAccounts: (filter) => records.searchAccounts(filter),
  countAccounts: (filter) => records.countAccounts(filter),
});
