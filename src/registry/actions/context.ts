import { createHmac } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import type { LetterBudget } from '#accounts/email-budget.ts';
import type { AccountRecords } from '#accounts/records.ts';
import { type Result, refuse } from '#kernel/result.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import { digestOf, equalSecrets } from '#keys/digest.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Sealer } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import { type Actor, personOf } from '../actor.ts';
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
import type { Condition } from '../review/auto-approval.ts';
import type { FieldRules } from './fields.ts';

/** What sealed client secrets are bound to. */
export const CLIENT_SECRET = 'client secret';
/** What sealed token secrets are bound to. */
export const TOKEN_SECRET = 'token secret';

/** Mints the long-lived token of an owner-only OAuth 2 client; the oauth2 room does. */
export type MintOwnerToken = (
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
  readonly autoApprove: readonly Condition[];
  /** Risks of scopes for which two people must say yes. */
  readonly twoPersonRisks: readonly string[];
  /**
   * Reviewers may decide on apps of their own where one yes is enough: for houses with a single
   * reviewer.
   */
  readonly ownApps: boolean;
  /** For how long before a question arose whoever took part in an app is not independent of it. */
  readonly involvedFor: Seconds;
  /** How long the secrets of an app still hold after it was given to another owner. */
  readonly oldSecretsFor: Seconds;
  /** Groups whose members hear of proposals. */
  readonly notifyGroups: readonly string[];
  /** There is a mail server: without one, no letter is put into the outbox. */
  readonly mailed: boolean;
  /** Names of the webhook endpoints, which hear of everything. */
  readonly endpoints: readonly string[];
  /** After how long an idle proposal expires; null: never. */
  readonly idleFor: Seconds | null;
  /** How long an access token lives, apart from owner-only ones. */
  readonly accessTokenFor: Seconds;
}

/** What the actions work with. */
export interface Desk {
  readonly records: RegistryRecords;
  readonly accounts: Pick<AccountRecords, 'findAccount'>;
  /** What somebody may do at present, by their groups. */
  readonly rightsOf: (account: Account) => ReadonlySet<string>;
  readonly rules: FieldRules;
  readonly mint: Mint;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly letters: LetterBudget;
  readonly mintOwnerToken: MintOwnerToken;
  /** Key of the change tokens. */
  readonly tokenKey: Uint8Array;
  readonly settings: RegistrySettings;
}

/** Secrets made by an action, in plain text: shown once, kept nowhere. */
export interface Issued {
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

export const nothingIssued: Issued = {
  secret: null,
  credentials: null,
  accessToken: null,
  withheldScopes: [],
};

/** What an accepted action led to. */
export interface Outcome extends Issued {
  readonly client: Client;
  /** The consent an `accept` made or changed. */
  readonly consent: Consent | null;
  /** A first yes was written down; a second reviewer has to say theirs. */
  readonly waiting: boolean;
}

export type Ran = Promise<Result<Outcome, RegistryRefusal>>;

export const denied = (
  right: string | null = null,
): { readonly ok: false; readonly refusal: RegistryRefusal } =>
  refuse({ kind: 'permission_denied', right });

/** A client secret: 40 hexadecimal digits, kept readable only where HMAC needs it back. */
export function newSecret(
  desk: Desk,
  protocol: Protocol,
  label: string,
  expiresAt: Instant | null = null,
): { readonly plain: string; readonly kept: NewSecret } {
  const plain = desk.mint.randomHex(20);
  const sealed = protocol === 'oauth1' ? desk.sealer.seal(plain, CLIENT_SECRET) : null;
  return {
    plain,
    kept: { label, digest: digestOf(plain), sealed, createdAt: desk.clock.now(), expiresAt },
  };
}

/**
 * What an owner-only client acts with: the owner's consent for these of its scopes, and the one
 * credential under it.
 */
export function ownerGrant(
  desk: Desk,
  client: NewClient,
  given: readonly string[],
  {
    profile,
    keptToken,
  }: { readonly profile: ProtocolProfile; readonly keptToken?: string | undefined },
): { readonly grant: OwnerGrant } & Pick<Issued, 'credentials' | 'accessToken'> {
  const consent = {
    userId: client.ownerId,
    clientId: client.id,
    site: client.site,
    scopes: acceptedScopes(client.scopes, client, desk.rules.catalogue).filter((scope) =>
      given.includes(scope),
    ),
    acceptedAt: desk.clock.now(),
  };
  if (client.protocol === 'oauth1') {
    const [token, secret] = [keptToken ?? desk.mint.hex32(), desk.mint.randomHex(20)];
    const credentials = { token, secretSealed: desk.sealer.seal(secret, TOKEN_SECRET) };
    return {
      grant: { consent, credentials, token: null },
      credentials: { token, secret },
      accessToken: null,
    };
  }
  const scopes = client.scopes.filter((scope) => consent.scopes.includes(scope));
  const { token, jwt } = desk.mintOwnerToken(client, { id: client.ownerId }, scopes, profile);
  return { grant: { consent, credentials: null, token }, credentials: null, accessToken: jwt };
}

const viewerOf = (actor: Actor) => `${actor.kind} ${personOf(actor)?.id ?? ''}`;

/**
 * 40 hexadecimal digits over what this viewer saw: the edition, and a proof that it was we who
 * named it.
 */
export function changeToken(
  desk: Pick<Desk, 'tokenKey'>,
  actor: Actor,
  client: Pick<Client, 'id' | 'edition'>,
): string {
  const edition = client.edition.toString(16).padStart(8, '0');
  const mac = createHmac('sha256', desk.tokenKey)
    .update(`${viewerOf(actor)}\n${client.id}\n${edition}`)
    .digest('hex');
  return edition + mac.slice(0, 32);
}

/** Refuses a decision on anything older than what stands, and tells what happened since. */
export async function conflict(
  desk: Desk,
  client: Client,
  seen: number | null,
): Promise<RegistryRefusal> {
  const since =
    seen === null
      ? []
      : await desk.records.listAudit({
          clientId: client.id,
          about: 'clients',
          afterEdition: seen,
          order: 'oldest-first',
          limit: 50,
        });
  return { kind: 'change_conflict', since };
}

/** The edition a change token names; null: it is not one of ours, or another viewer's. */
export function seenEdition(
  desk: Desk,
  actor: Actor,
  client: Client,
  token: string,
): number | null {
  const edition = Number.parseInt(token.slice(0, 8), 16);
  return equalSecrets(token, changeToken(desk, actor, { id: client.id, edition })) ? edition : null;
}
