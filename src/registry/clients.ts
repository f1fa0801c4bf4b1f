import type { Account } from '#accounts/account.ts';
import type { ClientId, SiteId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/mint.ts';
import { rsaBits } from '#keys/rsa.ts';
import type { Sealer } from '#keys/sealer.ts';
import type { Clock } from '#ports/clock.ts';
import { ANYWHERE, type Client, type GrantType, grantTypes, type Protocol, type Stage } from './client.ts';
import { acceptedScopes, TOKEN_SECRET } from './consents.ts';
import type { NewClient, NewOwnerToken, OwnerGrant, RegistryRecords } from './records.ts';
import { redirectProblem } from './redirect-rules.ts';
import type { ScopeCatalogue } from './scopes.ts';
import { compareVersions, isVersion } from './version.ts';

/** What sealed client secrets are bound to. */
export const CLIENT_SECRET = 'client secret';

/** Every way a registry action says no. */
export type RegistryRefusal =
  | { readonly kind: 'invalid-field'; readonly field: string; readonly problem: string }
  | { readonly kind: 'exists' }
  | { readonly kind: 'later-version-exists'; readonly version: string }
  | { readonly kind: 'wrong-stage'; readonly stage: Stage }
  | { readonly kind: 'stale' }
  | { readonly kind: 'unknown' };

/** A description of an app, as its owner gives it. */
export interface Proposal {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly email: string;
  readonly protocol: Protocol;
  readonly ownerOnly: boolean;
  readonly confidential: boolean;
  readonly redirectUri: string;
  readonly redirectIsPrefix: boolean;
  readonly grantTypes: readonly GrantType[];
  readonly pkceOptional: boolean;
  readonly tokenAlgorithm: 'ES256' | 'RS256';
  readonly site: string;
  readonly scopes: readonly string[];
  readonly rsaPublicKey: string | null;
}

/** A new client with its secrets in plain text: shown once, kept nowhere. */
export interface CreatedClient {
  readonly client: Client;
  readonly secret: string | null;
  /** OAuth 1 owner-only: the pair to sign with. */
  readonly credentials: { readonly token: string; readonly secret: string } | null;
  /** OAuth 2 owner-only: the long-lived access token. */
  readonly accessToken: string | null;
}

export interface Clients {
  /** Proposes a client; an owner-only one is approved at once and gets its consent and credential in the same unit of work. */
  create(proposal: Proposal, owner: Account, options: { readonly approve: boolean }): Promise<Result<CreatedClient, RegistryRefusal>>;
  approve(id: ClientId, options?: Decision): Promise<Result<Client, RegistryRefusal>>;
  reject(id: ClientId, options?: Decision): Promise<Result<Client, RegistryRefusal>>;
  disable(id: ClientId, options?: Decision): Promise<Result<Client, RegistryRefusal>>;
  reenable(id: ClientId, options?: Decision): Promise<Result<Client, RegistryRefusal>>;
  /** Replaces the client secret. An owner-only client also gets a new credential; the old ones stop at once. */
  resetSecret(id: ClientId): Promise<Result<CreatedClient, RegistryRefusal>>;
}

/** Details of a reviewer's decision. */
export interface Decision {
  /** Hide the client as well. */
  readonly suppress?: boolean;
}

/** Mints the long-lived token of an owner-only OAuth 2 client; the oauth2 room does. */
export type MintOwnerToken = (client: NewClient, owner: Account) => { readonly token: NewOwnerToken; readonly jwt: string };

interface Parts {
  readonly records: RegistryRecords;
  readonly scopes: ScopeCatalogue;
  readonly mint: Mint;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly mintOwnerToken: MintOwnerToken;
}

/** From which stages an action leads where (registry 1.2). */
const moves = {
  approve: { from: ['proposed', 'expired', 'rejected'], to: 'approved' },
  reject: { from: ['proposed'], to: 'rejected' },
  disable: { from: ['approved'], to: 'disabled' },
  reenable: { from: ['disabled'], to: 'approved' },
} as const satisfies Record<string, { from: readonly Stage[]; to: Stage }>;

const bytes = (text: string) => Buffer.byteLength(text);
const MOST_TEXT = 65_534;
/** Controls, line separators and characters that turn the direction of text: people read the name and version on the consent page. */
const deceptive = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What is wrong with a proposal, field by field in order; undefined: nothing (registry 4.1). */
export function fieldProblem(proposal: Proposal, catalogue: ScopeCatalogue): RegistryRefusal | undefined {
  const invalid = (field: string, problem: string) => ({ kind: 'invalid-field', field, problem }) as const;
  const { name, version, description, email, protocol, ownerOnly, confidential, rsaPublicKey } = proposal;
  if (name.trim() === '' || bytes(name) > 128) return invalid('name', '1 to 128 bytes');
  if (deceptive.test(name)) return invalid('name', 'control characters');
  if (deceptive.test(version) || !isVersion(version)) return invalid('version', 'not a version number of at most 32 bytes');
  const callback = ownerOnly
    ? undefined
    : redirectProblem(proposal.redirectUri, { ...proposal, confidential: protocol === 'oauth1' || confidential });
  if (callback) return invalid('redirect-uri', callback);
  if (bytes(description) > MOST_TEXT) return invalid('description', 'too long');
  if (email !== '' && (bytes(email) > 255 || !/^[^\s@<>"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(email)))
    return invalid('email', 'not an address');
  if (proposal.site !== '*' && !/^[A-Za-z0-9_-]{1,32}$/.test(proposal.site)) return invalid('site', 'not a site');
  const unknown = proposal.scopes.filter((scope) => !catalogue.has(scope));
  if (unknown.length > 0) return invalid('scope', `not known: ${unknown.join(', ')}`);
  const identity = new Set(proposal.scopes.filter((scope) => catalogue.identityOnly.includes(scope)));
  if (identity.size > 1 || (identity.size > 0 && proposal.scopes.some((scope) => !catalogue.irrevocable.includes(scope))))
    return invalid('scope', `${[...identity].join(', ')}: a scope that only tells who somebody is stands alone`);
  if (rsaPublicKey !== null && protocol !== 'oauth1') return invalid('rsa-public-key', 'only for OAuth 1');
  if (rsaPublicKey !== null && (bytes(rsaPublicKey) > MOST_TEXT || rsaBits(rsaPublicKey) < 1024))
    return invalid('rsa-public-key', 'not an RSA public key of at least 1024 bits in PEM');
  if (protocol === 'oauth1')
    return proposal.pkceOptional
      ? invalid('pkce-optional', 'only for OAuth 2')
      : confidential
        ? undefined
        : invalid('public', 'only for OAuth 2');
  if (proposal.redirectIsPrefix) return invalid('prefix', 'only for OAuth 1');
  const types = proposal.grantTypes;
  if (types.length === 0 || types.length > grantTypes.length || types.some((type) => !grantTypes.includes(type)))
    return invalid('grant-type', `use ${grantTypes.join(', ')}`);
  if (ownerOnly && (types.length !== 1 || types[0] !== 'client_credentials'))
    return invalid('grant-type', 'an owner-only app uses client_credentials alone');
  if (ownerOnly && !confidential) return invalid('public', 'an owner-only app keeps a secret');
  if (!confidential && types.includes('client_credentials'))
    return invalid('grant-type', 'client_credentials needs an app that can keep a secret');
  if (!confidential && proposal.pkceOptional) return invalid('pkce-optional', 'an app that cannot keep a secret always uses PKCE');
  return undefined;
}

/** The scopes a client is registered with: an identity-only scope stands alone, all others come with the hidden ones. */
export function registeredScopes(asked: readonly string[], catalogue: ScopeCatalogue): readonly string[] {
  const identity = asked.filter((scope) => catalogue.identityOnly.includes(scope));
  return identity.length > 0 ? identity.slice(0, 1) : [...new Set([...catalogue.hidden, ...asked])];
}

/** The registry's actions on clients. */
export function makeClients(parts: Parts): Clients {
  const { records, scopes, mint, sealer, clock } = parts;

  /** A secret, kept readable only where HMAC needs it back. */
  function newSecret(protocol: Protocol, confidential: boolean) {
    const secret = confidential ? mint.randomHex(20) : null;
    return {
      secret,
      secretDigest: secret === null ? null : digestOf(secret),
      secretSealed: secret === null || protocol !== 'oauth1' ? null : sealer.seal(secret, CLIENT_SECRET),
    };
  }

  /** What an owner-only client acts with. `keptToken`: the identifier of an OAuth 1 pair whose secret alone is replaced. */
  function ownerGrant(client: NewClient, owner: Account, keptToken?: string) {
    const consent = {
      userId: owner.id,
      clientId: client.id,
      site: client.site,
      scopes: acceptedScopes(client.scopes, client as Client, scopes),
      acceptedAt: clock.now(),
    };
    if (client.protocol === 'oauth1') {
      const [token, secret] = [keptToken ?? mint.hex32(), mint.randomHex(20)];
      const grant: OwnerGrant = { consent, credentials: { token, secretSealed: sealer.seal(secret, TOKEN_SECRET) }, token: null };
      return { grant, credentials: { token, secret }, accessToken: null };
    }
    const { token, jwt } = parts.mintOwnerToken(client, owner);
    return { grant: { consent, credentials: null, token } satisfies OwnerGrant, credentials: null, accessToken: jwt };
  }

  async function keptTokenOf(client: Client): Promise<string | undefined> {
    if (client.protocol !== 'oauth1') return undefined;
    const consent = await records.findConsent(client.ownerId, client.id, client.site);
    return consent && records.tokenOfConsent(consent.id);
  }

  async function decide(
    action: keyof typeof moves,
    id: ClientId,
    { suppress = false }: Decision = {},
  ): Promise<Result<Client, RegistryRefusal>> {
    const { from, to } = moves[action];
    const client = await records.findClient(id);
    if (client === undefined) return refuse({ kind: 'unknown' });
    // Disabling also hides or shows a client of any other stage (registry Q6).
    const allowed = (from as readonly Stage[]).includes(client.stage) || (action === 'disable' && client.suppressed !== suppress);
    if (!allowed) return refuse({ kind: 'wrong-stage', stage: client.stage });
    const hidden = to === 'approved' ? false : suppress;
    const now = clock.now();
    const answer = await records.moveStage(id, client.stage, client.stageAt, to, hidden, now);
    if (answer !== 'moved') return refuse({ kind: answer });
    return accept({ ...client, stage: to, suppressed: hidden, stageAt: now });
  }

  return {
    async create(proposal, owner, { approve }) {
      const problem = fieldProblem(proposal, scopes);
      if (problem) return refuse(problem);
      const [name, version] = [proposal.name.trim(), proposal.version.trim()];
      const named = await records.findClientsNamed(owner.id, name);
      if (named.some((client) => client.version === version)) return refuse({ kind: 'exists' });
      const [latest] = named;
      if (latest && compareVersions(latest.version, version) >= 0) return refuse({ kind: 'later-version-exists', version: latest.version });
      const now = clock.now();
      const confidential = proposal.protocol === 'oauth1' || proposal.confidential;
      const { secret, secretDigest, secretSealed } = newSecret(proposal.protocol, confidential);
      const { ownerOnly } = proposal;
      const client: NewClient = {
        ...proposal,
        id: mint.hex32() as ClientId,
        name,
        version,
        ownerId: owner.id,
        confidential,
        site: proposal.site as SiteId,
        redirectUri: ownerOnly ? '' : proposal.redirectUri,
        redirectIsPrefix: !ownerOnly && proposal.redirectIsPrefix,
        grantTypes: proposal.protocol === 'oauth2' ? [...new Set(proposal.grantTypes)] : [],
        scopes: registeredScopes(proposal.scopes, scopes),
        secretDigest,
        secretSealed,
        restrictions: ANYWHERE,
        stage: ownerOnly || approve ? 'approved' : 'proposed',
        stageAt: now,
        suppressed: false,
        registeredAt: now,
      };
      const owned = ownerOnly ? ownerGrant(client, owner) : null;
      const answer = await records.createClient(client, owned?.grant ?? null);
      if (answer.outcome === 'exists') return refuse({ kind: 'exists' });
      return accept({ client: answer.client, secret, credentials: owned?.credentials ?? null, accessToken: owned?.accessToken ?? null });
    },
    approve: (id, options) => decide('approve', id, options),
    reject: (id, options) => decide('reject', id, options),
    disable: (id, options) => decide('disable', id, options),
    reenable: (id, options) => decide('reenable', id, options),
    async resetSecret(id) {
      const client = await records.findClient(id);
      if (client === undefined) return refuse({ kind: 'unknown' });
      if (client.stage !== 'approved' && client.stage !== 'proposed') return refuse({ kind: 'wrong-stage', stage: client.stage });
      const { secret, secretDigest, secretSealed } = newSecret(client.protocol, client.confidential);
      const owned = client.ownerOnly ? ownerGrant(client, { id: client.ownerId } as Account, await keptTokenOf(client)) : null;
      const answer = await records.resetSecret(id, { digest: secretDigest, sealed: secretSealed }, owned?.grant ?? null);
      if (answer === 'unknown') return refuse({ kind: 'unknown' });
      return accept({ client, secret, credentials: owned?.credentials ?? null, accessToken: owned?.accessToken ?? null });
    },
  };
}
