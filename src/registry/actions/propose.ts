import type { Account } from '#accounts/account.ts';
import { sameAddress } from '#encoding/email.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import { type Actor, mayDo, personOf, profileOf, RIGHTS } from '../actor.ts';
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
import { registeredScopes, revocable } from '../model/scopes.ts';
import type { NewClient } from '../records.ts';
import { autoApproves } from '../review/auto-approval.ts';
import { holdsRisk } from '../review/independence.ts';
import { type RiskContext, riskOf } from '../review/risk-context.ts';
import { type Action, auditLine, commit, type Decision, noticesOf } from './action.ts';
import { actingApp, holds, scopesWithin, siteWithin } from './authority.ts';
import { type Desk, denied, newSecret, nothingIssued, ownerGrant } from './context.ts';
import { proposalFields, type Values, wholeNumber } from './fields.ts';

/** The client a proposal describes; its values were checked. */
function described(desk: Desk, owner: Pick<Account, 'id'>, values: Values): NewClient {
  const now = desk.clock.now();
  const protocol = values.protocol as Protocol;
  const ownerOnly = values.ownerOnly === true;
  const { addresses, pages = [] } = (values.restrictions ?? ANYWHERE) as Restrictions;
  return {
    id: desk.mint.hex32() as ClientId,
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
    site: desk.rules.sites.resolve(values.site as string) ?? (values.site as Client['site']),
    scopes: registeredScopes(values.scopes as readonly string[], desk.rules.catalogue),
    optionalScopes: ownerOnly
      ? []
      : revocable((values.optionalScopes ?? []) as readonly string[], desk.rules.catalogue),
    rsaPublicKey: (values.rsaPublicKey as string | null | undefined) || null,
    restrictions: { addresses, pages },
    stage: 'proposed',
    stageAt: now,
    suppressed: false,
    halted: 'nothing',
    registeredAt: now,
    managed: false,
    skipConsent: false,
  };
}

const names = { approved: 'propose-autoapproved', proposed: 'propose' } as Readonly<
  Record<Stage, string>
>;

/**
 * Who hears of a new app: reviewers of one that waits, and the person in whose name an app made one
 * that is in force.
 */
function toldOf(actor: Actor, { stage, ownerId }: NewClient): Decision['tell'] {
  if (stage === 'proposed') return 'reviewers';
  return actingApp(actor) === undefined ? undefined : ownerId;
}

const TRIES = 5;

/**
 * Proposes a client (registry 3.3). An owner-only one is approved at once and gets its consent and
 * credential in the same unit of work, unless two people must say yes to its scopes: then it waits
 * as any other, and its owner resets it for a credential when it is approved.
 */
export const propose: Action = {
  base: 'registry',
  // The operator names the owner; anybody else proposes for themself.
  fields: [...proposalFields, { name: 'ownerId', optional: true, judge: wholeNumber }],
  async run(desk, actor, values) {
    if (!mayDo(actor, RIGHTS.propose)) return denied(RIGHTS.propose);
    const owner =
      personOf(actor) ?? (await desk.accounts.findAccount((values.ownerId ?? 0) as UserId));
    if (owner === undefined || owner === null) return refuse({ kind: 'not_found', what: 'person' });
    if (actor.kind === 'person') {
      // The operator vouches for addresses.
      if (owner.emailConfirmedAt === null) return refuse({ kind: 'email_not_confirmed' });
      if (owner.email === null || !sameAddress(owner.email, values.email as string))
        return refuse({ kind: 'email_mismatched' });
    }
    const wanted = described(desk, owner, values);
    // What lets an app act for its owner at once is cut to what the caller could do already.
    const client = wanted.ownerOnly
      ? {
          ...wanted,
          scopes: scopesWithin(actor, wanted.scopes),
          site: siteWithin(actor, wanted.site),
        }
      : wanted;
    const withheldScopes = wanted.scopes.filter((scope) => !client.scopes.includes(scope));
    if (client.scopes.length === 0 && withheldScopes.length > 0)
      return refuse({ kind: 'browser_session_required', scopes: withheldScopes });
    // Judged again when another app of the name came in between.
    for (let tried = 1; ; tried++) {
      const namesakes = await desk.records.findClientsNamed(owner.id, client.name);
      if (namesakes.some(({ version }) => version === client.version))
        return refuse({ kind: 'consumer_exists', version: null });
      // One row is compared, the latest, whatever its stage (registry 3.3).
      const [latest] = namesakes;
      if (latest && compareVersions(latest.version, client.version) >= 0)
        return refuse({ kind: 'consumer_exists', version: latest.version });

      const context: RiskContext = { owner, live: null };
      const risk =
        desk.settings.autoApprove.length > 0 ? (await riskOf(desk, client, context)).total : 0;
      // Where two people must say yes, no condition says it for both; the operator decides alone.
      const forTwo = holdsRisk(desk, client.scopes);
      const approved = client.ownerOnly
        ? !forTwo || actor.kind === 'operator'
        : // What an app proposes beyond its own scopes waits for a reviewer.
          !forTwo &&
          holds(actor, { scopes: client.scopes, site: client.site, shared: false }) &&
          autoApproves(desk.settings.autoApprove, { ...client, risk });
      const born: NewClient = { ...client, stage: approved ? 'approved' : 'proposed' };
      const secret = born.confidential ? newSecret(desk, born.protocol, 'first') : null;
      const atOnce = born.ownerOnly && approved;
      const owned = atOnce
        ? ownerGrant(desk, born, born.scopes, { profile: profileOf(actor) })
        : null;
      const action = atOnce ? 'create-owner-only' : (names[born.stage] ?? 'propose');
      const applied = await commit(desk, actor, 'propose', null, {
        edition: null,
        effects: [
          {
            kind: 'create-client',
            client: born,
            secret: secret?.kept ?? null,
            grant: owned?.grant ?? null,
            after: latest?.number ?? null,
          },
          { kind: 'involve', userId: owner.id, part: 'proposer', at: born.registeredAt },
        ],
        audit: auditLine(
          desk,
          actor,
          action,
          born.id,
          born.description.slice(0, 255),
          fieldChanges(null, born),
        ),
        notices: await noticesOf(
          desk,
          actor,
          action,
          born,
          0,
          '',
          toldOf(actor, born),
          owned ? 'credentials' : undefined,
        ),
      });
      if (applied.outcome === 'stale' && tried < TRIES) continue;
      if (applied.outcome === 'refused') return refuse(applied.refusal);
      if (applied.outcome !== 'applied') return refuse({ kind: 'consumer_exists', version: null });
      return accept({
        ...nothingIssued,
        client: applied.client,
        consent: null,
        waiting: false,
        secret: secret?.plain ?? null,
        credentials: owned?.credentials ?? null,
        accessToken: owned?.accessToken ?? null,
        withheldScopes,
      });
    }
  },
};
