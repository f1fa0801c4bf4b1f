import assert from 'node:assert/strict';
import {
  constants,
  createHash,
  generateKeyPairSync,
  privateEncrypt,
  sign as rsaSign,
} from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import {
  type FaultyRequest,
  rfc5849Encode,
  type SignerCredentials,
  signWithMistake,
} from '#harness/mistakes.ts';
import { type OAuth1ProfileName, oauth1ProfileNamed } from '#harness/profiles.ts';
import { TestServer } from '#harness/world.ts';
import { instant } from '#kernel/time.ts';
import { diagnose } from '#oauth1/diagnosis/diagnose.ts';
import type { Diagnosis } from '#oauth1/diagnosis/diagnosis.ts';
import { requestProblems, signingMistakes, verdictNotes } from '#oauth1/diagnosis/finding.ts';
import { parsePastedRequest } from '#oauth1/pasted-request.ts';
import { makeOAuth1Settings, type OAuth1Settings } from '#oauth1/verify.ts';
import { findingText } from '#pages/help/explained-texts.ts';
import { catalogues, wordsOf } from '#pages/words.ts';
import { mistakes } from './explainer-mistakes.ts';
import { rightRequests } from './explainer-right.ts';

// Each mistake is made by a signer that shares no line with the program, and is found by the
// engine, and on the page. Right requests are blamed of nothing.

const origin = 'https://gate.example';
const now = 1_800_000_000;
const words = wordsOf('en');
const odd: SignerCredentials = {
  origin,
  client: { key: 'a'.repeat(32), secret: 'cl&ient+/' },
  token: { key: 'b'.repeat(32), secret: 'to/ken ü' },
  now,
};
const settings = (reading: OAuth1ProfileName): OAuth1Settings =>
  makeOAuth1Settings(oauth1ProfileNamed(reading), { origin, plaintext: false });

interface Over {
  readonly reading?: OAuth1ProfileName;
  readonly theirs?: string;
  readonly publicKeyPem?: string;
  readonly refusal?: string;
  readonly noSecret?: true;
  readonly plaintext?: true;
}

function explained(text: string, over: Over = {}): Diagnosis {
  const read = parsePastedRequest(text);
  assert.ok(read.ok, JSON.stringify(read));
  const {
    reading = 'rfc5849',
    theirs = '',
    publicKeyPem = null,
    refusal = null,
    noSecret = false,
    plaintext = false,
  } = over;
  const known = new RegExp(`oauth_token="(?:${odd.token.key})?"`).test(text);
  const none = !text.includes('oauth_token=');
  return diagnose(
    {
      rawRequest: read.value,
      typedOrigins: read.value.typedOrigins,
      clientBaseString: theirs,
      refusal,
    },
    { ...settings(reading), plaintext },
    {
      clientSecrets: noSecret ? [] : ['another', odd.client.secret],
      tokenSecret: none || text.includes('oauth_token=""') ? '' : known ? odd.token.secret : null,
      publicKeyPem,
    },
    { now: instant(now), secretMissing: 'no-secret' },
  );
}
const kinds = ({ findings }: Diagnosis) => findings.map(({ kind }) => kind);
const saidOf = ({ findings }: Diagnosis) =>
  findings.map((one) => findingText(words, one)).join(' ');
const recipeOf = (
  recipe: FaultyRequest | ((at: number) => FaultyRequest),
  at = now,
): FaultyRequest => (typeof recipe === 'function' ? recipe(at) : recipe);

describe('a mistake is found by making it', () => {
  for (const { name, recipe, found, says, dialect } of mistakes)
    test(name, () => {
      const { text } = signWithMistake(recipeOf(recipe), odd);
      const diagnosis = explained(text, { reading: dialect ? 'mediawiki' : 'rfc5849' });
      assert.deepEqual(kinds(diagnosis), found, saidOf(diagnosis));
      for (const part of says) assert.ok(saidOf(diagnosis).includes(part), saidOf(diagnosis));
      const secrets = [odd.client.secret, odd.token.secret].flatMap((secret) => [
        secret,
        rfc5849Encode(secret),
      ]);
      for (const secret of secrets) assert.ok(!JSON.stringify(diagnosis).includes(secret));
    });
});

