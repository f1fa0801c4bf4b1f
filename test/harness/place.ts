import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OAuth1a from 'oauth-1.0a';
import type { Account } from '#accounts/account.ts';
import { readConfig } from '#config/read-config.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { makeFixedKeyring } from '#keys/keyring.ts';
import { hashPassword } from '#keys/passwords.ts';
import { generateSigningKeys } from '#keys/signing.ts';
import { inMemorySigningKeys, makeInitialKeySet } from '#keys/signing-key-sets.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Actor } from '#registry/actor.ts';
import {
  type AdminCommands,
  type ClientProposal,
  makeAdminCommands,
} from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';
import { composeServer, type Server } from '#server/compose.ts';
import { type RunningServer, startServer } from '#server/serve.ts';
import { consentCommands, personActor } from './consents.ts';
import { openStoreAt } from './stores.ts';

export const password = 'correct horse battery';
/** Where the apps of a place live: no such host is ever asked, the browser answers for it. */
export const appHost = 'https://app.example';
const START = 1_800_000_000;
const countedEntropy = (counter = { made: 0 }) => ({
  bytes: (count: number) => {
    const parts: Buffer[] = [];
    for (let made = 0; made < count; made += 32)
      parts.push(
        createHash('sha256')
          .update(String(counter.made++))
          .digest(),
      );
    return Buffer.concat(parts).subarray(0, count);
  },
});

/**
 * The program on a free port with a database file of its own, a clock that can be moved, counted
 * chance, and letters that are kept.
 */
export class BrowserTestServer {
  readonly server: Server;
  readonly origin: string;
  readonly clients: AdminCommands;
  readonly consents: ReturnType<typeof consentCommands>;
  readonly emails: OutgoingEmail[] = [];
  /** What the server said when it started: the set-up link of a place without people. */
  readonly startupOutput: string;
  readonly #running: RunningServer;
  readonly #directory: string;
  readonly #clock: { moved: number };
  #passwordHash: Promise<string> | undefined;

  private constructor(parts: {
    readonly server: Server;
    readonly running: RunningServer;
    readonly origin: string;
    readonly directory: string;
    readonly clock: { moved: number };
    readonly emails: OutgoingEmail[];
    readonly startupOutput: string;
  }) {
    this.server = parts.server;
    this.origin = parts.origin;
    this.emails = parts.emails;
    this.startupOutput = parts.startupOutput;
    this.#running = parts.running;
    this.#directory = parts.directory;
    this.#clock = parts.clock;
    this.clients = makeAdminCommands(parts.server.services.registry);
    this.consents = consentCommands(parts.server.services.registry, parts.server.store);
  }

  static async open(
    settings: Readonly<Record<string, string>> = {},
    file = '',
  ): Promise<BrowserTestServer> {
    const { freePort } = await import('../interop/server.ts');
    const [port, directory] = [
      settings.port === undefined ? await freePort() : Number(settings.port),
      mkdtempSync(join(tmpdir(), 'gatehouse-pages-')),
    ];
    const origin = `http://localhost:${port}`;
    const defaults = {
      issuer: origin,
      port: String(port),
      data: directory,
      'log-level': 'warn',
      registration: 'open',
      'mail-from': 'gate@example.org',
    };
    const config = readConfig(
      { ...defaults, ...(file ? { config: 'file.yaml' } : {}), ...settings },
      {},
      () => file,
    );
    if (!config.ok) throw new Error(JSON.stringify(config.refusal));
    const clock = { moved: 0 };
    const began = Date.now();
    const millis = () => START * 1000 + clock.moved * 1000 + (Date.now() - began);
    const emails: OutgoingEmail[] = [];
    const lines: string[] = [];
    const server = composeServer(config.value, {
      clock: { now: () => instant(Math.floor(millis() / 1000)), millis },
      entropy: countedEntropy(),
      log: {
        info() {},
        warn() {},
        error: (event, fields) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
      },
      openStore: openStoreAt(config.value, config.value.database),
      masterKeys: makeFixedKeyring([{ id: 'm1', key: Buffer.alloc(32, 7) }]),
      signingKeys: inMemorySigningKeys([makeInitialKeySet(generateSigningKeys().keys)]),
      mailTransport: {
        send: async (letter) => {
          emails.push(letter);
          return 'sent';
        },
      },
      httpClient: { post: async () => 204 },
    });
    const running = await startServer(config.value, server, (line) => lines.push(line));
    return new BrowserTestServer({
      server,
      running,
      origin,
      directory,
      clock,
      emails,
      startupOutput: lines.join('\n'),
    });
  }

  get now(): Instant {
    return this.server.services.clock.now();
  }

  /** Lets time pass. */
  advanceClock(seconds: number): void {
    this.#clock.moved += seconds;
  }

