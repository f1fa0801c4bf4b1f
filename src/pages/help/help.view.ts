import type { Diagnosis } from '#oauth1/diagnosis/diagnosis.ts';
import { compareBaseStrings } from '#oauth1/diagnosis/differences.ts';
import { MAX_PASTED_BYTES } from '#oauth1/pasted-text.ts';
import type { Client } from '#registry/model/client.ts';
import type { FailureRecords } from '#registry/refused-requests.ts';
import type { Registry } from '#registry/registry.ts';
import { noProblems } from '../form-problems.ts';
import type { SignedInCall } from '../page.ts';
import type { ExplainedView } from './explained.template.ts';
import type { HelpView } from './help.template.ts';

export interface HelpViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
  readonly failures: Pick<FailureRecords, 'listFailures'>;
}

const MAX_APPS = 50;
const MAX_FAILURES = 20;

/** The person's own apps, and the one they chose among them: nobody else's is ever explained. */
export async function makeHelpView(
  { registry, failures }: HelpViewDependencies,
  { user, actor }: SignedInCall,
  selectedId: string | undefined,
): Promise<{ readonly view: HelpView; readonly client: Client | undefined }> {
  const queries = registry.query(actor);
  const { items: clients } = await queries.listClients({ managerId: user.id, limit: MAX_APPS });
  const client = clients.find(({ id }) => id === selectedId);
  // What was hidden for what its name says is hidden from those who manage it, too.
  const visibleName = async (one: Client) =>
    (await queries.fieldVisibility(one))('name') === undefined ? one.name : null;
  const apps = await Promise.all(
    clients.map(async (one) => ({ id: one.id, name: await visibleName(one) })),
  );
  const view: HelpView = {
    apps,
    selectedApp: client
      ? {
          id: client.id,
          name: await visibleName(client),
          signsRequests: client.protocol === 'oauth1',
        }
      : null,
    failures: client ? await failures.listFailures(client.id, MAX_FAILURES) : [],
    request: '',
    theirs: '',
    maxPastedBytes: MAX_PASTED_BYTES,
    problems: noProblems,
    explanation: null,
    requestNotStored: false,
  };
  return { view, client };
}

/** What the server makes of a request, beside the base string that the client signed over. */
export const makeExplainedView = (
  diagnosis: Diagnosis,
  clientBaseString: string,
  refusalReason: string | null,
): ExplainedView => ({
  ...diagnosis,
  refusalReason,
  differences:
    clientBaseString.trim() === '' || diagnosis.signed === null
      ? null
      : compareBaseStrings(diagnosis.signed.baseString, clientBaseString),
});
