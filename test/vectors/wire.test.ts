import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatChallenges,
  parseBasicCredentials,
  parseBearerToken,
} from '#encoding/authorization.ts';
import { parseForm } from '#encoding/form.ts';
import { percentEncode } from '#encoding/percent.ts';
import { addQueryParameters, isRegisteredRedirectUri } from '#encoding/redirect-uri.ts';
import { parseScope } from '#encoding/scope.ts';
import { parseDuration } from '#kernel/time.ts';
import { isPkceText, pkceChallenge, pkceMatches } from '#keys/pkce.ts';
import { computeJwkThumbprint } from '#keys/thumbprint.ts';
import { cases } from './cases.ts';

for (const { name, input, expected } of cases('oauth1-percent-encoding')) {
  test(`percent-encoding: ${name}`, () =>
    assert.equal(percentEncode(input.text), expected.encoded));
}

for (const { name, input, expected } of cases('oauth1-form-decode', 'strict').filter(
  ({ note }) => !note?.startsWith('A lenient decoder takes'),
)) {
  test(`form: ${name}`, () => {
    const form = parseForm(input.form);
    if (expected.error) assert.equal(form.ok, false);
    else assert.deepEqual(form.ok && form.value, expected.pairs);
  });
}

for (const { name, input, expected } of cases('client-auth-basic')) {
  test(`basic: ${name}`, () => {
    const basic = parseBasicCredentials(input.authorization);
    if (expected.error) assert.equal(basic.ok, false);
    else
      assert.deepEqual(basic.ok && basic.value, {
        id: expected.clientId,
        secret: expected.clientSecret,
      });
  });
}

for (const { name, input, expected } of cases('bearer-validation').filter(
  ({ input }) => input.kind === 'authorization-header',
)) {
  test(`bearer header: ${name}`, () => {
    const token = parseBearerToken(input.header);
    assert.equal(token !== undefined, expected.bearer);
    if (expected.bearer) assert.equal(token?.ok ? token.value : undefined, expected.token);
  });
}

for (const { name, input, expected } of cases('www-authenticate').filter(
  ({ input }) => input.kind === 'format',
)) {
  test(`challenge: ${name}`, () =>
    assert.equal(formatChallenges(input.challenges), expected.header));
}

for (const { name, input, expected } of cases('redirect-uri-match', 'loopback-ip-only')) {
  test(`redirect URI: ${name}`, () =>
    assert.equal(isRegisteredRedirectUri(input.registered, input.requested), expected.accepted));
}

for (const { name, input, expected } of cases('redirect-response').filter(
  ({ input }) => input.responseMode === 'query',
)) {
  test(`redirect answer: ${name}`, () => {
    const [base, query = ''] = addQueryParameters(
      input.redirectUri,
      Object.entries(input.params),
    ).split('?', 2) as [string, string];
    assert.equal(base, expected.base);
    assert.ok(query.startsWith(expected.existingQuery));
    const added = parseForm(query.slice(expected.existingQuery.length));
    assert.deepEqual(added.ok && Object.fromEntries(added.value), expected.addedParams);
  });
}

for (const { name, input, expected } of cases('scope-parsing').filter(
  ({ input }) => input.kind === 'parse' && input.scope !== null,
)) {
  test(`scope: ${name}`, () => {
    const tokens = parseScope(input.scope);
    assert.equal(tokens !== undefined, expected.abnfValid);
    if (expected.abnfValid) assert.deepEqual(tokens, expected.tokens);
  });
}

for (const { name, input, expected } of cases('ttl-durations')) {
  test(`duration: ${name}`, () =>
    assert.equal(parseDuration(String(input.value)), expected.seconds));
}

for (const { name, input, expected } of cases('pkce')) {
  if (input.kind === 'challenge')
    test(`pkce: ${name}`, () =>
      assert.equal(
        input.method === 'S256' ? pkceChallenge(input.verifier) : input.verifier,
        expected.challenge,
      ));
  if (input.kind === 'verifier-syntax')
    test(`pkce: ${name}`, () => assert.equal(isPkceText(input.verifier), expected.valid));
  if (input.kind === 'verify')
    test(`pkce: ${name}`, () =>
      assert.equal(
        pkceMatches(input.codeChallengeMethod, input.codeChallenge, input.codeVerifier ?? ''),
        expected.accepted,
      ));
}

for (const { name, input, expected } of cases('jwk-thumbprint')) {
  test(`thumbprint: ${name}`, () => {
    const print = computeJwkThumbprint(input.jwk, input.hash);
    if (expected.error) return assert.equal(print.ok, false);
    assert.equal(print.ok && print.value.thumbprint, expected.thumbprint);
    assert.equal(print.ok && print.value.hashInput, expected.hashInput);
    if (expected.uri) assert.equal(print.ok && print.value.uri, expected.uri);
  });
}
