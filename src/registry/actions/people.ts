import type { Account } from '#accounts/account.ts';
import { emailBudgets } from '#accounts/email-budget.ts';
import type { UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import { addSeconds } from '#kernel/time.ts';
import { isOwner } from '../access.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import type { Client } from '../model/client.ts';
import type { Revision } from '../model/revision.ts';
import type { Offer } from '../model/team.ts';
import type { Effect } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { hasTwoPersonRisk, recordApproval } from '../review/independence.ts';
import { clientAction } from './action.ts';
import { permissionDenied, type RegistryContext } from './context.ts';
import { missingRight } from './rules.ts';
import { positiveInteger } from './validators.ts';

// Apps looked after by several people, and given to another: nobody is put in charge without their
// own yes.

export const MAX_MAINTAINERS = 20;
const userId = { name: 'userId', validate: positiveInteger };
const updateRightProblem = (actor: Parameters<typeof missingRight>[0]) =>
  missingRight(actor, RIGHTS.updateOwn);

/** Somebody who could look after an app: there, and not blocked. */
async function findInvitee(context: RegistryContext, id: unknown) {
  const found = await context.accounts.findAccount(id as UserId);
  return found === undefined || found.blocked ? undefined : found;
}

/** Apps that were refused or switched off stay with whom they are, unless a reviewer moves them. */
const isActive = (client: Client) => client.stage === 'approved' || client.stage === 'proposed';

/**
 * Why this person must not be asked by this actor now. The operator may always; the sender's day is
 * counted last.
 */
async function invitationProblem(
  context: RegistryContext,
  actor: Actor,
  kind: 'invitation' | 'offer',
  to: UserId,
): Promise<RegistryRefusal | undefined> {
  const from = accountOf(actor)?.id;
  if (from === undefined) return undefined;
  if (await context.records.declinesInvitations(to)) return { kind: 'invitations_declined' };
  if (await context.emailBudget.consumeSenderQuota(kind, `account ${from}`)) return undefined;
  return { kind: 'too_many_invitations', most: emailBudgets[kind].sender };
}

export const invite = clientAction('invite', {
  fields: [userId],
  precheck: updateRightProblem,
  async decide(context, actor, client, values) {
    // Whoever holds the credential of an owner-only app acts as its owner.
    if (!isOwner(actor, client) || client.ownerOnly || !isActive(client) || client.suppressed)
      return permissionDenied();
    const invited = await findInvitee(context, values.userId);
    if (invited === undefined) return refuse({ kind: 'not_found', what: 'person' });
    const { maintainers } = await context.records.teamOf(client.id);
    if (invited.id === client.ownerId || maintainers.some((one) => one.userId === invited.id))
      return refuse({ kind: 'nothing_to_do', field: 'userId' });
    if (maintainers.length >= MAX_MAINTAINERS)
      return refuse({ kind: 'too_many', what: 'maintainers', most: MAX_MAINTAINERS });
    const by = accountOf(actor)?.id ?? null;
    const refusal = await invitationProblem(context, actor, 'invitation', invited.id);
    if (refusal) return refuse(refusal);
    const hasOpenInvitation =
      by !== null && (await context.records.hasOpenInvitation(by, invited.id));
    return accept({
      effects: [{ kind: 'invite', userId: invited.id, by, at: context.clock.now() }],
      changes: [{ field: 'maintainers', before: null, after: { invited: invited.id } }],
      // One email at a time: whoever has an unanswered invitation of this sender finds the others
      // beside it.
      ...(hasOpenInvitation ? {} : { notify: invited.id }),
    });
  },
});

export const join = clientAction('join', {
  async decide(context, actor, client) {
    const user = accountOf(actor);
    const invitation = (await context.records.teamOf(client.id)).maintainers.find(
      (one) => one.userId === user?.id,
    );
    if (user === null || invitation === undefined)
      return refuse({ kind: 'not_found', what: 'offer' });
    if (invitation.acceptedAt !== null)
      return refuse({ kind: 'nothing_to_do', field: 'maintainers' });
    return accept({
      effects: [{ kind: 'join', userId: user.id, at: context.clock.now() }],
      changes: [
        { field: 'maintainers', before: { invited: user.id }, after: { accepted: user.id } },
      ],
      notify: client.ownerId,
    });
  },
});

/** A maintainer goes, or an invitation ends: by themself or by the owner. */
export const leave = clientAction('leave', {
  fields: [userId],
  async decide(context, actor, client, values) {
    const id = values.userId as UserId;
    if (
      accountOf(actor)?.id !== id &&
      !(isOwner(actor, client) && hasRight(actor, RIGHTS.updateOwn))
    )
      return permissionDenied();
    const maintainer = (await context.records.teamOf(client.id)).maintainers.find(
      (one) => one.userId === id,
    );
    if (maintainer === undefined) return refuse({ kind: 'not_found', what: 'maintainer' });
    const accepted = maintainer.acceptedAt !== null;
    const before = accepted ? { accepted: id } : { invited: id };
    const involve = {
      kind: 'involve',
      userId: id,
      part: 'maintainer',
      at: context.clock.now(),
    } as const;
    return accept({
      effects: [{ kind: 'leave', userId: id }, ...(accepted ? [involve] : [])],
      changes: [{ field: 'maintainers', before, after: null }],
      // Whoever was asked and has not answered hears no more of it.
      ...(accountOf(actor)?.id === id
        ? { notify: client.ownerId }
        : maintainer.acceptedAt === null
          ? {}
          : { notify: id }),
    });
  },
});

/**
 * Offers the app to somebody. Besides the owner, reviewers may: an app whose owner is gone needs a
 * new one.
 */
export const offer = clientAction('offer', {
  fields: [userId],
  async decide(context, actor, client, values) {
    const owner = await context.accounts.findAccount(client.ownerId);
    const orphaned = owner === undefined || owner.blocked;
    const asOwner = isOwner(actor, client) && hasRight(actor, RIGHTS.updateOwn);
    if (!asOwner && !(orphaned && hasRight(actor, RIGHTS.review))) return permissionDenied();
    if (!isActive(client) || client.suppressed) return permissionDenied();
    if (!asOwner) {
      const approval = await recordApproval(context, actor, client, { kind: 'hand-over' });
      if (approval !== 'decided') return approval;
    }
    const newOwner = await findInvitee(context, values.userId);
    if (newOwner === undefined) return refuse({ kind: 'not_found', what: 'person' });
    // Whoever decides who gets it does not get it.
    if (!asOwner && newOwner.id === accountOf(actor)?.id)
      return refuse({ kind: 'needs_another_reviewer', why: 'handed-over' });
    if (newOwner.id === client.ownerId) return refuse({ kind: 'nothing_to_do', field: 'userId' });
    const refusal = await invitationProblem(context, actor, 'offer', newOwner.id);
    if (refusal) return refuse(refusal);
    const { offer: replacedOffer } = await context.records.teamOf(client.id);
    return accept({
      effects: [
        {
          kind: 'offer',
          toId: newOwner.id,
          by: accountOf(actor)?.id ?? null,
          at: context.clock.now(),
        },
      ],
      changes: [{ field: 'offer', before: replacedOffer?.toId ?? null, after: newOwner.id }],
      notify: newOwner.id,
    });
  },
});

/**
 * What a new owner changes. Whoever had the app before knows its credentials: its secrets end after
 * a grace, its RSA key at once, since there is one alone. Consents stand, for users gave them to
 * the app; but two people trusted the old owner with a scope that needs two, so that such an app is
 * proposed again, and until then nobody else's token works. The credential of an owner-only app
 * acts as the old owner: it ends, and the new owner resets it for their own.
 */
function transferOwnership(
  context: RegistryContext,
  client: Client,
  pendingOffer: Offer,
  open: Revision | undefined,
  user: Account,
  email: string,
) {
  const now = context.clock.now();
  const needsReapproval = client.stage === 'approved' && hasTwoPersonRisk(context, client.scopes);
  const stageChange = needsReapproval ? ({ stage: 'proposed', stageAt: now } as const) : {};
  // The operator named the app to ask about tokens in the hands it was in.
  const after: Client = {
    ...client,
    ownerId: user.id,
    email,
    rsaPublicKey: null,
    introspector: false,
    ...stageChange,
  };
  const effects: Effect[] = [
    { kind: 'save-client', client: after },
    { kind: 'end-offer' },
    { kind: 'leave', userId: user.id },
    { kind: 'clear-approvals' },
    { kind: 'involve', userId: client.ownerId, part: 'owner', at: now },
    {
      kind: 'end-secrets',
      at: needsReapproval ? now : addSeconds(now, context.settings.oldSecretsTtlSeconds),
    },
  ];
  const { offeredBy } = pendingOffer;
  if (offeredBy !== null && offeredBy !== client.ownerId)
    effects.push({ kind: 'involve', userId: offeredBy, part: 'handed-over', at: now });
  // The proposal has everything that is asked for now.
  if (needsReapproval && open)
    effects.push({ kind: 'close-revision', id: open.id, stage: 'withdrawn', at: now });
  if (client.ownerOnly) effects.push({ kind: 'end-consents-of', userId: client.ownerId });
  return { after, effects };
}

/** Takes the app over. The right to propose is needed: to own an app is what it allows. */
export const acceptOffer = clientAction('accept-offer', {
  precheck: (actor) => missingRight(actor, RIGHTS.propose),
  async decide(context, actor, client) {
    const user = accountOf(actor);
    const { offer: pendingOffer } = await context.records.teamOf(client.id);
    if (user === null || pendingOffer === null || pendingOffer.toId !== user.id)
      return refuse({ kind: 'not_found', what: 'offer' });
    if (!isActive(client) || client.suppressed) return permissionDenied();
    if (user.emailConfirmedAt === null || user.email === null)
      return refuse({ kind: 'email_not_confirmed' });
    const namesakes = await context.records.findClientsNamed(user.id, client.name);
    if (namesakes.some(({ version }) => version === client.version))
      return refuse({ kind: 'consumer_exists', version: null });
    const open = await context.records.openRevision(client.id);
    const { after, effects } = transferOwnership(
      context,
      client,
      pendingOffer,
      open,
      user,
      user.email,
    );
    return accept({ effects, changes: fieldChanges(client, after), notify: ['team', 'reviewers'] });
  },
});

/** Ends an offer: the one it was made to declines, or the owner takes it back. */
export const declineOffer = clientAction('decline-offer', {
  async decide(context, actor, client) {
    const { offer: pendingOffer } = await context.records.teamOf(client.id);
    if (pendingOffer === null) return refuse({ kind: 'not_found', what: 'offer' });
    const user = accountOf(actor);
    const isParty =
      user !== null && (user.id === pendingOffer.toId || user.id === pendingOffer.offeredBy);
    if (!isParty && !isOwner(actor, client)) return permissionDenied();
    return accept({
      effects: [{ kind: 'end-offer' }],
      changes: [{ field: 'offer', before: pendingOffer.toId, after: null }],
      // Whoever was asked and has not answered hears no more of it.
      ...(user?.id === pendingOffer.toId ? { notify: client.ownerId } : {}),
    });
  },
});
