import type { EmailKind } from '#accounts/email-budget.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { canManageClient } from '../access.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '../actor.ts';
import type { AdmissionBase } from '../admission.ts';
import { type FieldChange, fieldChanges, type NewAuditEntry } from '../audit.ts';
import { recordVersionOf } from '../etag.ts';
import { type Client, type ClientSecret, liveSecrets } from '../model/client.ts';
import type { NewNotification, NotificationTarget } from '../notifications/notification.ts';
import type { AppliedChange, Effect, RegistryChange } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { accessGivenBy, actingApp, authorityProblem, type GovernedAction } from './authority.ts';
import {
  type ActionOutcome,
  type ActionResult,
  changeConflict,
  type IssuedSecrets,
  noIssuedSecrets,
  permissionDenied,
  type RegistryContext,
} from './context.ts';
import { booleanValue, type Field, matchingPattern, reasonText, type Values } from './fields.ts';

/** One action of the registry: who may come at all, which fields it reads, and what it does. */
export interface Action {
  readonly base: AdmissionBase;
  readonly fields: readonly Field[];
  run(context: RegistryContext, actor: Actor, values: Values): ActionResult;
}

/** The reviewers who are notified of proposals, all who look after the app, or one person. */
export type NotificationRecipients = 'reviewers' | 'team' | UserId;

/** What an action on a client decided. Nothing is written yet. */
export interface ActionDecision {
  /** Empty: things are as asked already, and nothing is written. */
  readonly effects: readonly Effect[];
  readonly changes: readonly FieldChange[];
  /** Name in the audit trail, when it is not the action's own. */
  readonly auditAction?: string;
  /** Who hears of it by mail, apart from the one who did it. */
  readonly notify?: NotificationRecipients | readonly NotificationRecipients[];
  readonly issued?: Partial<IssuedSecrets>;
  readonly awaitsSecondApproval?: boolean;
}

export type DecisionResult = Result<ActionDecision, RegistryRefusal>;

/**
 * An action on one client: rights that are asked for before the client is looked up, then the
 * ladder of rules over it.
 */
export interface ClientAction {
  readonly fields?: readonly Field[];
  precheck?(actor: Actor, values: Values): RegistryRefusal | undefined;
  decide(
    context: RegistryContext,
    actor: Actor,
    client: Client,
    values: Values,
  ): Promise<DecisionResult> | DecisionResult;
}

export const clientIdField: Field = {
  name: 'clientId',
  validate: matchingPattern(/^[0-9a-f]{32}$/, { kind: 'not-this-type', wanted: 'client_id' }),
};
const reasonField: Field = { name: 'reason', validate: reasonText };
const etagField: Field = {
  name: 'etag',
  optional: true,
  validate: matchingPattern(/^[0-9a-f]{40}$/, { kind: 'not-this-type', wanted: 'change token' }),
};
export const suppressField: Field = { name: 'suppress', validate: booleanValue };

/** How often a decision without a change token is made again when somebody was faster. */
const MAX_TRIES = 3;

