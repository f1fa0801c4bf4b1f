import type { UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import { mayDo, personOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import type { Client } from '../client.ts';
import { type Desk, denied } from '../desk.ts';
import { wholeNumber } from '../fields.ts';
import type { Effect } from '../records.ts';
import { clientAction, isOwner, lacking } from './action.ts';

// Apps looked after by several people, and given to another: nobody is put in charge without their own yes.

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

export const invite = clientAction('invite', {
  fields: [userId],
  before: mayUpdate,
  async decide(desk, actor, client, values) {
    // Whoever holds the credential of an owner-only app acts as its owner.
    if (!isOwner(actor, client) || client.ownerOnly || !isAlive(client) || client.suppressed) return denied();
    const invited = await person(desk, values.userId);
    if (invited === undefined) return refuse({ kind: 'not_found', what: 'person' });
    const { maintainers } = await desk.records.teamOf(client.id);
    if (invited.id === client.ownerId || maintainers.some((one) => one.userId === invited.id))
      return refuse({ kind: 'nothing_to_do', field: 'userId' });
    if (maintainers.length >= MOST_MAINTAINERS) return refuse({ kind: 'too_many', what: 'maintainers', most: MOST_MAINTAINERS });
    const by = personOf(actor)?.id ?? null;
    return accept({
      effects: [{ kind: 'invite', userId: invited.id, by, at: desk.clock.now() }],
      changes: [{ field: 'maintainers', before: null, after: { invited: invited.id } }],
      tell: invited.id,
    });
  },
});

export const join = clientAction('join', {
  async decide(desk, actor, client) {
    const user = personOf(actor);
    const invitation = (await desk.records.teamOf(client.id)).maintainers.find((one) => one.userId === user?.id);
    if (user === null || invitation === undefined) return refuse({ kind: 'not_found', what: 'offer' });
    if (invitation.acceptedAt !== null) return refuse({ kind: 'nothing_to_do', field: 'maintainers' });
    return accept({
      effects: [{ kind: 'join', userId: user.id, at: desk.clock.now() }],
      changes: [{ field: 'maintainers', before: { invited: user.id }, after: { accepted: user.id } }],
      tell: client.ownerId,
    });
  },
});

/** A maintainer goes, or an invitation ends: by themself or by the owner. */
export const leave = clientAction('leave', {
  fields: [userId],
  async decide(desk, actor, client, values) {
    const id = values.userId as UserId;
    if (personOf(actor)?.id !== id && !(isOwner(actor, client) && mayDo(actor, RIGHTS.updateOwn))) return denied();
    const maintainer = (await desk.records.teamOf(client.id)).maintainers.find((one) => one.userId === id);
    if (maintainer === undefined) return refuse({ kind: 'not_found', what: 'maintainer' });
    const before = maintainer.acceptedAt === null ? { invited: id } : { accepted: id };
    return accept({
      effects: [{ kind: 'leave', userId: id }],
      changes: [{ field: 'maintainers', before, after: null }],
      tell: personOf(actor)?.id === id ? client.ownerId : id,
    });
  },
});

/** Offers the app to somebody. Besides the owner, reviewers may: an app whose owner is gone needs a new one. */
export const offer = clientAction('offer', {
  fields: [userId],
  async decide(desk, actor, client, values) {
    const owner = await desk.accounts.findAccount(client.ownerId);
    const orphaned = owner === undefined || owner.blocked;
    const own = isOwner(actor, client) && mayDo(actor, RIGHTS.updateOwn);
    if (!own && !(orphaned && mayDo(actor, RIGHTS.review))) return denied();
    if (!isAlive(client) || client.suppressed) return denied();
    const chosen = await person(desk, values.userId);
    if (chosen === undefined) return refuse({ kind: 'not_found', what: 'person' });
    if (chosen.id === client.ownerId) return refuse({ kind: 'nothing_to_do', field: 'userId' });
    const { offer: replaced } = await desk.records.teamOf(client.id);
    return accept({
      effects: [{ kind: 'offer', toId: chosen.id, by: personOf(actor)?.id ?? null, at: desk.clock.now() }],
      changes: [{ field: 'offer', before: replaced?.toId ?? null, after: chosen.id }],
      tell: chosen.id,
    });
  },
});

/** Takes the app over. The right to propose is needed: to own an app is what it allows. */
export const acceptOffer = clientAction('accept-offer', {
  before: (actor) => lacking(actor, RIGHTS.propose),
  async decide(desk, actor, client) {
    const user = personOf(actor);
    const { offer: offered } = await desk.records.teamOf(client.id);
    if (user === null || offered?.toId !== user.id) return refuse({ kind: 'not_found', what: 'offer' });
    if (!isAlive(client) || client.suppressed) return denied();
    if (user.emailConfirmedAt === null || user.email === null) return refuse({ kind: 'email_not_confirmed' });
    const namesakes = await desk.records.findClientsNamed(user.id, client.name);
    if (namesakes.some(({ version }) => version === client.version)) return refuse({ kind: 'consumer_exists', version: null });
    // The operator trusted the app in the hands it was in.
    const after = { ...client, ownerId: user.id, email: user.email, introspector: false };
    const effects: Effect[] = [{ kind: 'save-client', client: after }, { kind: 'end-offer' }, { kind: 'leave', userId: user.id }];
    // The credential of an owner-only app acts as the old owner: it ends here, and the new owner resets it for their own.
    if (client.ownerOnly) effects.push({ kind: 'end-consents-of', userId: client.ownerId });
    return accept({ effects, changes: fieldChanges(client, after), tell: 'team' });
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
      tell: user?.id === offered.toId ? client.ownerId : offered.toId,
    });
  },
});
