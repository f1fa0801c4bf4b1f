import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Actor, personOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import type { Client } from '../model/client.ts';
import {
  onlyNarrows,
  type RevisedFields,
  type Revision,
  revisedFields,
} from '../model/revision.ts';
import { registeredScopes, revocable } from '../model/scopes.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { autoApproves } from '../review/auto-approval.ts';
import { heard, revisionNeedsTwo } from '../review/independence.ts';
import { riskOf } from '../review/risk-context.ts';
import { clientAction, hiddenProblem, keeperProblem, lacking } from './action.ts';
import { actingApp, type GovernedAction } from './authority.ts';
import type { Desk } from './context.ts';
import {
  type Field,
  readFields,
  reason,
  revisionFields,
  storedUri,
  type Values,
  wholeNumber,
} from './fields.ts';

// Changes of an approved client (revision.ts): the live one keeps working while the difference is
// reviewed.

const fieldsOf = (client: RevisedFields): RevisedFields =>
  Object.fromEntries(revisedFields.map((name) => [name, client[name]])) as unknown as RevisedFields;

/**
 * Without what stays as it is: texts and URIs from before a rule keep working, whatever else is
 * changed.
 */
function changedValues(client: Client, values: Values): Values {
  const kept = (['name', 'description'] as const).filter(
    (field) => values[field] === client[field],
  );
  const changed = Object.fromEntries(
    Object.entries(values).filter(([field]) => !kept.some((one) => one === field)),
  );
  const { redirectUri, ...others } = changed;
  const [prefix = client.redirectIsPrefix] = [values.redirectIsPrefix];
  const same =
    typeof redirectUri === 'string' &&
    storedUri(redirectUri) === client.redirectUri &&
    prefix === client.redirectIsPrefix;
  return same && !client.ownerOnly ? others : changed;
}

/** Why the change is needed is judged with it, where it was said. */
const saidWhy: Field = { name: 'reason', optional: true, judge: reason };

/** The whole description as it would be. Values are judged again here, beside what the app is. */
export function revised(
  desk: Pick<Desk, 'rules'>,
  client: Client,
  values: Values,
): Result<RevisedFields, RegistryRefusal> {
  const read = readFields([...revisionFields, saidWhy], changedValues(client, values), desk.rules, {
    ...client,
  });
  if (!read.ok) return read;
  const { reason: _why, ...asked } = read.value as Partial<RevisedFields> & Values;
  if (client.ownerOnly && (asked.redirectUri !== undefined || asked.redirectIsPrefix !== undefined))
    return refuse({
      kind: 'invalid_field',
      field: 'redirectUri',
      problem: { kind: 'not-for-this-kind-of-app' },
      ignorable: false,
    });
  const next = { ...fieldsOf(client), ...asked };
  const scopes =
    asked.scopes === undefined
      ? client.scopes
      : registeredScopes(asked.scopes, desk.rules.catalogue);
  return accept({
    ...next,
    site: desk.rules.sites.resolve(next.site) ?? next.site,
    scopes,
    // What is no longer asked for is not optional either.
    optionalScopes: revocable(
      asked.optionalScopes ?? client.optionalScopes,
      desk.rules.catalogue,
    ).filter((scope) => scopes.includes(scope)),
  });
}

/**
 * Puts a revision in force: users are asked again only for what was added, since a consent never
 * holds more than was accepted.
 */
