import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Actor, accountOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import type { Client } from '../model/client.ts';
import {
  onlyNarrows,
  type RevisedFields,
  type Revision,
  revisedFields,
} from '../model/revision.ts';
import { registeredScopes, revocableScopes } from '../model/scopes.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { autoApproves } from '../review/auto-approval.ts';
import { recordApproval, revisionNeedsTwoApprovals } from '../review/independence.ts';
import { assessClientRisk } from '../review/risk-context.ts';
import { clientAction } from './action.ts';
import { actingApp, type GovernedAction } from './authority.ts';
import type { RegistryContext } from './context.ts';
import { type Field, readFields, type Values } from './fields.ts';
import { normalizeRedirectUri, revisionFields } from './proposal-fields.ts';
import { hiddenProblem, manageProblem, missingRight } from './rules.ts';
import { positiveInteger, reasonText } from './validators.ts';

// Changes of an approved client (revision.ts): the live one keeps working while the difference is
// reviewed.

const pickRevisedFields = (client: RevisedFields): RevisedFields =>
  Object.fromEntries(revisedFields.map((name) => [name, client[name]])) as unknown as RevisedFields;

/**
 * Without what stays as it is: texts and URIs from before a rule keep working, whatever else is
 * changed.
 */
function changedValues(client: Client, values: Values): Values {
  const unchangedFields = (['name', 'description'] as const).filter(
    (field) => values[field] === client[field],
  );
  const changed = Object.fromEntries(
    Object.entries(values).filter(([field]) => !unchangedFields.some((one) => one === field)),
  );
  const { redirectUri, ...others } = changed;
  const [prefix = client.redirectIsPrefix] = [values.redirectIsPrefix];
  const same =
    typeof redirectUri === 'string' &&
    normalizeRedirectUri(redirectUri) === client.redirectUri &&
    prefix === client.redirectIsPrefix;
  return same && !client.ownerOnly ? others : changed;
}

/** Why the change is needed is judged with it, where it was said. */
const optionalReasonField: Field = { name: 'reason', optional: true, validate: reasonText };

/** The whole description as it would be. Values are judged again here, beside what the app is. */
export function computeRevision(
  context: Pick<RegistryContext, 'rules'>,
  client: Client,
  values: Values,
): Result<RevisedFields, RegistryRefusal> {
  const read = readFields(
    [...revisionFields, optionalReasonField],
    changedValues(client, values),
    context.rules,
    {
      ...client,
    },
  );
  if (!read.ok) return read;
  const { reason: _why, ...requested } = read.value as Partial<RevisedFields> & Values;
  if (
    client.ownerOnly &&
    (requested.redirectUri !== undefined || requested.redirectIsPrefix !== undefined)
  )
    return refuse({
      kind: 'invalid_field',
      field: 'redirectUri',
      problem: { kind: 'not-for-this-kind-of-app' },
      ignorable: false,
    });
  const next = { ...pickRevisedFields(client), ...requested };
  const scopes =
    requested.scopes === undefined
      ? client.scopes
      : registeredScopes(requested.scopes, context.rules.catalogue);
  return accept({
    ...next,
    site: context.rules.sites.resolve(next.site) ?? next.site,
    scopes,
    // What is no longer asked for is not optional either.
    optionalScopes: revocableScopes(
      requested.optionalScopes ?? client.optionalScopes,
      context.rules.catalogue,
    ).filter((scope) => scopes.includes(scope)),
  });
}

/**
 * Puts a revision in force: users are asked again only for what was added, since a consent never
 * holds more than was accepted.
 */
const putInForce = (client: Client, fields: RevisedFields) => {
  const after = { ...client, ...fields };
  return {
    effects: [{ kind: 'save-client', client: after }] as const,
    changes: fieldChanges(client, after),
  };
};

/**
 * True when a revision needs nobody's yes: it only narrows, or the app is its owner's alone and
 * holds nothing for which two must say it.
 */
export const takesEffectImmediately = (
  context: Pick<RegistryContext, 'rules' | 'settings'>,
  client: Client,
  next: RevisedFields,
): boolean =>
  onlyNarrows(pickRevisedFields(client), next) ||
  (client.ownerOnly && !revisionNeedsTwoApprovals(context, client, next));

