import type { EmailKind } from '#accounts/email-budget.ts';
import type { UserId } from '#kernel/ids.ts';
import { type Actor, accountOf } from '../actor.ts';
import type { Client } from '../model/client.ts';
import type { NewNotification, NotificationTarget } from '../notifications/notification.ts';
import { actingApp } from './authority.ts';
import type { RegistryContext } from './context.ts';

/** The reviewers who are notified of proposals, all who look after the app, or one person. */
export type NotificationRecipients = 'reviewers' | 'team' | UserId;

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
const emailKindOf = (
  action: string,
  notify: NotificationRecipients | readonly NotificationRecipients[] | undefined,
): EmailKind =>
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
  notify: NotificationRecipients | readonly NotificationRecipients[] | undefined,
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
