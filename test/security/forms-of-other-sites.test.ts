import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { TestServer } from '#harness/world.ts';

describe('forms of other sites', () => {
  // One check stands before whatever a browser sends with its cookies (ADR 34), at three doors:
  // pages, the JSON API, and the dialect's REST addresses.

  let world: TestServer;
  let ada: Account;
  let other: Account;
  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    other = await world.createPerson('Ben');
  });
  after(() => world.close());

  type Session = Awaited<ReturnType<TestServer['sessionHeaders']>>;

  interface Door {
    readonly name: string;
    /** Sends what changes something, with a token where one is given. Its status. */
    send(
      session: Session,
      token: string | undefined,
      headers: Readonly<Record<string, string>>,
    ): Promise<number>;
    readonly accepted: number;
  }

  const withToken = (token: string | undefined): Record<string, string> =>
    token === undefined ? {} : { 'x-csrf-token': token };

  const doors: readonly Door[] = [
    {
      name: 'pages',
      accepted: 303,
      send: async ({ cookie }, token, headers) =>
        (
          await world.app.inject({
            method: 'POST',
            url: '/account/profile',
            headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
            payload: new URLSearchParams({
              'real-name': 'Ada L.',
              ...(token === undefined ? {} : { csrf: token }),
            }).toString(),
          })
        ).statusCode,
    },
    {
      name: 'the JSON API',
      accepted: 404,
      send: async ({ cookie }, token, headers) =>
        (
          await world.app.inject({
            method: 'DELETE',
            url: '/api/v1/consents/999',
            headers: { cookie, ...withToken(token), ...headers },
          })
        ).statusCode,
    },
    {
      name: 'the dialect',
      accepted: 400,
      send: async ({ cookie }, token, headers) =>
        (
          await world.app.inject({
            method: 'POST',
            url: '/w/rest.php/oauth2/client',
            headers: { cookie, ...withToken(token), ...headers },
            // Read, and refused for what it lacks.
            payload: { name: 'Only a name' },
          })
        ).statusCode,
    },
  ];

  const ours = { origin: 'https://gate.example', 'sec-fetch-site': 'same-origin' };

  const rows: readonly {
    readonly what: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly token?: 'none' | 'of another session' | 'cut short';
    readonly taken: boolean;
  }[] = [
    { what: 'from a page of ours', headers: ours, taken: true },
    { what: 'from a browser that names no origin', headers: {}, taken: true },
    {
      what: 'typed by a person, as a browser says',
      headers: { 'sec-fetch-site': 'none' },
      taken: true,
    },
    {
      what: 'from another origin',
      headers: { ...ours, origin: 'https://evil.example' },
      taken: false,
    },
    {
      what: 'from the same host without https',
      headers: { origin: 'http://gate.example' },
      taken: false,
    },
    {
      what: 'from the same host at another port',
      headers: { origin: 'https://gate.example:8443' },
      taken: false,
    },
    { what: 'from an origin that hides', headers: { ...ours, origin: 'null' }, taken: false },
    { what: 'from an empty origin', headers: { origin: '' }, taken: false },
    {
      what: 'from another site',
      headers: { ...ours, 'sec-fetch-site': 'cross-site' },
      taken: false,
    },
    {
      what: 'from a neighbour of the same site',
      headers: { ...ours, 'sec-fetch-site': 'same-site' },
      taken: false,
    },
    {
      what: 'with a word for the site that nobody knows',
      headers: { ...ours, 'sec-fetch-site': 'same-origin, cross-site' },
      taken: false,
    },
    { what: 'without a token', headers: ours, token: 'none', taken: false },
    {
      what: 'with the token of another session',
      headers: ours,
      token: 'of another session',
      taken: false,
    },
    { what: 'with a part of the token', headers: ours, token: 'cut short', taken: false },
  ];

  for (const door of doors)
    describe(`what a browser sends to ${door.name}`, () => {
      for (const { what, headers, token, taken } of rows)
        test(`${what}: ${taken ? 'taken' : 'refused'}`, async () => {
          const session = await world.sessionHeaders(ada);
          const own = session['x-csrf-token'];
          const foreign = (await world.sessionHeaders(other))['x-csrf-token'];
          const tokens = {
            none: undefined,
            'of another session': foreign,
            'cut short': own.slice(1),
          };
          const sent = token === undefined ? own : tokens[token];
          assert.equal(await door.send(session, sent, headers), taken ? door.accepted : 403);
        });
    });

  test('addresses of this server are told to no other site, and our own origin to this one', async () => {
    const { headers } = await world.app.inject({ url: '/sign-in' });
    assert.equal(headers['referrer-policy'], 'same-origin');
  });
});
