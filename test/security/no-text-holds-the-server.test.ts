import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fastifyCookie } from '@fastify/cookie';
import type { z } from 'zod';
import type { Account } from '#accounts/account.ts';
import { fieldProblem, normalizeEmail, normalizeText } from '#accounts/fields.ts';
import { parseConfigFile } from '#config/file.ts';
import { isIpRange } from '#encoding/address.ts';
import {
  parseBasicCredentials,
  parseBearerToken,
  splitAuthorization,
} from '#encoding/authorization.ts';
import {
  describeDestination,
  isMisleadingUri,
  parseUriAsBrowser,
  toUnicodeUri,
} from '#encoding/browser-uri.ts';
import { confusableSkeleton } from '#encoding/confusables.ts';
import { makeFormParameters, parseForm } from '#encoding/form.ts';
import { resolveClientAddress } from '#encoding/forwarded.ts';
import { percentDecode, percentDecodeBytes, percentEncode } from '#encoding/percent.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import { isRegisteredRedirectUri, makeRedirectLocation } from '#encoding/redirect-uri.ts';
import { parseScope } from '#encoding/scope.ts';
import { sanitizeForEmail } from '#encoding/stranger-text.ts';
import { oauth1ProfileNamed } from '#harness/profiles.ts';
import { countSteps } from '#harness/steps.ts';
import { TestServer } from '#harness/world.ts';
import { apiRoutes } from '#http/api/api.ts';
import { safeLocalPath } from '#http/redirects.ts';
import { parseDuration } from '#kernel/time.ts';
import { parseFormAsPhp } from '#mediawiki/php-form.ts';
import { parsePageTitle, parseTitleInPath } from '#mediawiki/titles.ts';
import { candidateBaseStrings } from '#oauth1/base-string.ts';
import { isCallbackAllowed } from '#oauth1/callback.ts';
import { bodyMistakes } from '#oauth1/diagnosis/bodies.ts';
import { diagnose } from '#oauth1/diagnosis/diagnose.ts';
import { compareBaseStrings } from '#oauth1/diagnosis/differences.ts';
import { parseOAuthHeader } from '#oauth1/header.ts';
import { parseSignedRequest } from '#oauth1/parse.ts';
import { parsePastedRequest } from '#oauth1/pasted-request.ts';
import { MAX_PASTED_BYTES } from '#oauth1/pasted-text.ts';
import { coreOAuth1Profile } from '#oauth1/profile.ts';
import { makeOAuth1Settings } from '#oauth1/verify.ts';
import { MAX_FORM_BYTES } from '#oauth2/refusal-texts.ts';
import { findMalformedScope, parseRequestedScopes } from '#oauth2/scope-request.ts';
import { parseAppDraft, proposalValues } from '#pages/apps/app-draft.ts';
import { parseAddresses } from '#pages/apps/own-app.ts';
import { acceptedLanguage } from '#pages/words.ts';
import { reasonText, validators } from '#registry/actions/validators.ts';
import { compareVersions, isVersion } from '#registry/model/app-version.ts';
import type { Client } from '#registry/model/client.ts';
import { normalizeAccountName } from '#store/sql/accounts.ts';
import { expressionsIn, neverBacktracks } from '../lint/expressions.ts';
import { rules } from '../unit/registry/world.ts';
import { textOf, worstTexts } from './data/worst-texts.ts';

