import { bothSpellings } from '#encoding/browser-uri.ts';
import { namesOf } from '#http/account-names.ts';
import { refusedStatus } from '#http/responses.ts';
import type { UserId } from '#kernel/ids.ts';
import { MOST_SECRETS } from '#registry/actions/update.ts';
import { mayDo, RIGHTS } from '#registry/actor.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { unseen } from '#registry/visibility.ts';
import { makeLines, makeShown } from '../audit-entries.ts';
import { atControls, type FormProblem, noProblems } from '../form-problems.ts';
import type { PageAnswer } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { appView, lastUses, revisionChanges } from './app.view.ts';
import { problemsOf } from './app-draft.ts';
import { managePage } from './manage-app.template.ts';
import { isTestable, type OwnApp, type OwnCall, typedAddresses } from './own-app.ts';

/** The form that was refused. `unsure`: its box was not ticked. */
export interface RefusedForm {
  readonly form: string;
  readonly refusal: RegistryRefusal;
  readonly unsure: boolean;
}

const decisions: ReadonlySet<string> = new Set([
  ...['approve', 'propose-autoapproved', 'reject', 'disable', 'reenable', 'expire', 'halt'],
  ...['approve-revision', 'reject-revision', 'revise-autoapproved'],
]);

async function revisionOf(
  call: OwnCall,
  client: Client,
  names: (id: UserId) => Promise<string | null>,
) {
  const { world, frame } = call;
  const open = await world.records.openRevision(client.id);
  if (open === undefined) return null;
  return {
    id: open.id,
    at: open.proposedAt,
    by: open.proposedBy === null ? null : await names(open.proposedBy),
    differences: await revisionChanges(client, open.fields, makeShown(world, frame.words)),
  };
}

/** The page of an app for those who look after it; with a refused form, as it was typed and why. */
export async function showManaged(
  call: OwnCall,
  { client, role }: OwnApp,
  refused: RefusedForm | null,
): Promise<PageAnswer> {
  const { world, actor, user, frame, form } = call;
  const names = namesOf(world);
  const live = liveSecrets(client, world.clock.now());
  const [team, usedApp, usedSecret, audit] = await Promise.all([
    world.records.teamOf(client.id),
    lastUses(world, 'client', [client.id]),
    lastUses(
      world,
      'secret',
      live.map(({ id }) => String(id)),
    ),
    world.records.listAudit({ clientId: client.id, about: 'clients', limit: 50 }),
  ]);
  const sees = unseen('name', client, actor, true) === undefined;
  const lineOf = makeLines(world, actor, frame.words);
  const decided = audit.find(({ action }) => decisions.has(action));
  const alive =
    !client.managed &&
    !client.suppressed &&
    (client.stage === 'approved' || client.stage === 'proposed');
  const update = alive && mayDo(actor, RIGHTS.updateOwn);
  const typed = (name: string, wanted: string, otherwise = '') =>
    refused?.form === wanted ? (form.get(name) ?? '') : otherwise;
  const page = managePage(frame, {
    app: await appView(call, client, { keeper: true, lastUsed: usedApp(client.id), names }),
    role,
    changeToken: world.registry.changeToken(actor, client),
    email: unseen('email', client, actor, true) === undefined ? client.email : null,
    redirectUri: sees ? bothSpellings(client.redirectUri) : '',
    decision: decided === undefined ? null : await lineOf(decided),
    revision: sees ? await revisionOf(call, client, names) : null,
    may: {
      update,
      revise: update && client.stage === 'approved',
      copy: role === 'owner' && sees && mayDo(actor, RIGHTS.propose) && !client.managed,
      test: isTestable(client, user.id),
      team: update && role === 'owner',
    },
    secrets: client.confidential
      ? live.map(({ id, label, createdAt, expiresAt }) => ({
          id,
          label,
          createdAt,
          expiresAt,
          lastUsed: usedSecret(String(id)),
        }))
      : null,
    mostSecrets: MOST_SECRETS,
    userId: user.id,
    maintainers: await Promise.all(
      team.maintainers.map(async ({ userId, acceptedAt }) => ({
        id: userId,
        name: await names(userId),
        accepted: acceptedAt !== null,
      })),
    ),
    offeredTo:
      team.offer === null
        ? null
        : ((await names(team.offer.toId)) ?? frame.words.say('frame.nobody')),
    typed: {
      label: typed('label', 'add-secret'),
      expires: typed('expires', 'add-secret'),
      addresses: typed('addresses', 'update', typedAddresses(client)),
      rsaPublicKey: typed('rsaPublicKey', 'update', client.rsaPublicKey ?? ''),
      invite: typed('invite', 'invite'),
      offer: typed('offer', 'offer'),
    },
    refusedForm: refused?.form ?? null,
    problems: refused === null ? noProblems : problemsIn(call, refused),
    history: await Promise.all(audit.slice(0, 5).map(lineOf)),
  });
  return refused === null ? page : { status: refusedStatus(refused.refusal), page };
}

/**
 * The controls of the small forms, where the registry calls their fields otherwise; null: the form
 * as a whole.
 */
const controls: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  'add-secret': { expiresAt: 'expires' },
  update: { restrictions: 'addresses' },
};
const whole = Object.fromEntries(
  ['changeToken', 'clientId', 'secretId', 'userId', 'revisionId'].map((field) => [field, null]),
);

/** Why a small form was refused; a name that nobody has is said as such. */
function problemsIn(
  { frame: { words } }: OwnCall,
  { form, refusal, unsure }: RefusedForm,
): readonly FormProblem[] {
  if (unsure) return [{ field: 'sure', text: words.say('manage.not-sure') }];
  // Whatever stands in the way of an invitation is about the person who was named.
  const person = form === 'invite' || form === 'offer' ? form : null;
  if (refusal.kind === 'not_found' && refusal.what === 'person')
    return [{ field: person, text: words.say('manage.no-such-person') }];
  if (refusal.kind === 'nothing_to_do' && form === 'invite')
    return [{ field: person, text: words.say('manage.in-team') }];
  if (refusal.kind === 'invitations_declined')
    return [{ field: person, text: refusalText(words, refusal) }];
  return atControls(problemsOf(words, refusal), { ...whole, ...controls[form] });
}
