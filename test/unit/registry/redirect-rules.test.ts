import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redirectProblem } from '#registry/model/redirect-rules.ts';
import { rules } from './world.ts';

const kinds = {
  'OAuth 1': { protocol: 'oauth1', confidential: true, redirectIsPrefix: false },
  confidential: { protocol: 'oauth2', confidential: true, redirectIsPrefix: false },
  public: { protocol: 'oauth2', confidential: false, redirectIsPrefix: false },
} as const;

// The URI, and the kinds of app that may register it.
const table: readonly (readonly [uri: string, allowed: readonly (keyof typeof kinds)[]])[] = [
  ['https://app.example/cb', ['OAuth 1', 'confidential', 'public']],
  ['https://app.example/cb?a=b&c=d', ['OAuth 1', 'confidential', 'public']],
  ['https://app.example/?x=1', ['OAuth 1', 'confidential', 'public']],
  ['http://app.example/cb', ['OAuth 1']],
  ['http://localhost:8080/cb', ['OAuth 1', 'confidential', 'public']],
  ['http://127.0.0.1/cb', ['OAuth 1', 'confidential', 'public']],
  ['http://[::1]:9/cb', ['OAuth 1', 'confidential', 'public']],
  ['http://dev.localhost/cb', ['OAuth 1', 'confidential', 'public']],
  ['http://evillocalhost/cb', ['OAuth 1']],
  ['http://localhost.example/cb', ['OAuth 1']],
  ['http://127.0.0.2/cb', ['OAuth 1']],
  ['com.example.app:/cb', ['public']],
  ['com.example.app://cb', ['public']],
  ['myapp://cb', []],
  ['https://app.example/cb#part', ['OAuth 1']],
  ['https://who@app.example/cb', []],
  ['https://who:what@app.example/cb', []],
  ['https://@app.example/cb', []],
  ['https://good.example\\@evil.example/cb', []],
  ['https:/app.example/cb', []],
  ['https:app.example', []],
  ['https:///cb', []],
  ['https://', []],
  ['https://app.example:99999/cb', []],
  ['//app.example/cb', []],
  ['app.example/cb', []],
  ['/cb', []],
  ['', []],
  ['xyz', []],
  ['invalid_scheme://oauth', []],
  ['https://app.example/c b', []],
  ['https://app.example/\u0000', []],
  ['https://app.example/é', []],
  [' https://app.example/cb', []],
  ['https://app.example/cb\n', []],
  ['javascript:alert(1)', []],
  ['JavaScript:alert(1)', []],
  ['javascript://app.example/%0aalert(1)', []],
  ['data:text/html,x', []],
  ['file:///etc/passwd', []],
  ['blob:https://app.example/1', []],
  ['vbscript:x', []],
  ['about:blank', []],
  [`https://app.example/${'x'.repeat(1980)}`, ['OAuth 1', 'confidential', 'public']],
  [`https://app.example/${'x'.repeat(1981)}`, []],
];

for (const [uri, allowed] of table) {
  for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
    const may = allowed.includes(kind);
    test(`${JSON.stringify(uri.slice(0, 40))} (${uri.length}): ${kind} ${may ? 'may' : 'may not'}`, () =>
      assert.equal(redirectProblem(uri, kinds[kind], rules) === undefined, may));
  }
}