describe('no text holds the server', () => {
  // One thread serves everybody: a text that takes long to read holds all of them, and no time-out
  // fires meanwhile. So each reader has a bound, and its work grows no faster than its text:
  // counted in steps at half the bound and at the bound, never in seconds.

  interface Reader {
    /** Longest text that reaches it. */
    readonly bound: number;
    /** Steps that a character may cost; usually 100. */
    readonly perCharacter?: number;
    /** Packages that read for us: their work counts, too. */
    readonly packages?: readonly string[];
    read(text: string): unknown;
  }

  /** A base string of ordinary parameters, about as long. */
  const ordinary = (length: number) =>
    `GET&u&${Array.from({ length: length / 10 }, (_, index) => `p${1000 + index}%3Dv`).join('%26')}`;

  /** Node reads this much of header fields. */
  const HEADER = 16_384;

  const sent = (query: string): RawRequest => ({
    method: 'POST',
    target: `/api?${query}`,
    headers: {},
    body: undefined,
    address: '',
    secure: true,
  });

  /** What the API reads of a body. */
  const BODY = 100_000;
  const bodyOf = (id: string) => apiRoutes.find((route) => route.id === id)?.body as z.ZodType;
  const asking = { scopes: ['editpage'] } as unknown as Client;
  /** Compiled by the first that it checks, as at the start of the server. */
  const [proposal, update] = [bodyOf('proposeClient'), bodyOf('updateClient')];
  const json = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  };

  /** The core's settings. */
  const explaining = makeOAuth1Settings(
    { ...coreOAuth1Profile, signatureMethods: ['HMAC-SHA1'] },
    { origin: 'https://gate.example', plaintext: false },
  );

  const readers: Readonly<Record<string, Reader>> = {
    cookies: {
      bound: HEADER,
      packages: ['cookie', '@fastify/cookie'],
      read: (text) => fastifyCookie.parse(text),
    },
    // A file of the operator's own may have 16 MiB: what counts is that its reading grows as it
    // does. Several passes over each part.
    'configuration file': {
      bound: 16_384,
      perCharacter: 2000,
      packages: ['yaml', 'zod'],
      read: (text) => parseConfigFile(text, ['issuer']),
    },
    'JSON body': {
      bound: BODY,
      packages: ['zod'],
      read: (text) => [proposal.safeParse(json(text)), update.safeParse(json(text))],
    },
    'form of a page': {
      bound: MAX_FORM_BYTES,
      read(text) {
        const form = parseForm(text);
        const draft = parseAppDraft(
          world.server.services,
          'server',
          makeFormParameters(form.ok ? form.value : []),
        );
        return proposalValues(draft, 'ada@example.org', false);
      },
    },
    'address restrictions': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        validators.restrictions({ addresses: parseAddresses(text), pages: parseAddresses(text) }),
        isIpRange(text),
      ],
    },
    'X-Forwarded-For': {
      bound: HEADER,
      read(text) {
        const arrival = { peer: '10.0.0.1', forwardedFor: [text], forwarded: true };
        return [2, ['10.0.0.0/8']].map((trusted) =>
          resolveClientAddress(arrival, trusted, { outside: true, encrypted: true }),
        );
      },
    },
    returnto: { bound: HEADER, read: safeLocalPath },
    'scope that is asked for': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        findMalformedScope(text),
        parseRequestedScopes(text, asking, {
          scopes: rules.catalogue,
          profile: { defaultScope: null, scopesBeyondRegistration: 'leave-out' },
        } as never),
      ],
    },
    'e-mail address': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        normalizeEmail(text),
        fieldProblem({ email: text }),
        fieldProblem({ email: normalizeEmail(text.slice(0, 255)) }),
      ],
    },
    'name of a person': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        normalizeText(text),
        fieldProblem({ name: text, realName: text, password: text }),
      ],
    },
    'URI that is registered': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        validators.redirectUri(text, { protocol: 'oauth2', confidential: true }, rules),
        validators.redirectUri(
          text.slice(0, 2000),
          { protocol: 'oauth2', confidential: false },
          rules,
        ),
      ],
    },
    'URI that is followed': {
      bound: HEADER,
      perCharacter: 200,
      read: (text) => [
        isMisleadingUri(text),
        parseUriAsBrowser(text),
        toUnicodeUri(text),
        describeDestination(text),
        isCallbackAllowed(text, { redirectUri: 'https://app.example/cb', redirectIsPrefix: true }),
        isMisleadingUri(text) || makeRedirectLocation(text, [['code', 'a']]),
      ],
    },
    'pasted request': { bound: MAX_PASTED_BYTES, read: parsePastedRequest },
    'base strings': {
      bound: MAX_PASTED_BYTES,
      read: (text) => [
        compareBaseStrings(ordinary(text.length), text),
        compareBaseStrings(text, ordinary(text.length)),
      ],
    },
    form: { bound: MAX_FORM_BYTES, read: (text) => [parseForm(text), parseFormAsPhp(text)] },
    'Authorization: OAuth': {
      bound: HEADER,
      read: (text) =>
        (['rfc5849', 'mediawiki'] as const).map((reading) =>
          parseOAuthHeader(`OAuth ${text}`, oauth1ProfileNamed(reading)),
        ),
    },
    'Authorization: Basic and Bearer': {
      bound: HEADER,
      read: (text) => [
        parseBasicCredentials(`Basic ${text}`),
        parseBearerToken(`Bearer ${text}`),
        splitAuthorization(text),
      ],
    },
    'signed parameters': {
      bound: MAX_FORM_BYTES,
      // The dialect may have six lists, and so six base strings.
      perCharacter: 200,
      read: (text) =>
        (['rfc5849', 'mediawiki'] as const).map((reading) => {
          const signed = parseSignedRequest(sent(text), oauth1ProfileNamed(reading));
          return signed.ok && candidateBaseStrings(signed.value, 'https://gate.example');
        }),
    },
    'mistakes of a signature': {
      bound: MAX_PASTED_BYTES,
      // As many base strings as their bound lets through, and one encoding of everything for each
      // way to write the parameters.
      perCharacter: 2000,
      read(text) {
        const request = sent(
          `oauth_consumer_key=k&oauth_nonce=n&oauth_timestamp=1&oauth_signature_method=HMAC-SHA1&oauth_signature=x&${text}`,
        );
        const form = {
          ...request,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(text.slice(0, 2)),
        };
        return diagnose({ rawRequest: form }, explaining, {
          clientSecrets: ['a'],
          tokenSecret: 'c',
          publicKeyPem: null,
        });
      },
    },
    'bodies that are not signed': {
      bound: MAX_PASTED_BYTES,
      perCharacter: 400,
      read: (text) =>
        ['application/json', 'multipart/form-data; boundary=x'].map((type) => [
          ...bodyMistakes({
            ...sent(''),
            headers: { 'content-type': type },
            body: Buffer.from(text),
          }),
        ]),
    },
    scope: { bound: MAX_FORM_BYTES, read: parseScope },
    'percent-encoding': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        percentEncode(text),
        percentDecode(text),
        percentEncode(percentDecodeBytes(text)),
      ],
    },
    'Accept-Language': { bound: HEADER, read: acceptedLanguage },
    'page titles': {
      bound: HEADER,
      read: (text) => [parsePageTitle(text), parseTitleInPath(`/wiki/${text}`)],
    },
    'redirect URI': {
      bound: HEADER,
      read: (text) => isRegisteredRedirectUri(['http://127.0.0.1/a', text.slice(1)], text),
    },
    version: {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        isVersion(text),
        isVersion(text.slice(0, 32)),
        compareVersions(text.slice(0, 32), '1.0'),
      ],
    },
    duration: { bound: MAX_FORM_BYTES, read: parseDuration },
    "a stranger's text in a letter": {
      bound: MAX_FORM_BYTES,
      read: (text) => sanitizeForEmail(text),
    },
    'name of an app': {
      bound: MAX_FORM_BYTES,
      read: (text) => [
        validators.name(text, {}, rules),
        reasonText(text, {}, rules),
        confusableSkeleton(text.slice(0, 128)),
      ],
    },
    'description of an app': {
      bound: MAX_FORM_BYTES,
      read: (text) => validators.description(text, {}, rules),
    },
    'name that is looked for': { bound: MAX_FORM_BYTES, read: normalizeAccountName },
    'lists of an app': {
      bound: MAX_FORM_BYTES,
      read(text) {
        const list = text.split(',');
        return [
          validators.scopes(list, {}, rules),
          validators.optionalScopes(list, { scopes: list.map((one) => `${one}x`) }, rules),
        ];
      },
    },
  };

  /** Steps that a character may cost. */
  const PER_CHARACTER = 100;

  for (const worst of worstTexts) {
    test(`${worst.reader}: ${worst.what}`, () => {
      const {
        bound,
        read,
        perCharacter = PER_CHARACTER,
        packages,
      } = readers[worst.reader] as Reader;
      const [half, whole] = [bound / 2, bound].map((length) => {
        const text = textOf(worst, length);
        return countSteps(
          () => read(text),
          () => read(textOf(worst, 200)),
          packages,
        );
      }) as [number, number];
      assert.ok(whole <= 2.2 * half + 1000, `twice the text: ${half} steps became ${whole}`);
      assert.ok(whole <= perCharacter * bound, `${whole} steps for ${bound} characters`);
    });
  }

  test('every reader has its worst text', () => {
    assert.deepEqual(
      [...new Set(worstTexts.map(({ reader }) => reader))].sort(),
      Object.keys(readers).sort(),
    );
  });

  test('the count is the same each time', () => {
    const counts = Array.from({ length: 5 }, () =>
      countSteps(() => parsePastedRequest(`GET /${'\na:b'.repeat(1000)}`)),
    );
    assert.deepEqual(counts, Array(5).fill(counts[0]));
  });

  test('the count sees what is quadratic: in loops of ours, in callbacks, in searches of the engine', () => {
    const list = (length: number) => Array.from({ length }, (_, index) => String(index));
    const careless: readonly ((length: number) => unknown)[] = [
      (length) => {
        let turns = 0;
        for (let one = 0; one < length; one++) for (let other = 0; other < one; other++) turns += 1;
        return turns;
      },
      (length) => list(length).filter((one) => list(length).includes(`${one}x`)),
      (length) => list(length).map((one) => list(length).find((other) => other === `${one}x`)),
      (length) => list(length).reduce((rest) => rest.replace('z', ''), 'x'.repeat(length)),
    ];
    for (const work of careless)
      assert.ok(countSteps(() => work(400)) > 3 * countSteps(() => work(200)), String(work));
  });

  /** Expressions that hold a server, among them those that did. */
  const slow = [
    String.raw`const a = /^([!#$%&'*+.^_|~\w-]+):[ \t]*(.*?)[ \t]*$/;`,
    String.raw`const a = /^([A-Za-z]{1,16})\s+(https?:\/\/[^/?#\s]+)?([^\s#]*)(?:\s+HTTP\/[\d.]+)?\s*$/;`,
    "text.replace(/=+$/, '');",
    String.raw`text.split(/\s*,\s*/);`,
    String.raw`const fields = { name: /^(?:[.-]?\d+)*$/i };`,
    'const a = /(a+)+b/y;',
  ];
  for (const source of slow) {
    test(`the linter refuses ${source}`, () => {
      const [found, ...more] = expressionsIn('slow.ts', source);
      assert.ok(found?.literal && more.length === 0);
      assert.equal(neverBacktracks(found.literal), false);
    });
  }

  test('the linter finds every expression of a text, and refuses to judge one that is put together', () => {
    const source =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
      'type A = { readonly b: string };\nconst a = (text: string): boolean => /^a/.test(text);\nnew RegExp(`^${a}$`);\nRegExp("a+")';
    assert.deepEqual(
      expressionsIn('some.ts', source).map(({ line, text, literal }) => [
        line,
        text,
        literal?.pattern ?? null,
      ]),
      [
        [2, '/^a/', '^a'],
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
        [3, 'new RegExp(`^${a}$`)', null],
        [4, 'RegExp("a+")', null],
      ],
    );
  });

  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let signing: string;
  before(async () => {
    world = new TestServer();
    [ada, ben] = [
      await world.createPerson('Ada', ['developer']),
      await world.createPerson('Ben', []),
    ];
    signing = (await world.createClient(ada, { name: 'Classic', protocol: 'oauth1' })).client.id;
    await world.createClient(ada, { name: 'Modern' });
  });
  after(() => world.close());

  async function paste(who: Account, fields: Readonly<Record<string, string>>) {
    const cookie = await world.sessionCookie(who);
    const page = await world.app.inject({ url: '/account', headers: { cookie } });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    return world.app.inject({
      method: 'POST',
      url: '/my/help',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf, ...fields }).toString(),
    });
  }

  test('the page: whoever has no app that signs is sent away before a text is read, and a text above the bound is not read', async () => {
    const hostile = `GET / HTTP/1.1\nx:${'\t'.repeat(2500)}\u2028a`;
    assert.equal(
      (await paste(ben, { app: signing, request: hostile })).headers.location,
      '/my/help',
    );
    assert.equal((await paste(ben, { request: hostile })).headers.location, '/my/help');
    assert.equal((await paste(ada, { app: signing, request: hostile })).statusCode, 400);
    assert.equal(
      (await paste(ada, { app: signing, request: `GET${' '.repeat(62_000)}a b` })).statusCode,
      400,
    );
    const theirs = await paste(ada, {
      app: signing,
      request: 'GET /',
      theirs: `GET&u&${'q%26'.repeat(10_000)}`,
    });
    assert.equal(theirs.statusCode, 400);
  });
});
