import type { LetterKind } from '#accounts/email-budget.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Actor, managerOf, mayDo, personOf, RIGHTS } from '../actor.ts';
import { type FieldChange, fieldChanges, type NewAuditEntry } from '../audit.ts';
import { type Client, type ClientSecret, liveSecrets } from '../model/client.ts';
import { isMaintainer, type Team } from '../model/team.ts';
import type { NewNotice, NoticeTarget } from '../notifications/notification.ts';
import type { Applied, Effect, RegistryChange } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { actingApp, authorityProblem, type GovernedAction, givenBy } from './authority.ts';
import {
  conflict,
  type Desk,
  denied,
  type Issued,
  nothingIssued,
  type Outcome,
  type Ran,
  seenEdition,
} from './context.ts';
import { type Field, flag, matching, reason, type Values } from './fields.ts';

/** One action of the registry: who may come at all, which fields it reads, and what it does. */
export interface Action {
  /**
   * `registry`: signed in, not blocked. `consents`: signed in, with the right to manage their own
   * consents (registry 3.1, 6.1).
   */
  readonly base: 'registry' | 'consents';
  readonly fields: readonly Field[];
  run(desk: Desk, actor: Actor, values: Values): Ran;
}

/** The reviewers who are notified of proposals, all who look after the app, or one person. */
export type Told = 'reviewers' | 'team' | UserId;

/** What an action on a client decided. Nothing is written yet. */
export interface Decision {
  /** Empty: things are as asked already, and nothing is written. */
  readonly effects: readonly Effect[];
  readonly changes: readonly FieldChange[];
  /** Name in the audit trail, when it is not the action's own. */
  readonly as?: string;
  /** Who hears of it by mail, apart from the one who did it. */
  readonly tell?: Told | readonly Told[];
  readonly issued?: Partial<Issued>;
  readonly waiting?: boolean;
}

export type Decided = Result<Decision, RegistryRefusal>;

/**
 * An action on one client: rights that are asked for before the client is looked up, then the
 * ladder of rules over it.
 */
export interface ClientAction {
  readonly fields?: readonly Field[];
  before?(actor: Actor, values: Values): RegistryRefusal | undefined;
  decide(desk: Desk, actor: Actor, client: Client, values: Values): Promise<Decided> | Decided;
}

export const clientIdField: Field = {
  name: 'clientId',
  judge: matching(/^[0-9a-f]{32}$/, { kind: 'not-this-type', wanted: 'client_id' }),
};
const reasonField: Field = { name: 'reason', judge: reason };
const tokenField: Field = {
  name: 'changeToken',
  optional: true,
  judge: matching(/^[0-9a-f]{40}$/, { kind: 'not-this-type', wanted: 'change token' }),
};
export const suppressField: Field = { name: 'suppress', judge: flag };

/** How often a decision without a change token is made again when somebody was faster. */
const TRIES = 3;

const kinds: Readonly<Record<string, LetterKind>> = {
  invite: 'invitation',
  offer: 'offer',
  ...Object.fromEntries(
    ['add-secret', 'retire-secret', 'accept-offer'].map((action) => [action, 'credentials']),
  ),
  ...Object.fromEntries(
    [
      'approve',
      'reject',
      'disable',
      'reenable',
      'halt',
      'expire',
      'first-approval',
      'first-approval-of-revision',
    ]
      .concat(['approve-revision', 'reject-revision'])
      .map((action) => [action, 'decision']),
  ),
};
const letterKindOf = (action: string, tell: Decision['tell']): LetterKind =>
  tell === 'reviewers'
    ? 'proposal'
    : ((Object.hasOwn(kinds, action) ? kinds[action] : undefined) ?? 'team');

/**
 * Those of the people whom this actor may still write to today. Who invites was counted when the
 * invitation was judged.
 */
async function withinBudget(
  desk: Desk,
  actorId: UserId | undefined,
  kind: LetterKind,
  people: readonly UserId[],
): Promise<readonly UserId[]> {
  if (actorId === undefined || people.length === 0) return people;
  const sender = `account ${actorId}`;
  if (kind !== 'invitation' && kind !== 'offer' && !(await desk.letters.mayCause(kind, sender)))
    return [];
  const reached = await Promise.all(
    people.map((id) => desk.letters.mayReach(kind, sender, `account ${id}`)),
  );
  return people.filter((_, index) => reached[index]);
}

