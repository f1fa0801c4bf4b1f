import type { NewAccount, Session } from '#accounts/records.ts';
import type {
  ClientId,
  ConsentId,
  Digest,
  EncryptedSecret,
  FamilyId,
  SiteId,
  TokenId,
  UserId,
} from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { TemporaryCredentials } from '#oauth1/records.ts';
import type { AccessToken, AuthorizationCode, RefreshToken } from '#oauth2/records.ts';
import type { NewAuditEntry } from '#registry/audit.ts';
import type {
  AuthorizationRequest,
  RequestDecision,
} from '#registry/model/authorization-request.ts';
import { ANYWHERE } from '#registry/model/client.ts';
import type { NewNotification } from '#registry/notifications/notification.ts';
import type { Effect, NewClient, NewSecret, RegistryChange } from '#registry/records.ts';
import type { Store } from '#store/store.ts';

/** Whole things with nothing remarkable about them; each call makes another. */
let made = 0;
const next = () => {
  made += 1;
  return made;
};

/** When everything happens unless a test says otherwise. */
export const NOW: Instant = instant(1_800_000_000);
export const at = (offset: number): Instant => instant(NOW + offset);

const hex = (kind: string) =>
  `${process.pid.toString(16)}${kind}${next().toString(16)}`.padStart(32, '0');
/** A key that begins with the time, as those of tokens do. */
const timed = (kind: string, when: Instant = NOW) =>
  `${(when * 1000).toString(16).padStart(12, '0')}${hex(kind).slice(-20)}`;

export const digest = (): Digest => timed('d') as Digest;
export const clientId = (): ClientId => hex('c') as ClientId;
export const tokenId = (): TokenId => timed('a') as TokenId;
export const familyId = (): FamilyId => timed('f') as FamilyId;
export const text = (kind: string): string => `${kind} ${process.pid} ${next()}`;
export const nonce = (expiresAt: Instant = at(300)) => ({ key: timed('0'), expiresAt });

export const account = (changes: Partial<NewAccount> = {}): NewAccount => ({
  name: text('Person'),
  email: 'person@example.org',
  emailConfirmedAt: NOW,
  realName: 'Somebody',
  groups: [],
  passwordHash: null,
  createdAt: NOW,
  ...changes,
});

export async function person(store: Store, changes: Partial<NewAccount> = {}): Promise<UserId> {
  const created = await store.createAccount(account(changes));
  if (created.outcome !== 'created') throw new Error(created.outcome);
  return created.account.id;
}

export const session = (userId: UserId, changes: Partial<Session> = {}): Session =>
  ({
    digest: digest(),
    userId,
    createdAt: NOW,
    activeAt: changes.createdAt ?? NOW,
    expiresAt: at(60),
    endsAt: changes.expiresAt ?? at(60),
    agent: 'Browser',
    address: '192.0.2.1',
    proof: null,
    ...changes,
  }) as Session;

export const client = (ownerId: UserId, changes: Partial<NewClient> = {}): NewClient =>
  ({
    id: clientId(),
    name: text('App'),
    version: '1.0',
    description: 'Reads "everything", in one\u2019s own words: 読む',
    ownerId,
    email: 'owner@example.org',
    protocol: 'oauth2',
    ownerOnly: false,
    confidential: true,
    redirectUri: 'https://app.example/cb',
    redirectIsPrefix: false,
    grantTypes: ['authorization_code', 'refresh_token'],
    pkceOptional: false,
    introspector: false,
    plainPkceUntil: at(900),
    tokenAlgorithm: 'ES256',
    site: '*' as SiteId,
    scopes: ['basic', 'editpage'],
    optionalScopes: [],
    rsaPublicKey: null,
    restrictions: ANYWHERE,
    stage: 'approved',
    stageAt: NOW,
    suppressed: false,
    suspension: 'none',
    registeredAt: NOW,
    managed: false,
    skipConsent: false,
    ...changes,
  }) as NewClient;

export const secret = (changes: Partial<NewSecret> = {}): NewSecret => ({
  label: 'first',
  digest: digest(),
  encrypted: 'v1.m1.x.y' as EncryptedSecret,
  createdAt: NOW,
  expiresAt: null,
  ...changes,
});

export const audit = (id: ClientId, changes: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  at: NOW,
  action: 'update',
  actorId: null,
  via: 'page',
  address: '192.0.2.1',
  clientId: id,
  reason: '',
  changes: [{ field: 'name', before: null, after: 'x' }],
  ...changes,
});

