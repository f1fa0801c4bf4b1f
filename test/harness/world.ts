import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { readConfig } from '#config/config.ts';
import { buildHttp } from '#http/server.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { fixedRing } from '#keys/keyring.ts';
import { generateSigningKeys } from '#keys/signing.ts';
import { keptInMemory, sinceEver } from '#keys/signing-key-sets.ts';
import type { Outcome } from '#registry/actions/context.ts';
import { type OperatorDesk, operatorDesk, type Proposal } from '#registry/admin-commands.ts';
import { type Built, makeWorld, type Outside } from '#server/compose.ts';
import { liveBy } from './clock.ts';
import { consentDesk } from './consents.ts';
import type { Pair } from './signed.ts';

const signingKeys = generateSigningKeys();
export const password = 'correct horse battery';

/**
 * The program in this process, without a socket: a clock moved by hand, counted chance, nothing
 * kept.
 */
export class TestWorld {
  readonly built: Built;
  readonly app: FastifyInstance;
  readonly clients: OperatorDesk;
  readonly consents: ReturnType<typeof consentDesk>;
  /** Letters and webhooks that went out. */
  readonly sent: unknown[] = [];
  #now = 1_800_000_000;
  #counter = 0;

  constructor(
    settings: Readonly<Record<string, string>> = {},
    file = '',
    outside: Partial<Outside> = {},
  ) {
    const config = readConfig(
      { issuer: 'https://gate.example', ...(file ? { config: 'file.yaml' } : {}), ...settings },
      {},
      () => file,
    );
    if (!config.ok) throw new Error(JSON.stringify(config.refusal));
    liveBy({ now: () => this.now });
    this.built = makeWorld(config.value, {
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
      database: ':memory:',
      masterKeys: fixedRing([{ id: 'm1', key: Buffer.alloc(32, 7) }]),
      signingKeys: keptInMemory([sinceEver(signingKeys.keys)]),
      mail: {
        send: async (letter) => {
          this.sent.push(letter);
          return 'sent';
        },
      },
      web: {
        post: async (url, headers, body) => {
          this.sent.push({ url, headers, body });
          return 204;
        },
      },
      ...outside,
    });
    this.clients = operatorDesk(this.built.world.registry);
    this.consents = consentDesk(this.built.world.registry, this.built.store);
    this.app = buildHttp(this.built.world);
  }

  get now(): Instant {
    return instant(this.#now);
  }

  /** Lets time pass. */
  wait(seconds: number): void {
    this.#now += seconds;
  }

  /** A person, without the cost of a password hash. */
  async person(name: string, groups: readonly string[] = []): Promise<Account> {
    const made = await this.built.store.createAccount({
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
  async client(
    owner: Account,
    wanted: Partial<Proposal> & { readonly name: string },
    approve = true,
  ): Promise<Outcome & { readonly secret: string }> {
    const proposal: Proposal = {
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
  async ownerOnlySigner(owner: Account): Promise<{ readonly client: Pair; readonly token: Pair }> {
    const own = {
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
      scopes: ['basic', 'editpage'],
    } as const;
    const made = await this.client(owner, { name: 'own', ...own });
    if (made.credentials === null) throw new Error('an owner-only app has no credentials');
    return {
      client: { key: made.client.id, secret: made.secret },
      token: { key: made.credentials.token, secret: made.credentials.secret },
    };
  }

  /** A session cookie of this person, as after sign-in. */
  async cookie(user: Account): Promise<string> {
    const { store, world } = this.built;
    const secret = world.mint.secret();
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

  /** A code for this person, as after a yes, asked for at one of the front doors. */
  async code(
    made: Pick<Outcome, 'client'>,
    user: Account,
    challenge: string | null = null,
    door: 'core' | 'mediawiki' = 'core',
  ): Promise<string> {
    const { world } = this.built;
    const consent = await this.consents.save(made.client, user, made.client.scopes);
    const asked = {
      protocol: 'oauth2',
      redirectUri: made.client.redirectUri,
      redirectUriSent: true,
      state: null,
      codeChallenge: challenge,
      codeChallengeMethod: challenge === null ? null : 'S256',
    } as const;
    // The app as it is now: it may have been decided on since it was made.
    const client = (await this.built.store.findClient(made.client.id)) ?? made.client;
    const granted = await (world.faces[door] ?? world.faces.core).oauth2.grant(
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
    await this.built.store.close();
  }
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
