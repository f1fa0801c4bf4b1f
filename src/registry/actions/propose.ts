import type { Account } from '#accounts/account.ts';
import { isSameEmail } from '#encoding/email.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Actor, accountOf, hasRight, protocolProfileOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import { compareVersions } from '../model/app-version.ts';
import {
  ANYWHERE,
  type Client,
  type GrantType,
  type Protocol,
  type Restrictions,
  type Stage,
} from '../model/client.ts';
import { registeredScopes, revocableScopes } from '../model/scopes.ts';
import type { Effect, NewClient } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { autoApproves } from '../review/auto-approval.ts';
import { hasTwoPersonRisk } from '../review/independence.ts';
import { assessClientRisk } from '../review/risk-context.ts';
import type { Action, ActionDecision } from './action.ts';
import { actingApp, holdsAccess, scopesWithin, siteWithin } from './authority.ts';
import { commitChange, makeAuditEntry } from './commit.ts';
import {
  type ActionResult,
  newSecret,
  noIssuedSecrets,
  ownerGrant,
  permissionDenied,
  type RegistryContext,
} from './context.ts';
import type { Values } from './fields.ts';
import { makeNotifications } from './notifications.ts';
import { proposalFields } from './proposal-fields.ts';
import { positiveInteger } from './validators.ts';

/** The client a proposal describes; its values were checked. */
function describeClient(
  context: RegistryContext,
  owner: Pick<Account, 'id'>,
  values: Values,
): NewClient {
  const now = context.clock.now();
  const protocol = values.protocol as Protocol;
  const ownerOnly = values.ownerOnly === true;
  const { addresses, pages = [] } = (values.restrictions ?? ANYWHERE) as Restrictions;
  return {
    id: context.idGenerator.hex32() as ClientId,
    name: values.name as string,
    version: values.version as string,
    description: values.description as string,
    ownerId: owner.id,
    email: values.email as string,
    protocol,
    ownerOnly,
    confidential: protocol === 'oauth1' || values.confidential !== false,
    redirectUri: ownerOnly ? '' : ((values.redirectUri as string | undefined) ?? ''),
    redirectIsPrefix: !ownerOnly && values.redirectIsPrefix === true,
    grantTypes:
      protocol === 'oauth2' ? [...new Set(values.grantTypes as readonly GrantType[])] : [],
    pkceOptional: values.pkceOptional === true,
    introspector: false,
    plainPkceUntil: null,
    tokenAlgorithm: (values.tokenAlgorithm as Client['tokenAlgorithm'] | undefined) ?? 'ES256',
    site: context.rules.sites.resolve(values.site as string) ?? (values.site as Client['site']),
    scopes: registeredScopes(values.scopes as readonly string[], context.rules.catalogue),
    optionalScopes: ownerOnly
      ? []
      : revocableScopes(
          (values.optionalScopes ?? []) as readonly string[],
          context.rules.catalogue,
        ),
    rsaPublicKey: (values.rsaPublicKey as string | null | undefined) || null,
    restrictions: { addresses, pages },
    stage: 'proposed',
    stageAt: now,
    suppressed: false,
    suspension: 'none',
    registeredAt: now,
    managed: false,
    skipConsent: false,
  };
}

const auditActions = { approved: 'propose-autoapproved', proposed: 'propose' } as Readonly<
  Record<Stage, string>
>;

/**
 * Who hears of a new app: reviewers of one that waits, and the person in whose name an app made one
 * that is in force.
 */
function proposalRecipients(actor: Actor, { stage, ownerId }: NewClient): ActionDecision['notify'] {
  if (stage === 'proposed') return 'reviewers';
  return actingApp(actor) === undefined ? undefined : ownerId;
}

const MAX_TRIES = 5;

/** Whose app it becomes; the operator names the owner, anybody else proposes for themself. */
async function findOwner(
  context: RegistryContext,
  actor: Actor,
  values: Values,
): Promise<Result<Account, RegistryRefusal>> {
  const owner =
    accountOf(actor) ?? (await context.accounts.findAccount((values.ownerId ?? 0) as UserId));
  if (owner === undefined || owner === null) return refuse({ kind: 'not_found', what: 'person' });
  // The operator vouches for addresses.
  if (actor.kind === 'operator') return accept(owner);
  if (owner.emailConfirmedAt === null) return refuse({ kind: 'email_not_confirmed' });
  return owner.email === null || !isSameEmail(owner.email, values.email as string)
    ? refuse({ kind: 'email_mismatched' })
    : accept(owner);
}

/** A proposal that was checked, before it is compared with the owner's other apps. */
interface Proposal {
  readonly owner: Account;
  readonly client: NewClient;
  /** Scopes that were asked for, and that the caller could not pass on. */
  readonly withheldScopes: readonly string[];
}

