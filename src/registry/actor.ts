import type { Account } from '#accounts/account.ts';
import type { Proof } from '#accounts/records.ts';
import type { ClientId, SiteId } from '#kernel/ids.ts';
import type { ProtocolProfile } from './model/authorization-request.ts';

/**
 * Rights of the registry, by what they allow (registry 11.1). The names are those that clients and
 * groups files know (ADR 2).
 */
export const RIGHTS = {
  propose: 'mwoauthproposeconsumer',
  updateOwn: 'mwoauthupdateownconsumer',
  review: 'mwoauthmanageconsumer',
  suppress: 'mwoauthsuppress',
  viewSuppressed: 'mwoauthviewsuppressed',
  viewPrivate: 'mwoauthviewprivate',
  manageConsents: 'mwoauthmanagemygrants',
} as const;

/** By which door somebody came. */
export type Via = 'page' | 'api' | 'cli' | 'config' | 'job';

/**
 * How a request showed whose it is. What a person may have done in the registry depends on it (ADR
 * 17).
 */
export type Authentication =
  /** Nobody is signed in. */
  | { readonly kind: 'none' }
  /**
   * A browser session. `proof`: when and how its person last proved who they are; null: not known.
   */
  | { readonly kind: 'session'; readonly proof: Proof | null }
  /**
   * A bearer token or a signature: an app acts for the person, with these scopes, where both its
   * consent and its registration reach.
   */
  | {
      readonly kind: 'app';
      readonly clientId: ClientId;
      readonly scopes: readonly string[];
      readonly site: SiteId;
    };

/** The authentication of a request that has none. */
export const UNAUTHENTICATED: Authentication = { kind: 'none' };

/**
 * Who acts. A person has rights: their own, cut to what an app was lent when they act through one.
 * The operator holds the data directory and needs none; the rules hold for both.
 */
export type Actor =
  | {
      readonly kind: 'person';
      /** Null: a stranger. */
      readonly account: Account | null;
      readonly rights: ReadonlySet<string>;
      readonly address: string | null;
      readonly via: Via;
      readonly authentication: Authentication;
      /**
       * The dialect by whose registration address they came, where some rules of registration are
       * advice (registry 4.3).
       */
      readonly dialect?: ProtocolProfile;
    }
  | {
      readonly kind: 'operator';
      readonly via: Via;
      /**
       * Who used the command line, for the audit log: `os:` and the operating-system account, or
       * `as:` and a name they gave.
       */
      readonly by?: string;
    };

/** Whoever holds the data directory. */
export const OPERATOR: Actor = { kind: 'operator', via: 'cli' };
/**
 * Whoever holds the data directory, by the account they use (`os:ada`) or the name they gave
 * (`as:Ada`).
 */
export const operatorBy = (by: string): Actor => ({ kind: 'operator', via: 'cli', by });
/** The program's own scheduled work. */
export const JOB: Actor = { kind: 'operator', via: 'job' };

/** True when the actor holds the right. */
export const hasRight = (actor: Actor, right: string): boolean =>
  actor.kind === 'operator' || actor.rights.has(right);

/** At which addresses somebody acts. */
export const protocolProfileOf = (actor: Actor): ProtocolProfile =>
  (actor.kind === 'person' ? actor.dialect : undefined) ?? 'core';

/** The person who acts; null: the operator, or a stranger. */
export const accountOf = (actor: Actor): Account | null =>
  actor.kind === 'person' ? actor.account : null;

/** Scopes with which an app sees and does what its person may as somebody who looks after apps. */
export const MANAGING_SCOPES: readonly string[] = ['gatehouse:clients', 'oauthmanageownclient'];
/** The scope with which an app reviews. */
export const REVIEW_SCOPE = 'gatehouse:review';
/** The scope with which an app sees where the requests of its person came from. */
export const AUDIT_SCOPE = 'gatehouse:audit';

/**
 * True for whoever has no app between, and for an app that holds one of these scopes: without them
 * it is a stranger there (ADR 17).
 */
export const hasAnyScope = (actor: Actor, scopes: readonly string[]): boolean =>
  actor.kind === 'operator' ||
  actor.authentication.kind !== 'app' ||
  actor.authentication.scopes.some((scope) => scopes.includes(scope));

/**
 * The person as somebody who looks after apps; null: the operator, a stranger, or an app that was
 * not lent that.
 */
export const managerOf = (actor: Actor): Account | null =>
  hasAnyScope(actor, MANAGING_SCOPES) ? accountOf(actor) : null;
