import type { FaultyRequest, ParameterPair } from '#harness/mistakes.ts';
import type { OAuth1ProfileName } from '#harness/profiles.ts';

/** A request that is signed as it should be, and the reading it goes to. */
export interface RightRequest {
  readonly name: string;
  readonly recipe: FaultyRequest;
  readonly reading: OAuth1ProfileName;
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Paths and queries as they stand in a request line. */
const targets = [
  '/',
  '/x?',
  '/x/',
  '/a//b',
  '/a%2Fb',
  '/a%2fb',
  '/foo@bar',
  '/foo%40bar',
  '/%7Eu',
  '/~u',
  '/a%20b',
  '/a+b',
  '/x;v=1',
  '/Api/ME',
  '/a/./b',
  '/s%C3%A3n?q=s%C3%A3n',
  '/auth/x?a=1',
  '/x?a=1&a=2&A=3',
  '/x?p%5B%5D=1&p%5B%5D=2',
  '/x?p[]=1&p[]=2',
  '/x?a=&b&=v&&c=3&',
  '/x?q=san+pham&r=a%2Bb',
  '/x?q=it%27s(1)!*~',
  '/x?a-b=2&a=1&a~=3&a%C3%A9=4',
  '/x?%E4%B8%AD=%F0%9F%98%80',
  '/x?redirect=https%3A%2F%2Fa.example%2F%3Fb%3Dc',
] as const;
/** Forms as they are sent. */
const forms = [
  '',
  'x=1&y=2',
  'q=a+b%2Bc',
  'p[]=1&p[]=2',
  'e=%C3%A9&e=%65',
  'a&b=&=c',
  'x=%26%3D%25',
] as const;
const bodies: readonly (readonly [string, string])[] = [
  ['application/json', '{"a":1,"b":{"c":[1,2]}}'],
  ['text/plain', 'a=1&b=2'],
  [
    'multipart/form-data; boundary=xyz',
    '--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--xyz--',
  ],
];
const overs: readonly FaultyRequest[] = [
  { overrides: { oauth_version: '1.0' } },
  { overrides: { oauth_version: '' } },
  { overrides: { oauth_token: '' } },
  { overrides: { oauth_token: undefined } },
  { overrides: { oauth_callback: 'https://a.example/cb?x=1&y=a b' } },
  { overrides: { oauth_callback: 'oob' } },
  { overrides: { oauth_verifier: 'v/+=' } },
  { overrides: { oauth_nonce: '-1 é+' } },
  { realm: 'Gate' },
  { realm: '' },
];
const places: readonly Readonly<Record<string, string>>[] = [
  { Host: 'app:3000' },
  { Host: 'localhost:4400', 'X-Forwarded-Host': 'www.shop.example', 'X-Forwarded-Port': '8443' },
  { Host: 'gate.example:443', 'X-Forwarded-Prefix': '/auth' },
  { 'X-HTTP-Method-Override': 'DELETE' },
];

/** The last value of a name counts in the dialect, and a signature over every value does too. */
const once = (pairs: readonly ParameterPair[]) =>
  pairs.filter(
    ([name], at) => name.includes('[]') || pairs.findLastIndex(([one]) => one === name) === at,
  );

function* core(): Generator<RightRequest> {
  const reading = 'rfc5849';
  for (const method of methods) {
    for (const target of targets)
      yield { name: `${method} ${target}`, recipe: { method, target }, reading };
    for (const body of forms)
      yield {
        name: `${method} with the form ${body}`,
        recipe: { method, target: '/x?q=1', headers: form, body },
        reading,
      };
  }
  for (const [type, body] of bodies)
    for (const method of ['POST', 'PUT', 'PATCH'])
      yield {
        name: `${method} with ${type}`,
        recipe: { method, target: '/x?q=1', headers: { 'Content-Type': type }, body },
        reading,
      };
  for (const recipe of overs) yield { name: `with ${JSON.stringify(recipe)}`, recipe, reading };
  for (const headers of places)
    yield { name: `with ${JSON.stringify(headers)}`, recipe: { headers }, reading };
  yield {
    name: 'HMAC-SHA256',
    recipe: { overrides: { oauth_signature_method: 'HMAC-SHA256' }, hash: 'sha256' },
    reading,
  };
  yield {
    name: 'a charset',
    recipe: {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' },
      body: 'a=b',
    },
    reading,
  };
}

function* dialect(): Generator<RightRequest> {
  const reading = 'mediawiki';
  for (const target of [
    '/w/index.php?title=Special:OAuth/initiate',
    '/wiki/Special:OAuth/token',
    '/w/api.php?action=query&meta=userinfo',
    '/w/api.php?a=1&b=%C3%A9',
  ]) {
    for (const method of ['GET', 'POST', 'PUT'])
      yield { name: `dialect: ${method} ${target}`, recipe: { method, target }, reading };
    yield {
      name: `dialect: a form to ${target}`,
      recipe: { method: 'POST', target, headers: form, body: 'format=json&text=a+b' },
      reading,
    };
    yield {
      name: `dialect: a form by PUT to ${target}`,
      recipe: {
        method: 'PUT',
        target,
        headers: form,
        body: 'x=1',
        pairs: (all) => all.filter(([name]) => name !== 'x'),
      },
      reading,
    };
  }
  const twice = '/w/api.php?a=1&a=2&b=3';
  yield { name: 'dialect: every value of a name', recipe: { target: twice }, reading };
  yield {
    name: 'dialect: the last value of a name',
    recipe: { target: twice, pairs: once },
    reading,
  };
  yield { name: 'dialect: version 0', recipe: { overrides: { oauth_version: '0' } }, reading };
}

export const rightRequests: readonly RightRequest[] = [...core(), ...dialect()];
