import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFormParameters } from '#encoding/form.ts';
import { instant, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { makeOAuth2 } from '#oauth2/oauth2.ts';
import type { OAuth2Dependencies } from '#oauth2/parts.ts';
import { coreOAuth2Profile, type OAuth2Profile } from '#oauth2/profile.ts';
import type { Client } from '#registry/model/client.ts';

// Each member of a profile, turned over by itself, changes the rule it is named for and no other.

const now = instant(1_800_000_000);
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const settings = {
  issuer: 'https://gate.example',
  site: 'home' as never,
  codeTtlSeconds: seconds(600),
  accessTokenTtlSeconds: seconds(3600),
  refreshTokenTtlSeconds: seconds(86_400),
  refreshGraceSeconds: seconds(0),
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
} as const;
const core = coreOAuth2Profile(settings);

const client = {
  id: 'app',
  protocol: 'oauth2',
  ownerId: 1,
  ownerOnly: false,
  confidential: true,
  redirectUri: 'https://app.example/cb',
  grantTypes: settings.grantTypes,
  pkceOptional: false,
  plainPkceUntil: instant(now + 60),
  tokenAlgorithm: 'ES256',
  site: '*',
  scopes: ['basic'],
  secrets: [{ id: 1, digest: digestOf('a+b'), expiresAt: null }],
  restrictions: { addresses: ['0.0.0.0/0'], pages: [] },
  stage: 'approved',
  suppressed: false,
  suspension: 'none',
} as unknown as Client;
const publicClient = { ...client, confidential: false, secrets: [] };
const person = { id: 1, name: 'Ada', blocked: false } as never;
const consent = { id: 1, userId: 1, clientId: 'app', site: '*', scopes: ['basic'] } as never;
/** What a code and a refresh token have in common, stored under another profile. */
const stored = {
  clientId: 'app',
  userId: 1,
  consentId: 1,
  familyId: 'family',
  scopes: ['basic'],
  redirectUri: null,
  codeChallenge: null,
  codeChallengeMethod: null,
  issuedAt: now,
  expiresAt: instant(now + 60),
  revoked: false,
  used: false,
  usedAt: null,
  encryptedResponse: null,
};

/** OAuth 2 over one client, and what of it was stored. */
function oauth2Over(profile: OAuth2Profile, one: Client = client, issuedUnder = 'core') {
  const written: unknown[] = [];
  const facts = { client: one, user: person, consent, familyRevoked: false };
  const oauth2 = makeOAuth2({
    records: {
      findCode: async () => ({ code: { ...stored, profile: issuedUnder }, ...facts }),
      findRefreshToken: async () => ({ token: { ...stored, profile: issuedUnder }, ...facts }),
      redeemCode: async () => ({ outcome: 'unknown' }),
      rotateRefreshToken: async (...all: readonly unknown[]) => {
        written.push(all.at(-1));
        return { outcome: 'rotated' };
      },
      saveAccessToken: async () => 'saved',
      revokeFamily: async () => undefined,
    },
    registry: { findClient: async () => one },
    scopes: { has: (name: string) => ['basic', 'editpage'].includes(name) },
    idGenerator: { secret: () => 's'.repeat(40), id: () => 'id', tokenId: () => 'token' },
    clock: { now: () => now, millis: () => now * 1000 },
    entropy: { bytes: (count: number) => new Uint8Array(count) },
    signing: { sign: (...all: readonly unknown[]) => JSON.stringify(all) },
    usage: { recordUse: () => undefined },
    profile,
    settings,
  } as unknown as OAuth2Dependencies);
  return { oauth2, written };
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
type Fields = Readonly<Record<string, string>>;
const proof = { client_id: 'app', client_secret: 'a+b' };

/** The answer to a token request. */
async function tokenAnswer(
  profile: OAuth2Profile,
  fields: Fields,
  {
    authorization,
    one = client,
    issuedUnder = 'core',
  }: {
    readonly authorization?: string;
    readonly one?: Client;
    readonly issuedUnder?: string;
  } = {},
) {
  const { oauth2 } = oauth2Over(profile, one, issuedUnder);
  const form = makeFormParameters(Object.entries({ grant_type: 'client_credentials', ...fields }));
  return oauth2.issueTokens({ authorization, form, address: '192.0.2.1' });
}

/** What becomes of a token request: why it is refused, or that it is not. */
async function tokenOutcome(...request: Parameters<typeof tokenAnswer>): Promise<unknown> {
  const answer = await tokenAnswer(...request);
  return answer.ok ? 'issued' : answer.refusal;
}

/** A part of the token that a client gets for itself: algorithm, type or claims. */
async function tokenPart(profile: OAuth2Profile, part: 0 | 1 | 2): Promise<unknown> {
  const answer = await tokenAnswer(profile, proof);
  assert.ok(answer.ok);
  return JSON.parse(answer.value.access_token)[part];
}

/** Where a denial leads. */
function denial(profile: OAuth2Profile): URLSearchParams {
  const parameters = {
    protocol: 'oauth2',
    redirectUri: client.redirectUri,
    redirectUriSent: true,
    state: 'state',
    codeChallenge: null,
    codeChallengeMethod: null,
  } as const;
  const denied = oauth2Over(profile).oauth2.denialRedirect(parameters, client, person, 'denied');
  assert.ok(denied.ok);
  return new URL(denied.value).searchParams;
}

interface Rule<Value> {
  /** Another value than the core's. */
  readonly turned: Value;
  /** What shows the rule. */
  readonly shown: (profile: OAuth2Profile) => unknown;
}

/** Every member but the label: one that is added has to be here. */
const rules: {
  readonly [Member in Exclude<keyof OAuth2Profile, 'name'>]: Rule<OAuth2Profile[Member]>;
} = {
  basicCredentialsDecoding: {
    turned: 'raw',
    shown: (profile) => tokenOutcome(profile, {}, { authorization: basic('app:a+b') }),
  },
  credentialsInHeaderAndBody: {
    turned: 'body-wins',
    shown: (profile) => tokenOutcome(profile, proof, { authorization: basic('app:a%2Bb') }),
  },
  otherAuthorizationScheme: {
    turned: 'ignore',
    shown: (profile) => tokenOutcome(profile, proof, { authorization: 'Bearer x' }),
  },
  malformedBasicCredentials: {
    turned: 'ignore',
    shown: (profile) => tokenOutcome(profile, proof, { authorization: 'Basic !' }),
  },
  secretFromPublicClients: {
    turned: 'ignore',
    shown: (profile) => tokenOutcome(profile, proof, { one: publicClient }),
  },
  codesAcceptedFrom: {
    turned: ['core', 'another'],
    shown: (profile) =>
      tokenOutcome(
        profile,
        { ...proof, grant_type: 'authorization_code', code: 'x' },
        { issuedUnder: 'another' },
      ),
  },
  refreshTokensAcceptedFrom: {
    turned: ['core'],
    shown: (profile) =>
      tokenOutcome(
        profile,
        { ...proof, grant_type: 'refresh_token', refresh_token: 'x' },
        { issuedUnder: 'another' },
      ),
  },
  plainPkceForImportedClients: {
    turned: true,
    shown: async (profile) => {
      const request = {
        client_id: 'app',
        response_type: 'code',
        code_challenge: challenge,
        code_challenge_method: 'plain',
      };
      const { oauth2 } = oauth2Over(profile);
      return (await oauth2.validateAuthorizationRequest(Object.entries(request), person)).ok;
    },
  },
  scopesBeyondRegistration: {
    turned: 'leave-out',
    shown: (profile) => tokenOutcome(profile, { ...proof, scope: 'basic editpage' }),
  },
  denialError: { turned: 'unauthorized_client', shown: (profile) => denial(profile).get('error') },
  stateInDenial: { turned: false, shown: (profile) => denial(profile).get('state') },
  revokeAccessTokenOnRefresh: {
    turned: true,
    shown: async (profile) => {
      const { oauth2, written } = oauth2Over(profile);
      const fields = { ...proof, grant_type: 'refresh_token', refresh_token: 'x' };
      const form = makeFormParameters(Object.entries(fields));
      await oauth2.issueTokens({ authorization: undefined, form, address: '192.0.2.1' });
      return written;
    },
  },
  allScopesName: {
    turned: '#default',
    shown: (profile) => tokenOutcome(profile, { ...proof, scope: '#default' }),
  },
  signingAlgorithm: { turned: () => 'RS256', shown: (profile) => tokenPart(profile, 0) },
  jwtType: { turned: 'JWT', shown: (profile) => tokenPart(profile, 1) },
  claims: { turned: () => ({ sub: 'x' }), shown: (profile) => tokenPart(profile, 2) },
  scopeInTokenResponse: {
    turned: false,
    shown: async (profile) => {
      const answer = await tokenAnswer(profile, proof);
      return answer.ok && answer.value.scope;
    },
  },
};

const members = Object.keys(rules) as (keyof typeof rules)[];

/** What every rule shows under a profile. */
const shownBy = async (profile: OAuth2Profile): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    await Promise.all(
      members.map(async (member) => [member, await rules[member].shown(profile)] as const),
    ),
  );

for (const member of members)
  test(`${member} decides its rule and no other`, async () => {
    const before = await shownBy(core);
    const turned = await shownBy({ ...core, [member]: rules[member].turned });
    assert.deepEqual(
      members.filter((one) => JSON.stringify(before[one]) !== JSON.stringify(turned[one])),
      [member],
    );
  });

test('a name decides nothing', async () => {
  assert.deepEqual(await shownBy({ ...core, name: 'another' }), await shownBy(core));
});