/** Who hears of a change, each under a key that is the same however often it is written. */
export async function noticesOf(
  desk: Desk,
  actor: Actor,
  action: string,
  client: Pick<Client, 'id' | 'name' | 'version' | 'ownerId'>,
  edition: number,
  why: string,
  tell: Decision['tell'],
  kind: LetterKind = letterKindOf(action, tell),
): Promise<readonly NewNotice[]> {
  const actorId = personOf(actor)?.id;
  const people = new Set<UserId>();
  for (const told of tell === undefined ? [] : [tell].flat()) {
    if (told === 'reviewers') {
      for (const { id } of await desk.records.accountsIn(desk.settings.notifyGroups, 5000))
        if (id !== client.ownerId) people.add(id);
    } else if (told === 'team') {
      people.add(client.ownerId);
      for (const { userId, acceptedAt } of (await desk.records.teamOf(client.id)).maintainers)
        if (acceptedAt !== null) people.add(userId);
    } else people.add(told);
  }
  // Who did it knows; of what an app did in their name they hear.
  if (actorId !== undefined && actingApp(actor) === undefined) people.delete(actorId);
  const mailed = desk.settings.mailed ? await withinBudget(desk, actorId, kind, [...people]) : [];
  const targets: NoticeTarget[] = [
    ...mailed.map((userId) => ({ kind: 'mail', userId }) as const),
    ...desk.settings.endpoints.map((endpoint) => ({ kind: 'webhook', endpoint }) as const),
  ];
  if (targets.length === 0) return [];
  const owner = await desk.accounts.findAccount(client.ownerId);
  const facts = {
    event: action,
    client: { id: client.id, name: client.name, version: client.version },
    actor: personOf(actor)?.name ?? null,
    owner: owner?.name ?? null,
    reason: why,
    at: desk.clock.now(),
  };
  return targets.map((target) => ({
    key: `${client.id}-${edition}-${target.kind === 'mail' ? `mail-${target.userId}` : `hook-${target.endpoint}`}`,
    target,
    facts,
  }));
}

/** A line of the audit trail, by this actor, now. */
export const auditLine = (
  desk: Desk,
  actor: Actor,
  action: string,
  clientId: ClientId,
  why: string,
  changes: readonly FieldChange[],
): NewAuditEntry => ({
  at: desk.clock.now(),
  action,
  actorId: personOf(actor)?.id ?? null,
  via: actor.via,
  address: actor.kind === 'person' ? actor.address : (actor.by ?? null),
  clientId,
  reason: why,
  changes,
});

/**
 * Writes a decided change, if the actor may have it by the way they came (ADR 17): the one place
 * where actions on clients write. `client`: the one it is about, null when it is created here.
 */
export async function commit(
  desk: Desk,
  actor: Actor,
  action: GovernedAction,
  client: Client | null,
  change: RegistryChange,
): Promise<Applied | { readonly outcome: 'refused'; readonly refusal: RegistryRefusal }> {
  const consent = client?.ownerOnly
    ? await desk.records.findConsent(client.ownerId, client.id, client.site)
    : undefined;
  const past = client?.stage === 'proposed' ? await desk.records.involvementsIn(client.id) : [];
  const held = { consent, handedOver: past.some(({ part }) => part === 'owner') };
  const refusal = authorityProblem(
    actor,
    action,
    givenBy(change.effects, client, held),
    desk.clock.now(),
  );
  return refusal === undefined ? desk.records.apply(change) : { outcome: 'refused', refusal };
}