const emailKinds: Readonly<Record<string, EmailKind>> = {
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
const emailKindOf = (action: string, notify: ActionDecision['notify']): EmailKind =>
  notify === 'reviewers'
    ? 'proposal'
    : ((Object.hasOwn(emailKinds, action) ? emailKinds[action] : undefined) ?? 'team');

/**
 * Those of the people whom this actor may still write to today. Who invites was counted when the
 * invitation was judged.
 */
async function withinEmailBudget(
  context: RegistryContext,
  actorId: UserId | undefined,
  kind: EmailKind,
  people: readonly UserId[],
): Promise<readonly UserId[]> {
  if (actorId === undefined || people.length === 0) return people;
  const sender = `account ${actorId}`;
  if (
    kind !== 'invitation' &&
    kind !== 'offer' &&
    !(await context.emailBudget.consumeSenderQuota(kind, sender))
  )
    return [];
  const withinQuota = await Promise.all(
    people.map((id) => context.emailBudget.consumeReceiverQuota(kind, sender, `account ${id}`)),
  );
  return people.filter((_, index) => withinQuota[index]);
}

/** Who hears of a change, each under a key that is the same however often it is written. */
export async function makeNotifications(
  context: RegistryContext,
  actor: Actor,
  action: string,
  client: Pick<Client, 'id' | 'name' | 'version' | 'ownerId'>,
  recordVersion: number,
  why: string,
  notify: ActionDecision['notify'],
  kind: EmailKind = emailKindOf(action, notify),
): Promise<readonly NewNotification[]> {
  const actorId = accountOf(actor)?.id;
  const people = new Set<UserId>();
  for (const recipient of notify === undefined ? [] : [notify].flat()) {
    if (recipient === 'reviewers') {
      for (const { id } of await context.records.listAccountsInGroups(
        context.settings.notifyGroups,
        5000,
      ))
        if (id !== client.ownerId) people.add(id);
    } else if (recipient === 'team') {
      people.add(client.ownerId);
      for (const { userId, acceptedAt } of (await context.records.teamOf(client.id)).maintainers)
        if (acceptedAt !== null) people.add(userId);
    } else people.add(recipient);
  }
  // Who did it knows; of what an app did in their name they hear.
  if (actorId !== undefined && actingApp(actor) === undefined) people.delete(actorId);
  const emailed = context.settings.emailEnabled
    ? await withinEmailBudget(context, actorId, kind, [...people])
    : [];
  const targets: NotificationTarget[] = [
    ...emailed.map((userId) => ({ kind: 'mail', userId }) as const),
    ...context.settings.webhookEndpoints.map(
      (endpoint) => ({ kind: 'webhook', endpoint }) as const,
    ),
  ];
  if (targets.length === 0) return [];
  const owner = await context.accounts.findAccount(client.ownerId);
  const facts = {
    event: action,
    client: { id: client.id, name: client.name, version: client.version },
    actor: accountOf(actor)?.name ?? null,
    owner: owner?.name ?? null,
    reason: why,
    at: context.clock.now(),
  };
  return targets.map((target) => ({
    key: `${client.id}-${recordVersion}-${target.kind === 'mail' ? `mail-${target.userId}` : `hook-${target.endpoint}`}`,
    target,
    facts,
  }));
}

/** A line of the audit trail, by this actor, now. */
export const makeAuditEntry = (
  context: RegistryContext,
  actor: Actor,
  action: string,
  clientId: ClientId,
  why: string,
  changes: readonly FieldChange[],
): NewAuditEntry => ({
  at: context.clock.now(),
  action,
  actorId: accountOf(actor)?.id ?? null,
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
export async function commitChange(
  context: RegistryContext,
  actor: Actor,
  action: GovernedAction,
  client: Client | null,
  change: RegistryChange,
): Promise<AppliedChange | { readonly outcome: 'refused'; readonly refusal: RegistryRefusal }> {
  const consent = client?.ownerOnly
    ? await context.records.findConsent(client.ownerId, client.id, client.site)
    : undefined;
  const involvements =
    client?.stage === 'proposed' ? await context.records.involvementsIn(client.id) : [];
  const holdings = { consent, handedOver: involvements.some(({ part }) => part === 'owner') };
  const refusal = authorityProblem(
    actor,
    action,
    accessGivenBy(change.effects, client, holdings),
    context.clock.now(),
  );
  return refusal === undefined
    ? context.records.applyChange(change)
    : { outcome: 'refused', refusal };
}

/** Makes an action of a ladder: look up, decide, compare editions, write all or nothing. */
export function clientAction(
  name: GovernedAction,
  { fields = [], precheck, decide }: ClientAction,
): Action {
  return {
    base: 'registry',
    fields: [clientIdField, reasonField, etagField, ...fields],
    async run(context, actor, values): ActionResult {
      const precheckRefusal = precheck?.(actor, values);
      if (precheckRefusal) return refuse(precheckRefusal);
      const [id, why] = [values.clientId as ClientId, values.reason as string];
      for (let attempt = 1; ; attempt++) {
        const client = await context.records.findClient(id);
        if (client === undefined) return refuse({ kind: 'invalid_consumer_key' });
        if (client.managed || client.stage === 'configured')
          return refuse({ kind: 'managed_by_configuration' });
        const decided = await decide(context, actor, client, values);
        if (!decided.ok) return decided;
        const seenVersion =
          values.etag === undefined
            ? client.recordVersion
            : recordVersionOf(context, actor, client, values.etag as string);
        if (seenVersion !== client.recordVersion)
          return refuse(await changeConflict(context, client, seenVersion));
        const {
          effects,
          changes,
          auditAction = name,
          notify,
          issued,
          awaitsSecondApproval = false,
        } = decided.value;
        if (effects.length === 0)
          return accept({ ...noIssuedSecrets, client, consent: null, awaitsSecondApproval });
        const changesCredentials =
          issued !== undefined ||
          changes.some(({ field }) => field === 'secrets' || field === 'rsaPublicKey');
        const applied = await commitChange(context, actor, name, client, {
          recordVersion: client.recordVersion,
          effects,
          audit: makeAuditEntry(context, actor, auditAction, id, why, changes),
          notifications: await makeNotifications(
            context,
            actor,
            auditAction,
            client,
            client.recordVersion + 1,
            why,
            notify,
            changesCredentials ? 'credentials' : undefined,
          ),
        });
        if (applied.outcome === 'applied')
          return accept<ActionOutcome>({
            ...noIssuedSecrets,
            ...issued,
            client: applied.client,
            consent: null,
            awaitsSecondApproval,
          });
        if (applied.outcome === 'refused') return refuse(applied.refusal);
        if (applied.outcome === 'exists') return refuse({ kind: 'consumer_exists', version: null });
        if (applied.outcome === 'unknown') return refuse({ kind: 'invalid_consumer_key' });
        if (values.etag !== undefined || attempt === MAX_TRIES)
          return refuse(await changeConflict(context, client, client.recordVersion));
      }
    },
  };
}

/** The first right of the list that is missing, as a refusal. */
export function missingRight(
  actor: Actor,
  ...rights: readonly string[]
): RegistryRefusal | undefined {
  const right = rights.find((wanted) => !hasRight(actor, wanted));
  return right === undefined ? undefined : { kind: 'permission_denied', right };
}

/** A hidden app is changed only by whoever may hide (registry 3.7). */
export const hiddenProblem = (actor: Actor, client: Client): RegistryRefusal | undefined =>
  client.suppressed ? missingRight(actor, RIGHTS.suppress) : undefined;

/**
 * The decision that puts another description of the app in force, and tells its team; first yeses
 * that were waiting are void.
 */
export const saveDecision = (before: Client, after: Client): DecisionResult =>
  accept({
    effects: [{ kind: 'save-client', client: after }, { kind: 'clear-approvals' }],
    changes: fieldChanges(before, after),
    notify: 'team',
  });

/**
 * What everybody who looks after an app must pass: theirs, in use, and not hidden from them
 * (registry 3.4).
 */
export async function manageProblem(
  context: RegistryContext,
  actor: Actor,
  client: Client,
  stages: readonly string[],
): Promise<DecisionResult | undefined> {
  if (!canManageClient(actor, client, await context.records.teamOf(client.id)))
    return permissionDenied();
  if (!stages.includes(client.stage)) return permissionDenied();
  const hiddenRefusal = hiddenProblem(actor, client);
  return hiddenRefusal && refuse(hiddenRefusal);
}

/** How the labels of secrets change, never the secrets. */
export const secretChange = (
  client: Client,
  after: readonly Pick<ClientSecret, 'label'>[],
  context: RegistryContext,
): FieldChange => ({
  field: 'secrets',
  before: liveSecrets(client, context.clock.now()).map(({ label }) => label),
  after: after.map(({ label }) => label),
});