test('every mistake that is known has a row, and a sentence in each language', () => {
  const elsewhere = [
    'signature-base64url',
    'key-for-secret',
    'token-for-secret',
    'rsa-other-digest',
    'rsa-bare-digest',
    'rsa-pss',
  ];
  const rows = new Set<string>([...mistakes.flatMap(({ found }) => found), ...elsewhere]);
  for (const cause of signingMistakes) assert.ok(rows.has(cause), cause);
  for (const kind of [...requestProblems, ...signingMistakes, ...verdictNotes])
    for (const texts of Object.values(catalogues)) assert.ok(`explained.${kind}` in texts, kind);
});

describe('a right request is blamed of nothing', () => {
  const requests = [...rightRequests];
  test('there are at least 200, each of its own', () => {
    assert.ok(requests.length >= 200, String(requests.length));
    assert.equal(new Set(requests.map(({ name }) => name)).size, requests.length);
  });
  for (const { name, recipe, reading } of requests)
    test(name, () => {
      const diagnosis = explained(signWithMistake(recipe, odd).text, { reading });
      assert.deepEqual(
        [diagnosis.verdict, kinds(diagnosis)],
        ['right', ['right']],
        saidOf(diagnosis),
      );
      assert.equal(saidOf(diagnosis), 'The signature is right.');
    });
});

