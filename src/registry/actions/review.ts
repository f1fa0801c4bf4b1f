import { accept, refuse } from '#kernel/result.ts';
import { type Actor, RIGHTS } from '../actor.ts';
import { type Client, type Stage, type Suspension, suspensions } from '../model/client.ts';
import { recordApproval } from '../review/independence.ts';
import { clientAction, type DecisionResult, suppressField } from './action.ts';
import type { RegistryContext } from './context.ts';
import { hiddenProblem, missingRight, saveDecision } from './rules.ts';
import { oneOf } from './validators.ts';

// Reviewers' decisions (registry 3.5–3.8). The order of the checks is the reference's.

const reviewRightProblem = (actor: Actor) => missingRight(actor, RIGHTS.review);

/** Moves a client to a stage; first approvals that were waiting are void. */
function moveToStage(
  context: RegistryContext,
  client: Client,
  stage: Stage,
  suppressed: boolean,
): DecisionResult {
  const suspension: Suspension = stage === 'approved' ? 'none' : client.suspension;
  return saveDecision(client, {
    ...client,
    stage,
    suppressed,
    suspension,
    stageAt: context.clock.now(),
  });
}

/**
 * What is hidden, or shown again, wants an independent reviewer; the rest of the decision may not.
 */
const recordHidingApproval = async (
  context: RegistryContext,
  actor: Actor,
  client: Client,
  suppress: boolean,
) =>
  client.suppressed === suppress
    ? 'decided'
    : recordApproval(context, actor, client, { kind: suppress ? 'hide' : 'show' });

export const approve = clientAction('approve', {
  precheck: reviewRightProblem,
  async decide(context, actor, client) {
    if (!['proposed', 'expired', 'rejected'].includes(client.stage))
      return refuse({ kind: 'not_proposed', stage: client.stage });
    const hiddenRefusal = hiddenProblem(actor, client);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    const approval = await recordApproval(context, actor, client, { kind: 'approve' });
    return approval === 'decided' ? moveToStage(context, client, 'approved', false) : approval;
  },
});

export const reject = clientAction('reject', {
  fields: [suppressField],
  precheck: reviewRightProblem,
  async decide(context, actor, client, { suppress }) {
    if (client.stage !== 'proposed') return refuse({ kind: 'not_proposed', stage: client.stage });
    const hiddenRefusal =
      hiddenProblem(actor, client) ?? (suppress ? missingRight(actor, RIGHTS.suppress) : undefined);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    const approval = await recordHidingApproval(context, actor, client, suppress === true);
    return approval === 'decided'
      ? moveToStage(context, client, 'rejected', suppress === true)
      : approval;
  },
});

export const disable = clientAction('disable', {
  fields: [suppressField],
  precheck: (actor, { suppress }) =>
    reviewRightProblem(actor) ?? (suppress ? missingRight(actor, RIGHTS.suppress) : undefined),
  async decide(context, actor, client, { suppress }) {
    // An app of any other stage is hidden or shown this way (registry 3.7).
    if (client.stage !== 'approved' && client.suppressed === suppress)
      return refuse({ kind: 'not_approved', stage: client.stage });
    const hiddenRefusal = hiddenProblem(actor, client);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    const approval = await recordHidingApproval(context, actor, client, suppress === true);
    return approval === 'decided'
      ? moveToStage(context, client, 'disabled', suppress === true)
      : approval;
  },
});

export const reenable = clientAction('reenable', {
  precheck: reviewRightProblem,
  async decide(context, actor, client) {
    if (client.stage !== 'disabled') return refuse({ kind: 'not_disabled', stage: client.stage });
    const hiddenRefusal = hiddenProblem(actor, client);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    const approval = await recordApproval(context, actor, client, { kind: 'reenable' });
    return approval === 'decided' ? moveToStage(context, client, 'approved', false) : approval;
  },
});

/**
 * The kill switch by degrees: no new consents, then no tokens; `nothing` undoes it. The last degree
 * is to disable.
 */
export const halt = clientAction('halt', {
  fields: [{ name: 'suspension', validate: oneOf(suspensions) }],
  precheck: reviewRightProblem,
  async decide(context, actor, client, values) {
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const hiddenRefusal = hiddenProblem(actor, client);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    const suspension = values.suspension as Suspension;
    if (suspension === client.suspension) return accept({ effects: [], changes: [] });
    // To stop more is anybody's; to stop less undoes what somebody had a reason for.
    if (suspensions.indexOf(suspension) < suspensions.indexOf(client.suspension)) {
      const approval = await recordApproval(context, actor, client, { kind: 'resume', suspension });
      if (approval !== 'decided') return approval;
    }
    return saveDecision(client, { ...client, suspension });
  },
});

/** A proposal nobody decided on (registry 9.7). Scheduled work alone does this; nobody is told. */
export const expire = clientAction('expire', {
  precheck: (actor) =>
    actor.kind === 'operator' ? undefined : { kind: 'permission_denied', right: null },
  decide(context, _actor, client) {
    if (client.stage !== 'proposed') return refuse({ kind: 'not_proposed', stage: client.stage });
    const { idleProposalTtlSeconds } = context.settings;
    if (
      idleProposalTtlSeconds === null ||
      context.clock.now() - client.stageAt <= idleProposalTtlSeconds
    )
      return refuse({ kind: 'nothing_to_do', field: 'stage' });
    const { notify: _recipients, ...decision } = (
      moveToStage(context, client, 'expired', client.suppressed) as Extract<
        DecisionResult,
        { ok: true }
      >
    ).value;
    return accept(decision);
  },
});
