import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId, EncryptedSecret, SiteId, TokenId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { AuditEntry, AuditFilter, NewAuditEntry } from './audit.ts';
import type { Client, ClientSecret, Protocol, Stage } from './model/client.ts';
import type { Consent } from './model/consent.ts';
import type { Approval, Involvement, InvolvementRole } from './model/involvement.ts';
import type { NewRevision, Revision, RevisionStage } from './model/revision.ts';
import type { Team } from './model/team.ts';
import type { NewNotification, Outbox } from './notifications/notification.ts';
import type { Impact, UsageRecords } from './usage.ts';

/** A secret about to be stored: the store gives it its number. */
export type NewSecret = Omit<ClientSecret, 'id'>;
/** A client about to be stored: the store gives it its number. */
export type NewClient = Omit<Client, 'number' | 'recordVersion' | 'secrets'>;

/**
 * A permanent pair of an OAuth 1 consent (RFC 5849 §2.3). The secret is encrypted, not hashed,
 * because HMAC needs it back.
 */
export interface NewTokenCredentials {
  readonly token: string;
  readonly encryptedSecret: EncryptedSecret;
}

/** The long-lived access token of an owner-only OAuth 2 client. */
export interface NewOwnerToken {
  readonly id: TokenId;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
}

export interface NewConsent {
  readonly userId: UserId;
  readonly clientId: ClientId;
  readonly site: SiteId;
  readonly scopes: readonly string[];
  readonly acceptedAt: Instant;
}

/** What an owner-only client is born with, written together with it. */
export interface OwnerGrant {
  readonly consent: NewConsent;
  readonly credentials: NewTokenCredentials | null;
  readonly token: NewOwnerToken | null;
}

/**
 * One thing that a change of the registry does. The closed list of all that can happen to a client.
 */
export type Effect =
  | {
      readonly kind: 'create-client';
      readonly client: NewClient;
      readonly secret: NewSecret | null;
      readonly grant: OwnerGrant | null;
      /**
       * Number of the owner's latest client of that name when this was decided, null for none:
       * another one since makes it stale.
       */
      readonly after?: number | null;
    }
  /** Writes every field of the client but its secrets. */
  | { readonly kind: 'save-client'; readonly client: Client }
  | { readonly kind: 'add-secret'; readonly secret: NewSecret }
  | { readonly kind: 'remove-secrets'; readonly ids: readonly number[] }
  /**
   * Gives an owner-only client's consent a new credential: its access tokens die, the OAuth 1 token
   * identifier is kept and its secret replaced; a consent that was renounced is made again.
   * `newToken`: the identifier is replaced too.
   */
  | { readonly kind: 'regrant'; readonly grant: OwnerGrant; readonly newToken?: true }
  /** Ends the consent of an owner for a client of theirs, with all that hangs on it. */
  | { readonly kind: 'end-consents-of'; readonly userId: UserId }
  | { readonly kind: 'open-revision'; readonly revision: NewRevision }
  | {
      readonly kind: 'close-revision';
      readonly id: number;
      readonly stage: Exclude<RevisionStage, 'proposed'>;
      readonly at: Instant;
    }
  /** A first yes where two are needed, in place of an earlier one of the same reviewer. */
  | {
      readonly kind: 'first-approval';
      readonly reviewerId: UserId;
      readonly revisionId: number | null;
      readonly subject: string;
      readonly at: Instant;
    }
  | { readonly kind: 'clear-approvals' }
  | {
      readonly kind: 'invite';
      readonly userId: UserId;
      readonly by: UserId | null;
      readonly at: Instant;
    }
  | { readonly kind: 'join'; readonly userId: UserId; readonly at: Instant }
  | { readonly kind: 'leave'; readonly userId: UserId }
  | {
      readonly kind: 'offer';
      readonly toId: UserId;
      readonly by: UserId | null;
      readonly at: Instant;
    }
  | { readonly kind: 'end-offer' }
  /** Writes down a part somebody took in the client, which they may not have any more. */
  | {
      readonly kind: 'involve';
      readonly userId: UserId;
      readonly part: InvolvementRole;
      readonly at: Instant;
    }
  /** Lets every secret end at this time, or earlier where that was its end already. */
  | { readonly kind: 'end-secrets'; readonly at: Instant };

/** A change, its audit entry, and whom it is told: one unit of work, or nothing. */
export interface RegistryChange {
  /** The version the change was decided on; null: the client is created here. */
  readonly recordVersion: number | null;
  readonly effects: readonly Effect[];
  readonly audit: NewAuditEntry;
  readonly notifications: readonly NewNotification[];
}

/** What a person's approval was judged on, and what it takes away. */
export interface ApprovalConditions {
  /** Edition of the client. */
  readonly recordVersion: number;
  /** A consent has to stand already: the client takes nobody new. */
  readonly existingConsentOnly: boolean;
  /** What the client may ask for in that version: what a review took from it is not carried on. */
  readonly allowedScopes: readonly string[];
  /** Scopes that the person allowed before, was shown, and left out now. */
  readonly withdrawnScopes: readonly string[];
}

/**
 * 'stale': the client is not at that version any more. 'exists': owner, name and version are taken.
 */
export type AppliedChange =
  | { readonly outcome: 'applied'; readonly client: Client }
  | { readonly outcome: 'stale' | 'unknown' | 'exists' };

