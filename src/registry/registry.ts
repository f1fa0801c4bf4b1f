import type { ClientId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { instant } from '#kernel/time.ts';
import type { Action } from './actions/action.ts';
import { authorityProblem, type GovernedAction } from './actions/authority.ts';
import { acceptConsent, approvalProblem, revokeConsent } from './actions/consent.ts';
import type { ActionOutcome, RegistryContext } from './actions/context.ts';
import { readFields, type Values } from './actions/fields.ts';
import { setIntrospector } from './actions/introspector.ts';
import { acceptOffer, declineOffer, invite, join, leave, offer } from './actions/people.ts';
import { setPkceExemption } from './actions/pkce-exemption.ts';
import { propose } from './actions/propose.ts';
import { approve, disable, expire, halt, reenable, reject } from './actions/review.ts';
import {
  approveRevision,
  computeRevision,
  rejectRevision,
  revise,
  takesEffectImmediately,
  withdrawRevision,
} from './actions/revise.ts';
import { addSecret, retireSecret, update } from './actions/update.ts';
import { type Actor, accountOf, JOB } from './actor.ts';
import { baseProblem } from './admission.ts';
import { etagFor } from './etag.ts';
import type { Client } from './model/client.ts';
import type { RevisedFields } from './model/revision.ts';
import { makeRegistryQueries, type RegistryQueries } from './queries/registry-queries.ts';
import type { RegistryRefusal } from './refusals.ts';
import { type AssignmentCommands, makeAssignmentCommands } from './review/assignment-commands.ts';
import {
  type ApprovalStatus,
  type ApprovalTopic,
  approvalStatusOf,
} from './review/independence.ts';
import { type RedirectWarning, redirectWarnings } from './review/redirect-warnings.ts';
import type { Risk } from './review/risk.ts';
import { assessClientRisk } from './review/risk-context.ts';
import type { Impact } from './usage.ts';

/**
 * The registry's actions, and the one way to them. Pages, the API, the dialect, the command line,
 * the configuration and scheduled work all submit here: base permission → known action → fields →
 * rule ladder → effects, audit line and notices in one unit of work (ADR 7).
 */
export const actions = {
  propose,
  update,
  approve,
  reject,
  disable,
  reenable,
  expire,
  halt,
  'set-introspector': setIntrospector,
  'set-pkce-exemption': setPkceExemption,
  'add-secret': addSecret,
  'retire-secret': retireSecret,
  revise,
  'approve-revision': approveRevision,
  'reject-revision': rejectRevision,
  'withdraw-revision': withdrawRevision,
  invite,
  join,
  leave,
  offer,
  'accept-offer': acceptOffer,
  'decline-offer': declineOffer,
  accept: acceptConsent,
  renounce: revokeConsent,
} as const satisfies Readonly<Record<GovernedAction, Action>>;

export type ActionName = keyof typeof actions;

export interface Registry extends AssignmentCommands {
  /** What this actor may read: the one way for whoever shows or looks up anything. */
  query(actor: Actor): RegistryQueries;
  /**
   * Does one action, or refuses it with nothing written. Texts are trimmed; `ignoreWarnings: true`
   * waves advice through.
   */
  submit(
    actor: Actor,
    action: string,
    values: Values,
  ): Promise<Result<ActionOutcome, RegistryRefusal>>;
  /**
   * What `submit` would answer, judged by the same rules as things are now; nothing is written, and
   * nobody is told. Secrets in the answer were never issued.
   */
  preview(
    actor: Actor,
    action: string,
    values: Values,
  ): Promise<Result<ActionOutcome, RegistryRefusal>>;
  /**
   * What the action `accept` would be refused with, as things are now; undefined: nothing. Nothing
   * is written.
   */
  approvalProblem(actor: Actor, values: Values): Promise<RegistryRefusal | undefined>;
  /** What a form sends back to show which version it was made from. Good for this viewer alone. */
  etagFor(actor: Actor, client: Client): string;
  /**
   * What an app would be after a revision with these values, or what is wrong with them. Nothing is
   * written.
   */
  computeRevision(client: Client, values: Values): Result<RevisedFields, RegistryRefusal>;
  /** The risk rules that hold for a client, or for a revision of it. */
  risk(client: Client, revision?: RevisedFields): Promise<Risk>;
  /** What a reviewer is told about the redirect URI of an app. */
  redirectWarnings(
    app: Pick<Client, 'redirectUri' | 'redirectIsPrefix' | 'ownerOnly'>,
  ): readonly RedirectWarning[];
  /** True when a revision of these fields is in force without anybody's approval. */
  takesEffectImmediately(client: Client, next: RevisedFields): boolean;
  /**
   * How a decision stands for the actor: how many must approve, who did, and why the actor's would
   * not count.
   */
  approvalStatus(actor: Actor, client: Client, topic: ApprovalTopic): Promise<ApprovalStatus>;
  /** What switching a client off would stop. */
  impact(id: ClientId): Promise<Impact>;
  /** Whether the person lets others invite them to look after apps, or offer them theirs. */
  invitationsDeclined(user: UserId): Promise<boolean>;
  setInvitationsDeclined(
    actor: Actor,
    declined: boolean,
  ): Promise<Result<boolean, RegistryRefusal>>;
  /** Expires idle proposals, at most 100; answers how many. */
  expireIdle(): Promise<number>;
  /** Why nothing may be written at the moment; null: writing is allowed. */
  readonly readOnly: string | null;
}

const isAction = (name: string): name is ActionName => Object.hasOwn(actions, name);

/** Decisions of reviewers: one that was made ends the assignment of the review. */
const reviewDecisions: ReadonlySet<string> = new Set<ActionName>([
  'approve',
  'reject',
  'disable',
  'reenable',
  'halt',
  'approve-revision',
  'reject-revision',
]);

/** Judges who asks for what, before the action itself is asked. */
function admit(
  context: RegistryContext,
  actor: Actor,
  name: string,
  values: Values,
): Result<{ readonly action: Action; readonly trimmed: Values }, RegistryRefusal> {
  const action: Action | undefined = isAction(name) ? actions[name] : undefined;
  const problem = baseProblem(actor, action?.base ?? 'registry', context.settings.readOnly);
  if (problem) return refuse(problem);
  if (action === undefined)
    return refuse({ kind: 'invalid_field_action', asked: name.slice(0, 64) });
  // What actions on clients would give is judged when they have decided; consents have nothing to
  // decide but whose they are.
  const authorityRefusal =
    action.base === 'consents'
      ? authorityProblem(actor, name as ActionName, [], context.clock.now())
      : undefined;
  if (authorityRefusal) return refuse(authorityRefusal);
  // A page shows something before it asks: what it showed must be named.
  const fields = action.fields.map((field) =>
    field.name === 'etag' ? { ...field, optional: actor.via !== 'page' } : field,
  );
  const dialect = actor.kind === 'person' && actor.dialect !== undefined;
  // The operator may well register an app of the site's own name.
  const reservedNames = actor.kind === 'person' ? (context.rules.reservedNames ?? []) : [];
  const read = readFields(fields, values, { ...context.rules, dialect, reservedNames });
  if (!read.ok) return read;
  const ignoreWarnings = values.ignoreWarnings === true;
  return accept({
    action,
    trimmed: ignoreWarnings ? { ...read.value, ignoreWarnings } : read.value,
  });
}

/** The records as they are, and changes that are only thought of. */
const withoutWriting = (context: RegistryContext): RegistryContext => ({
  ...context,
  records: {
    ...context.records,
    async applyChange({ effects, audit }) {
      const saved = effects.find((effect) => effect.kind === 'save-client');
      const client = saved?.client ?? (await context.records.findClient(audit.clientId));
      return client === undefined ? { outcome: 'unknown' } : { outcome: 'applied', client };
    },
  },
});

type Submissions = Pick<Registry, 'submit' | 'preview' | 'approvalProblem' | 'expireIdle'>;

/** What writes, or says what writing would lead to. */
function makeSubmissions(context: RegistryContext): Submissions {
  const previewContext = withoutWriting(context);
  async function submit(
    actor: Actor,
    name: string,
    values: Values,
  ): Promise<Result<ActionOutcome, RegistryRefusal>> {
    const admission = admit(context, actor, name, values);
    if (!admission.ok) return admission;
    const outcome = await admission.value.action.run(context, actor, admission.value.trimmed);
    if (outcome.ok && reviewDecisions.has(name))
      await context.records.unassign(outcome.value.client.id, null);
    return outcome;
  }
  return {
    submit,
    async preview(actor, name, values) {
      const admission = admit(context, actor, name, values);
      return admission.ok
        ? admission.value.action.run(previewContext, actor, admission.value.trimmed)
        : admission;
    },
    async approvalProblem(actor, values) {
      const admission = admit(context, actor, 'accept', values);
      return admission.ok
        ? approvalProblem(context, actor, admission.value.trimmed)
        : admission.refusal;
    },
    async expireIdle() {
      const { idleProposalTtlSeconds, readOnly } = context.settings;
      if (idleProposalTtlSeconds === null || readOnly !== null) return 0;
      const idleSince = instant(context.clock.now() - idleProposalTtlSeconds);
      let expired = 0;
      for (const { id } of await context.records.listIdleProposals(idleSince, 100))
        if ((await submit(JOB, 'expire', { clientId: id, reason: '' })).ok) expired += 1;
      return expired;
    },
  };
}

type Assessments = Pick<
  Registry,
  | 'computeRevision'
  | 'risk'
  | 'redirectWarnings'
  | 'takesEffectImmediately'
  | 'approvalStatus'
  | 'impact'
>;

/** What reviewers and owners weigh before they decide. */
const makeAssessments = (context: RegistryContext): Assessments => ({
  computeRevision: (client, values) => computeRevision(context, client, values),
  async risk(client, revision) {
    const owner = (await context.accounts.findAccount(client.ownerId)) ?? null;
    const live = revision ? client : null;
    return assessClientRisk(context, { ...client, ...revision }, { owner, live });
  },
  redirectWarnings: (app) => redirectWarnings(app, context.rules.localSuffixes),
  takesEffectImmediately: (client, next) => takesEffectImmediately(context, client, next),
  approvalStatus: (actor, client, topic) => approvalStatusOf(context, actor, client, topic),
  impact(id) {
    const now = context.clock.now();
    const issuedSince = instant(now - context.settings.accessTokenTtlSeconds);
    return context.records.impactOf(id, now, issuedSince);
  },
});

/** Makes the registry over its parts. */
export function makeRegistry(context: RegistryContext): Registry {
  const { readOnly } = context.settings;
  return {
    ...makeSubmissions(context),
    ...makeAssignmentCommands(context),
    ...makeAssessments(context),
    query: (actor) => makeRegistryQueries(context, actor),
    etagFor: (actor, client) => etagFor(context, actor, client),
    invitationsDeclined: (user) => context.records.declinesInvitations(user),
    async setInvitationsDeclined(actor, declined) {
      const problem = baseProblem(actor, 'registry', readOnly);
      if (problem) return refuse(problem);
      const user = accountOf(actor);
      if (user === null) return refuse({ kind: 'not_logged_in' });
      await context.records.setInvitationsDeclined(user.id, declined);
      return accept(declined);
    },
    readOnly,
  };
}