const inForce = (client: Client, fields: RevisedFields) => {
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
export const isAtOnce = (
  desk: Pick<Desk, 'rules' | 'settings'>,
  client: Client,
  next: RevisedFields,
): boolean =>
  onlyNarrows(fieldsOf(client), next) ||
  (client.ownerOnly && !revisionNeedsTwo(desk, client, next));

export const revise = clientAction('revise', {
  fields: revisionFields.map((field) => ({ ...field, judge: () => undefined })),
  before: (actor) => lacking(actor, RIGHTS.updateOwn),
  async decide(desk, actor, client, values) {
    const problem = await keeperProblem(desk, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    // A proposal is not live: it is withdrawn by proposing its next version.
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const next = revised(desk, client, values);
    if (!next.ok) return next;
    const changes = fieldChanges(client, next.value);
    if (changes.length === 0) return refuse({ kind: 'nothing_to_do', field: 'revision' });
    const open = await desk.records.openRevision(client.id);
    const at = desk.clock.now();
    const replaced = open
      ? ([{ kind: 'close-revision', id: open.id, stage: 'withdrawn', at }] as const)
      : [];
    const operator = actor.kind === 'operator' && client.ownerOnly;
    if (operator || isAtOnce(desk, client, next.value)) {
      const { effects } = inForce(client, next.value);
      return accept({
        effects: [...replaced, ...effects],
        changes,
        as: client.ownerOnly ? 'revise' : 'narrow',
        tell: 'team',
      });
    }
    const owner = (await desk.accounts.findAccount(client.ownerId)) ?? null;
    const candidate = { ...client, ...next.value };
    const { autoApprove } = desk.settings;
    // What an app proposes for an app that other people use waits for a reviewer (ADR 17).
    if (
      autoApprove.length > 0 &&
      actingApp(actor) === undefined &&
      !revisionNeedsTwo(desk, client, next.value)
    ) {
      const { total } = await riskOf(desk, candidate, { owner, live: client });
      if (autoApproves(autoApprove, { ...candidate, risk: total })) {
        const { effects } = inForce(client, next.value);
        return accept({
          effects: [...replaced, ...effects],
          changes,
          as: 'revise-autoapproved',
          tell: 'team',
        });
      }
    }
    const revision = {
      clientId: client.id,
      fields: next.value,
      proposedBy: personOf(actor)?.id ?? null,
      proposedAt: at,
    };
    return accept({
      effects: [...replaced, { kind: 'open-revision', revision }],
      changes,
      tell: 'reviewers',
    });
  },
});

const revisionId = { name: 'revisionId', judge: wholeNumber };

/** The open revision that is meant. */
async function openOne(desk: Desk, client: Client, id: unknown): Promise<Revision | undefined> {
  const open = await desk.records.openRevision(client.id);
  return open?.id === id ? open : undefined;
}

const mayDecide = (actor: Actor) => lacking(actor, RIGHTS.review);

export const approveRevision = clientAction('approve-revision', {
  fields: [revisionId],
  before: mayDecide,
  async decide(desk, actor, client, values) {
    const open = await openOne(desk, client, values.revisionId);
    if (open === undefined) return refuse({ kind: 'not_found', what: 'revision' });
    if (client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    const hidden = hiddenProblem(actor, client);
    if (hidden) return refuse(hidden);
    const yes = await heard(desk, actor, client, { kind: 'approve-revision', revision: open });
    if (yes !== 'decided') return yes;
    const { effects, changes } = inForce(client, open.fields);
    const closed = {
      kind: 'close-revision',
      id: open.id,
      stage: 'approved',
      at: desk.clock.now(),
    } as const;
    return accept({
      effects: [...effects, closed, { kind: 'clear-approvals' }],
      changes,
      tell: 'team',
    });
  },
});

const closed = (
  name: GovernedAction,
  stage: 'rejected' | 'withdrawn',
  before: typeof mayDecide,
  forKeepers: boolean,
) =>
  clientAction(name, {
    fields: [revisionId],
    before,
    async decide(desk, actor, client, values) {
      const problem = forKeepers
        ? await keeperProblem(desk, actor, client, ['approved', 'disabled'])
        : undefined;
      if (problem) return problem;
      const open = await openOne(desk, client, values.revisionId);
      if (open === undefined) return refuse({ kind: 'not_found', what: 'revision' });
      const hidden = hiddenProblem(actor, client);
      if (hidden) return refuse(hidden);
      return accept({
        effects: [
          { kind: 'close-revision', id: open.id, stage, at: desk.clock.now() },
          { kind: 'clear-approvals' },
        ],
        changes: [{ field: 'revision', before: 'proposed', after: stage }],
        tell: 'team',
      });
    },
  });

export const rejectRevision = closed('reject-revision', 'rejected', mayDecide, false);
export const withdrawRevision = closed(
  'withdraw-revision',
  'withdrawn',
  (actor) => lacking(actor, RIGHTS.updateOwn),
  true,
);
