import { formatUriForDisplay } from '#encoding/browser-uri.ts';
import { makeNameLookup } from '#http/account-names.ts';
import { pageStatusOf } from '#http/responses.ts';
import type { UserId } from '#kernel/ids.ts';
import { MAX_SECRETS } from '#registry/actions/update.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { makeAuditEntryFormatter, makeFieldFormatter } from '../audit-entries.ts';
import { type FormProblem, mapToControls, noProblems } from '../form-problems.ts';
import type { PageResponse } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { appView, describeRevisionChanges, loadLastUsed } from './app.view.ts';
import { managePage } from './manage-app.template.ts';
import { formatAddresses, isTestable, type ManageableApp, type SignedInCall } from './own-app.ts';
import { refusalFormProblems } from './refusal-problems.ts';

/** The form that was refused. `unsure`: its box was not ticked. */
export interface RefusedForm {
  readonly form: string;
  readonly refusal: RegistryRefusal;
  readonly unconfirmed: boolean;
}

const decisionActions: ReadonlySet<string> = new Set([
  ...['approve', 'propose-autoapproved', 'reject', 'disable', 'reenable', 'expire', 'halt'],
  ...['approve-revision', 'reject-revision', 'revise-autoapproved'],
]);

async function loadRevisionView(
  call: SignedInCall,
  client: Client,
  lookUpName: (id: UserId) => Promise<string | null>,
) {
  const { services, frame } = call;
  const openRevision = await services.records.openRevision(client.id);
  if (openRevision === undefined) return null;
  return {
    id: openRevision.id,
    at: openRevision.proposedAt,
    by: openRevision.proposedBy === null ? null : await lookUpName(openRevision.proposedBy),
    differences: await describeRevisionChanges(
      client,
      openRevision.fields,
      makeFieldFormatter(services, frame.words, services.registry.query(call.actor).personLookup()),
    ),
  };
}

/** The page of an app for those who look after it; with a refused form, as it was typed and why. */
export async function showManagePage(
  call: SignedInCall,
  { client, role }: ManageableApp,
  refused: RefusedForm | null,
): Promise<PageResponse> {
  const { services, actor, user, frame, form } = call;
  const lookUpName = makeNameLookup(services);
  const activeSecrets = liveSecrets(client, services.clock.now());
  const [team, appLastUsed, secretLastUsed, auditEntries] = await Promise.all([
    services.records.teamOf(client.id),
    loadLastUsed(services, 'client', [client.id]),
    loadLastUsed(
      services,
      'secret',
      activeSecrets.map(({ id }) => String(id)),
    ),
    services.records.listAudit({ clientId: client.id, about: 'clients', limit: 50 }),
  ]);
  const isVisible = hiddenReason('name', client, actor, true) === undefined;
  const formatEntry = makeAuditEntryFormatter(services, actor, frame.words);
  const latestDecision = auditEntries.find(({ action }) => decisionActions.has(action));
  const isActive =
    !client.managed &&
    !client.suppressed &&
    (client.stage === 'approved' || client.stage === 'proposed');
  const canUpdate = isActive && hasRight(actor, RIGHTS.updateOwn);
  const typedValue = (name: string, formName: string, fallback = '') =>
    refused?.form === formName ? (form.get(name) ?? '') : fallback;
  const page = managePage(frame, {
    app: await appView(call, client, {
      viewerCanManage: true,
      lastUsedAt: appLastUsed(client.id),
      lookUpName,
    }),
    role,
    etag: services.registry.etagFor(actor, client),
    email: hiddenReason('email', client, actor, true) === undefined ? client.email : null,
    redirectUri: isVisible ? formatUriForDisplay(client.redirectUri) : '',
    lastDecision: latestDecision === undefined ? null : await formatEntry(latestDecision),
    revision: isVisible ? await loadRevisionView(call, client, lookUpName) : null,
    may: {
      update: canUpdate,
      revise: canUpdate && client.stage === 'approved',
      copy: role === 'owner' && isVisible && hasRight(actor, RIGHTS.propose) && !client.managed,
      test: isTestable(client, user.id),
      team: canUpdate && role === 'owner',
    },
    secrets: client.confidential
      ? activeSecrets.map(({ id, label, createdAt, expiresAt }) => ({
          id,
          label,
          createdAt,
          expiresAt,
          lastUsedAt: secretLastUsed(String(id)),
        }))
      : null,
    maxSecrets: MAX_SECRETS,
    userId: user.id,
    maintainers: await Promise.all(
      team.maintainers.map(async ({ userId, acceptedAt }) => ({
        id: userId,
        name: await lookUpName(userId),
        accepted: acceptedAt !== null,
      })),
    ),
    offeredTo:
      team.offer === null
        ? null
        : ((await lookUpName(team.offer.toId)) ?? frame.words.say('frame.nobody')),
    formValues: {
      label: typedValue('label', 'add-secret'),
      expires: typedValue('expires', 'add-secret'),
      addresses: typedValue('addresses', 'update', formatAddresses(client)),
      rsaPublicKey: typedValue('rsaPublicKey', 'update', client.rsaPublicKey ?? ''),
      invite: typedValue('invite', 'invite'),
      offer: typedValue('offer', 'offer'),
    },
    refusedForm: refused?.form ?? null,
    problems: refused === null ? noProblems : manageFormProblems(call, refused),
    history: await Promise.all(auditEntries.slice(0, 5).map(formatEntry)),
  });
  return refused === null ? page : { status: pageStatusOf(refused.refusal), page };
}

/**
 * The controls of the small forms, where the registry calls their fields otherwise; null: the form
 * as a whole.
 */
const controlByField: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  'add-secret': { expiresAt: 'expires' },
  update: { restrictions: 'addresses' },
};
const wholeFormFields = Object.fromEntries(
  ['etag', 'clientId', 'secretId', 'userId', 'revisionId'].map((field) => [field, null]),
);

/** Why a small form was refused; a name that nobody has is said as such. */
function manageFormProblems(
  { frame: { words } }: SignedInCall,
  { form, refusal, unconfirmed }: RefusedForm,
): readonly FormProblem[] {
  if (unconfirmed) return [{ field: 'sure', text: words.say('manage.not-sure') }];
  // Whatever stands in the way of an invitation is about the person who was named.
  const person = form === 'invite' || form === 'offer' ? form : null;
  if (refusal.kind === 'not_found' && refusal.what === 'person')
    return [{ field: person, text: words.say('manage.no-such-person') }];
  if (refusal.kind === 'nothing_to_do' && form === 'invite')
    return [{ field: person, text: words.say('manage.in-team') }];
  if (refusal.kind === 'invitations_declined')
    return [{ field: person, text: refusalText(words, refusal) }];
  return mapToControls(refusalFormProblems(words, refusal), {
    ...wholeFormFields,
    ...controlByField[form],
  });
}
