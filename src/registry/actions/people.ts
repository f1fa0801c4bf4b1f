import type { Account } from '#accounts/account.ts';
import { letterBudgets } from '#accounts/email-budget.ts';
import type { UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import { later } from '#kernel/time.ts';
import { type Actor, mayDo, personOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import type { Client } from '../model/client.ts';
import type { Revision } from '../model/revision.ts';
import type { Offer } from '../model/team.ts';
import type { Effect } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { heard, holdsRisk } from '../review/independence.ts';
import { clientAction, isOwner, lacking } from './action.ts';
import { type Desk, denied } from './context.ts';
import { wholeNumber } from './fields.ts';

// Apps looked after by several people, and given to another: nobody is put in charge without their
// own yes.

export const MOST_MAINTAINERS = 20;
const userId = { name: 'userId', judge: wholeNumber };
const mayUpdate = (actor: Parameters<typeof lacking>[0]) => lacking(actor, RIGHTS.updateOwn);

/** Somebody who could look after an app: there, and not blocked. */
async function person(desk: Desk, id: unknown) {
  const found = await desk.accounts.findAccount(id as UserId);
  return found === undefined || found.blocked ? undefined : found;
}

/** Apps that were refused or switched off stay with whom they are, unless a reviewer moves them. */
const isAlive = (client: Client) => client.stage === 'approved' || client.stage === 'proposed';

/**
 * Why this person must not be asked by this actor now. The operator may always; the sender's day is
 * counted last.
 */
async function invitationProblem(
  desk: Desk,
  actor: Actor,
  kind: 'invitation' | 'offer',
  to: UserId,
): Promise<RegistryRefusal | undefined> {
  const from = personOf(actor)?.id;
  if (from === undefined) return undefined;
  if (await desk.records.declinesInvitations(to)) return { kind: 'invitations_declined' };
  if (await desk.letters.mayCause(kind, `account ${from}`)) return undefined;
  return { kind: 'too_many_invitations', most: letterBudgets[kind].sender };
}

export const invite = clientAction('invite', {
  fields: [userId],
  before: mayUpdate,
  async decide(desk, actor, client, values) {
    // Whoever holds the credential of an owner-only app acts as its owner.
    if (!isOwner(actor, client) || client.ownerOnly || !isAlive(client) || client.suppressed)
      return denied();
    const invited = await person(desk, values.userId);
    if (invited === undefined) return refuse({ kind: 'not_found', what: 'person' });
    const { maintainers } = await desk.records.teamOf(client.id);
    if (invited.id === client.ownerId || maintainers.some((one) => one.userId === invited.id))
      return refuse({ kind: 'nothing_to_do', field: 'userId' });
    if (maintainers.length >= MOST_MAINTAINERS)
      return refuse({ kind: 'too_many', what: 'maintainers', most: MOST_MAINTAINERS });
    const by = personOf(actor)?.id ?? null;
    const unwelcome = await invitationProblem(desk, actor, 'invitation', invited.id);
    if (unwelcome) return refuse(unwelcome);
    const hasOne = by !== null && (await desk.records.hasOpenInvitation(by, invited.id));
    return accept({
      effects: [{ kind: 'invite', userId: invited.id, by, at: desk.clock.now() }],
      changes: [{ field: 'maintainers', before: null, after: { invited: invited.id } }],
      // One letter at a time: whoever has an unanswered invitation of this sender finds the others
      // beside it.
      ...(hasOne ? {} : { tell: invited.id }),
    });
  },
});

export const join = clientAction('join', {
  async decide(desk, actor, client) {
    const user = personOf(actor);
    const invitation = (await desk.records.teamOf(client.id)).maintainers.find(
      (one) => one.userId === user?.id,
    );
    if (user === null || invitation === undefined)
      return refuse({ kind: 'not_found', what: 'offer' });
    if (invitation.acceptedAt !== null)
      return refuse({ kind: 'nothing_to_do', field: 'maintainers' });
    return accept({
      effects: [{ kind: 'join', userId: user.id, at: desk.clock.now() }],
      changes: [
        { field: 'maintainers', before: { invited: user.id }, after: { accepted: user.id } },
      ],
      tell: client.ownerId,
    });
  },
});

/** A maintainer goes, or an invitation ends: by themself or by the owner. */
export const leave = clientAction('leave', {
  fields: [userId],
  async decide(desk, actor, client, values) {
    const id = values.userId as UserId;
    if (personOf(actor)?.id !== id && !(isOwner(actor, client) && mayDo(actor, RIGHTS.updateOwn)))
      return denied();
    const maintainer = (await desk.records.teamOf(client.id)).maintainers.find(
      (one) => one.userId === id,
    );
    if (maintainer === undefined) return refuse({ kind: 'not_found', what: 'maintainer' });
    const accepted = maintainer.acceptedAt !== null;
    const before = accepted ? { accepted: id } : { invited: id };
    const involve = {
      kind: 'involve',
      userId: id,
      part: 'maintainer',
      at: desk.clock.now(),
    } as const;
    return accept({
      effects: [{ kind: 'leave', userId: id }, ...(accepted ? [involve] : [])],
      changes: [{ field: 'maintainers', before, after: null }],
      // Whoever was asked and has not answered hears no more of it.
      ...(personOf(actor)?.id === id
        ? { tell: client.ownerId }
        : maintainer.acceptedAt === null
          ? {}
          : { tell: id }),
    });
  },
});

/**
 * Offers the app to somebody. Besides the owner, reviewers may: an app whose owner is gone needs a
 * new one.
 */
export const offer = clientAction('offer', {
  fields: [userId],
  async decide(desk, actor, client, values) {
    const owner = await desk.accounts.findAccount(client.ownerId);
    const orphaned = owner === undefined || owner.blocked;
    const own = isOwner(actor, client) && mayDo(actor, RIGHTS.updateOwn);
    if (!own && !(orphaned && mayDo(actor, RIGHTS.review))) return denied();
    if (!isAlive(client) || client.suppressed) return denied();
    if (!own) {
      const yes = await heard(desk, actor, client, { kind: 'hand-over' });
      if (yes !== 'decided') return yes;
    }
    const chosen = await person(desk, values.userId);
    if (chosen === undefined) return refuse({ kind: 'not_found', what: 'person' });
    // Whoever decides who gets it does not get it.
    if (!own && chosen.id === personOf(actor)?.id)
      return refuse({ kind: 'needs_another_reviewer', why: 'handed-over' });
    if (chosen.id === client.ownerId) return refuse({ kind: 'nothing_to_do', field: 'userId' });
    const unwelcome = await invitationProblem(desk, actor, 'offer', chosen.id);
    if (unwelcome) return refuse(unwelcome);
    const { offer: replaced } = await desk.records.teamOf(client.id);
    return accept({
      effects: [
        { kind: 'offer', toId: chosen.id, by: personOf(actor)?.id ?? null, at: desk.clock.now() },
      ],
      changes: [{ field: 'offer', before: replaced?.toId ?? null, after: chosen.id }],
      tell: chosen.id,
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
function transferred(
  desk: Desk,
  client: Client,
  offered: Offer,
  open: Revision | undefined,
  user: Account,
  email: string,
) {
  const now = desk.clock.now();
  const again = client.stage === 'approved' && holdsRisk(desk, client.scopes);
  const moved = again ? ({ stage: 'proposed', stageAt: now } as const) : {};
  // The operator named the app to ask about tokens in the hands it was in.
  const after: Client = {
    ...client,
    ownerId: user.id,
    email,
    rsaPublicKey: null,
    introspector: false,
    ...moved,
  };
  const effects: Effect[] = [
    { kind: 'save-client', client: after },
    { kind: 'end-offer' },
    { kind: 'leave', userId: user.id },
    { kind: 'clear-approvals' },
    { kind: 'involve', userId: client.ownerId, part: 'owner', at: now },
    { kind: 'end-secrets', at: again ? now : later(now, desk.settings.oldSecretsFor) },
  ];
  const { offeredBy } = offered;
  if (offeredBy !== null && offeredBy !== client.ownerId)
    effects.push({ kind: 'involve', userId: offeredBy, part: 'handed-over', at: now });
  // The proposal has everything that is asked for now.
  if (again && open)
    effects.push({ kind: 'close-revision', id: open.id, stage: 'withdrawn', at: now });
  if (client.ownerOnly) effects.push({ kind: 'end-consents-of', userId: client.ownerId });
  return { after, effects };
}

/** Takes the app over. The right to propose is needed: to own an app is what it allows. */
export const acceptOffer = clientAction('accept-offer', {
  before: (actor) => lacking(actor, RIGHTS.propose),
  async decide(desk, actor, client) {
    const user = personOf(actor);
    const { offer: offered } = await desk.records.teamOf(client.id);
    if (user === null || offered === null || offered.toId !== user.id)
      return refuse({ kind: 'not_found', what: 'offer' });
    if (!isAlive(client) || client.suppressed) return denied();
    if (user.emailConfirmedAt === null || user.email === null)
      return refuse({ kind: 'email_not_confirmed' });
    const namesakes = await desk.records.findClientsNamed(user.id, client.name);
    if (namesakes.some(({ version }) => version === client.version))
      return refuse({ kind: 'consumer_exists', version: null });
    const open = await desk.records.openRevision(client.id);
    const { after, effects } = transferred(desk, client, offered, open, user, user.email);
    return accept({ effects, changes: fieldChanges(client, after), tell: ['team', 'reviewers'] });
  },
});

/** Ends an offer: the one it was made to says no, or the owner takes it back. */
export const declineOffer = clientAction('decline-offer', {
  async decide(desk, actor, client) {
    const { offer: offered } = await desk.records.teamOf(client.id);
    if (offered === null) return refuse({ kind: 'not_found', what: 'offer' });
    const user = personOf(actor);
    const by = user !== null && (user.id === offered.toId || user.id === offered.offeredBy);
    if (!by && !isOwner(actor, client)) return denied();
    return accept({
      effects: [{ kind: 'end-offer' }],
      changes: [{ field: 'offer', before: offered.toId, after: null }],
      // Whoever was asked and has not answered hears no more of it.
      ...(user?.id === offered.toId ? { tell: client.ownerId } : {}),
    });
  },
});
