import type { Account } from '#accounts/account.ts';
import type { RegistryContext } from '../actions/context.ts';
import type { Client } from '../model/client.ts';
import { assessRisk, type Risk, type RiskSubject } from './risk.ts';

/** What the risk of a description depends on, apart from itself. */
export interface RiskContext {
  readonly owner: Account | null;
  /** The client as it is, when this is a change of it. */
  readonly live: Client | null;
}

/** Enough to compare names with; a registry with more approved apps compares with its latest. */
const MAX_NAMES = 5000;

/** Gathers the evidence and adds up the risk rules. */
export async function assessClientRisk(
  context: Pick<RegistryContext, 'records' | 'rules' | 'clock'>,
  next: RiskSubject['next'] & { readonly id: Client['id'] },
  { owner, live }: RiskContext,
): Promise<Risk> {
  // Apps of the configuration have rows of a stage of their own; those whose entry is there are
  // approved.
  const listed = (['configured', 'approved'] as const).map((stage) =>
    context.records.listClients({ stage, suppressed: false, allowStale: true, limit: MAX_NAMES }),
  );
  const approved = (await Promise.all(listed)).flat().filter(({ stage }) => stage === 'approved');
  return assessRisk({
    next,
    live,
    owner,
    trusted: approved.some(
      ({ id, ownerId, ownerOnly }) => ownerId === owner?.id && id !== next.id && !ownerOnly,
    ),
    otherNames: approved
      .filter(({ ownerId, ownerOnly }) => ownerId !== owner?.id && !ownerOnly)
      .map(({ name }) => name),
    siteNames: context.rules.reservedNames ?? [],
    catalogue: context.rules.catalogue,
    localSuffixes: context.rules.localSuffixes,
    now: context.clock.now(),
  });
}