describe('RSA is checked with the public key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const made =
    (digest: string, key = privateKey) =>
    (base: string) =>
      rsaSign(digest, Buffer.from(base), key).toString('base64');
  const rsa = (method: string, over: FaultyRequest = {}): FaultyRequest => ({
    overrides: { oauth_signature_method: method, ...over.overrides },
    sign: made('sha1'),
    ...withoutOver(over),
  });
  const withoutOver = ({ overrides: _, ...rest }: FaultyRequest): FaultyRequest => rest;
  const bare = (base: string) =>
    privateEncrypt(
      { key: privateKey, padding: constants.RSA_PKCS1_PADDING },
      createHash('sha1').update(base).digest(),
    ).toString('base64');
  const pss = (base: string) =>
    rsaSign('sha1', Buffer.from(base), {
      key: privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
    }).toString('base64');
  const rows: readonly (readonly [string, FaultyRequest, readonly string[], string])[] = [
    ['right, SHA-1', rsa('RSA-SHA1'), ['rsa-right'], 'over the SHA-1'],
    [
      'right, SHA-256',
      rsa('RSA-SHA256', { sign: made('sha256') }),
      ['rsa-right'],
      'over the SHA-256',
    ],
    [
      'right, in lines',
      rsa('RSA-SHA1', { encodeSignature: (text) => text.replace(/.{64}/g, '$&\n') }),
      ['rsa-right'],
      'is right',
    ],
    [
      'SHA-256 under the name of SHA-1',
      rsa('RSA-SHA1', { sign: made('sha256') }),
      ['rsa-other-digest'],
      'SHA-256 was signed',
    ],
    [
      'SHA-1 under the name of SHA-256',
      rsa('RSA-SHA256'),
      ['rsa-other-digest'],
      'SHA-1 was signed',
    ],
    [
      'SHA-512',
      rsa('RSA-SHA256', { sign: made('sha512') }),
      ['rsa-other-digest'],
      'SHA-512 was signed',
    ],
    [
      'another key',
      rsa('RSA-SHA1', { sign: made('sha1', stranger) }),
      ['rsa-other-key'],
      'not made with the private key',
    ],
    [
      'no signature at all',
      rsa('RSA-SHA1', { sign: () => 'AAAA' }),
      ['rsa-other-key'],
      'not made with the private key',
    ],
    [
      'another host',
      rsa('RSA-SHA1', { uri: 'http://localhost:4400/api/v1/me' }),
      ['other-host'],
      'http://localhost:4400',
    ],
    [
      'another host, another digest',
      rsa('RSA-SHA1', { sign: made('sha256'), uri: 'http://localhost:4400/api/v1/me' }),
      ['other-host', 'rsa-other-digest'],
      'localhost',
    ],
    [
      'another method',
      rsa('RSA-SHA1', { signMethod: 'POST' }),
      ['other-method'],
      'POST was signed',
    ],
    [
      'a parameter left out',
      rsa('RSA-SHA1', { pairs: (all) => all.slice(1) }),
      ['parameter-not-signed'],
      'b b is in the request',
    ],
    [
      'a text nobody knows',
      rsa('RSA-SHA1', { uri: 'https://nobody.example/x' }),
      ['rsa-other-text'],
      'The private key is the right one',
    ],
    [
      'escaped twice',
      rsa('RSA-SHA1', { encodeSignature: rfc5849Encode }),
      ['signature-escaped-twice'],
      'twice',
    ],
    [
      'hexadecimal',
      rsa('RSA-SHA1', { encodeSignature: (text) => Buffer.from(text, 'base64').toString('hex') }),
      ['hexadecimal'],
      'hexadecimal',
    ],
    ['the bare digest', rsa('RSA-SHA1', { sign: bare }), ['rsa-bare-digest'], 'DigestInfo'],
    ['PSS', rsa('RSA-SHA1', { sign: pss }), ['rsa-pss'], 'PSS'],
  ];
  for (const [name, recipe, found, says] of rows)
    test(name, () => {
      const diagnosis = explained(signWithMistake(recipe, odd).text, { publicKeyPem });
      assert.deepEqual(kinds(diagnosis), found, saidOf(diagnosis));
      assert.ok(saidOf(diagnosis).includes(says), saidOf(diagnosis));
      assert.equal(diagnosis.verdict, found[0] === 'rsa-right' ? 'right' : 'wrong');
    });
  test('without a key, and with a token that is not known', () => {
    assert.deepEqual(kinds(explained(signWithMistake(rsa('RSA-SHA1'), odd).text)), ['rsa-no-key']);
    const strange = explained(
      signWithMistake(rsa('RSA-SHA1', { overrides: { oauth_token: 'c'.repeat(32) } }), odd).text,
      { publicKeyPem },
    );
    assert.deepEqual(kinds(strange), ['rsa-right', 'token-unknown']);
  });
  test('the base string of the library tells whether it was signed', () => {
    const { text, base } = signWithMistake(
      rsa('RSA-SHA1', { uri: 'https://nobody.example/x' }),
      odd,
    );
    assert.deepEqual(kinds(explained(text, { publicKeyPem, theirs: base })), [
      'rsa-other-text',
      'theirs-signed',
    ]);
    assert.deepEqual(kinds(explained(text, { publicKeyPem, theirs: 'GET&x&y' })), [
      'rsa-other-text',
      'theirs-not-signed',
    ]);
  });
});

describe('the base string of the library', () => {
  const strange: FaultyRequest = { pairs: (all) => [...all, ['nobody', 'knows']] };
  test('it makes the signature: the secrets are right', () => {
    const { text, base } = signWithMistake(strange, odd);
    const diagnosis = explained(text, { theirs: `${base}\n` });
    assert.deepEqual(kinds(diagnosis), ['unexplained', 'theirs-signed']);
    assert.match(saidOf(diagnosis), /secrets and keys are right/);
  });
  test('it is the server’s, and the signature is another: the secret is wrong', () => {
    const { text, base } = signWithMistake({ key: () => 'x&y' }, odd);
    assert.deepEqual(kinds(explained(text, { theirs: base })), ['unexplained', 'theirs-same']);
  });
  test('it is neither', () => {
    assert.deepEqual(kinds(explained(signWithMistake(strange, odd).text, { theirs: 'GET&a&b' })), [
      'unexplained',
      'theirs-not-signed',
    ]);
  });
  test('nothing is said of it when the signature is right', () => {
    assert.deepEqual(kinds(explained(signWithMistake({}, odd).text, { theirs: 'GET&a&b' })), [
      'right',
    ]);
  });
});

