import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import { readConfig } from '#config/read-config.ts';
import { percentEncode } from '#encoding/percent.ts';
import { consentCommands } from '#harness/consents.ts';
import { instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { type ClientProposal, makeAdminCommands } from '#registry/admin-commands.ts';
import { composeServer, type Server } from '#server/compose.ts';
import { createPlatform } from '#server/platform.ts';
import type { StorePorts } from '#store/store.ts';

/**
 * Where several processes of the program live: one data directory, one name, and the same settings
 * for each.
 */
export interface SharedInstallation {
  readonly data: string;
  readonly issuer: string;
  /** GATEHOUSE_DATABASE and GATEHOUSE_EPHEMERAL: they may hold passwords, and so are no flags. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The program in this process over the same stores, without a socket: one more node. `now` moves
 * its clock.
 */
export async function openNode(
  { data, issuer, environment }: SharedInstallation,
  now?: () => number,
): Promise<Server> {
  const config = readConfig({ data, issuer, 'log-level': 'silent' }, environment, () => '');
  if (!config.ok) throw new Error(JSON.stringify(config.refusal));
  const platform = await createPlatform(config.value);
  const clock =
    now === undefined ? platform.clock : { now: () => instant(now() / 1000), millis: now };
  const built = composeServer(config.value, { ...platform, clock });
  await built.store.prepareSchema();
  await built.prepare();
  return built;
}

export interface CredentialPair {
  readonly key: string;
  readonly secret: string;
}

let counter = 0;

/**
 * The Authorization header of a request signed with HMAC-SHA1 (RFC 5849 §3.5.1), for a node that is
 * known as `issuer`.
 */
export function signedAuthorization(
  method: string,
  url: string,
  client: CredentialPair,
  token: CredentialPair | null,
  extra: Readonly<Record<string, string>> = {},
): { readonly authorization: string } {
  const parameters: [string, string][] = Object.entries({
    oauth_consumer_key: client.key,
    oauth_nonce: `${process.pid}x${counter++}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    ...(token ? { oauth_token: token.key } : {}),
    ...extra,
  });
  const normal = parameters
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .sort()
    .join('&');
  const base = `${method}&${percentEncode(url)}&${percentEncode(normal)}`;
  const signed = createHmac('sha1', `${client.secret}&${token?.secret ?? ''}`).update(base);
  parameters.push(['oauth_signature', signed.digest('base64')]);
  return {
    authorization: `OAuth ${parameters.map(([name, value]) => `${name}="${percentEncode(value)}"`).join(',')}`,
  };
}

export const basicAuthorization = ({
  key,
  secret,
}: CredentialPair): { readonly authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
});

export const codeVerifier = 'v'.repeat(43);
export const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
export const redirectUri = 'http://127.0.0.1:9/cb';
/** Whoever asks for no more than this is not shown a page when the person said yes before. */
export const codeScope = 'mwoauth-authonly';

/** Who and what is there before anything happens. */
export interface TestData {
  /** An OAuth 2 app with every grant type, which Ben allowed. */
  readonly oauth2App: CredentialPair;
  /** An OAuth 1 app that Ben allowed, for handshakes. */
  readonly oauth1App: CredentialPair;
  /** An owner-only OAuth 1 app of Ben's, to sign with. */
  readonly ownerOnlyApp: { readonly client: CredentialPair; readonly token: CredentialPair };
  /** Bearer tokens of two people who may review. */
  readonly reviewerTokens: readonly [string, string];
  /** Cookie of a browser where Ben is signed in. */
  readonly cookie: string;
  /** Codes as Ben's browser would bring them back, each good once. */
  authorizationCodes(count: number): Promise<readonly string[]>;
  /**
   * The verifier with which `classic` may exchange these temporary credentials, as after Ben's yes.
   */
  verifierFor(temporary: string): Promise<string>;
  /** Identifiers of apps that wait for a review. */
  proposedApps(count: number): Promise<readonly string[]>;
}

/** Makes people and apps by the program's own verbs. */
export async function createTestData({ services: world, store }: Server): Promise<TestData> {
  const commands = makeAdminCommands(world.registry);
  const consents = consentCommands(world.registry, store as StorePorts);
  const suffix = randomBytes(4).toString('hex');
  const person = async (name: string, groups: readonly string[] = []): Promise<Account> => {
    const made = await store.createAccount({
      ...{
        name: `${name} ${suffix}`,
        email: `${name}.${suffix}@example.org`.toLowerCase(),
        realName: '',
        groups,
        passwordHash: null,
      },
      ...{ emailConfirmedAt: world.clock.now(), createdAt: world.clock.now() },
    });
    if (made.outcome !== 'created') throw new Error(made.outcome);
    return made.account;
  };
  const app = async (owner: Account, proposal: ClientProposal, approve = true) => {
    const made = await commands.create(
      { redirectUri: proposal.ownerOnly ? '' : redirectUri, ...proposal },
      owner,
      { approve },
    );
    if (!made.ok) throw new Error(JSON.stringify(made.refusal));
    return made.value;
  };
  const [ada, ben, rex, rita] = [
    await person('Ada'),
    await person('Ben'),
    await person('Rex', ['reviewer']),
    await person('Rita', ['reviewer']),
  ];
  const oauth2App = await app(ada, {
    name: 'web',
    protocol: 'oauth2',
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    scopes: [codeScope],
  });
  const oauth1App = await app(ada, { name: 'classic', protocol: 'oauth1', scopes: ['editpage'] });
  const ownerOnlyApp = await app(ben, {
    name: 'signer',
    protocol: 'oauth1',
    ownerOnly: true,
    scopes: ['editpage'],
  });
  const [oauth2Consent, oauth1Consent] = [
    await consents.accept(oauth2App.client, ben, oauth2App.client.scopes),
    await consents.accept(oauth1App.client, ben, oauth1App.client.scopes),
  ];
  const reviewerToken = async (reviewer: Account) => {
    const made = await app(reviewer, {
      name: 'desk',
      protocol: 'oauth2',
      ownerOnly: true,
      scopes: ['gatehouse:review'],
    });
    return made.accessToken ?? '';
  };
  const secret = world.idGenerator.secret();
  await store.saveSession({
    proof: { at: world.clock.now(), method: 'password' },
    ...{ digest: digestOf(secret), userId: ben.id, agent: '', address: '127.0.0.1' },
    ...{ createdAt: world.clock.now(), expiresAt: instant(world.clock.now() + 86_400) },
  });
  let proposed = 0;
  return {
    oauth2App: { key: oauth2App.client.id, secret: oauth2App.secret ?? '' },
    oauth1App: { key: oauth1App.client.id, secret: oauth1App.secret ?? '' },
    ownerOnlyApp: {
      client: { key: ownerOnlyApp.client.id, secret: ownerOnlyApp.secret ?? '' },
      token: {
        key: ownerOnlyApp.credentials?.token ?? '',
        secret: ownerOnlyApp.credentials?.secret ?? '',
      },
    },
    reviewerTokens: [await reviewerToken(rex), await reviewerToken(rita)],
    cookie: `${world.secure ? '__Host-' : ''}gatehouse=${secret}`,
    authorizationCodes: (count) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const authorizationRequest = {
            ...({ protocol: 'oauth2', redirectUri, redirectUriSent: true, state: null } as const),
            ...({ codeChallenge, codeChallengeMethod: 'S256' } as const),
          };
          const redirect = await world.protocols.core.oauth2.issueCode(
            authorizationRequest,
            oauth2App.client,
            oauth2Consent,
            oauth2App.client.scopes,
          );
          if (!redirect.ok) throw new Error(JSON.stringify(redirect));
          return new URL(redirect.value).searchParams.get('code') ?? '';
        }),
      ),
    async verifierFor(temporary) {
      const granted = await world.protocols.core.oauth1.authorizeUnderConsent(
        temporary,
        oauth1App.client,
        oauth1Consent,
      );
      if (!granted.ok || granted.value.kind !== 'show-verifier')
        throw new Error(JSON.stringify(granted));
      return granted.value.verifier;
    },
    proposedApps: (count) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const made = await app(
            ada,
            { name: `proposal ${proposed++}`, protocol: 'oauth2', scopes: ['editpage'] },
            false,
          );
          return made.client.id;
        }),
      ),
  };
}