export const revise = clientAction('revise', {
  fields: revisionFields.map((field) => ({ ...field, validate: () => undefined })),
  precheck: (actor) => missingRight(actor, RIGHTS.updateOwn),
  async decide(context, actor, client, values) {
    const problem = await manageProblem(context, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    // A proposal is not live: it is withdrawn by proposing its next version.
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const next = computeRevision(context, client, values);
    if (!next.ok) return next;
    const changes = fieldChanges(client, next.value);
    if (changes.length === 0) return refuse({ kind: 'nothing_to_do', field: 'revision' });
    const open = await context.records.openRevision(client.id);
    const at = context.clock.now();
    const closePrevious = open
      ? ([{ kind: 'close-revision', id: open.id, stage: 'withdrawn', at }] as const)
      : [];
    const operator = actor.kind === 'operator' && client.ownerOnly;
    if (operator || takesEffectImmediately(context, client, next.value)) {
      const { effects } = putInForce(client, next.value);
      return accept({
        effects: [...closePrevious, ...effects],
        changes,
        auditAction: client.ownerOnly ? 'revise' : 'narrow',
        notify: 'team',
      });
    }
    const owner = (await context.accounts.findAccount(client.ownerId)) ?? null;
    const candidate = { ...client, ...next.value };
    const { autoApprove } = context.settings;
    // What an app proposes for an app that other people use waits for a reviewer (ADR 17).
    if (
      autoApprove.length > 0 &&
      actingApp(actor) === undefined &&
      !revisionNeedsTwoApprovals(context, client, next.value)
    ) {
      const { total } = await assessClientRisk(context, candidate, { owner, live: client });
      if (autoApproves(autoApprove, { ...candidate, risk: total })) {
        const { effects } = putInForce(client, next.value);
        return accept({
          effects: [...closePrevious, ...effects],
          changes,
          auditAction: 'revise-autoapproved',
          notify: 'team',
        });
      }
    }
    const revision = {
      clientId: client.id,
      fields: next.value,
      proposedBy: accountOf(actor)?.id ?? null,
      proposedAt: at,
    };
    return accept({
      effects: [...closePrevious, { kind: 'open-revision', revision }],
      changes,
      notify: 'reviewers',
    });
  },
});

const revisionId = { name: 'revisionId', validate: positiveInteger };

/** The open revision that is meant. */
async function findOpenRevision(
  context: RegistryContext,
  client: Client,
  id: unknown,
): Promise<Revision | undefined> {
  const open = await context.records.openRevision(client.id);
  return open?.id === id ? open : undefined;
}

const reviewRightProblem = (actor: Actor) => missingRight(actor, RIGHTS.review);

export const approveRevision = clientAction('approve-revision', {
  fields: [revisionId],
  precheck: reviewRightProblem,
  async decide(context, actor, client, values) {
    const open = await findOpenRevision(context, client, values.revisionId);
    if (open === undefined) return refuse({ kind: 'not_found', what: 'revision' });
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const hiddenRefusal = hiddenProblem(actor, client);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    const approval = await recordApproval(context, actor, client, {
      kind: 'approve-revision',
      revision: open,
    });
    if (approval !== 'decided') return approval;
    const { effects, changes } = putInForce(client, open.fields);
    const closeEffect = {
      kind: 'close-revision',
      id: open.id,
      stage: 'approved',
      at: context.clock.now(),
    } as const;
    return accept({
      effects: [...effects, closeEffect, { kind: 'clear-approvals' }],
      changes,
      notify: 'team',
    });
  },
});

const closeRevisionAction = (
  name: GovernedAction,
  stage: 'rejected' | 'withdrawn',
  before: typeof reviewRightProblem,
  forManagers: boolean,
) =>
  clientAction(name, {
    fields: [revisionId],
    precheck: before,
    async decide(context, actor, client, values) {
      const problem = forManagers
        ? await manageProblem(context, actor, client, ['approved', 'disabled'])
        : undefined;
      if (problem) return problem;
      const open = await findOpenRevision(context, client, values.revisionId);
      if (open === undefined) return refuse({ kind: 'not_found', what: 'revision' });
      const hiddenRefusal = hiddenProblem(actor, client);
      if (hiddenRefusal) return refuse(hiddenRefusal);
      return accept({
        effects: [
          { kind: 'close-revision', id: open.id, stage, at: context.clock.now() },
          { kind: 'clear-approvals' },
        ],
        changes: [{ field: 'revision', before: 'proposed', after: stage }],
        notify: 'team',
      });
    },
  });

export const rejectRevision = closeRevisionAction(
  'reject-revision',
  'rejected',
  reviewRightProblem,
  false,
);
export const withdrawRevision = closeRevisionAction(
  'withdraw-revision',
  'withdrawn',
  (actor) => missingRight(actor, RIGHTS.updateOwn),
  true,
);