export interface ClientFilter {
  readonly ownerId?: UserId;
  /** Owner or accepted maintainer. */
  readonly managerId?: UserId;
  readonly stage?: Stage;
  readonly protocol?: Protocol;
  readonly name?: string;
  /** A part of the name, whatever the case of its letters. */
  readonly nameContains?: string;
  /** Asks for this scope. */
  readonly scope?: string;
  /** May act on this site: for it, or for every site. */
  readonly actsOnSite?: SiteId;
  /** Approved, or kept by the configuration. */
  readonly live?: true;
  /** False: leave out apps that are for their owners alone. */
  readonly ownerOnly?: false;
  /** With an open revision. */
  readonly hasOpenRevision?: boolean;
  /** Whose owner is blocked or gone. */
  readonly orphaned?: boolean;
  /** For a list that people look through: an answer some seconds old will do. */
  readonly allowStale?: true;
  /** False: leave hidden ones out. */
  readonly suppressed?: false;
  /** Continue below this number. */
  readonly below?: number;
  readonly limit?: number;
}

/**
 * The registry's questions to durable storage. One call is one unit of work with a named outcome.
 */
export interface RegistryRecords extends Outbox, UsageRecords {
  findClient(id: ClientId): Promise<Client | undefined>;
  /** Newest first. */
  listClients(filter: ClientFilter): Promise<readonly Client[]>;
  countClients(filter: Omit<ClientFilter, 'below' | 'limit'>): Promise<number>;
  /**
   * True once after a migration that left something to be told to the operator: apps that have to
   * use PKCE since. Of several that ask, one is told.
   */
  consumePkceNotice(): Promise<boolean>;
  /** Same owner and name, the latest registration first. */
  findClientsNamed(ownerId: UserId, name: string): Promise<readonly Client[]>;
  /** Carries out a change of a client, or of nothing. */
  applyChange(change: RegistryChange): Promise<AppliedChange>;
  /** Proposed clients whose stage did not move since `before`, oldest first. */
  listIdleProposals(before: Instant, limit: number): Promise<readonly Client[]>;
  /**
   * Keeps the clients of the configuration: their rows reserve identifier and number, their values
   * live in this process alone, so that a client whose entry disappears is usable by nobody.
   * 'taken': the identifier, or owner with name and version, belongs to another client.
   */
  saveConfiguredClients(
    clients: readonly NewClient[],
    secrets: ReadonlyMap<ClientId, NewSecret>,
  ): Promise<'saved' | { readonly taken: ClientId }>;

  openRevision(id: ClientId): Promise<Revision | undefined>;
  /** Newest first. */
  listRevisions(id: ClientId): Promise<readonly Revision[]>;
  teamOf(id: ClientId): Promise<Team>;
  /** Offers and unanswered invitations for a person. */
  invitationsOf(
    user: UserId,
  ): Promise<readonly { readonly clientId: ClientId; readonly kind: 'maintain' | 'own' }[]>;
  /** True when `from` asked `to` to help look after an app, and has no answer yet. */
  hasOpenInvitation(from: UserId, to: UserId): Promise<boolean>;
  /** True when the person does not want to be invited, nor to be offered apps. */
  declinesInvitations(user: UserId): Promise<boolean>;
  setInvitationsDeclined(user: UserId, declined: boolean): Promise<void>;
  /**
   * First yeses, for the client (null) or one of its revisions, whatever became of their givers.
   */
  approvalsOf(id: ClientId, revisionId: number | null): Promise<readonly Approval[]>;
  /** Parts that people took in a client and may not have any more. */
  involvementsIn(id: ClientId): Promise<readonly Involvement[]>;
  /**
   * What switching a client off would stop. Tokens issued before `issuedSince` are not looked at.
   */
  impactOf(id: ClientId, now: Instant, issuedSince: Instant): Promise<Impact>;
  listAudit(filter: AuditFilter): Promise<readonly AuditEntry[]>;
  /** Accounts in any of the groups, at most `limit`. */
  listAccountsInGroups(groups: readonly string[], limit: number): Promise<readonly Account[]>;

  findConsent(user: UserId, client: ClientId, site: SiteId): Promise<Consent | undefined>;
  /** Identifier of the OAuth 1 pair of a consent; undefined when it has none. */
  tokenOfConsent(id: ConsentId): Promise<string | undefined>;
  findConsentById(id: ConsentId): Promise<Consent | undefined>;
  listConsents(user: UserId): Promise<readonly Consent[]>;
  /**
   * Stores a consent with its audit line; the scopes of one that exists for (user, client, site)
   * are replaced. When they already are the same, nothing is written. For OAuth 1, `credentials`
   * are stored only when the consent has none yet, so that one permanent pair exists for each.
   */
  saveConsent(
    consent: NewConsent,
    credentials: NewTokenCredentials | null,
    audit: NewAuditEntry,
  ): Promise<Consent>;
  /**
   * Adds a person's approval, judged on a version of the client, to the consent for (user, client,
   * site): the scopes of one that stands come first, as they were, then the new ones. `withdrawn`
   * are taken out of every consent of this person for the client. Of approvals at the same time
   * none is lost. 'stale': the client, or the consent that had to be there, changed since; nothing
   * is written.
   */
  acceptConsent(
    consent: NewConsent,
    credentials: NewTokenCredentials | null,
    audit: NewAuditEntry,
    conditions: ApprovalConditions,
  ): Promise<Consent | 'stale'>;
  /**
   * Ends a consent with its audit line: its token credentials, access tokens and families die with
   * it. Only for its own user.
   */
  revokeConsent(id: ConsentId, user: UserId, audit: NewAuditEntry): Promise<'revoked' | 'unknown'>;
}