describe('PLAINTEXT', () => {
  const plain = (sign: (client: string, token: string) => string): FaultyRequest => ({
    overrides: { oauth_signature_method: 'PLAINTEXT' },
    sign: () => sign(odd.client.secret, odd.token.secret),
  });
  const rows: readonly (readonly [string, FaultyRequest, string])[] = [
    [
      'right',
      plain((client, token) => `${rfc5849Encode(client)}&${rfc5849Encode(token)}`),
      'right',
    ],
    [
      'no ampersand',
      plain((client, token) => rfc5849Encode(client) + rfc5849Encode(token)),
      'ampersand-missing',
    ],
    ['no token secret', plain((client) => `${rfc5849Encode(client)}&`), 'token-secret-missing'],
    ['not encoded', plain((client, token) => `${client}&${token}`), 'secrets-not-encoded'],
    [
      'the ampersand escaped twice',
      plain((client, token) => rfc5849Encode(`${rfc5849Encode(client)}&${rfc5849Encode(token)}`)),
      'signature-escaped-twice',
    ],
    [
      'swapped',
      plain((client, token) => `${rfc5849Encode(token)}&${rfc5849Encode(client)}`),
      'secrets-swapped',
    ],
    ['another secret', plain(() => 'S3cr3t&'), 'plaintext-other-secret'],
  ];
  for (const [name, recipe, found] of rows)
    test(name, () => {
      const diagnosis = explained(signWithMistake(recipe, odd).text, { plaintext: true });
      assert.deepEqual(kinds(diagnosis), [found]);
      assert.ok(!JSON.stringify(diagnosis).includes('S3cr3t'));
    });
  test('not served', () =>
    assert.deepEqual(
      kinds(
        explained(
          signWithMistake(
            plain((one) => `${one}&`),
            odd,
          ).text,
        ),
      ),
      ['method-not-served'],
    ));
});

test('other words for the same verdict: what has changed since, and what is missing', () => {
  const { text } = signWithMistake({}, odd);
  assert.deepEqual(kinds(explained(text, { refusal: 'signature_invalid' })), ['right-now']);
  assert.deepEqual(kinds(explained(text, { refusal: 'nonce_used' })), ['right']);
  assert.deepEqual(kinds(explained(text, { noSecret: true })), ['no-secret']);
  for (const said of ['version', 'milliseconds'])
    for (const { recipe, found } of mistakes.filter((one) => one.found.includes(said as never)))
      assert.doesNotMatch(
        saidOf(explained(signWithMistake(recipeOf(recipe), odd).text)),
        /The signature is right/,
        found.join(),
      );
});

test('the rest of the usual mistakes with keys and spelling', () => {
  const key = (client: string, token: string): FaultyRequest => ({
    key: () => `${rfc5849Encode(client)}&${rfc5849Encode(token)}`,
  });
  assert.deepEqual(
    kinds(explained(signWithMistake(key(odd.client.key, odd.token.secret), odd).text)),
    ['key-for-secret'],
  );
  assert.deepEqual(
    kinds(explained(signWithMistake(key(odd.client.secret, odd.token.key), odd).text)),
    ['token-for-secret'],
  );
  const url = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  assert.deepEqual(
    kinds(explained(signWithMistake({ encodeSignature: url, retryUntil: /[+/]/ }, odd).text)),
    ['signature-base64url'],
  );
});

