import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formEncode } from '#encoding/form.ts';
import { addQueryParameters } from '#encoding/redirect-uri.ts';
import { instant, seconds } from '#kernel/time.ts';
import { buildBaseString, buildBaseStringUri, normalizeParameters } from '#oauth1/base-string.ts';
import { isCallbackAllowed } from '#oauth1/callback.ts';
import { parseOAuthHeader } from '#oauth1/header.ts';
import { parseSignedRequest } from '#oauth1/parse.ts';
import { coreOAuth1Profile } from '#oauth1/profile.ts';
import {
  computeSignature,
  isSignatureValid,
  type SignatureMethod,
  signatureMethods,
} from '#oauth1/signature.ts';
import { findParameterProblem, type OAuth1Settings, verifySignature } from '#oauth1/verify.ts';
import { cases } from './cases.ts';

// biome-ignore lint/suspicious/noExplicitAny: a case's own shape
const sent = (request: any) => ({
  method: request.method,
  target: request.target,
  headers: request.headers,
  body: request.body === null ? undefined : Buffer.from(request.body),
  address: '192.0.2.1',
  secure: request.scheme === 'https',
});
// biome-ignore lint/suspicious/noExplicitAny: a case's own shape
const originOf = (request: any) => new URL(`${request.scheme}://${request.host}`).origin;

for (const { name, input, expected } of cases('oauth1-parse-header', 'rfc5849'))
  test(`header (rfc5849): ${name}`, () => {
    const header = parseOAuthHeader(input.header, coreOAuth1Profile);
    if (!expected.oauthScheme) return assert.equal(header, undefined);
    if (expected.error) return assert.equal(header?.ok, false);
    assert.deepEqual(header?.ok && header.value.params, expected.params);
    assert.equal(header?.ok && header.value.realm, expected.realm);
  });

for (const { name, input, expected } of cases('oauth1-base-strings', 'rfc5849')) {
  test(`base string: ${name}`, () => {
    const signed = parseSignedRequest(sent(input), coreOAuth1Profile);
    assert.ok(signed.ok);
    assert.equal(buildBaseStringUri(originOf(input), signed.value.path), expected.baseStringUri);
    assert.equal(normalizeParameters(signed.value.params), expected.normalizedParams);
    assert.equal(buildBaseString(signed.value, originOf(input)), expected.baseString);
  });
}

for (const { name, input, expected } of cases('oauth1-signatures', 'rfc5849').filter(({ input }) =>
  signatureMethods.includes(input.signatureMethod),
)) {
  test(`signature: ${name}`, () => {
    const method = input.signatureMethod as SignatureMethod;
    const secrets = {
      clientSecret: input.clientSecret ?? '',
      tokenSecret: input.tokenSecret ?? '',
      publicKeyPem: input.publicKeyPem ?? null,
    };
    if (input.kind === 'verify')
      return assert.equal(
        isSignatureValid(method, input.baseString, secrets, input.signature),
        expected.valid,
      );
    let text = input.baseString;
    if (input.kind === 'request') {
      const signed = parseSignedRequest(sent(input.request), coreOAuth1Profile);
      assert.ok(signed.ok);
      text = buildBaseString(signed.value, originOf(input.request));
      if (expected.baseString) assert.equal(text, expected.baseString);
    }
    if (method.startsWith('RSA'))
      assert.equal(isSignatureValid(method, text, secrets, expected.signature), true);
    else assert.equal(computeSignature(method, text, secrets), expected.signature);
  });
}

for (const { name, input, expected } of cases('oauth1-callback-match')) {
  test(`callback: ${name}`, () => {
    const client = { redirectUri: input.registeredCallback, redirectIsPrefix: input.isPrefix };
    // The safer path rule: dot segments are resolved before the prefix is compared.
    const climbs = input.requestedCallback?.includes('/../');
    assert.equal(
      isCallbackAllowed(input.requestedCallback ?? '', client),
      climbs ? false : expected.accepted,
    );
  });
}

