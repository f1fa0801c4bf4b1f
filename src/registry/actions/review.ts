import type { UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import { type Actor, personOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import { type Client, type Halt, halts, type Stage } from '../client.ts';
import type { Desk } from '../desk.ts';
import { oneOf } from '../fields.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { isMaintainer } from '../team.ts';
import { clientAction, type Decided, lacking, suppressField } from './action.ts';

// Reviewers' decisions (registry 3.5–3.8). The order of the checks is the reference's.

const mayReview = (actor: Actor) => lacking(actor, RIGHTS.review);
const maySeeHidden = (actor: Actor, client: Client) => (client.suppressed ? lacking(actor, RIGHTS.suppress) : undefined);

/** Moves a client to a stage; first approvals that were waiting are void. */
function moved(desk: Desk, client: Client, stage: Stage, suppressed: boolean): Decided {
  const halted: Halt = stage === 'approved' ? 'nothing' : client.halted;
  const after = { ...client, stage, suppressed, halted, stageAt: desk.clock.now() };
  return accept({
    effects: [{ kind: 'save-client', client: after }, { kind: 'clear-approvals' }],
    changes: fieldChanges(client, after),
    tell: 'team',
  });
}

/** Scopes for which two people must say yes. */
export const needsTwo = (desk: Desk, scopes: readonly string[]): boolean =>
  scopes.some((scope) => desk.settings.twoPersonRisks.includes(desk.rules.catalogue.get(scope)?.risk ?? 'unknown'));

/**
 * The two-person rule: a first yes is written down and decides nothing; the second must come from somebody else, and those of the owner and of maintainers do
 * not count. The operator, who could change the rule, decides alone.
 */
export async function secondYes(
  desk: Desk,
  actor: Actor,
  client: Client,
  scopes: readonly string[],
  revisionId: number | null,
): Promise<{ readonly first: Decided } | { readonly refusal: RegistryRefusal } | 'decided'> {
  const reviewer = personOf(actor);
  if (reviewer === null || !needsTwo(desk, scopes)) return 'decided';
  // Who looks after the app has no say here, also when they came to it after their yes.
  const team = await desk.records.teamOf(client.id);
  const keeps = (id: UserId) => id === client.ownerId || isMaintainer(team, id);
  const before = (await desk.records.approvalsOf(client.id, revisionId)).filter((id) => !keeps(id));
  if (keeps(reviewer.id) || before.includes(reviewer.id)) return { refusal: { kind: 'needs_another_reviewer' } };
  if (before.length > 0) return 'decided';
  const effect = { kind: 'first-approval', reviewerId: reviewer.id, revisionId, at: desk.clock.now() } as const;
  const as = revisionId === null ? 'first-approval' : 'first-approval-of-revision';
  return { first: accept({ effects: [effect], changes: [{ field: 'approvals', before: 0, after: 1 }], as, waiting: true }) };
}

export const approve = clientAction('approve', {
  before: mayReview,
  async decide(desk, actor, client) {
    if (!['proposed', 'expired', 'rejected'].includes(client.stage)) return refuse({ kind: 'not_proposed', stage: client.stage });
    const hidden = maySeeHidden(actor, client);
    if (hidden) return refuse(hidden);
    const yes = await secondYes(desk, actor, client, client.scopes, null);
    if (yes === 'decided') return moved(desk, client, 'approved', false);
    return 'first' in yes ? yes.first : refuse(yes.refusal);
  },
});

export const reject = clientAction('reject', {
  fields: [suppressField],
  before: mayReview,
  decide(desk, actor, client, { suppress }) {
    if (client.stage !== 'proposed') return refuse({ kind: 'not_proposed', stage: client.stage });
    const hidden = maySeeHidden(actor, client) ?? (suppress ? lacking(actor, RIGHTS.suppress) : undefined);
    return hidden ? refuse(hidden) : moved(desk, client, 'rejected', suppress === true);
  },
});

export const disable = clientAction('disable', {
  fields: [suppressField],
  before: (actor, { suppress }) => mayReview(actor) ?? (suppress ? lacking(actor, RIGHTS.suppress) : undefined),
  decide(desk, actor, client, { suppress }) {
    // An app of any other stage is hidden or shown this way (registry Q6).
    if (client.stage !== 'approved' && client.suppressed === suppress) return refuse({ kind: 'not_approved', stage: client.stage });
    const hidden = maySeeHidden(actor, client);
    return hidden ? refuse(hidden) : moved(desk, client, 'disabled', suppress === true);
  },
});

export const reenable = clientAction('reenable', {
  before: mayReview,
  decide(desk, actor, client) {
    if (client.stage !== 'disabled') return refuse({ kind: 'not_disabled', stage: client.stage });
    const hidden = maySeeHidden(actor, client);
    return hidden ? refuse(hidden) : moved(desk, client, 'approved', false);
  },
});

/** The kill switch by degrees: no new consents, then no tokens; `nothing` undoes it. The last degree is to disable. */
export const halt = clientAction('halt', {
  fields: [{ name: 'halted', judge: oneOf(halts) }],
  before: mayReview,
  decide(_desk, actor, client, values) {
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const hidden = maySeeHidden(actor, client);
    if (hidden) return refuse(hidden);
    const halted = values.halted as Halt;
    if (halted === client.halted) return accept({ effects: [], changes: [] });
    const after = { ...client, halted };
    return accept({ effects: [{ kind: 'save-client', client: after }], changes: fieldChanges(client, after), tell: 'team' });
  },
});

/** A proposal nobody decided on (registry 9.7). Scheduled work alone does this; nobody is told. */
export const expire = clientAction('expire', {
  before: (actor) => (actor.kind === 'operator' ? undefined : { kind: 'permission_denied', right: null }),
  decide(desk, _actor, client) {
    if (client.stage !== 'proposed') return refuse({ kind: 'not_proposed', stage: client.stage });
    const { idleFor } = desk.settings;
    if (idleFor === null || desk.clock.now() - client.stageAt <= idleFor) return refuse({ kind: 'nothing_to_do', field: 'stage' });
    const { tell: _nobody, ...decision } = (moved(desk, client, 'expired', client.suppressed) as Extract<Decided, { ok: true }>).value;
    return accept(decision);
  },
});
