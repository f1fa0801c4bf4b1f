import type { Client } from '../model/client.ts';
import { redirectToReview } from '../model/redirect-rules.ts';
import type { ClientFilter, RegistryRecords } from '../records.ts';
import type { FieldProblem } from '../refusals.ts';

/** An app whose redirect URI would be refused if it were registered now, and why. */
export interface RedirectToReview {
  readonly client: Client;
  readonly problem: FieldProblem;
}

/**
 * Apps looked at in one question, and in one answer: a list of a large registry is read in pieces.
 */
const BATCH = 500;
const MAX_EXAMINED = 5000;

/**
 * Apps whose redirect URIs were registered or imported before a rule that would refuse them, the
 * latest registration first; rejected and expired apps are left out. At most `limit`; `next`:
 * continue below this number, null at the end. A piece may be shorter than `limit` and still have a
 * next one.
 */
export async function redirectsToReview(
  records: Pick<RegistryRecords, 'listClients'>,
  {
    limit,
    below,
    suppressed,
  }: Pick<ClientFilter, 'below' | 'suppressed'> & { readonly limit: number },
): Promise<{ readonly items: readonly RedirectToReview[]; readonly next: number | null }> {
  const items: RedirectToReview[] = [];
  let from = below;
  for (let examined = 0; examined < MAX_EXAMINED; examined += BATCH) {
    const clients = await records.listClients({
      ...(suppressed === undefined ? {} : { suppressed }),
      ...(from === undefined ? {} : { below: from }),
      limit: BATCH,
    });
    for (const client of clients) {
      from = client.number;
      const problem = ['rejected', 'expired'].includes(client.stage)
        ? undefined
        : redirectToReview(client);
      if (problem !== undefined) items.push({ client, problem });
      if (items.length === limit) return { items, next: from };
    }
    if (clients.length < BATCH) return { items, next: null };
  }
  return { items, next: from ?? null };
}