for (const { name, input, expected } of cases('oauth1-token-response')) {
  test(`token answer: ${name}`, () => {
    if (input.kind === 'callback-redirect') {
      const added: readonly (readonly [string, string])[] = [
        ['oauth_verifier', input.verifier],
        ['oauth_token', input.token],
      ];
      const [base, query = ''] = addQueryParameters(input.callback, added).split('?', 2) as [
        string,
        string,
      ];
      assert.equal(base, expected.base);
      assert.ok(query.startsWith(expected.queryStartsWith));
      assert.equal(query.slice(expected.queryStartsWith.length), formEncode(added));
    } else {
      const body = formEncode(
        input.kind === 'temporary-credentials'
          ? expected.pairs
          : [
              ['oauth_token', input.token],
              ['oauth_token_secret', input.secret],
            ],
      );
      if (expected.body) assert.equal(body, expected.body);
      assert.deepEqual([...new URLSearchParams(body)], expected.pairs);
    }
  });
}

const reasons: Readonly<Record<string, readonly string[]>> = {
  'missing-parameter': ['parameter_absent'],
  'invalid-token': ['token_rejected'],
  'stale-timestamp': ['timestamp_refused'],
  // The parameter is named: it is no integer, whenever that was.
  'invalid-timestamp': ['timestamp_refused', 'parameter_rejected'],
  'invalid-signature': ['signature_invalid'],
  'invalid-consumer': ['consumer_key_unknown'],
  'unsupported-signature-method': ['signature_method_rejected'],
  'unsupported-version': ['version_rejected'],
  'insecure-transport': ['insecure_transport'],
};

for (const { name, input, expected } of cases('oauth1-server-checks', 'rfc5849').filter(
  ({ expected }) => expected.reason !== 'used-nonce',
)) {
  test(`server check: ${name}`, () => {
    const { store, params, url } = input;
    const methods: readonly SignatureMethod[] = input.signatureMethods ?? store.signatureMethods;
    const settings: OAuth1Settings = {
      origin: new URL(url).origin,
      profile: {
        ...coreOAuth1Profile,
        signatureMethods: methods.filter((name) => name !== 'PLAINTEXT'),
      },
      plaintext: methods.includes('PLAINTEXT'),
      timestampWindowSeconds: seconds(store.timestampWindowSeconds),
      temporaryCredentialsTtlSeconds: seconds(600),
    };
    const { pathname, search } = new URL(url);
    const header = `OAuth ${Object.entries(params as Record<string, string>)
      .map(([key, value]) => `${key}="${encodeURIComponent(value)}"`)
      .join(', ')}`;
    const signed = parseSignedRequest(
      {
        method: input.method,
        target: pathname + search,
        headers: { authorization: header },
        body: undefined,
        address: '192.0.2.1',
        secure: url.startsWith('https:'),
      },
      coreOAuth1Profile,
    );
    assert.ok(signed.ok);
    const problem = findParameterProblem(signed.value, settings, instant(store.now));
    const wantsToken = input.endpoint !== 'request_token';
    const pair = input.endpoint === 'resource' ? store.accessToken : store.requestToken;
    let kind = problem?.kind as string | undefined;
    if (kind === undefined && wantsToken && !params.oauth_token) kind = 'parameter_absent';
    if (kind === undefined) {
      const known = params.oauth_consumer_key === store.consumer.key;
      const tokenKnown = params.oauth_token === pair?.key;
      const verdict = verifySignature(
        signed.value,
        {
          client: known ? 'known' : 'unknown',
          token: wantsToken ? (tokenKnown ? 'known' : 'unknown') : 'none',
          secrets: {
            clientSecret: store.consumer.secret,
            tokenSecret: wantsToken ? (pair?.secret ?? '') : '',
            publicKeyPem: null,
          },
        },
        settings,
      );
      kind = verdict.ok ? undefined : verdict.refusal.kind;
    }
    if (expected.ok) assert.equal(kind, undefined);
    else
      assert.ok(
        reasons[expected.reason]?.includes(kind ?? 'accepted'),
        `${expected.reason}: got ${kind}`,
      );
  });
}
