import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentEncode } from '#encoding/percent.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import { accept } from '#kernel/result.ts';
import { instant } from '#kernel/time.ts';
import { buildBaseString } from '#oauth1/base-string.ts';
import { makeOAuth1, type OAuth1 } from '#oauth1/oauth1.ts';
import { parseSignedRequest } from '#oauth1/parse.ts';
import type { OAuth1Dependencies } from '#oauth1/parts.ts';
import { coreOAuth1Profile, type OAuth1Profile } from '#oauth1/profile.ts';
import { computeSignature } from '#oauth1/signature.ts';
import { findParameterProblem, makeOAuth1Settings, verifySignature } from '#oauth1/verify.ts';
import type { Client } from '#registry/model/client.ts';

// Each member of a profile, turned over by itself, changes the rule it is named for and no other.

const now = instant(1_800_000_000);
const origin = 'https://gate.example';
const secrets = { clientSecret: 'client secret', tokenSecret: '', publicKeyPem: null };
const registered = 'https://app.example/cb';

const client = {
  id: 'a'.repeat(32),
  protocol: 'oauth1',
  ownerOnly: false,
  redirectUri: registered,
  redirectIsPrefix: false,
  secrets: [{ id: 1, encrypted: 'client secret', expiresAt: null }],
  rsaPublicKey: null,
  restrictions: { addresses: ['0.0.0.0/0'], pages: [] },
  stage: 'approved',
  suppressed: false,
  suspension: 'none',
} as unknown as Client;

type Parameters = Readonly<Record<string, string | undefined>>;

/** A signed request; a parameter that is undefined is left out. */
function signedRequest(
  over: Parameters = {},
  {
    target = '/x',
    method = 'GET',
    headers = {},
    body = '',
    comma = ',',
  }: {
    readonly target?: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly comma?: string;
  } = {},
): RawRequest {
  const parameters = {
    oauth_consumer_key: client.id,
    oauth_nonce: 'n',
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(now),
    oauth_token: 'b'.repeat(32),
    ...over,
  };
  const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  );
  const text = buildBaseString(
    { method, path: target.split('?', 1)[0] ?? '', params: given },
    origin,
  );
  const signature = computeSignature('HMAC-SHA1', text, secrets) ?? '';
  const authorization = `OAuth ${[...given, ['oauth_signature', signature] as const]
    .map(([name, value]) => `${name}="${percentEncode(value)}"`)
    .join(comma)}`;
  return {
    method,
    target,
    headers: { ...headers, authorization },
    body: Buffer.from(body),
    address: '192.0.2.1',
    secure: true,
  };
}

/** What becomes of the parameters of a request: the kind of the refusal, or what was read. */
function judged(profile: OAuth1Profile, rawRequest: RawRequest): unknown {
  const settings = makeOAuth1Settings(profile, { origin, plaintext: false });
  const parsed = parseSignedRequest(rawRequest, profile);
  if (!parsed.ok) return parsed.refusal.kind;
  return findParameterProblem(parsed.value, settings, now)?.kind ?? 'taken';
}

/** OAuth 1 over one client and one pair of temporary credentials. */
function oauth1Over(profile: OAuth1Profile, one: Client, callback = registered): OAuth1 {
  const pair = {
    token: 'b'.repeat(32),
    clientId: one.id,
    encryptedSecret: '',
    callback,
    expiresAt: instant(now + 600),
    authorized: null,
    used: false,
  };
  return makeOAuth1({
    temporaryCredentials: {
      findTemporaryCredentials: async () => pair,
      saveTemporaryCredentials: async () => 'saved',
      redeemTemporaryCredentials: async () => 'wrong-verifier',
    },
    registry: { findClient: async () => one },
    secretBox: { encrypt: (text: string) => text, decrypt: (text: string) => text },
    idGenerator: { hex32: () => 'c'.repeat(32), randomHex: (length: number) => 'd'.repeat(length) },
    clock: { now: () => now },
    usage: { recordUse: () => undefined },
    settings: makeOAuth1Settings(profile, { origin, plaintext: false }),
  } as unknown as OAuth1Dependencies);
}

/** What becomes of a request for temporary credentials. */
async function initiated(profile: OAuth1Profile, over: Parameters, one = client): Promise<unknown> {
  const rawRequest = signedRequest({ oauth_token: undefined, ...over });
  const answer = await oauth1Over(profile, one).issueTemporaryCredentials(rawRequest);
  return answer.ok ? 'issued' : answer.refusal.kind;
}

/** What becomes of a request for token credentials. */
async function exchanged(profile: OAuth1Profile, over: Parameters): Promise<unknown> {
  const answer = await oauth1Over(profile, client).issueTokenCredentials(signedRequest(over));
  return answer.ok ? 'issued' : answer.refusal.kind;
}

interface Rule<Value> {
  /** Another value than the core's. */
  readonly turned: Value;
  /** What shows the rule. */
  readonly shown: (profile: OAuth1Profile) => unknown;
}

const prefixClient = { ...client, redirectIsPrefix: true };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const { readParameters, parseHeaderParameters, isSignedForm } = coreOAuth1Profile;