async function readProposal(
  context: RegistryContext,
  actor: Actor,
  values: Values,
): Promise<Result<Proposal, RegistryRefusal>> {
  if (!hasRight(actor, RIGHTS.propose)) return permissionDenied(RIGHTS.propose);
  const owner = await findOwner(context, actor, values);
  if (!owner.ok) return owner;
  const requested = describeClient(context, owner.value, values);
  // What lets an app act for its owner at once is cut to what the caller could do already.
  const client = requested.ownerOnly
    ? {
        ...requested,
        scopes: scopesWithin(actor, requested.scopes),
        site: siteWithin(actor, requested.site),
      }
    : requested;
  const withheldScopes = requested.scopes.filter((scope) => !client.scopes.includes(scope));
  return client.scopes.length === 0 && withheldScopes.length > 0
    ? refuse({ kind: 'browser_session_required', scopes: withheldScopes })
    : accept({ owner: owner.value, client, withheldScopes });
}

/** True when the app needs no reviewer. */
async function needsNoReview(
  context: RegistryContext,
  actor: Actor,
  { client, owner }: Proposal,
): Promise<boolean> {
  const { autoApprove } = context.settings;
  // Where two people must approve, no condition does it for both; the operator decides alone.
  const needsTwoApprovals = hasTwoPersonRisk(context, client.scopes);
  if (client.ownerOnly) return !needsTwoApprovals || actor.kind === 'operator';
  // What an app proposes beyond its own scopes waits for a reviewer.
  const withinOwnAccess = holdsAccess(actor, {
    scopes: client.scopes,
    site: client.site,
    shared: false,
  });
  if (autoApprove.length === 0 || needsTwoApprovals || !withinOwnAccess) return false;
  const risk = (await assessClientRisk(context, client, { owner, live: null })).total;
  return autoApproves(autoApprove, { ...client, risk });
}

/** One try; `stale`: another app of the name came in between. */
async function tryProposal(
  context: RegistryContext,
  actor: Actor,
  proposal: Proposal,
): Promise<Awaited<ActionResult> | 'stale'> {
  const { owner, client, withheldScopes } = proposal;
  const sameNameClients = await context.records.findClientsNamed(owner.id, client.name);
  if (sameNameClients.some(({ version }) => version === client.version))
    return refuse({ kind: 'consumer_exists', version: null });
  // One row is compared, the latest, whatever its stage (registry 3.3).
  const [latest] = sameNameClients;
  if (latest && compareVersions(latest.version, client.version) >= 0)
    return refuse({ kind: 'consumer_exists', version: latest.version });
  const approved = await needsNoReview(context, actor, proposal);
  const newClient: NewClient = { ...client, stage: approved ? 'approved' : 'proposed' };
  const secret = newClient.confidential ? newSecret(context, newClient.protocol, 'first') : null;
  const ownerCredential =
    newClient.ownerOnly && approved
      ? ownerGrant(context, newClient, newClient.scopes, { profile: protocolProfileOf(actor) })
      : null;
  const stored = await storeClient(context, actor, newClient, {
    secret: secret?.stored ?? null,
    grant: ownerCredential?.grant ?? null,
    after: latest?.number ?? null,
  });
  if (stored.outcome === 'stale') return 'stale';
  if (stored.outcome === 'refused') return refuse(stored.refusal);
  if (stored.outcome !== 'applied') return refuse({ kind: 'consumer_exists', version: null });
  return accept({
    ...noIssuedSecrets,
    client: stored.client,
    consent: null,
    awaitsSecondApproval: false,
    secret: secret?.plain ?? null,
    credentials: ownerCredential?.credentials ?? null,
    accessToken: ownerCredential?.accessToken ?? null,
    withheldScopes,
  });
}

/** Writes the app with what it is born with, its audit entry and notifications. */
async function storeClient(
  context: RegistryContext,
  actor: Actor,
  client: NewClient,
  {
    secret,
    grant,
    after,
  }: Pick<Extract<Effect, { kind: 'create-client' }>, 'secret' | 'grant'> & {
    /** Number of the owner's latest app of the name. */
    readonly after: number | null;
  },
): ReturnType<typeof commitChange> {
  const action = grant ? 'create-owner-only' : (auditActions[client.stage] ?? 'propose');
  const summary = client.description.slice(0, 255);
  const changes = fieldChanges(null, client);
  return commitChange(context, actor, 'propose', null, {
    recordVersion: null,
    effects: [
      { kind: 'create-client', client, secret, grant, after },
      { kind: 'involve', userId: client.ownerId, part: 'proposer', at: client.registeredAt },
    ],
    audit: makeAuditEntry(context, actor, action, client.id, summary, changes),
    notifications: await makeNotifications(
      context,
      actor,
      action,
      client,
      0,
      '',
      proposalRecipients(actor, client),
      grant ? 'credentials' : undefined,
    ),
  });
}

/**
 * Proposes a client (registry 3.3). An owner-only one is approved at once and gets its consent and
 * credential in the same unit of work, unless two people must approve its scopes: then it waits as
 * any other, and its owner resets it for a credential when it is approved.
 */
export const propose: Action = {
  base: 'registry',
  fields: [...proposalFields, { name: 'ownerId', optional: true, validate: positiveInteger }],
  async run(context, actor, values) {
    const proposal = await readProposal(context, actor, values);
    if (!proposal.ok) return proposal;
    for (let attempt = 1; ; attempt++) {
      const result = await tryProposal(context, actor, proposal.value);
      if (result !== 'stale') return result;
      if (attempt === MAX_TRIES) return refuse({ kind: 'consumer_exists', version: null });
    }
  },
};
