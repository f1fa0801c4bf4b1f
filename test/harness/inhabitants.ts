import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Account } from '#accounts/account.ts';
import { readConfig } from '#config/config.ts';
import { percentEncode } from '#encoding/percent.ts';
import { consentDesk } from '#harness/consents.ts';
import { instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { operatorDesk, type Proposal } from '#registry/admin-commands.ts';
import { type Built, makeWorld, realOutside } from '#server/compose.ts';
import type { Ports } from '#store/store.ts';

/**
 * Where several processes of the program live: one data directory, one name, and the same settings
 * for each.
 */
export interface Home {
  readonly data: string;
  readonly issuer: string;
  /** GATEHOUSE_DATABASE and GATEHOUSE_EPHEMERAL: they may hold passwords, and so are no flags. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The program in this process over the same stores, without a socket: one more node. `now` moves
 * its clock.
 */
export async function openHome(
  { data, issuer, environment }: Home,
  now?: () => number,
): Promise<Built> {
  const config = readConfig({ data, issuer, 'log-level': 'silent' }, environment, () => '');
  if (!config.ok) throw new Error(JSON.stringify(config.refusal));
  const outside = realOutside(config.value);
  const clock =
    now === undefined ? outside.clock : { now: () => instant(now() / 1000), millis: now };
  const built = makeWorld(config.value, { ...outside, clock });
  await built.store.ready();
  await built.settle();
  return built;
}

export interface Pair {
  readonly key: string;
  readonly secret: string;
}

let counter = 0;

/**
 * The Authorization header of a request signed with HMAC-SHA1 (RFC 5849 §3.5.1), for a node that is
 * known as `issuer`.
 */
export function signature(
  method: string,
  url: string,
  client: Pair,
  token: Pair | null,
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

export const basicOf = ({ key, secret }: Pair): { readonly authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
});

export const codeVerifier = 'v'.repeat(43);
export const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
export const redirectUri = 'http://127.0.0.1:9/cb';
/** Whoever asks for no more than this is not shown a page when the person said yes before. */
export const codeScope = 'mwoauth-authonly';

/** Who and what is there before anything happens. */
export interface Inhabitants {
  /** An OAuth 2 app with every grant type, which Ben allowed. */
  readonly web: Pair;
  /** An OAuth 1 app that Ben allowed, for handshakes. */
  readonly classic: Pair;
  /** An owner-only OAuth 1 app of Ben's, to sign with. */
  readonly signer: { readonly client: Pair; readonly token: Pair };
  /** Bearer tokens of two people who may review. */
  readonly reviewers: readonly [string, string];
  /** Cookie of a browser where Ben is signed in. */
  readonly cookie: string;
  /** Codes as Ben's browser would bring them back, each good once. */
  codes(count: number): Promise<readonly string[]>;
  /**
   * The verifier with which `classic` may exchange these temporary credentials, as after Ben's yes.
   */
  verifierOf(temporary: string): Promise<string>;
  /** Identifiers of apps that wait for a review. */
  proposals(count: number): Promise<readonly string[]>;
}

/** Makes people and apps by the program's own verbs. */
export async function inhabit({ world, store }: Built): Promise<Inhabitants> {
  const desk = operatorDesk(world.registry);
  const consents = consentDesk(world.registry, store as Ports);
  const own = randomBytes(4).toString('hex');
  const person = async (name: string, groups: readonly string[] = []): Promise<Account> => {
    const made = await store.createAccount({
      ...{
        name: `${name} ${own}`,
        email: `${name}.${own}@example.org`.toLowerCase(),
        realName: '',
        groups,
        passwordHash: null,
      },
      ...{ emailConfirmedAt: world.clock.now(), createdAt: world.clock.now() },
    });
    if (made.outcome !== 'created') throw new Error(made.outcome);
    return made.account;
  };
  const app = async (owner: Account, proposal: Proposal, approve = true) => {
    const made = await desk.create(
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
  const web = await app(ada, {
    name: 'web',
    protocol: 'oauth2',
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    scopes: [codeScope],
  });
  const classic = await app(ada, { name: 'classic', protocol: 'oauth1', scopes: ['editpage'] });
  const signer = await app(ben, {
    name: 'signer',
    protocol: 'oauth1',
    ownerOnly: true,
    scopes: ['editpage'],
  });
  const [yesToWeb, yesToClassic] = [
    await consents.save(web.client, ben, web.client.scopes),
    await consents.save(classic.client, ben, classic.client.scopes),
  ];
  const reviewing = async (reviewer: Account) => {
    const made = await app(reviewer, {
      name: 'desk',
      protocol: 'oauth2',
      ownerOnly: true,
      scopes: ['gatehouse:review'],
    });
    return made.accessToken ?? '';
  };
  const secret = world.mint.secret();
  await store.saveSession({
    proof: { at: world.clock.now(), method: 'password' },
    ...{ digest: digestOf(secret), userId: ben.id, agent: '', address: '127.0.0.1' },
    ...{ createdAt: world.clock.now(), expiresAt: instant(world.clock.now() + 86_400) },
  });
  let proposed = 0;
  return {
    web: { key: web.client.id, secret: web.secret ?? '' },
    classic: { key: classic.client.id, secret: classic.secret ?? '' },
    signer: {
      client: { key: signer.client.id, secret: signer.secret ?? '' },
      token: { key: signer.credentials?.token ?? '', secret: signer.credentials?.secret ?? '' },
    },
    reviewers: [await reviewing(rex), await reviewing(rita)],
    cookie: `${world.secure ? '__Host-' : ''}gatehouse=${secret}`,
    codes: (count) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const asked = {
            ...({ protocol: 'oauth2', redirectUri, redirectUriSent: true, state: null } as const),
            ...({ codeChallenge, codeChallengeMethod: 'S256' } as const),
          };
          const back = await world.faces.core.oauth2.grant(
            asked,
            web.client,
            yesToWeb,
            web.client.scopes,
          );
          if (!back.ok) throw new Error(JSON.stringify(back));
          return new URL(back.value).searchParams.get('code') ?? '';
        }),
      ),
    async verifierOf(temporary) {
      const done = await world.faces.core.oauth1.grant(temporary, classic.client, yesToClassic);
      if (!done.ok || done.value.kind !== 'show-verifier') throw new Error(JSON.stringify(done));
      return done.value.verifier;
    },
    proposals: (count) =>
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
