import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import type { ConsentId, SiteId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '../actor.ts';
import { type ConsentNeed, consentNeed, currentConsent } from '../consent-policy.ts';
import type { Client } from '../model/client.ts';
import type { Consent } from '../model/consent.ts';
import type { RegistryRefusal } from '../refusals.ts';
import type { QueryContext } from './query-context.ts';

/** Who owns an app by now, and since when. */
export interface NewOwner {
  readonly name: string;
  readonly since: Instant;
}

/** What people accepted. */
export interface ConsentQueries {
  /** Those of the actor; nobody is signed in: none. */
  listConsents(): Promise<readonly Consent[]>;
  /**
   * Those of a person. Of others for whoever may see private things: refuses with `not_logged_in`
   * or `permission_denied`.
   */
  consentsOf(user: UserId): Promise<Result<readonly Consent[], RegistryRefusal>>;
  /**
   * How many a person has; 0 as well where the actor neither is the person nor an administrator.
   */
  countConsentsOf(user: UserId): Promise<number>;
  /** True while this consent of the actor stands. */
  hasConsent(id: ConsentId): Promise<boolean>;
  /** The actor's consent in force for an app, asked for on a site (registry 7.2). */
  currentConsent(client: Client, site: SiteId): Promise<Consent | undefined>;
  /**
   * Whether the actor has to be asked before the app gets these scopes; undefined: nobody is signed
   * in.
   */
  consentNeed(
    client: Client,
    request: Parameters<typeof consentNeed>[1],
  ): Promise<ConsentNeed | undefined>;
  /**
   * Who owns an app by now, when it had another owner at a time, such as that of a consent; null:
   * it is still theirs, or its owner is gone.
   */
  newOwnerSince(client: Pick<Client, 'id' | 'ownerId'>, asOf: Instant): Promise<NewOwner | null>;
}

/** Makes the queries about consents for one actor. */
export function makeConsentQueries(context: QueryContext, actor: Actor): ConsentQueries {
  const { records, accounts, rules } = context;
  const user = accountOf(actor);
  return {
    listConsents: async () => (user === null ? [] : records.listConsents(user.id)),
    async consentsOf(id) {
      if (actor.kind === 'person' && user === null) return refuse({ kind: 'not_logged_in' });
      if (id !== user?.id && !hasRight(actor, RIGHTS.viewPrivate))
        return refuse({ kind: 'permission_denied', right: RIGHTS.viewPrivate });
      return accept(await records.listConsents(id));
    },
    async countConsentsOf(id) {
      const mayCount =
        id === user?.id || hasRight(actor, ADMINISTER_RIGHT) || hasRight(actor, RIGHTS.viewPrivate);
      return mayCount ? (await records.listConsents(id)).length : 0;
    },
    async hasConsent(id) {
      const consent = await records.findConsentById(id);
      return consent !== undefined && consent.userId === user?.id;
    },
    currentConsent: async (client, site) =>
      user === null ? undefined : currentConsent(records, client, user, site),
    consentNeed: async (client, request) =>
      user === null
        ? undefined
        : consentNeed({ records, catalogue: rules.catalogue, client, user }, request),
    async newOwnerSince(client, asOf) {
      const involvements = await records.involvementsIn(client.id);
      const latest = involvements
        .filter(({ part, until }) => part === 'owner' && until >= asOf)
        .at(-1);
      if (latest === undefined) return null;
      const owner = await accounts.findAccount(client.ownerId);
      return owner === undefined ? null : { name: owner.name, since: latest.until };
    },
  };
}
