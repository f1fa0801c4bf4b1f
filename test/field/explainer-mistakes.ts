import { createHash } from 'node:crypto';
import {
  type FaultyRequest,
  normalizedParameters,
  type ParameterPair,
  rfc5849Encode,
} from '#harness/mistakes.ts';
import type { FindingKind } from '#oauth1/diagnosis/finding.ts';

/** One mistake, what is found, and words that its sentence has. */
export interface Mistake {
  readonly name: string;
  readonly recipe: FaultyRequest | ((now: number) => FaultyRequest);
  readonly found: readonly FindingKind[];
  /** Parts of the sentences. */
  readonly says: readonly string[];
  /** Only with secrets that no app of ours has. */
  readonly oddSecrets?: true;
  readonly dialect?: true;
}

const origin = 'https://gate.example';
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const json = { 'Content-Type': 'application/json' };
const row = (
  name: string,
  recipe: Mistake['recipe'],
  found: FindingKind | readonly FindingKind[],
  ...says: readonly string[]
): Mistake => ({
  name,
  recipe,
  found: [found].flat() as readonly FindingKind[],
  says,
});
const at = (uri: string): FaultyRequest => ({ uri: (right) => right.replace(origin, uri) });
const joined = (pairs: readonly ParameterPair[], code: (text: string) => string, value = code) =>
  pairs
    .map(([a, x]) => [code(a), value(x)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map((pair) => pair.join('='))
    .join('&');
const without =
  (...names: readonly string[]) =>
  (pairs: readonly ParameterPair[]) =>
    pairs.filter(([name]) => !names.includes(name));
const and =
  (...more: readonly ParameterPair[]) =>
  (pairs: readonly ParameterPair[]) => [...pairs, ...more];
const latin1 = (text: string) =>
  [...text]
    .map((char) =>
      char <= '\x7f' ? rfc5849Encode(char) : `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    )
    .join('');
const plus = (text: string) => rfc5849Encode(text).replaceAll('%20', '+');
const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
const multi = (parts: string) => `--xyz\r\n${parts}\r\n--xyz--\r\n`;
const field = (name: string, value: string) =>
  `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
const unescaped = (pairs: readonly ParameterPair[]) =>
  `OAuth ${pairs.map(([name, value]) => `${name}="${name === 'oauth_signature' ? value : rfc5849Encode(value)}"`).join(', ')}`;

export const mistakes: readonly Mistake[] = [
  // The host and the path before it.
  row(
    '127.0.0.1 for the name',
    at('http://127.0.0.1:4400'),
    'other-host',
    'http://127.0.0.1:4400',
    origin,
  ),
  row('localhost', at('http://localhost:4400'), 'other-host', 'http://localhost:4400'),
  row('localhost by https, no port', at('https://localhost'), 'other-host', 'https://localhost'),
  row('[::1]', at('http://[::1]:8080'), 'other-host', 'http://[::1]:8080'),
  row('0.0.0.0', at('http://0.0.0.0:3000'), 'other-host', 'http://0.0.0.0:3000'),
  row(
    'the inner name behind a proxy, in Host',
    { ...at('http://app:3000'), headers: { Host: 'app:3000' } },
    'other-host',
    'http://app:3000',
  ),
  row(
    'the inner name without its port',
    { ...at('http://app'), headers: { Host: 'app:3000' } },
    'other-host',
    'http://app',
  ),
  row(
    'the outer name of a proxy',
    { ...at('https://www.shop.example'), headers: { 'X-Forwarded-Host': 'www.shop.example' } },
    'other-host',
    'www.shop.example',
  ),
  row(
    'the second of two outer names',
    { ...at('https://b.example'), headers: { 'X-Forwarded-Host': 'a.example, b.example' } },
    'other-host',
    'b.example',
  ),
  row(
    'a forwarded port',
    { ...at('http://app:8081'), headers: { Host: 'app', 'X-Forwarded-Port': '8081' } },
    'other-host',
    'http://app:8081',
  ),
  row(
    'a usual inner name that nothing shows',
    at('http://gatehouse:4400'),
    'other-host',
    'http://gatehouse:4400',
  ),
  row('with www', at('https://www.gate.example'), 'other-host', 'https://www.gate.example'),
  row('http for https', at('http://gate.example'), 'other-scheme', 'http://gate.example', origin),
  row(
    'http with the port of https',
    at('http://gate.example:443'),
    'other-scheme',
    'http://gate.example:443',
  ),
  row('the usual port', at('https://gate.example:443'), 'with-port', 'https://gate.example:443'),
  row('an inner port', at('https://gate.example:8443'), 'with-port', 'https://gate.example:8443'),
  row(
    'an inner port by http',
    { ...at('http://gate.example:3000'), headers: { Host: 'gate.example:3000' } },
    'other-scheme',
    ':3000',
  ),
  row(
    'the host in capitals',
    { ...at('https://GATE.example'), headers: { Host: 'GATE.example' } },
    'host-in-capitals',
    'GATE.example',
  ),
  row(
    'no scheme',
    { uri: (right) => right.slice('https://'.length) },
    'host-missing',
    'gate.example/api',
  ),
  row(
    'the path alone',
    { uri: (right) => right.slice(origin.length) },
    'host-missing',
    '/api/v1/me',
  ),
  row(
    'a prefix that the proxy takes away',
    { uri: (right) => right.replace(origin, `${origin}/auth`) },
    'path-prefix',
    '/auth/api/v1/me',
  ),
  row(
    'a prefix named by the proxy',
    {
      uri: (right) => right.replace(origin, `${origin}/deep/in`),
      headers: { 'X-Forwarded-Prefix': '/deep/in' },
    },
    'path-prefix',
    '/deep/in/api',
  ),
  row('a prefix left out', { uri: `${origin}/me` }, 'path-prefix', '/me'),
  row(
    'another host and a prefix',
    { ...at('http://127.0.0.1:4400/auth'), headers: { Host: '127.0.0.1:4400' } },
    ['other-host', 'path-prefix'],
    '127.0.0.1',
    '/auth/api/v1/me',
  ),
  row(
    'another host and a slash',
    { uri: (right) => `${right.replace(origin, 'http://localhost:4400')}/` },
    ['other-host', 'trailing-slash'],
    'localhost',
  ),
  row('a slash at the end', { uri: (right) => `${right}/` }, 'trailing-slash', '/api/v1/me/'),
  row('no slash at the end', { target: '/x/', uri: `${origin}/x` }, 'trailing-slash', '/x/'),
  row('no path', { uri: origin }, 'path-missing', '/api/v1/me'),
  row(
    'another endpoint',
    { method: 'POST', target: '/oauth1/token', uri: `${origin}/oauth1/initiate` },
    'other-path',
    '/oauth1/initiate',
  ),
  row(
    'the query in the address',
    { uri: (right) => `${right}?b%20b=x%20y&a=1` },
    'with-query-in-uri',
    'does not belong to the address',
  ),
  // The path, decoded or encoded again.
  row(
    'the path decoded',
    { target: '/a%20b?c=1', uri: `${origin}/a b` },
    'path-decoded',
    '/a b',
    '/a%20b',
  ),
  row(
    'a slash in the path decoded',
    { target: '/a%2Fb', uri: `${origin}/a/b` },
    'path-decoded',
    '/a/b',
  ),
  row(
    'the path encoded again',
    { target: '/a%20b', uri: `${origin}/a%2520b` },
    'path-encoded-otherwise',
    '/a%2520b',
  ),
  row(
    'a colon encoded',
    {
      target: '/wiki/Special:OAuth/token',
      uri: `${origin}/wiki/Special%3AOAuth/token`,
      method: 'POST',
      overrides: {},
    },
    'path-encoded-otherwise',
    '%3AOAuth',
  ),
  row(
    'an @ encoded',
    { target: '/foo@bar', uri: `${origin}/foo%40bar` },
    'path-encoded-otherwise',
    '/foo%40bar',
  ),
  row(
    'escapes in capitals',
    { target: '/a%2fb', uri: `${origin}/a%2Fb` },
    'path-encoded-otherwise',
    '/a%2Fb',
  ),
  row(
    'letters raw that were sent escaped',
    { target: '/s%C3%A3n', uri: `${origin}/sãn` },
    'path-decoded',
    '/sãn',
  ),
  row('two slashes as one', { target: '/a//b', uri: `${origin}/a/b` }, 'path-normalised', '/a//b'),
  row('dots resolved', { target: '/a/../b', uri: `${origin}/b` }, ['path-normalised'], '/b'),
  row(
    'the path in small letters',
    { target: '/Api/Me', uri: `${origin}/api/me` },
    'path-normalised',
    '/api/me',
  ),
  row(
    'what follows a semicolon',
    { target: '/x;v=1', uri: `${origin}/x` },
    'path-normalised',
    '/x;v=1',
  ),
  // The method.
  row('GET for HEAD', { method: 'HEAD', signMethod: 'GET' }, 'other-method', 'GET', 'HEAD'),
  row('HEAD for GET', { signMethod: 'HEAD' }, 'other-method', 'HEAD was signed', 'GET was sent'),
  row(
    'POST for PUT',
    { method: 'PUT', signMethod: 'POST' },
    'other-method',
    'POST was signed',
    'PUT was sent',
  ),
  row('PUT for POST', { method: 'POST', signMethod: 'PUT' }, 'other-method', 'PUT was signed'),
  row('POST for GET', { signMethod: 'POST' }, 'other-method', 'POST was signed'),
  row(
    'POST for DELETE',
    { method: 'DELETE', signMethod: 'POST' },
    'other-method',
    'POST was signed',
  ),
  row(
    'PATCH for POST',
    { method: 'POST', signMethod: 'PATCH' },
    'other-method',
    'PATCH was signed',
  ),
  row(
    'GET for OPTIONS',
    { method: 'OPTIONS', signMethod: 'GET' },
    'other-method',
    'OPTIONS was sent',
  ),
  row('small letters', { signMethod: 'get' }, 'lower-case-method', 'GET, not get'),
  row(
    'another method and another host',
    {
      method: 'HEAD',
      signMethod: 'GET',
      ...at('http://localhost:4400'),
      headers: { Host: 'localhost:4400' },
    },
    ['other-method', 'other-host'],
    'GET',
    'localhost',
  ),
  // Bodies.
  row(
    'members of JSON',
    {
      method: 'POST',
      headers: json,
      body: '{"title":"a b","n":1}',
      pairs: and(['title', 'a b'], ['n', '1']),
    },
    'json-signed',
    'JSON',
    'application/json',
  ),
  row(
    'nested JSON, in brackets',
    {
      method: 'POST',
      headers: json,
      body: '{"a":{"b":[1,null]}}',
      pairs: and(['a[b][0]', '1'], ['a[b][1]', '']),
    },
    'json-signed',
    'JSON',
  ),
  row(
    'a list in JSON, repeated',
    { method: 'PUT', headers: json, body: '{"a":["x","y"]}', pairs: and(['a', 'x'], ['a', 'y']) },
    'json-signed',
    'JSON',
  ),
  row(
    'nested JSON as text',
    {
      method: 'PATCH',
      headers: json,
      body: '{"a":{"b":1},"c":true}',
      pairs: and(['a', '{"b":1}'], ['c', 'true']),
    },
    'json-signed',
    'JSON',
  ),
  row(
    'JSON without its type',
    {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: '{"a":1}',
      pairs: and(['a', '1']),
    },
    'json-signed',
    'text/plain',
  ),
  row(
    'the whole JSON as a name',
    { method: 'POST', headers: json, body: '{"a":1}', pairs: and(['{"a":1}', '']) },
    'body-signed',
    'application/json',
  ),
  row(
    'fields of multipart',
    {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=xyz' },
      body: multi(field('text', 'hi there')),
      pairs: and(['text', 'hi there']),
    },
    'multipart-signed',
    'multipart',
  ),
  row(
    'fields of multipart beside a file',
    {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary="xyz"' },
      body: multi(
        `${field('text', 'hi')}\r\n--xyz\r\nContent-Disposition: form-data; name="file"; filename="ä.txt"\r\nContent-Type: text/plain\r\n\r\nabc`,
      ),
      pairs: and(['text', 'hi']),
    },
    'multipart-signed',
    'multipart',
  ),
  row(
    'the name of a file',
    {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=xyz' },
      body: multi('Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc'),
      pairs: and(['file', 'a.txt']),
    },
    'multipart-signed',
    'multipart',
  ),
  row(
    'a form without its type',
    {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: 'x=1&y=2',
      pairs: and(['x', '1'], ['y', '2']),
    },
    'body-signed',
    'text/plain',
  ),
  row(
    'the form left out',
    { method: 'POST', target: '/x', headers: form, body: 'x=1&y=2', pairs: without('x', 'y') },
    'only-oauth-parameters',
    'Only the oauth_ parameters',
  ),
  row(
    'the form left out beside a query',
    { method: 'POST', target: '/x?q=1', headers: form, body: 'x=1&y=2', pairs: without('x', 'y') },
    'form-not-signed',
    'of the form were not signed',
  ),
  row(
    'the query left out beside a form',
    { method: 'POST', target: '/x?q=1', headers: form, body: 'x=1', pairs: without('q') },
    'query-not-signed',
    'of the query were not signed',
  ),
  // Plus, spaces, characters.
  row(
    'a + of the query kept',
    { target: '/x?q=san+pham', pairs: (all) => all.map(([a, x]) => [a, x.replace(' ', '+')]) },
    'plus-kept',
    'stands for a space',
  ),
  row(
    'a + of the form kept',
    {
      method: 'POST',
      target: '/x',
      headers: form,
      body: 'q=a+b',
      pairs: (all) => all.map(([a, x]) => [a, x.replace(' ', '+')]),
    },
    'plus-kept',
    'stands for a space',
  ),
  row(
    'a + in a name kept',
    { target: '/x?a+b=1', pairs: (all) => all.map(([a, x]) => [a.replace(' ', '+'), x]) },
    'plus-kept',
    'stands for a space',
  ),
  row(
    'a %2B lost',
    { target: '/x?q=a%2Bb', pairs: (all) => all.map(([a, x]) => [a, x.replace('+', ' ')]) },
    'plus-lost',
    'It is a plus',
  ),
  row('+ signed for a space', { params: (pairs) => joined(pairs, plus) }, 'plus-for-space', '%20'),
  row(
    'the serializer of forms',
    {
      target: '/x?a=b%20*~',
      params: (pairs) =>
        joined(pairs, (text) => new URLSearchParams([['', text]]).toString().slice(1)),
    },
    'plus-for-space',
    '%20',
  ),
  row(
    'Latin-1',
    { target: '/x?q=%C3%A9t%C3%A9', params: (pairs) => joined(pairs, latin1) },
    'latin-1',
    'Latin-1',
  ),
  row(
    'UTF-8 twice',
    {
      target: '/x?q=%C3%A9',
      params: (pairs) =>
        joined(pairs, (text) => rfc5849Encode(Buffer.from(text).toString('latin1'))),
    },
    'utf8-twice',
    'twice',
  ),
  row(
    'another form of Unicode',
    {
      target: '/x?q=%C3%A9',
      params: (pairs) => joined(pairs, (text) => rfc5849Encode(text.normalize('NFD'))),
    },
    'unicode-form',
    'Unicode',
  ),
  row(
    'encoded twice',
    { params: (pairs) => joined(pairs, (text) => rfc5849Encode(rfc5849Encode(text))) },
    'encoded-twice',
    'twice',
  ),
  row(
    'names encoded twice',
    {
      target: '/x?a%5B%5D=1',
      params: (pairs) => joined(pairs, (text) => rfc5849Encode(rfc5849Encode(text)), rfc5849Encode),
    },
    'encoded-twice',
    'twice',
  ),
  row(
    'values encoded twice',
    {
      params: (pairs) => joined(pairs, rfc5849Encode, (text) => rfc5849Encode(rfc5849Encode(text))),
    },
    'encoded-twice',
    'twice',
  ),
  row(
    'the callback encoded twice',
    {
      overrides: { oauth_callback: 'https://a.example/cb?x=1' },
      pairs: (all) => all.map(([a, x]) => [a, a === 'oauth_callback' ? rfc5849Encode(x) : x]),
    },
    'encoded-twice',
    'twice',
  ),
  row(
    'not encoded',
    { params: (pairs) => joined(pairs, (text) => text) },
    'encoded-once-less',
    'not percent-encoded',
  ),
  row(
    'encodeURIComponent',
    { target: "/x?q=it's(1)!", params: (pairs) => joined(pairs, encodeURIComponent) },
    'encoded-in-part',
    "!*'()",
  ),
  row(
    'encodeURI',
    { target: '/x?q=a%2Fb%20c', params: (pairs) => joined(pairs, encodeURI) },
    'encoded-in-part',
    'not that of OAuth',
  ),
  row(
    'a tilde encoded',
    {
      target: '/x?q=~a',
      params: (pairs) => joined(pairs, (text) => rfc5849Encode(text).replaceAll('~', '%7E')),
    },
    'encoded-in-part',
    'no ~',
  ),
  row(
    'escapes in small letters',
    {
      target: '/x?q=a%2Fb',
      params: (pairs) =>
        joined(pairs, (text) => rfc5849Encode(text).replace(/%../g, (one) => one.toLowerCase())),
    },
    'lower-case-escapes',
    '%2F, not %2f',
  ),
  // Which parameters.
  row(
    'the query left out',
    { pairs: without('b b', 'a') },
    'only-oauth-parameters',
    'Only the oauth_ parameters',
  ),
  ...[
    'a',
    'b b',
    'oauth_nonce',
    'oauth_timestamp',
    'oauth_token',
    'oauth_consumer_key',
    'oauth_signature_method',
  ].map((name) =>
    row(
      `${name} left out`,
      { pairs: without(name) },
      'parameter-not-signed',
      `${name} is in the request, and was not signed`,
    ),
  ),
  row(
    'oauth_version left out',
    { overrides: { oauth_version: '1.0' }, pairs: without('oauth_version') },
    'parameter-not-signed',
    'oauth_version is in the request',
  ),
  row(
    'oauth_verifier left out',
    { overrides: { oauth_verifier: 'v' }, pairs: without('oauth_verifier') },
    'parameter-not-signed',
    'oauth_verifier',
  ),
  row(
    'a parameter without a value left out',
    { target: '/x?a=&b=1', pairs: without('a') },
    'empty-not-signed',
    'a has no value',
  ),
  row(
    'a bare name left out',
    { target: '/x?a&b=1', pairs: without('a') },
    'empty-not-signed',
    'a has no value',
  ),
  row(
    'an empty oauth_token left out',
    { overrides: { oauth_token: '' }, pairs: without('oauth_token') },
    'empty-not-signed',
    'oauth_token has no value',
  ),
  row(
    'an empty oauth_token signed',
    { overrides: { oauth_token: undefined }, pairs: and(['oauth_token', '']) },
    'empty-token-signed',
    'An empty oauth_token was signed',
  ),
  row(
    'an implied version signed',
    { pairs: and(['oauth_version', '1.0']) },
    'version-signed',
    'oauth_version was signed (1.0)',
  ),
  row(
    'the realm signed',
    { realm: 'Gate', pairs: and(['realm', 'Gate']) },
    'realm-signed',
    'realm',
  ),
  row('an empty realm signed', { realm: '', pairs: and(['realm', '']) }, 'realm-signed', 'realm'),
  row(
    'an empty signature signed',
    { pairs: and(['oauth_signature', '']) },
    'parameter-signed',
    'oauth_signature was signed',
  ),
  row(
    'a callback signed and not sent',
    { overrides: { oauth_token: undefined }, pairs: and(['oauth_callback', 'oob']) },
    'parameter-signed',
    'oauth_callback was signed (oob)',
  ),
  row(
    'a repeated name signed once, the last',
    { target: '/x?a=1&a=2', pairs: (all) => all.slice(1) },
    'repeated-name-signed-once',
    'a is sent more than once',
  ),
  row(
    'a repeated name signed once, the first',
    { target: '/x?p[]=1&p[]=2', pairs: (all) => [all[0] as ParameterPair, ...all.slice(2)] },
    'repeated-name-signed-once',
    'p[]',
  ),
  row(
    'a repeated name joined',
    { target: '/x?a=1&a=2', pairs: (all) => [['a', '1,2'], ...all.slice(2)] },
    'repeated-name-signed-once',
    'a is sent more than once',
  ),
  row(
    'two left out',
    { pairs: without('a', 'oauth_nonce') },
    'two-not-signed',
    'a, oauth_nonce are in the request',
  ),
  row(
    'credentials of another scheme',
    { header: () => 'Bearer S3cr3t' },
    ['header-not-oauth'],
    'begins with Bearer.',
  ),
  row(
    'a comma behind the scheme',
    {
      header: (pairs) => `OAuth, ${pairs.map(([a, x]) => `${a}="${rfc5849Encode(x)}"`).join(', ')}`,
    },
    ['header-not-oauth'],
    'begins with OAuth,',
  ),
  row(
    'a quotation mark too few',
    {
      header: (pairs) =>
        `OAuth ${pairs.map(([a, x]) => `${a}="${rfc5849Encode(x)}"`).join(', ')}, x="1`,
    },
    ['header-unreadable'],
    'cannot be read at "1',
  ),
  // The order.
  row(
    'not sorted',
    { params: (pairs) => pairs.map((pair) => pair.map(rfc5849Encode).join('=')).join('&') },
    'not-sorted',
    'not sorted',
  ),
  row(
    'header first',
    {
      params: (pairs) =>
        [...pairs.slice(2), ...pairs.slice(0, 2)]
          .map((pair) => pair.map(rfc5849Encode).join('='))
          .join('&'),
    },
    'not-sorted',
    'not sorted',
  ),
  row(
    'two sorted lists, one behind the other',
    {
      target: '/x?z=1&y=1',
      params: (pairs) =>
        [normalizedParameters(pairs.slice(0, 2)), normalizedParameters(pairs.slice(2))].join('&'),
    },
    'not-sorted',
    'not sorted',
  ),
  row(
    'joined, then sorted',
    {
      target: '/x?a=1&a-b=2',
      params: (pairs) =>
        pairs
          .map((pair) => pair.map(rfc5849Encode).join('='))
          .sort()
          .join('&'),
    },
    'sorted-as-joined',
    'name=value texts',
  ),
  row(
    'sorted before encoding',
    {
      target: '/x?a%C3%A9=1&a~=2&az=3',
      params: (pairs) =>
        [...pairs]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map((pair) => pair.map(rfc5849Encode).join('='))
          .join('&'),
    },
    'sorted-before-encoding',
    'Encode first',
  ),
  row(
    'sorted without regard to capitals',
    {
      target: '/x?B=1&a=2',
      params: (pairs) =>
        [...pairs]
          .sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
          .map((pair) => pair.map(rfc5849Encode).join('='))
          .join('&'),
    },
    'sorted-ignoring-case',
    'capital',
  ),
  row(
    'values not sorted',
    {
      target: '/x?a=2&a=1&0=0',
      params: (pairs) =>
        [...pairs]
          .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
          .map((pair) => pair.map(rfc5849Encode).join('='))
          .join('&'),
    },
    'values-not-sorted',
    'same name',
  ),
  // How the text is put together.
  row(
    'the address not encoded',
    { base: (method, uri, params) => `${method}&${uri}&${rfc5849Encode(params)}` },
    'pieces-not-encoded',
    'once more',
  ),
  row(
    'the parameters not encoded',
    { base: (method, uri, params) => `${method}&${rfc5849Encode(uri)}&${params}` },
    'pieces-not-encoded',
    'once more',
  ),
  row(
    'nothing encoded',
    { base: (method, uri, params) => `${method}&${uri}&${params}` },
    'pieces-not-encoded',
    'once more',
  ),
  row(
    'the parameters encoded twice',
    {
      base: (method, uri, params) =>
        `${method}&${rfc5849Encode(uri)}&${rfc5849Encode(rfc5849Encode(params))}`,
    },
    'pieces-encoded-twice',
    'once too often',
  ),
  row(
    'the whole encoded',
    { base: (...parts) => rfc5849Encode(parts.map(rfc5849Encode).join('&')) },
    'pieces-encoded-twice',
    'once too often',
  ),
  // The key.
  row(
    'no token secret',
    { key: (client) => `${rfc5849Encode(client)}&` },
    'token-secret-missing',
    'token secret was left out',
  ),
  row(
    'no client secret',
    { key: (_, token) => `&${rfc5849Encode(token)}` },
    'client-secret-missing',
    'client secret was left out',
  ),
  row(
    'no ampersand',
    { key: (client, token) => rfc5849Encode(client) + rfc5849Encode(token) },
    'ampersand-missing',
    'The &',
  ),
  row(
    'no ampersand without a token',
    { overrides: { oauth_token: undefined }, key: (client) => rfc5849Encode(client) },
    'ampersand-missing',
    'The &',
  ),
  row(
    'swapped',
    { key: (client, token) => `${rfc5849Encode(token)}&${rfc5849Encode(client)}` },
    'secrets-swapped',
    'swapped',
  ),
  row(
    'a line break behind a secret',
    { key: (client, token) => `${rfc5849Encode(`${client}\n`)}&${rfc5849Encode(token)}` },
    'secret-with-blank',
    'line break',
  ),
  row(
    'a blank behind the token secret',
    { key: (client, token) => `${rfc5849Encode(client)}&${rfc5849Encode(`${token} `)}` },
    'secret-with-blank',
    'blank',
  ),
  {
    ...row(
      'secrets not encoded',
      { key: (client, token) => `${client}&${token}` },
      'secrets-not-encoded',
      'percent-encoded before',
    ),
    oddSecrets: true,
  },
  {
    ...row(
      'secrets encoded twice',
      {
        key: (client, token) =>
          `${rfc5849Encode(rfc5849Encode(client))}&${rfc5849Encode(rfc5849Encode(token))}`,
      },
      'secrets-encoded-twice',
      'twice',
    ),
    oddSecrets: true,
  },
  row(
    'no token secret, and another host',
    {
      key: (client) => `${rfc5849Encode(client)}&`,
      ...at('http://127.0.0.1:4400'),
      headers: { Host: '127.0.0.1:4400' },
    },
    ['token-secret-missing', 'other-host'],
    'token secret',
    '127.0.0.1',
  ),
  // How the signature is written.
  row('escaped twice', { encodeSignature: rfc5849Encode }, 'signature-escaped-twice', 'twice'),
  row(
    'escaped three times',
    { encodeSignature: (text) => rfc5849Encode(rfc5849Encode(text)) },
    'signature-escaped-twice',
    'twice',
  ),
  row(
    'without =',
    { encodeSignature: (text) => text.replaceAll('=', '') },
    'signature-unpadded',
    'lacks the =',
  ),
  row(
    'a newline at the end',
    { encodeSignature: (text) => `${text}\n` },
    'signature-with-newline',
    'line breaks',
  ),
  row(
    'a newline, escaped twice',
    { encodeSignature: (text) => rfc5849Encode(`${text}\n`) },
    ['signature-escaped-twice', 'signature-with-newline'],
    'twice',
    'line breaks',
  ),
  row(
    'in two lines',
    { encodeSignature: (text) => `${text.slice(0, 9)}\r\n${text.slice(9)}` },
    'signature-with-newline',
    'line breaks',
  ),
  row(
    'quotation marks in it',
    { encodeSignature: (text) => `"${text}"` },
    'signature-quoted',
    'quotation marks',
  ),
  row('hexadecimal', { encodeSignature: hex }, 'hexadecimal', 'hexadecimal'),
  row(
    'base64 of hexadecimal',
    { encodeSignature: (text) => Buffer.from(hex(text)).toString('base64') },
    'base64-of-hexadecimal',
    'base64 of the bytes',
  ),
  row('another hash', { hash: 'sha256' }, 'other-hash', 'another hash', 'HMAC-SHA256'),
  row(
    'without =, and another host',
    { encodeSignature: (text) => text.replaceAll('=', ''), ...at('http://localhost:4400') },
    ['other-host', 'signature-unpadded'],
    'localhost',
    'lacks the =',
  ),
  // Before the signature.
  row(
    'milliseconds',
    (now) => ({ overrides: { oauth_timestamp: `${now}123` } }),
    ['milliseconds', 'right-otherwise'],
    'milliseconds',
    'Apart from that',
  ),
  row(
    'milliseconds, and another host',
    (now) => ({ overrides: { oauth_timestamp: `${now}123` }, ...at('http://localhost:4400') }),
    ['milliseconds', 'other-host'],
    'milliseconds',
    'localhost',
  ),
  row(
    'a time that is none',
    { overrides: { oauth_timestamp: '2026-11-28T12:00:00Z' } },
    ['timestamp-unreadable', 'right-otherwise'],
    'no time in whole seconds',
  ),
  row(
    'a time to come',
    (now) => ({ overrides: { oauth_timestamp: String(now + 4000) } }),
    ['future', 'right-otherwise'],
    '4000 seconds ahead',
  ),
  row(
    'version 1.0a',
    { overrides: { oauth_version: '1.0a' } },
    ['version', 'right-otherwise'],
    '1.0a',
  ),
  row(
    'HMAC-SHA512',
    { overrides: { oauth_signature_method: 'HMAC-SHA512' }, hash: 'sha512' },
    ['method-not-served'],
    'HMAC-SHA512',
    'HMAC-SHA1, HMAC-SHA256',
  ),
  row(
    'no nonce',
    { overrides: { oauth_nonce: undefined } },
    ['parameter-absent', 'right-otherwise'],
    'oauth_nonce is missing',
  ),
  row(
    'no signature',
    {
      header: (pairs) =>
        `OAuth ${pairs
          .slice(0, -1)
          .map(([a, x]) => `${a}="${rfc5849Encode(x)}"`)
          .join(', ')}`,
    },
    ['no-signature'],
    'no signature',
  ),
  row(
    'a wrong hash of the body',
    {
      method: 'POST',
      headers: json,
      body: '{}',
      overrides: { oauth_body_hash: createHash('sha1').update('other').digest('base64') },
    },
    ['body-hash', 'right-otherwise'],
    'oauth_body_hash',
  ),
  row('a lone % in the query', { target: '/x?q=100%' }, ['query-percent'], 'q=100%', '%25'),
  row('bytes that are no UTF-8', { target: '/x?q=s%E3n' }, ['query-not-utf8'], 'q=s%E3n', 'UTF-8'),
  row(
    'a lone % in the form',
    { method: 'POST', headers: form, body: 'a=1&q=5%' },
    ['form-percent'],
    'q=5%',
    '%25',
  ),
  row(
    'a form that was not pasted',
    { method: 'POST', headers: { ...form, 'Content-Length': '7' } },
    ['form-missing'],
    'its bytes are not here',
  ),
  row(
    'a parameter in header and query',
    { target: '/x?oauth_nonce=1' },
    ['parameter-repeated'],
    'oauth_nonce',
  ),
  row(
    'a token that is none of ours',
    { overrides: { oauth_token: 'f'.repeat(32) } },
    ['token-unknown'],
    'not one that this app holds',
  ),
  row(
    'another secret',
    { key: () => 'other&other' },
    ['unexplained'],
    'none of the usual mistakes',
    'another secret',
  ),
  row(
    'a text nobody knows',
    { pairs: and(['nobody', 'knows']) },
    ['unexplained'],
    'another text was signed',
  ),
  // The dialect reads otherwise.
  {
    ...row(
      'SHA-256 at the dialect',
      {
        method: 'POST',
        target: '/w/index.php?title=Special:OAuth/initiate',
        overrides: { oauth_signature_method: 'HMAC-SHA256', oauth_token: undefined },
        hash: 'sha256',
      },
      ['method-not-served'],
      'HMAC-SHA1, RSA-SHA1',
    ),
    dialect: true,
  },
  {
    ...row(
      'a form by PUT at the dialect',
      {
        method: 'PUT',
        target: '/w/index.php?title=Special:OAuth/initiate',
        headers: form,
        body: 'a=1',
        overrides: { oauth_token: undefined },
      },
      ['body-signed'],
      'PUT',
    ),
    dialect: true,
  },
  {
    ...row(
      '/wiki/ for index.php',
      {
        method: 'POST',
        target: '/w/index.php?title=Special:OAuth/initiate',
        uri: `${origin}/wiki/Special:OAuth/initiate`,
        overrides: { oauth_token: undefined },
      },
      ['other-path'],
      '/wiki/Special:OAuth/initiate',
    ),
    dialect: true,
  },
  {
    ...row(
      'without /w',
      {
        method: 'POST',
        target: '/w/index.php?title=Special:OAuth/initiate',
        uri: `${origin}/index.php`,
        overrides: { oauth_token: undefined },
      },
      ['path-prefix'],
      '/index.php',
    ),
    dialect: true,
  },
  {
    ...row(
      'sent as Latin-1, signed as UTF-8',
      { target: '/w/api.php?q=%E9t%E9', parametersRead: [['q', 'été']] },
      ['sent-as-latin-1'],
      'sent as Latin-1',
    ),
    dialect: true,
  },
  {
    ...row(
      'a signature that is not escaped',
      {
        method: 'POST',
        target: '/w/index.php?title=Special:OAuth/initiate',
        overrides: { oauth_token: undefined },
        retryUntil: /\+/,
        header: unescaped,
      },
      ['signature-not-escaped'],
      '%2B',
    ),
    dialect: true,
  },
];
