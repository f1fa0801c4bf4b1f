import { accept, refuse } from '#kernel/result.ts';
import { type Actor, RIGHTS } from '../actor.ts';
import { type Client, type Halt, halts, type Stage } from '../model/client.ts';
import { heard } from '../review/independence.ts';
import {
  clientAction,
  type Decided,
  hiddenProblem,
  lacking,
  saved,
  suppressField,
} from './action.ts';
import type { Desk } from './context.ts';
import { oneOf } from './fields.ts';

// Reviewers' decisions (registry 3.5–3.8). The order of the checks is the reference's.

const mayReview = (actor: Actor) => lacking(actor, RIGHTS.review);

/** Moves a client to a stage; first approvals that were waiting are void. */
function moved(desk: Desk, client: Client, stage: Stage, suppressed: boolean): Decided {
  const halted: Halt = stage === 'approved' ? 'nothing' : client.halted;
  return saved(client, { ...client, stage, suppressed, halted, stageAt: desk.clock.now() });
}

/**
 * What is hidden, or shown again, wants an independent reviewer; the rest of the decision may not.
 */
const heardOfHiding = async (desk: Desk, actor: Actor, client: Client, suppress: boolean) =>
  client.suppressed === suppress
    ? 'decided'
    : heard(desk, actor, client, { kind: suppress ? 'hide' : 'show' });

export const approve = clientAction('approve', {
  before: mayReview,
  async decide(desk, actor, client) {
    if (!['proposed', 'expired', 'rejected'].includes(client.stage))
      return refuse({ kind: 'not_proposed', stage: client.stage });
    const hidden = hiddenProblem(actor, client);
    if (hidden) return refuse(hidden);
    const yes = await heard(desk, actor, client, { kind: 'approve' });
    return yes === 'decided' ? moved(desk, client, 'approved', false) : yes;
  },
});

export const reject = clientAction('reject', {
  fields: [suppressField],
  before: mayReview,
  async decide(desk, actor, client, { suppress }) {
    if (client.stage !== 'proposed') return refuse({ kind: 'not_proposed', stage: client.stage });
    const hidden =
      hiddenProblem(actor, client) ?? (suppress ? lacking(actor, RIGHTS.suppress) : undefined);
    if (hidden) return refuse(hidden);
    const yes = await heardOfHiding(desk, actor, client, suppress === true);
    return yes === 'decided' ? moved(desk, client, 'rejected', suppress === true) : yes;
  },
});

export const disable = clientAction('disable', {
  fields: [suppressField],
  before: (actor, { suppress }) =>
    mayReview(actor) ?? (suppress ? lacking(actor, RIGHTS.suppress) : undefined),
  async decide(desk, actor, client, { suppress }) {
    // An app of any other stage is hidden or shown this way (registry 3.7).
    if (client.stage !== 'approved' && client.suppressed === suppress)
      return refuse({ kind: 'not_approved', stage: client.stage });
    const hidden = hiddenProblem(actor, client);
    if (hidden) return refuse(hidden);
    const yes = await heardOfHiding(desk, actor, client, suppress === true);
    return yes === 'decided' ? moved(desk, client, 'disabled', suppress === true) : yes;
  },
});

export const reenable = clientAction('reenable', {
  before: mayReview,
  async decide(desk, actor, client) {
    if (client.stage !== 'disabled') return refuse({ kind: 'not_disabled', stage: client.stage });
    const hidden = hiddenProblem(actor, client);
    if (hidden) return refuse(hidden);
    const yes = await heard(desk, actor, client, { kind: 'reenable' });
    return yes === 'decided' ? moved(desk, client, 'approved', false) : yes;
  },
});

/**
 * The kill switch by degrees: no new consents, then no tokens; `nothing` undoes it. The last degree
 * is to disable.
 */
export const halt = clientAction('halt', {
  fields: [{ name: 'halted', judge: oneOf(halts) }],
  before: mayReview,
  async decide(desk, actor, client, values) {
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const hidden = hiddenProblem(actor, client);
    if (hidden) return refuse(hidden);
    const halted = values.halted as Halt;
    if (halted === client.halted) return accept({ effects: [], changes: [] });
    // To stop more is anybody's; to stop less undoes what somebody had a reason for.
    if (halts.indexOf(halted) < halts.indexOf(client.halted)) {
      const yes = await heard(desk, actor, client, { kind: 'resume', halted });
      if (yes !== 'decided') return yes;
    }
    return saved(client, { ...client, halted });
  },
});

/** A proposal nobody decided on (registry 9.7). Scheduled work alone does this; nobody is told. */
export const expire = clientAction('expire', {
  before: (actor) =>
    actor.kind === 'operator' ? undefined : { kind: 'permission_denied', right: null },
  decide(desk, _actor, client) {
    if (client.stage !== 'proposed') return refuse({ kind: 'not_proposed', stage: client.stage });
    const { idleFor } = desk.settings;
    if (idleFor === null || desk.clock.now() - client.stageAt <= idleFor)
      return refuse({ kind: 'nothing_to_do', field: 'stage' });
    const { tell: _nobody, ...decision } = (
      moved(desk, client, 'expired', client.suppressed) as Extract<Decided, { ok: true }>
    ).value;
    return accept(decision);
  },
});