/** Makes an action of a ladder: look up, decide, compare editions, write all or nothing. */
export function clientAction(
  name: GovernedAction,
  { fields = [], before, decide }: ClientAction,
): Action {
  return {
    base: 'registry',
    fields: [clientIdField, reasonField, tokenField, ...fields],
    async run(desk, actor, values): Ran {
      const early = before?.(actor, values);
      if (early) return refuse(early);
      const [id, why] = [values.clientId as ClientId, values.reason as string];
      for (let tried = 1; ; tried++) {
        const client = await desk.records.findClient(id);
        if (client === undefined) return refuse({ kind: 'invalid_consumer_key' });
        if (client.managed || client.stage === 'configured')
          return refuse({ kind: 'managed_by_configuration' });
        const decided = await decide(desk, actor, client, values);
        if (!decided.ok) return decided;
        const seen =
          values.changeToken === undefined
            ? client.edition
            : seenEdition(desk, actor, client, values.changeToken as string);
        if (seen !== client.edition) return refuse(await conflict(desk, client, seen));
        const { effects, changes, as = name, tell, issued, waiting = false } = decided.value;
        if (effects.length === 0)
          return accept({ ...nothingIssued, client, consent: null, waiting });
        const changesCredentials =
          issued !== undefined ||
          changes.some(({ field }) => field === 'secrets' || field === 'rsaPublicKey');
        const applied = await commit(desk, actor, name, client, {
          edition: client.edition,
          effects,
          audit: auditLine(desk, actor, as, id, why, changes),
          notices: await noticesOf(
            desk,
            actor,
            as,
            client,
            client.edition + 1,
            why,
            tell,
            changesCredentials ? 'credentials' : undefined,
          ),
        });
        if (applied.outcome === 'applied')
          return accept<Outcome>({
            ...nothingIssued,
            ...issued,
            client: applied.client,
            consent: null,
            waiting,
          });
        if (applied.outcome === 'refused') return refuse(applied.refusal);
        if (applied.outcome === 'exists') return refuse({ kind: 'consumer_exists', version: null });
        if (applied.outcome === 'unknown') return refuse({ kind: 'invalid_consumer_key' });
        if (values.changeToken !== undefined || tried === TRIES)
          return refuse(await conflict(desk, client, client.edition));
      }
    },
  };
}

/** The first right of the list that is missing, as a refusal. */
export function lacking(actor: Actor, ...rights: readonly string[]): RegistryRefusal | undefined {
  const right = rights.find((wanted) => !mayDo(actor, wanted));
  return right === undefined ? undefined : { kind: 'permission_denied', right };
}

/** True when the actor is the operator, the owner, or a maintainer who said yes. */
export const isKeeper = (actor: Actor, client: Client, team: Team): boolean => {
  if (actor.kind === 'operator') return true;
  const user = managerOf(actor);
  return user !== null && (user.id === client.ownerId || isMaintainer(team, user.id));
};

/** True when the actor is the operator or the owner. */
export const isOwner = (actor: Actor, client: Client): boolean =>
  actor.kind === 'operator' || managerOf(actor)?.id === client.ownerId;

/** A hidden app is changed only by whoever may hide (registry 3.7). */
export const hiddenProblem = (actor: Actor, client: Client): RegistryRefusal | undefined =>
  client.suppressed ? lacking(actor, RIGHTS.suppress) : undefined;

/**
 * The decision that puts another description of the app in force, and tells its team; first yeses
 * that were waiting are void.
 */
export const saved = (before: Client, after: Client): Decided =>
  accept({
    effects: [{ kind: 'save-client', client: after }, { kind: 'clear-approvals' }],
    changes: fieldChanges(before, after),
    tell: 'team',
  });

/**
 * What everybody who looks after an app must pass: theirs, in use, and not hidden from them
 * (registry 3.4).
 */
export async function keeperProblem(
  desk: Desk,
  actor: Actor,
  client: Client,
  stages: readonly string[],
): Promise<Decided | undefined> {
  if (!isKeeper(actor, client, await desk.records.teamOf(client.id))) return denied();
  if (!stages.includes(client.stage)) return denied();
  const hidden = hiddenProblem(actor, client);
  return hidden && refuse(hidden);
}

/** How the labels of secrets change, never the secrets. */
export const secretChange = (
  client: Client,
  after: readonly Pick<ClientSecret, 'label'>[],
  desk: Desk,
): FieldChange => ({
  field: 'secrets',
  before: liveSecrets(client, desk.clock.now()).map(({ label }) => label),
  after: after.map(({ label }) => label),
});
