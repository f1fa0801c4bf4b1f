import type { AccountRecords } from '#accounts/records.ts';
import type { RegistryContext } from '../actions/context.ts';

/** What queries read from. */
export interface QueryContext
  extends Pick<RegistryContext, 'records' | 'clock' | 'rightsOf' | 'etagKey' | 'rules'> {
  readonly accounts: Pick<AccountRecords, 'findAccount' | 'findAccountByName'>;
}
