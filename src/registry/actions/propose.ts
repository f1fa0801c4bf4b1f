import type { Account } from '#accounts/account.ts';
import { isSameEmail } from '#encoding/email.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
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
import type { NewClient } from '../records.ts';
import { autoApproves } from '../review/auto-approval.ts';
import { hasTwoPersonRisk } from '../review/independence.ts';
import { assessClientRisk, type RiskContext } from '../review/risk-context.ts';
import {
  type Action,
  type ActionDecision,
  commitChange,
  makeAuditEntry,
  makeNotifications,
} from './action.ts';
import { actingApp, holdsAccess, scopesWithin, siteWithin } from './authority.ts';
import {
  newSecret,
  noIssuedSecrets,
  ownerGrant,
  permissionDenied,
  type RegistryContext,
} from './context.ts';
import { positiveInteger, proposalFields, type Values } from './fields.ts';

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

/**
 * Proposes a client (registry 3.3). An owner-only one is approved at once and gets its consent and
 * credential in the same unit of work, unless two people must say yes to its scopes: then it waits
 * as any other, and its owner resets it for a credential when it is approved.
 */
export const propose: Action = {
  base: 'registry',
  // The operator names the owner; anybody else proposes for themself.
  fields: [...proposalFields, { name: 'ownerId', optional: true, validate: positiveInteger }],
  async run(context, actor, values) {
    if (!hasRight(actor, RIGHTS.propose)) return permissionDenied(RIGHTS.propose);
    const owner =
      accountOf(actor) ?? (await context.accounts.findAccount((values.ownerId ?? 0) as UserId));
    if (owner === undefined || owner === null) return refuse({ kind: 'not_found', what: 'person' });
    if (actor.kind === 'person') {
      // The operator vouches for addresses.
      if (owner.emailConfirmedAt === null) return refuse({ kind: 'email_not_confirmed' });
      if (owner.email === null || !isSameEmail(owner.email, values.email as string))
        return refuse({ kind: 'email_mismatched' });
    }
    const requestedClient = describeClient(context, owner, values);
    // What lets an app act for its owner at once is cut to what the caller could do already.
    const client = requestedClient.ownerOnly
      ? {
          ...requestedClient,
          scopes: scopesWithin(actor, requestedClient.scopes),
          site: siteWithin(actor, requestedClient.site),
        }
      : requestedClient;
    const withheldScopes = requestedClient.scopes.filter((scope) => !client.scopes.includes(scope));
    if (client.scopes.length === 0 && withheldScopes.length > 0)
      return refuse({ kind: 'browser_session_required', scopes: withheldScopes });
    // Judged again when another app of the name came in between.
    for (let attempt = 1; ; attempt++) {
      const sameNameClients = await context.records.findClientsNamed(owner.id, client.name);
      if (sameNameClients.some(({ version }) => version === client.version))
        return refuse({ kind: 'consumer_exists', version: null });
      // One row is compared, the latest, whatever its stage (registry 3.3).
      const [latest] = sameNameClients;
      if (latest && compareVersions(latest.version, client.version) >= 0)
        return refuse({ kind: 'consumer_exists', version: latest.version });

      const riskContext: RiskContext = { owner, live: null };
      const risk =
        context.settings.autoApprove.length > 0
          ? (await assessClientRisk(context, client, riskContext)).total
          : 0;
      // Where two people must say yes, no condition says it for both; the operator decides alone.
      const needsTwoApprovals = hasTwoPersonRisk(context, client.scopes);
      const approved = client.ownerOnly
        ? !needsTwoApprovals || actor.kind === 'operator'
        : // What an app proposes beyond its own scopes waits for a reviewer.
          !needsTwoApprovals &&
          holdsAccess(actor, { scopes: client.scopes, site: client.site, shared: false }) &&
          autoApproves(context.settings.autoApprove, { ...client, risk });
      const newClient: NewClient = { ...client, stage: approved ? 'approved' : 'proposed' };
      const secret = newClient.confidential
        ? newSecret(context, newClient.protocol, 'first')
        : null;
      const isImmediate = newClient.ownerOnly && approved;
      const ownerCredential = isImmediate
        ? ownerGrant(context, newClient, newClient.scopes, { profile: protocolProfileOf(actor) })
        : null;
      const action = isImmediate
        ? 'create-owner-only'
        : (auditActions[newClient.stage] ?? 'propose');
      const applied = await commitChange(context, actor, 'propose', null, {
        recordVersion: null,
        effects: [
          {
            kind: 'create-client',
            client: newClient,
            secret: secret?.stored ?? null,
            grant: ownerCredential?.grant ?? null,
            after: latest?.number ?? null,
          },
          { kind: 'involve', userId: owner.id, part: 'proposer', at: newClient.registeredAt },
        ],
        audit: makeAuditEntry(
          context,
          actor,
          action,
          newClient.id,
          newClient.description.slice(0, 255),
          fieldChanges(null, newClient),
        ),
        notifications: await makeNotifications(
          context,
          actor,
          action,
          newClient,
          0,
          '',
          proposalRecipients(actor, newClient),
          ownerCredential ? 'credentials' : undefined,
        ),
      });
      if (applied.outcome === 'stale' && attempt < MAX_TRIES) continue;
      if (applied.outcome === 'refused') return refuse(applied.refusal);
      if (applied.outcome !== 'applied') return refuse({ kind: 'consumer_exists', version: null });
      return accept({
        ...noIssuedSecrets,
        client: applied.client,
        consent: null,
        awaitsSecondApproval: false,
        secret: secret?.plain ?? null,
        credentials: ownerCredential?.credentials ?? null,
        accessToken: ownerCredential?.accessToken ?? null,
        withheldScopes,
      });
    }
  },
};