describe('the page and the refused requests', () => {
  let world: TestServer;
  let ada: Account;
  let signer: SignerCredentials;
  before(async () => {
    world = new TestServer({ mediawiki: 'on' });
    ada = await world.createPerson('Ada', ['developer']);
    const made = await world.createClient(ada, {
      name: 'Own',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
      scopes: ['basic', 'editpage'],
    });
    assert.ok(made.credentials);
    const { token, secret } = made.credentials;
    signer = {
      origin,
      client: { key: made.client.id, secret: made.secret },
      token: { key: token, secret },
      now: world.now,
    };
  });
  after(() => world.close());

  const unescaped = (body: string) =>
    body.replace(/&(?:#(\d+)|amp|lt|gt|quot);/g, (found, code) =>
      code === undefined
        ? ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' }[found] ?? found)
        : String.fromCharCode(Number(code)),
    );
  let csrf = '';
  let cookie = '';
  async function paste(request: string, theirs = '') {
    if (cookie === '') {
      cookie = await world.sessionCookie(ada);
      csrf =
        /name="csrf" value="([^"]+)"/.exec(
          (await world.app.inject({ url: '/account', headers: { cookie } })).body,
        )?.[1] ?? '';
    }
    const payload = new URLSearchParams({
      csrf,
      app: signer.client.key,
      request,
      theirs,
    }).toString();
    const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await world.app.inject({ method: 'POST', url: '/my/help', headers, payload });
    return unescaped(answer.body);
  }
  const noSecretIn = (body: string) => {
    for (const secret of [signer.client.secret, signer.token.secret])
      assert.ok(!body.includes(secret));
  };

  for (const { name, recipe, says } of mistakes.filter((one) => !one.oddSecrets))
    test(`pasted: ${name}`, async () => {
      const body = await paste(signWithMistake(recipeOf(recipe, world.now), signer).text);
      for (const part of says) assert.ok(body.includes(part), part);
      noSecretIn(body);
    });

  test('pasted with the whole address in the first line, as somebody typed it', async () => {
    const { text } = signWithMistake(
      { uri: 'http://inner.corp:7777/api/v1/me', target: '/api/v1/me' },
      signer,
    );
    assert.match(
      await paste(text.replace('/api/v1/me', 'http://inner.corp:7777/api/v1/me')),
      /Another host was signed: http:\/\/inner\.corp:7777/,
    );
  });

  test('pasted with the path that a proxy takes a part of', async () => {
    const target = '/in/side/oauth1/initiate';
    const { text } = signWithMistake(
      { method: 'POST', target, overrides: { oauth_token: undefined } },
      signer,
    );
    const body = await paste(text);
    assert.match(
      body,
      /Another path was signed: \/in\/side\/oauth1\/initiate\. Signed here is \/oauth1\/initiate/,
    );
    const right = signWithMistake(
      {
        method: 'POST',
        target,
        uri: `${origin}/oauth1/initiate`,
        overrides: { oauth_token: undefined },
      },
      signer,
    );
    assert.match(await paste(right.text), /The signature is right/);
  });

  test('pasted with another host and a path that a proxy takes a part of', async () => {
    const made = {
      method: 'POST',
      target: '/oauth1/initiate',
      uri: 'https://public.example/gh/oauth1/initiate',
      over: { oauth_token: undefined },
    };
    const body = await paste(
      signWithMistake(made, signer).text.replace('/oauth1/initiate', made.uri),
    );
    assert.match(body, /Another host was signed: https:\/\/public\.example/);
    assert.match(body, /Another path was signed: \/gh\/oauth1\/initiate/);
  });

  test('parameters in the query, the signature not escaped', async () => {
    const { authorization } = signWithMistake({ target: '/x', retryUntil: /\+/ }, signer);
    const query = authorization
      .slice('OAuth '.length)
      .replaceAll('"', '')
      .replaceAll(', ', '&')
      .replace(/(oauth_signature=)(.*)/, (_, name, value) => name + decodeURIComponent(value));
    assert.match(
      await paste(`GET ${origin}/x?${query}`),
      /oauth_signature was not percent-encoded/,
    );
  });

  test('right requests', async () => {
    for (const recipe of [
      {},
      { target: '/a%2Fb' },
      {
        method: 'POST',
        target: '/w/index.php?title=Special:OAuth/initiate&oauth_callback=oob',
        over: { oauth_token: undefined, oauth_callback: 'oob' },
        read: [['title', 'Special:OAuth/initiate']] as const,
      },
    ])
      assert.match(await paste(signWithMistake(recipe, signer).text), /The signature is right/);
  });

  test('in the other languages', async () => {
    const { text } = signWithMistake({ uri: 'http://localhost:4400/api/v1/me' }, signer);
    const headers = {
      cookie,
      'content-type': 'application/x-www-form-urlencoded',
      'accept-language': 'de',
    };
    const payload = new URLSearchParams({ csrf, app: signer.client.key, request: text }).toString();
    assert.match(
      (await world.app.inject({ method: 'POST', url: '/my/help', headers, payload })).body,
      /Ein anderer Host wurde signiert: http:\/\/localhost:4400/,
    );
  });

  /** A request that is sent, and refused, and looked at. */
  const refused: Readonly<
    Record<string, { readonly recipe: FaultyRequest; readonly says: readonly RegExp[] }>
  > = {
    'another host': {
      recipe: { uri: 'http://inner:3000/api/v1/me', headers: { Host: 'inner:3000' } },
      says: [/The signature is wrong/, /Another host was signed: http:\/\/inner:3000/],
    },
    'a prefix': {
      recipe: { uri: `${origin}/deep/api/v1/me`, headers: { 'X-Forwarded-Prefix': '/deep' } },
      says: [/Another path was signed: \/deep/],
    },
    HEAD: {
      recipe: { method: 'HEAD', signMethod: 'GET' },
      says: [/GET was signed, and HEAD was sent/],
    },
    JSON: {
      recipe: {
        method: 'POST',
        target: '/oauth1/initiate',
        headers: { 'Content-Type': 'application/json' },
        body: '{"a":1}',
        overrides: { oauth_token: undefined, oauth_callback: 'oob' },
        pairs: (all) => [...all, ['a', '1']],
      },
      says: [/members of the JSON body/],
    },
    '+': {
      recipe: {
        target: '/api/v1/me?q=a+b',
        pairs: (all) => all.map(([a, x]) => [a, x.replace(' ', '+')]),
      },
      says: [/stands for a space/],
    },
    'a lone %': {
      recipe: { target: '/api/v1/me?q=100%' },
      says: [/query cannot be read/, /q=100%: a % needs/],
    },
    version: {
      recipe: { overrides: { oauth_version: '1.0a' } },
      says: [/oauth_version must be 1\.0/, /Apart from that/],
    },
    'the clock': {
      recipe: { overrides: { oauth_timestamp: '1799999000' } },
      says: [/off by 1000 seconds/],
    },
    milliseconds: {
      recipe: { overrides: { oauth_timestamp: '1800000000000' } },
      says: [/in milliseconds/],
    },
    'the dialect': {
      recipe: { target: '/w/api.php?action=query&meta=userinfo', uri: `${origin}/api.php` },
      says: [/as at the MediaWiki addresses/, /Another path was signed: \/api\.php/],
    },
    'SHA-256 at the dialect': {
      recipe: {
        target: '/w/api.php?action=query',
        overrides: { oauth_signature_method: 'HMAC-SHA256' },
        hash: 'sha256',
      },
      says: [/HMAC-SHA256 is not served/],
    },
  };
  for (const [name, { recipe, says }] of Object.entries(refused))
    test(`refused and looked at: ${name}`, async () => {
      const { authorization } = signWithMistake(recipe, signer);
      const { method = 'GET', target = '/api/v1/me?b%20b=x%20y&a=1', headers = {}, body } = recipe;
      await world.app.inject({
        method: method as 'GET',
        url: target,
        headers: { ...headers, authorization },
        ...(body === undefined ? {} : { payload: body }),
      });
      const list = await world.app.inject({
        url: `/my/help?app=${signer.client.key}`,
        headers: { cookie: await world.sessionCookie(ada) },
      });
      const link =
        /href="(\/my\/help\?app=[^"]+failure=\d+)"/
          .exec(list.body)?.[1]
          ?.replaceAll('&amp;', '&') ?? '';
      const looked = unescaped(
        (await world.app.inject({ url: link, headers: { cookie: await world.sessionCookie(ada) } }))
          .body,
      );
      for (const part of says) assert.match(looked, part);
      assert.doesNotMatch(looked, /The signature is right|Check the secret/);
      noSecretIn(looked);
    });
});
