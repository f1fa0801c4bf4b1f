import type { Client } from '#registry/model/client.ts';
import { type RevisedFields, revisedFields } from '#registry/model/revision.ts';
import type { makeFieldFormatter } from '../audit-entries.ts';
import type { DisplayChange } from '../audit-table.ts';

/** The fields of a revision that differ from the app as it is. */
export const changedFields = (
  client: Client,
  next: RevisedFields,
): readonly (keyof RevisedFields)[] =>
  revisedFields.filter((field) => JSON.stringify(client[field]) !== JSON.stringify(next[field]));

/** What a revision would change, ready for people. */
export const describeRevisionChanges = (
  client: Client,
  next: RevisedFields,
  formatField: ReturnType<typeof makeFieldFormatter>,
): Promise<readonly DisplayChange[]> =>
  Promise.all(
    changedFields(client, next).map(async (field) => ({
      field,
      before: await formatField(field, client[field]),
      after: await formatField(field, next[field]),
    })),
  );
