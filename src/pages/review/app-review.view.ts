import { ADMINISTER } from '#http/session.ts';
import type { World } from '#http/world.ts';
import type { UserId } from '#kernel/ids.ts';
import { isKeeper } from '#registry/actions/action.ts';
import { mayBeExempt } from '#registry/actions/pkce-exemption.ts';
import { type Actor, mayDo, personOf, RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import { type Client, needsRedirectUri } from '#registry/model/client.ts';
import { type Revision, revisedFields } from '#registry/model/revision.ts';
import { claimsEndedAt } from '#registry/review/assignments.ts';
import {
  matterOf,
  mayHide,
  possibleDecisions,
  type ReviewDecision,
} from '#registry/review/decisions.ts';
import type { Dependence, Standing } from '#registry/review/independence.ts';
import { DAY } from '#registry/usage.ts';
import { maySeeHidden, unseen } from '#registry/visibility.ts';
import { makeLines, makeShown } from '../audit-entries.ts';
import type { ShownChange, TrailLine } from '../audit-table.ts';
import { noProblems } from '../form-problems.ts';
import type { Words } from '../words.ts';
import {
  type DecisionDraft,
  type DeskView,
  emptyDraft,
  type OwnerView,
} from './app-review.template.ts';
import type { PkceView } from './pkce-exemption.template.ts';

// Gathers what the review desk shows of one app.

const MOST_APPS = 20;
const MOST_HISTORY = 15;

/** Fields in the order a reviewer reads them; some are for one protocol alone. */
function fieldsOf(client: Client): readonly (keyof Client)[] {
  return [
    'name',
    'version',
    'description',
    'scopes',
    'optionalScopes',
    ...(client.redirectUri === '' && !needsRedirectUri(client)
      ? []
      : ([
          'redirectUri',
          ...(client.protocol === 'oauth1' ? (['redirectIsPrefix'] as const) : []),
        ] as const)),
    'site',
    'email',
    'ownerOnly',
    'protocol',
    ...(client.protocol === 'oauth2'
      ? (['confidential', 'grantTypes', 'pkceOptional', 'introspector', 'tokenAlgorithm'] as const)
      : (['rsaPublicKey'] as const)),
    'restrictions',
    'id',
  ];
}

/** The open change beside what is in force. */
async function changeRows(
  client: Client,
  revision: Revision,
  sees: (field: keyof Client) => boolean,
  shown: ReturnType<typeof makeShown>,
): Promise<readonly ShownChange[]> {
  const differing = revisedFields.filter(
    (field) => JSON.stringify(client[field]) !== JSON.stringify(revision.fields[field]),
  );
  return Promise.all(
    differing.map(async (field) =>
      sees(field)
        ? {
            field,
            before: await shown(field, client[field]),
            after: await shown(field, revision.fields[field]),
          }
        : { field, before: { kind: 'hidden' } as const, after: { kind: 'hidden' } as const },
    ),
  );
}

async function ownerOf(world: World, actor: Actor, client: Client): Promise<OwnerView | 'gone'> {
  const owner = await world.records.findAccount(client.ownerId as UserId);
  if (owner === undefined) return 'gone';
  const apps = await world.records.listClients({
    ownerId: owner.id,
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
    limit: MOST_APPS + 2,
  });
  const others = apps.filter(({ id }) => id !== client.id);
  return {
    name: owner.name,
    href: mayDo(actor, ADMINISTER) ? `/admin/people/${owner.id}` : null,
    since: owner.createdAt,
    days: Math.floor((world.clock.now() - owner.createdAt) / DAY),
    blocked: owner.blocked,
    apps: others
      .slice(0, MOST_APPS)
      .map(({ id, name, version, stage }) => ({ id, name, version, stage })),
    more: others.length > MOST_APPS,
  };
}

/**
 * What this reviewer can decide, what they cannot and why, and how a decision stands that takes
 * two.
 */
async function decisionsOf(world: World, actor: Actor, client: Client, revision: Revision | null) {
  const possible: ReviewDecision[] = [];
  const barred: { readonly decision: ReviewDecision; readonly why: Dependence }[] = [];
  let two: Standing | null = null;
  for (const decision of possibleDecisions(actor, client, { revision })) {
    const matter = matterOf(decision, client, revision);
    const standing = matter && (await world.registry.standing(actor, client, matter));
    if (standing?.needed === 2) two ??= standing;
    if (standing == null || standing.dependence === null) possible.push(decision);
    else barred.push({ decision, why: standing.dependence });
  }
  return { possible, barred, two };
}

/** The exemption from PKCE of an app that asks people and may have it, for this reviewer. */
async function pkceOf(world: World, actor: Actor, client: Client): Promise<PkceView | null> {
  const { grantTypes, managed, pkceOptional, suppressed } = client;
  if (managed || !mayBeExempt(client) || !grantTypes.includes('authorization_code')) return null;
  if (suppressed && !mayDo(actor, RIGHTS.suppress)) return null;
  const { dependence } = await world.registry.standing(actor, client, { kind: 'exempt-from-pkce' });
  return { exempt: pkceOptional, barred: dependence };
}

/** What came of a decision that was refused. */
export interface Refused {
  readonly draft: DecisionDraft;
  readonly problems: DeskView['problems'];
  readonly since: readonly AuditEntry[] | null;
}

/** Everything this reviewer may know of an app, and what they can decide. */
export async function deskView(
  world: World,
  actor: Actor,
  words: Words,
  client: Client,
  refused?: Refused,
): Promise<DeskView> {
  const { records, registry } = world;
  const [team, revision = null] = [
    await records.teamOf(client.id),
    await records.openRevision(client.id),
  ];
  const keeper = isKeeper(actor, client, team);
  const why = (field: keyof Client) => unseen(field, client, actor, keeper);
  const shown = makeShown(world, words);
  const line = makeLines(world, actor, words);
  const name = async (id: UserId) =>
    (await records.findAccount(id))?.name ?? words.say('frame.nobody');
  const waits = client.stage === 'proposed' || revision !== null;
  const claim = waits
    ? (await records.claimsOf([client.id], claimsEndedAt(world.clock.now()))).get(client.id)
    : undefined;
  const { possible, barred, two } = await decisionsOf(world, actor, client, revision);
  const history = await records.listAudit({
    clientId: client.id,
    about: 'clients',
    limit: MOST_HISTORY + 1,
  });
  const lines = async (entries: readonly AuditEntry[]): Promise<readonly TrailLine[]> => {
    const made: TrailLine[] = [];
    for (const entry of entries) made.push(await line(entry));
    return made;
  };
  const me = personOf(actor)?.id;
  const seen = (field: keyof Client) => why(field) === undefined;
  const owner = seen('ownerId') ? await ownerOf(world, actor, client) : null;
  const orphaned = owner === 'gone' || owner?.blocked === true;
  const { managed } = client;
  const fields = await Promise.all(
    fieldsOf(client).map(async (field) => {
      const unseenFor = why(field);
      const value =
        unseenFor === undefined
          ? await shown(field, client[field])
          : ({ kind: unseenFor === 'private' ? 'private' : 'hidden' } as const);
      return { field, value };
    }),
  );
  const used = (await records.lastUsed('client', [client.id])).get(client.id);
  const maintainers = await Promise.all(
    team.maintainers.map(async ({ userId, acceptedAt }) => ({
      text: await name(userId),
      ...(acceptedAt === null ? { risk: words.say('review.invited') } : {}),
    })),
  );
  const text = (said: string) => ({ kind: 'text', text: said }) as const;
  return {
    id: client.id,
    name: seen('name') ? client.name : null,
    version: seen('version') ? client.version : null,
    stage: client.stage,
    suppressed: client.suppressed,
    halted: client.halted,
    managed: managed || client.stage === 'configured',
    own: me === client.ownerId,
    changeToken: registry.changeToken(actor, client),
    waits,
    claim: claim
      ? { reviewer: await name(claim.reviewerId), mine: claim.reviewerId === me, since: claim.at }
      : null,
    change: revision && {
      by:
        revision.proposedBy === null
          ? words.say('frame.operator')
          : await name(revision.proposedBy),
      at: revision.proposedAt,
      rows: await changeRows(client, revision, seen, shown),
      warnings:
        seen('redirectUri') && revision.fields.redirectUri !== client.redirectUri
          ? registry.redirectWarnings({ ...client, ...revision.fields })
          : [],
    },
    fields: [
      ...fields,
      ...(maintainers.length > 0
        ? [{ field: 'maintainers', value: { kind: 'list', items: maintainers } as const }]
        : []),
      { field: 'registeredAt', value: text(words.time(client.registeredAt)) },
      { field: 'stageAt', value: text(words.time(client.stageAt)) },
      {
        field: 'lastUsed',
        value: text(used === undefined ? words.say('frame.never') : words.day(used * DAY)),
      },
    ],
    warnings: seen('redirectUri') ? registry.redirectWarnings(client) : [],
    risk: seen('name') ? await registry.risk(client, revision?.fields) : { total: 0, findings: [] },
    owner,
    mayOffer:
      orphaned &&
      !managed &&
      !client.suppressed &&
      (client.stage === 'approved' || client.stage === 'proposed'),
    offeredTo: team.offer === null ? null : await name(team.offer.toId),
    impact:
      client.stage === 'approved' || client.stage === 'disabled'
        ? await registry.impact(client.id)
        : null,
    two: two && { first: await Promise.all(two.given.map(name)), yours: two.dependence },
    pkce: await pkceOf(world, actor, client),
    possible,
    barred,
    hiding: mayDo(actor, RIGHTS.suppress) ? [...mayHide] : [],
    draft: refused?.draft ?? emptyDraft,
    problems: refused?.problems ?? noProblems,
    since: refused?.since ? await lines(refused.since) : null,
    history: await lines(history.slice(0, MOST_HISTORY)),
    earlier: history.length > MOST_HISTORY,
  };
}