  /** A person with the password of all people here. */
  async createPerson(
    name: string,
    groups: readonly string[] = [],
    more: { readonly email?: string | null; readonly realName?: string } = {},
  ): Promise<Account> {
    this.#passwordHash ??= hashPassword(password, countedEntropy());
    const email =
      more.email === undefined
        ? `${name
            .toLowerCase()
            .replace(/[^a-z0-9]+/g, '.')
            .slice(0, 40)}@example.org`
        : more.email;
    const made = await this.server.store.createAccount({
      name,
      email,
      emailConfirmedAt: email === null ? null : this.now,
      realName: more.realName ?? '',
      groups,
      passwordHash: await this.#passwordHash,
      createdAt: this.now,
    });
    if (made.outcome !== 'created') throw new Error(`${name}: ${made.outcome}`);
    return made.account;
  }

  /**
   * An app; everything not named is ordinary, and it is approved unless its stage says otherwise.
   */
  async createApp(
    owner: Account,
    wanted: Partial<ClientProposal> & { readonly name: string },
    approve = true,
  ): Promise<ActionOutcome & { readonly secret: string }> {
    const made = await this.clients.create(
      {
        description: 'Shows the pages you watch, and tells you when one of them changes.',
        protocol: 'oauth2',
        redirectUri: wanted.ownerOnly ? '' : `${appHost}/cb`,
        scopes: ['editpage'],
        ...wanted,
      },
      owner,
      { approve },
    );
    if (!made.ok) throw new Error(JSON.stringify(made.refusal));
    return { ...made.value, secret: made.value.secret ?? '' };
  }

  /** What a person does with a right, as the page would. */
  async submitAs(
    person: Account,
    action: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<ActionOutcome> {
    const actor = this.actor(person);
    const answer = await this.server.services.registry.submit(actor, action, values);
    if (!answer.ok) throw new Error(`${action}: ${JSON.stringify(answer.refusal)}`);
    return answer.value;
  }

  actor = (person: Account): Actor =>
    personActor(person, this.server.services.rights.rightsOf(person), 'api', () => this.now);

  /** Writes over an app what no form would take, as rows of older editions may have it. */
  async overwriteClient(client: Client, change: Partial<Client>): Promise<void> {
    const { store } = this.server;
    const now = (await store.findClient(client.id)) ?? client;
    const answer = await store.applyChange({
      recordVersion: now.recordVersion,
      effects: [{ kind: 'save-client', client: { ...now, ...change } }],
      audit: {
        at: this.now,
        action: 'update',
        actorId: null,
        via: 'cli',
        address: null,
        clientId: now.id,
        reason: '',
        changes: [],
      },
      notifications: [],
    });
    if (answer.outcome !== 'applied') throw new Error(answer.outcome);
  }

  /** A cookie of this person's session, as after sign-in. */
  async sessionCookie(
    person: Account,
  ): Promise<{ readonly name: string; readonly value: string; readonly url: string }> {
    const secret = this.server.services.idGenerator.secret();
    await this.server.store.saveSession({
      proof: { at: this.now, method: 'password' },
      digest: digestOf(secret),
      userId: person.id,
      createdAt: this.now,
      expiresAt: instant(this.now + 86_400),
      agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      address: '192.0.2.7',
    });
    return { name: 'gatehouse', value: secret, url: this.origin };
  }

  /** The address an app sends people to, asking for these scopes (RFC 6749 §4.1.1). */
  authorizeUrl(
    { id, redirectUri }: Client,
    scopes: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): string {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: id,
      redirect_uri: redirectUri,
      scope: scopes.join(' '),
      state: 'xyz',
      code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    return `${this.origin}/oauth2/authorize?${query}`;
  }

  /** Sends a signed request as an OAuth 1 app does. */
  async postSigned(
    path: string,
    app: { readonly client: Client; readonly secret: string },
    data: Readonly<Record<string, string>> = {},
    token?: { readonly key: string; readonly secret: string },
  ): Promise<{
    readonly status: number;
    readonly form: URLSearchParams;
    readonly headers: Readonly<Record<string, string>>;
  }> {
    const oauth = new OAuth1a({
      consumer: { key: app.client.id, secret: app.secret },
      signature_method: 'HMAC-SHA1',
      hash_function: (text: string, key: string) =>
        createHmac('sha1', key).update(text).digest('base64'),
    });
    oauth.getTimeStamp = () => this.now;
    const request = { url: this.origin + path, method: 'POST', data };
    const headers = { ...oauth.toHeader(oauth.authorize(request, token)) };
    const answer = await fetch(request.url, { method: 'POST', headers });
    return { status: answer.status, form: new URLSearchParams(await answer.text()), headers };
  }

  /** The address an OAuth 1 app sends people to. */
  async oauth1AuthorizeUrl(
    app: { readonly client: Client; readonly secret: string },
    callback = 'oob',
  ): Promise<string> {
    const { status, form } = await this.postSigned('/oauth1/initiate', app, {
      oauth_callback: callback,
    });
    if (status !== 200) throw new Error(`initiate: ${status} ${form}`);
    return `${this.origin}/oauth1/authorize?oauth_token=${form.get('oauth_token')}`;
  }

  /** The latest letter to an address, once it has come. */
  async emailTo(address: string): Promise<OutgoingEmail> {
    for (let tries = 0; tries < 200; tries += 1) {
      const found = this.emails.findLast(({ to }) => to === address);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no letter came to ${address}`);
  }

  async close(): Promise<void> {
    await this.#running.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
