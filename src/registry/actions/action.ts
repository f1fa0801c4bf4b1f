import { type ClientId, isClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Actor } from '../actor.ts';
import type { AdmissionBase } from '../admission.ts';
import type { FieldChange } from '../audit.ts';
import { isEtag, recordVersionOf } from '../etag.ts';
import type { Client } from '../model/client.ts';
import type { Effect } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import type { GovernedAction } from './authority.ts';
import { commitChange, makeAuditEntry } from './commit.ts';
import {
  type ActionOutcome,
  type ActionResult,
  changeConflict,
  type IssuedSecrets,
  noIssuedSecrets,
  type RegistryContext,
} from './context.ts';
import type { Field, Values } from './fields.ts';
import { makeNotifications, type NotificationRecipients } from './notifications.ts';
import { booleanValue, matchingText, reasonText } from './validators.ts';

/** One action of the registry: who may come at all, which fields it reads, and what it does. */
export interface Action {
  readonly base: AdmissionBase;
  readonly fields: readonly Field[];
  run(context: RegistryContext, actor: Actor, values: Values): ActionResult;
}

/** What an action on a client decided. Nothing is written yet. */
export interface ActionDecision {
  /** Empty: things are as asked already, and nothing is written. */
  readonly effects: readonly Effect[];
  readonly changes: readonly FieldChange[];
  /** Name in the audit log, when it is not the action's own. */
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
  validate: matchingText(isClientId, { kind: 'not-this-type', wanted: 'client_id' }),
};
const reasonField: Field = { name: 'reason', validate: reasonText };
const etagField: Field = {
  name: 'etag',
  optional: true,
  validate: matchingText(isEtag, { kind: 'not-this-type', wanted: 'ETag' }),
};
export const suppressField: Field = { name: 'suppress', validate: booleanValue };

/** How often a decision without an ETag is made again when the app changed meanwhile. */
const MAX_TRIES = 3;

/** Writes what was decided on a client, with its audit entry and notifications. */
async function commitDecision(
  context: RegistryContext,
  actor: Actor,
  name: GovernedAction,
  client: Client,
  { effects, changes, auditAction = name, notify, issued }: ActionDecision,
  reason: string,
): ReturnType<typeof commitChange> {
  const changesCredentials =
    issued !== undefined ||
    changes.some(({ field }) => field === 'secrets' || field === 'rsaPublicKey');
  return commitChange(context, actor, name, client, {
    recordVersion: client.recordVersion,
    effects,
    audit: makeAuditEntry(context, actor, auditAction, client.id, reason, changes),
    notifications: await makeNotifications(
      context,
      actor,
      auditAction,
      client,
      client.recordVersion + 1,
      reason,
      notify,
      changesCredentials ? 'credentials' : undefined,
    ),
  });
}

/** Why a change was not written; undefined: the client changed meanwhile. */
function commitRefusal(
  committed: Exclude<Awaited<ReturnType<typeof commitChange>>, { readonly outcome: 'applied' }>,
): RegistryRefusal | undefined {
  switch (committed.outcome) {
    case 'refused':
      return committed.refusal;
    case 'exists':
      return { kind: 'consumer_exists', version: null };
    case 'unknown':
      return { kind: 'invalid_consumer_key' };
    case 'stale':
      return undefined;
  }
}

/** One try of an action; `conflict`: the client changed between the look and the writing. */
async function tryAction(
  context: RegistryContext,
  actor: Actor,
  name: GovernedAction,
  decide: ClientAction['decide'],
  values: Values,
): Promise<Awaited<ActionResult> | { readonly conflict: Client }> {
  const client = await context.records.findClient(values.clientId as ClientId);
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
  const { effects, issued, awaitsSecondApproval = false } = decided.value;
  const outcome = { ...noIssuedSecrets, consent: null, awaitsSecondApproval };
  if (effects.length === 0) return accept({ ...outcome, client });
  const reason = values.reason as string;
  const committed = await commitDecision(context, actor, name, client, decided.value, reason);
  if (committed.outcome === 'applied')
    return accept<ActionOutcome>({ ...outcome, ...issued, client: committed.client });
  const refusal = commitRefusal(committed);
  return refusal === undefined ? { conflict: client } : refuse(refusal);
}

/** Makes an action of a ladder: look up, decide, compare versions, write all or nothing. */
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
      for (let attempt = 1; ; attempt++) {
        const result = await tryAction(context, actor, name, decide, values);
        if (!('conflict' in result)) return result;
        const { conflict } = result;
        if (values.etag !== undefined || attempt === MAX_TRIES)
          return refuse(await changeConflict(context, conflict, conflict.recordVersion));
      }
    },
  };
}
