import type { Account } from '#accounts/account.ts';
import type { EmailBudget } from '#accounts/email-budget.ts';
import type { AccountRecords } from '#accounts/records.ts';
import { type Result, refuse } from '#kernel/result.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import { acceptedScopes } from '../consent-policy.ts';
import type { ProtocolProfile } from '../model/authorization-request.ts';
import type { Client, Protocol } from '../model/client.ts';
import type { Consent } from '../model/consent.ts';
import type {
  NewClient,
  NewOwnerToken,
  NewSecret,
  OwnerGrant,
  RegistryRecords,
} from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import type { ReviewAssignments } from '../review/assignments.ts';
import type { AutoApprovalCondition } from '../review/auto-approval.ts';
import type { FieldRules } from './fields.ts';

/** What encrypted client secrets are bound to. */
export const CLIENT_SECRET = 'client secret';
/** What encrypted token secrets are bound to. */
export const TOKEN_SECRET = 'token secret';

/** Mints the long-lived token of an owner-only OAuth 2 client; the oauth2 room does. */
export type IssueOwnerToken = (
  client: NewClient,
  owner: Pick<Account, 'id'>,
  /** What its owner's consent holds: a token says no more. */
  scopes: readonly string[],
  /** At which addresses it was asked for: their tokens look differently. */
  profile: ProtocolProfile,
) => { readonly token: NewOwnerToken; readonly jwt: string };

/** What the operator chose for the registry. */
export interface RegistrySettings {
  /** Why nothing may be written at the moment; null: writing is allowed. */
  readonly readOnly: string | null;
  readonly autoApprove: readonly AutoApprovalCondition[];
  /** Risks of scopes for which two people must approve. */
  readonly twoPersonRisks: readonly string[];
  /**
   * Reviewers may decide on apps of their own where one yes is enough: for houses with a single
   * reviewer.
   */
  readonly allowOwnApps: boolean;
  /** For how long before a question arose whoever took part in an app is not independent of it. */
  readonly involvementSeconds: Seconds;
  /** How long the secrets of an app still hold after it was given to another owner. */
  readonly oldSecretsTtlSeconds: Seconds;
  /** Groups whose members hear of proposals. */
  readonly notifyGroups: readonly string[];
  /** There is a mail server: without one, no email is put into the outbox. */
  readonly emailEnabled: boolean;
  /** Names of the webhook endpoints, which hear of everything. */
  readonly webhookEndpoints: readonly string[];
  /** After how long an idle proposal expires; null: never. */
  readonly idleProposalTtlSeconds: Seconds | null;
  /** How long an access token lives, apart from owner-only ones. */
  readonly accessTokenTtlSeconds: Seconds;
}

/** What the actions work with. */
export interface RegistryContext {
  readonly records: RegistryRecords & ReviewAssignments;
  readonly accounts: Pick<AccountRecords, 'findAccount' | 'findAccountByName'>;
  /** What somebody may do at present, by their groups. */
  readonly rightsOf: (account: Account) => ReadonlySet<string>;
  readonly rules: FieldRules;
  readonly idGenerator: IdGenerator;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly emailBudget: EmailBudget;
  readonly issueOwnerToken: IssueOwnerToken;
  /** Key of the ETags. */
  readonly etagKey: Uint8Array;
  readonly settings: RegistrySettings;
}

/** Secrets made by an action, in plain text: shown once, kept nowhere. */
export interface IssuedSecrets {
  readonly secret: string | null;
  /** OAuth 1 owner-only: the pair to sign with. */
  readonly credentials: { readonly token: string; readonly secret: string } | null;
  /** OAuth 2 owner-only: the long-lived access token. */
  readonly accessToken: string | null;
  /**
   * Scopes that the credential would have had, and has not because it was issued through an app
   * without them (ADR 17).
   */
  readonly withheldScopes: readonly string[];
}

export const noIssuedSecrets: IssuedSecrets = {
  secret: null,
  credentials: null,
  accessToken: null,
  withheldScopes: [],
};

/** What an accepted action led to. */
export interface ActionOutcome extends IssuedSecrets {
  readonly client: Client;
  /** The consent an `accept` made or changed. */
  readonly consent: Consent | null;
  /** A first yes was written down; a second reviewer has to say theirs. */
  readonly awaitsSecondApproval: boolean;
}

export type ActionResult = Promise<Result<ActionOutcome, RegistryRefusal>>;

export const permissionDenied = (
  right: string | null = null,
): { readonly ok: false; readonly refusal: RegistryRefusal } =>
  refuse({ kind: 'permission_denied', right });

/** A client secret: 40 hexadecimal digits, kept readable only where HMAC needs it back. */
export function newSecret(
  context: RegistryContext,
  protocol: Protocol,
  label: string,
  expiresAt: Instant | null = null,
): { readonly plain: string; readonly stored: NewSecret } {
  const plain = context.idGenerator.randomHex(20);
  const encrypted = protocol === 'oauth1' ? context.secretBox.encrypt(plain, CLIENT_SECRET) : null;
  return {
    plain,
    stored: {
      label,
      digest: digestOf(plain),
      encrypted,
      createdAt: context.clock.now(),
      expiresAt,
    },
  };
}

/**
 * What an owner-only client acts with: the owner's consent for these of its scopes, and the one
 * credential under it.
 */
export function ownerGrant(
  context: RegistryContext,
  client: NewClient,
  grantedScopes: readonly string[],
  {
    profile,
    keptToken,
  }: { readonly profile: ProtocolProfile; readonly keptToken?: string | undefined },
): { readonly grant: OwnerGrant } & Pick<IssuedSecrets, 'credentials' | 'accessToken'> {
  const consent = {
    userId: client.ownerId,
    clientId: client.id,
    site: client.site,
    scopes: acceptedScopes(client.scopes, client, context.rules.catalogue).filter((scope) =>
      grantedScopes.includes(scope),
    ),
    acceptedAt: context.clock.now(),
  };
  if (client.protocol === 'oauth1') {
    const [token, secret] = [
      keptToken ?? context.idGenerator.hex32(),
      context.idGenerator.randomHex(20),
    ];
    const credentials = { token, encryptedSecret: context.secretBox.encrypt(secret, TOKEN_SECRET) };
    return {
      grant: { consent, credentials, token: null },
      credentials: { token, secret },
      accessToken: null,
    };
  }
  const scopes = client.scopes.filter((scope) => consent.scopes.includes(scope));
  const { token, jwt } = context.issueOwnerToken(client, { id: client.ownerId }, scopes, profile);
  return { grant: { consent, credentials: null, token }, credentials: null, accessToken: jwt };
}

/** Refuses a decision on anything older than what stands, and tells what happened since. */
export async function changeConflict(
  context: RegistryContext,
  client: Client,
  seenVersion: number | null,
): Promise<RegistryRefusal> {
  const since =
    seenVersion === null
      ? []
      : await context.records.listAudit({
          clientId: client.id,
          about: 'clients',
          afterRecordVersion: seenVersion,
          order: 'oldest-first',
          limit: 50,
        });
  return { kind: 'change_conflict', since };
}