export const notice = (id: ClientId, changes: Partial<NewNotification> = {}): NewNotification => ({
  key: hex('7'),
  target: { kind: 'webhook', endpoint: 'desk' },
  facts: {
    event: 'update',
    client: { id, name: 'App', version: '1.0' },
    actor: null,
    owner: 'Ada',
    reason: '',
    at: NOW,
  },
  ...changes,
});

/** A change of a client in that edition; null: the client is made by it. */
export const change = (
  id: ClientId,
  edition: number | null,
  effects: readonly Effect[],
  more: Partial<RegistryChange> = {},
): RegistryChange => ({
  recordVersion: edition,
  effects,
  audit: audit(id),
  notifications: [],
  ...more,
});

export const creation = (
  made: NewClient,
  first: NewSecret | null = secret(),
  more: Partial<RegistryChange> = {},
): RegistryChange =>
  change(made.id, null, [{ kind: 'create-client', client: made, secret: first, grant: null }], {
    audit: audit(made.id, { action: 'propose' }),
    ...more,
  });

/** A registered client of that owner. */
export async function registered(store: Store, ownerId: UserId, changes: Partial<NewClient> = {}) {
  const applied = await store.applyChange(creation(client(ownerId, changes)));
  if (applied.outcome !== 'applied') throw new Error(applied.outcome);
  return applied.client;
}

/** Somebody with a consent for somebody's client. */
export async function consented(store: Store) {
  const [owner, user] = [await person(store), await person(store)];
  const app = await registered(store, owner);
  const consent = await store.saveConsent(
    { userId: user, clientId: app.id, site: '*' as SiteId, scopes: ['basic'], acceptedAt: NOW },
    null,
    audit(app.id, { action: 'accept', actorId: user }),
  );
  return { owner, user, app, consent };
}
export type Consented = Awaited<ReturnType<typeof consented>>;

export const request = (changes: Partial<AuthorizationRequest> = {}): AuthorizationRequest =>
  ({
    digest: digest(),
    clientId: clientId(),
    userId: 1 as UserId,
    scopes: ['basic'],
    asked: { protocol: 'oauth1', token: 'token' },
    dialect: 'core',
    display: 'page',
    expiresAt: at(600),
    ...changes,
  }) as AuthorizationRequest;

export const decision = (): RequestDecision => ({
  kind: 'allowed',
  session: digest(),
  decidedAt: NOW,
  answerSealed: 'v1.holder.x.y' as EncryptedSecret,
});

export const temporary = (changes: Partial<TemporaryCredentials> = {}): TemporaryCredentials => ({
  token: timed('1'),
  clientId: clientId(),
  encryptedSecret: 'v1.m1.x.y' as EncryptedSecret,
  callback: 'oob',
  expiresAt: at(600),
  authorized: null,
  used: false,
  ...changes,
});

export const code = (
  { user, app, consent }: Consented,
  changes: Partial<AuthorizationCode> = {},
): AuthorizationCode => ({
  digest: digest(),
  clientId: app.id,
  userId: user,
  consentId: consent.id,
  familyId: familyId(),
  redirectUri: null,
  scopes: ['basic'],
  codeChallenge: null,
  codeChallengeMethod: null,
  profile: 'mediawiki',
  issuedAt: NOW,
  expiresAt: at(600),
  used: false,
  ...changes,
});

export const access = (
  { user, app, consent }: Consented,
  changes: Partial<AccessToken> = {},
): AccessToken => ({
  id: tokenId(),
  clientId: app.id,
  userId: user,
  consentId: consent.id,
  familyId: null,
  scopes: ['basic'],
  grantType: 'authorization_code',
  issuedAt: NOW,
  expiresAt: at(3600),
  revoked: false,
  ...changes,
});

export const refresh = (
  { user, app, consent }: Consented,
  changes: Partial<RefreshToken> = {},
): RefreshToken => ({
  digest: digest(),
  familyId: familyId(),
  clientId: app.id,
  userId: user,
  consentId: consent.id,
  scopes: ['basic'],
  accessTokenId: tokenId(),
  profile: 'core',
  issuedAt: NOW,
  expiresAt: at(86_400),
  usedAt: null,
  encryptedResponse: null,
  ...changes,
});

export const noSuch = {
  user: 9_000_001 as UserId,
  consent: 9_000_001 as ConsentId,
  client: 'f'.repeat(32) as ClientId,
  digest: 'f'.repeat(32) as Digest,
};

/** How many of each answer. */
export function tally(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
