import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { readConfig } from '#config/read-config.ts';
import { csrfToken } from '#http/csrf.ts';
import { protocolsNamed } from '#http/world.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { makeFixedKeyring } from '#keys/keyring.ts';
import { generateSigningKeys } from '#keys/signing.ts';
import { inMemorySigningKeys, makeInitialKeySet } from '#keys/signing-key-sets.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import {
  type AdminCommands,
  type ClientProposal,
  makeAdminCommands,
} from '#registry/admin-commands.ts';
import { composeServer, type Server } from '#server/compose.ts';
import { composeHttpServer } from '#server/http-server.ts';
import type { Platform } from '#server/platform.ts';
import { useTestClock } from './clock.ts';
import { consentCommands } from './consents.ts';
import type { CredentialPair } from './signed.ts';
import { openStoreAt } from './stores.ts';

const signingKeys = generateSigningKeys();
export const password = 'correct horse battery';

/**
 * The program in this process, without a socket: a clock moved by hand, counted chance, nothing
 * kept.
 */
export class TestServer {
  readonly server: Server;
  readonly app: FastifyInstance;
  readonly clients: AdminCommands;
  readonly consents: ReturnType<typeof consentCommands>;
  /** Letters and webhooks that went out. */
  readonly outbox: unknown[] = [];
  #now = 1_800_000_000;
  #counter = 0;

  constructor(
    settings: Readonly<Record<string, string>> = {},
    file = '',
    { database = ':memory:', ...platform }: Partial<Platform> & { database?: string } = {},
  ) {
    const config = readConfig(
      { issuer: 'https://gate.example', ...(file ? { config: 'file.yaml' } : {}), ...settings },
      {},
      () => file,
    );
    if (!config.ok) throw new Error(JSON.stringify(config.refusal));
    useTestClock({ now: () => this.now });
    this.server = composeServer(config.value, {
      clock: { now: () => instant(this.#now), millis: () => this.#now * 1000 + 250 },
      entropy: {
        bytes: (count) => {
          const parts: Buffer[] = [];
          for (let made = 0; made < count; made += 32)
            parts.push(
              createHash('sha256')
                .update(String(this.#counter++))
                .digest(),
            );
          return Buffer.concat(parts).subarray(0, count);
        },
      },
      log: {
        info() {},
        warn() {},
        error: (event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
      },
      openStore: openStoreAt(config.value, database),
      masterKeys: makeFixedKeyring([{ id: 'm1', key: Buffer.alloc(32, 7) }]),
      signingKeys: inMemorySigningKeys([makeInitialKeySet(signingKeys.keys)]),
      mailTransport: {
        send: async (letter) => {
          this.outbox.push(letter);
          return 'sent';
        },
      },
      httpClient: {
        post: async (url, headers, body) => {
          this.outbox.push({ url, headers, body });
          return 204;
        },
      },
      ...platform,
    });
    this.clients = makeAdminCommands(this.server.services.registry);
    this.consents = consentCommands(this.server.services.registry, this.server.store);
    this.app = composeHttpServer(this.server.services);
  }

  get now(): Instant {
    return instant(this.#now);
  }

  /** Lets time pass. */
  advanceClock(seconds: number): void {
    this.#now += seconds;
  }

  /** A person, without the cost of a password hash. */
  async createPerson(name: string, groups: readonly string[] = []): Promise<Account> {
    const made = await this.server.store.createAccount({
      name,
      email: `${name.toLowerCase()}@example.org`,
      emailConfirmedAt: this.now,
      realName: `${name} Real`,
      groups,
      passwordHash: null,
      createdAt: this.now,
    });
    if (made.outcome !== 'created') throw new Error(made.outcome);
    return made.account;
  }

  /** An approved client; everything not named is ordinary. */
  async createClient(
    owner: Account,
    wanted: Partial<ClientProposal> & { readonly name: string },
    approve = true,
  ): Promise<ActionOutcome & { readonly secret: string }> {
    const proposal: ClientProposal = {
      version: '1.0',
      description: '',
      protocol: 'oauth2',
      ownerOnly: false,
      confidential: true,
      redirectUri: 'https://app.example/cb',
      redirectIsPrefix: false,
      grantTypes: ['authorization_code', 'refresh_token'],
      pkceOptional: false,
      tokenAlgorithm: 'ES256',
      site: '*',
      scopes: ['editpage'],
      rsaPublicKey: null,
      ...wanted,
    };
    const made = await this.clients.create(proposal, owner, { approve });
    if (!made.ok) throw new Error(JSON.stringify(made.refusal));
    return { ...made.value, secret: made.value.secret ?? '' };
  }

  /** The two keys that an owner-only app of OAuth 1 signs with. */
  async ownerOnlySigner(
    owner: Account,
  ): Promise<{ readonly client: CredentialPair; readonly token: CredentialPair }> {
    const own = {
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
      scopes: ['basic', 'editpage'],
    } as const;
    const made = await this.createClient(owner, { name: 'own', ...own });
    if (made.credentials === null) throw new Error('an owner-only app has no credentials');
    return {
      client: { key: made.client.id, secret: made.secret },
      token: { key: made.credentials.token, secret: made.credentials.secret },
    };
  }

  /** A session cookie of this person, as after sign-in. */
  async sessionCookie(user: Account): Promise<string> {
    const { store, services: world } = this.server;
    const secret = world.idGenerator.secret();
    const { digestOf } = await import('#keys/digest.ts');
    // Of the program's own clock, which some tests replace.
    const now = world.clock.now();
    const session = {
      digest: digestOf(secret),
      userId: user.id,
      createdAt: now,
      expiresAt: instant(now + 3600),
    };
    await store.saveSession({
      ...session,
      agent: '',
      address: '192.0.2.7',
      proof: { at: now, method: 'password' },
    });
    return `__Host-gatehouse=${secret}`;
  }

  /** Header fields of a script on a page of this server, in the browser of a signed-in person. */
  async sessionHeaders(account: Account): Promise<Record<'cookie' | 'x-csrf-token', string>> {
    const cookie = await this.sessionCookie(account);
    return { cookie, 'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)) };
  }

  /** A code for this person, as after a yes, asked for at one of the front doors. */
  async issueCode(
    made: Pick<ActionOutcome, 'client'>,
    user: Account,
    challenge: string | null = null,
    profile: 'core' | 'mediawiki' = 'core',
  ): Promise<string> {
    const { services: world } = this.server;
    const consent = await this.consents.accept(made.client, user, made.client.scopes);
    const asked = {
      protocol: 'oauth2',
      redirectUri: made.client.redirectUri,
      redirectUriSent: true,
      state: null,
      codeChallenge: challenge,
      codeChallengeMethod: challenge === null ? null : 'S256',
    } as const;
    // The app as it is now: it may have been decided on since it was made.
    const client = (await this.server.store.findClient(made.client.id)) ?? made.client;
    const granted = await protocolsNamed(world.protocols, profile).oauth2.issueCode(
      asked,
      client,
      consent,
      made.client.scopes,
    );
    if (!granted.ok) throw new Error(JSON.stringify(granted.refusal));
    return new URL(granted.value).searchParams.get('code') ?? '';
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.server.store.close();
  }
}

export const basicHeader = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