/** Every member but the label: one that is added has to be here. */
const rules: {
  readonly [Member in Exclude<keyof OAuth1Profile, 'name'>]: Rule<OAuth1Profile[Member]>;
} = {
  signatureMethods: {
    turned: ['HMAC-SHA1'],
    shown: (profile) => judged(profile, signedRequest({ oauth_signature_method: 'HMAC-SHA256' })),
  },
  isSignedForm: {
    turned: (rawRequest) => rawRequest.method === 'POST' && isSignedForm(rawRequest),
    shown: (profile) => {
      const put = signedRequest({}, { method: 'PUT', headers: form, body: 'a=b' });
      const parsed = parseSignedRequest(put, profile);
      return parsed.ok && parsed.value.params.some(([name]) => name === 'a');
    },
  },
  parseHeaderParameters: {
    turned: (text) => parseHeaderParameters(text.replaceAll('";', '",')),
    shown: (profile) => judged(profile, signedRequest({}, { comma: ';' })),
  },
  readParameters: {
    turned: (sources) => {
      const read = readParameters(sources);
      return read.ok ? read : accept([sources.header]);
    },
    shown: (profile) => judged(profile, signedRequest({}, { target: '/x?a=%zz' })),
  },
  repeatedProtocolParameters: {
    turned: 'last-counts',
    shown: (profile) => judged(profile, signedRequest({}, { target: '/x?oauth_nonce=m' })),
  },
  alternativePaths: {
    turned: (path) => [path.toUpperCase()],
    shown: (profile) => {
      const parsed = parseSignedRequest(signedRequest(), profile);
      return parsed.ok && parsed.value.alternativePaths;
    },
  },
  versionZeroAccepted: {
    turned: true,
    shown: (profile) => judged(profile, signedRequest({ oauth_version: '0' })),
  },
  parseTimestamp: {
    turned: (text) => Number(text),
    shown: (profile) => judged(profile, signedRequest({ oauth_timestamp: `${now}.5` })),
  },
  nonceUniquePerTimestamp: {
    turned: false,
    shown: (profile) => {
      const parsed = parseSignedRequest(
        signedRequest({ oauth_token: undefined }),
        coreOAuth1Profile,
      );
      assert.ok(parsed.ok);
      const signer = { client: 'known', token: 'none', secrets } as const;
      const settings = makeOAuth1Settings(profile, { origin, plaintext: false });
      const verified = verifySignature(parsed.value, signer, settings);
      assert.ok(verified.ok);
      return verified.value.key.length;
    },
  },
  clientProblemsBeforeSignature: {
    turned: true,
    shown: (profile) =>
      initiated(profile, { oauth_callback: 'oob' }, {
        ...client,
        ownerOnly: true,
        secrets: [{ ...client.secrets[0], encrypted: 'another' as never }],
      } as Client),
  },
  registeredCallbackAllowed: {
    turned: false,
    shown: (profile) => initiated(profile, { oauth_callback: registered }),
  },
  missingCallback: {
    turned: 'callback-rejected',
    shown: (profile) => initiated(profile, {}),
  },
  unencodedCallback: {
    turned: 'encode',
    shown: (profile) => initiated(profile, { oauth_callback: `${registered}?a b` }, prefixClient),
  },
  oobRedirectsToRegisteredUrl: {
    turned: true,
    shown: async (profile) => {
      const { prepareAuthorization } = oauth1Over(profile, client, 'oob');
      const prepared = await prepareAuthorization('b'.repeat(32), client, { id: 1 as never });
      return prepared.ok && prepared.value.approvalOutcome.kind;
    },
  },
  denialRedirects: {
    turned: false,
    // By a callback that is allowed whatever else is: one that a prefix covers.
    shown: async (profile) => {
      const { denialRedirect } = oauth1Over(profile, prefixClient, `${registered}/x`);
      const denied = await denialRedirect('b'.repeat(32), prefixClient, { id: 1 as never });
      return denied !== undefined;
    },
  },
  missingToken: {
    turned: 'token-rejected',
    shown: (profile) => exchanged(profile, { oauth_token: undefined }),
  },
  missingVerifier: {
    turned: 'verifier-invalid',
    shown: (profile) => exchanged(profile, {}),
  },
};

const members = Object.keys(rules) as (keyof typeof rules)[];

/** What every rule shows under a profile. */
const shownBy = async (profile: OAuth1Profile): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    await Promise.all(
      members.map(async (member) => [member, await rules[member].shown(profile)] as const),
    ),
  );

for (const member of members)
  test(`${member} decides its rule and no other`, async () => {
    const core = await shownBy(coreOAuth1Profile);
    const turned = await shownBy({ ...coreOAuth1Profile, [member]: rules[member].turned });
    assert.deepEqual(
      members.filter((one) => JSON.stringify(core[one]) !== JSON.stringify(turned[one])),
      [member],
    );
  });

test('a name decides nothing', async () => {
  assert.deepEqual(
    await shownBy({ ...coreOAuth1Profile, name: 'another' }),
    await shownBy(coreOAuth1Profile),
  );
});
