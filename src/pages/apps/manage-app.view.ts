import { formatUriForDisplay } from '#encoding/browser-uri.ts';
import type { Clock } from '#platform/clock.ts';
import { MAX_SECRETS } from '#registry/actions/update.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { Team } from '#registry/model/team.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import type { Registry } from '#registry/registry.ts';
import { hiddenReason } from '#registry/visibility.ts';
import {
  type AuditEntryDependencies,
  makeAuditEntryFormatter,
  makeFieldFormatter,
} from '../audit-entries.ts';
import { noProblems } from '../form-problems.ts';
import type { SignedInCall } from '../page.ts';
import { loadLastUsed, makeAppView, makeNameLookup } from './app.view.ts';
import type { ManageView } from './manage-app.template.ts';
import { manageFormProblems, type RefusedForm } from './manage-form-problems.ts';
import { formatAddresses, isTestable, type ManageableApp } from './own-app.ts';
import { describeRevisionChanges } from './revision-changes.ts';

/** What the page of an app is made with. */
export interface ManageViewDependencies extends AuditEntryDependencies {
  readonly registry: Pick<Registry, 'query' | 'etagFor'>;
  readonly clock: Clock;
}

const noTeam: Team = { maintainers: [], offer: null };
/** Entries in which the latest decision is looked for, and those that are shown. */
const MAX_ENTRIES = 50;
const MAX_HISTORY = 5;

const decisionActions: ReadonlySet<string> = new Set([
  ...['approve', 'propose-autoapproved', 'reject', 'disable', 'reenable', 'expire', 'halt'],
  ...['approve-revision', 'reject-revision', 'revise-autoapproved'],
]);

async function makeRevisionView(
  dependencies: ManageViewDependencies,
  { actor, frame }: SignedInCall,
  client: Client,
): Promise<ManageView['revision']> {
  const queries = dependencies.registry.query(actor);
  const revision = await queries.openRevision(client);
  if (revision === undefined) return null;
  const { id, proposedAt, proposedBy, fields } = revision;
  const lookUpPerson = queries.personLookup();
  const formatField = makeFieldFormatter(dependencies, frame.words, lookUpPerson);
  return {
    id,
    at: proposedAt,
    by: proposedBy === null ? null : (await lookUpPerson(proposedBy)).name,
    differences: await describeRevisionChanges(client, fields, formatField),
  };
}

async function makeSecretViews(
  { clock }: ManageViewDependencies,
  queries: RegistryQueries,
  client: Client,
): Promise<ManageView['secrets']> {
  if (!client.confidential) return null;
  const secrets = liveSecrets(client, clock.now());
  const ids = secrets.map(({ id }) => String(id));
  const lastUsedOf = await loadLastUsed(queries, 'secret', ids);
  return secrets.map(({ id, label, createdAt, expiresAt }) => ({
    id,
    label,
    createdAt,
    expiresAt,
    lastUsedAt: lastUsedOf(String(id)),
  }));
}

async function makeTeamView(
  queries: RegistryQueries,
  { frame: { words } }: SignedInCall,
  client: Client,
): Promise<Pick<ManageView, 'maintainers' | 'offeredTo'>> {
  const { maintainers, offer } = (await queries.teamOf(client)) ?? noTeam;
  const lookUpName = makeNameLookup(queries);
  return {
    maintainers: await Promise.all(
      maintainers.map(async ({ userId, acceptedAt }) => ({
        id: userId,
        name: await lookUpName(userId),
        accepted: acceptedAt !== null,
      })),
    ),
    offeredTo:
      offer === null ? null : ((await lookUpName(offer.toId)) ?? words.say('frame.nobody')),
  };
}

async function makeHistoryView(
  dependencies: ManageViewDependencies,
  { actor, frame }: SignedInCall,
  client: Client,
): Promise<Pick<ManageView, 'history' | 'lastDecision'>> {
  const queries = dependencies.registry.query(actor);
  const found = await queries.auditOf(client, { limit: MAX_ENTRIES });
  const entries = found.ok ? found.value.items : [];
  const formatEntry = makeAuditEntryFormatter(dependencies, actor, frame.words);
  const decision = entries.find(({ action }) => decisionActions.has(action));
  return {
    lastDecision: decision === undefined ? null : await formatEntry(decision),
    history: await Promise.all(entries.slice(0, MAX_HISTORY).map(formatEntry)),
  };
}

/** What this person may do with the app now; the registry judges again when they do it. */
function possibleActions(
  { actor, user }: SignedInCall,
  { client, role }: ManageableApp,
  isVisible: boolean,
): ManageView['may'] {
  const { managed, suppressed, stage } = client;
  const isActive = !managed && !suppressed && (stage === 'approved' || stage === 'proposed');
  const canUpdate = isActive && hasRight(actor, RIGHTS.updateOwn);
  return {
    update: canUpdate,
    revise: canUpdate && stage === 'approved',
    copy: role === 'owner' && isVisible && hasRight(actor, RIGHTS.propose) && !managed,
    test: isTestable(client, user),
    team: canUpdate && role === 'owner',
  };
}

/** What the small forms hold: the values in force, or what was typed into the one refused. */
function formValues(
  { form }: SignedInCall,
  client: Client,
  refused: RefusedForm | null,
): ManageView['formValues'] {
  const typedValue = (name: string, formName: string, fallback = '') =>
    refused?.form === formName ? (form.get(name) ?? '') : fallback;
  return {
    label: typedValue('label', 'add-secret'),
    expires: typedValue('expires', 'add-secret'),
    addresses: typedValue('addresses', 'update', formatAddresses(client)),
    rsaPublicKey: typedValue('rsaPublicKey', 'update', client.rsaPublicKey ?? ''),
    invite: typedValue('invite', 'invite'),
    offer: typedValue('offer', 'offer'),
  };
}

/** The page of an app for those who manage it; with a refused form, as it was typed and why. */
export async function makeManageView(
  dependencies: ManageViewDependencies,
  call: SignedInCall,
  app: ManageableApp,
  refused: RefusedForm | null,
): Promise<ManageView> {
  const { actor, user, frame } = call;
  const { client, role } = app;
  const { registry } = dependencies;
  const queries = registry.query(actor);
  const lastUsedOf = await loadLastUsed(queries, 'client', [client.id]);
  const isVisible = hiddenReason('name', client, actor, true) === undefined;
  return {
    app: await makeAppView(dependencies, call, client, {
      viewerCanManage: true,
      lastUsedAt: lastUsedOf(client.id),
      lookUpName: makeNameLookup(queries),
    }),
    role,
    etag: registry.etagFor(actor, client),
    email: hiddenReason('email', client, actor, true) === undefined ? client.email : null,
    redirectUri: isVisible ? formatUriForDisplay(client.redirectUri) : '',
    revision: isVisible ? await makeRevisionView(dependencies, call, client) : null,
    may: possibleActions(call, app, isVisible),
    secrets: await makeSecretViews(dependencies, queries, client),
    maxSecrets: MAX_SECRETS,
    userId: user.id,
    ...(await makeTeamView(queries, call, client)),
    formValues: formValues(call, client, refused),
    refusedForm: refused?.form ?? null,
    problems: refused === null ? noProblems : manageFormProblems(frame.words, refused),
    ...(await makeHistoryView(dependencies, call, client)),
  };
}
