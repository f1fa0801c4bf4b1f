import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { digestOf } from '#keys/digest.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';

describe('refresh grace', () => {
  // A used refresh token answers again until its successor was redeemed (ADR 4, RFC 9700 §4.14.2).

  const GRACE = 60;
  const doors = [
    { name: 'core', path: '/oauth2/token' },
    { name: 'dialect', path: '/w/rest.php/oauth2/access_token' },
  ] as const;

  type Bought = { readonly access_token: string; readonly refresh_token: string };
  interface Answer {
    readonly status: number;
    readonly body: Bought & { readonly error?: string; readonly error_description?: string };
  }

  let world: TestServer;
  let ben: Account;
  let app: ActionOutcome & { readonly secret: string };
  let other: ActionOutcome & { readonly secret: string };

  before(async () => {
    world = new TestServer();
    const ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    app = await world.createClient(ada, { name: 'app' });
    other = await world.createClient(ada, { name: 'other' });
  });
  after(() => world.close());

  async function post(
    path: string,
    form: Readonly<Record<string, string>>,
    by = app,
  ): Promise<Answer> {
    const answer = await world.app.inject({
      method: 'POST',
      url: path,
      headers: {
        authorization: basicHeader(by.client.id, by.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });
    return {
      status: answer.statusCode,
      body: answer.body === '' ? ({} as Answer['body']) : answer.json(),
    };
  }
  const alive = async ({ access_token }: Bought) =>
    (await world.server.services.protocols.core.oauth2.authenticateToken(access_token, {})).ok;

  /**
   * The tokens of a code that was asked for and redeemed at one front door: neither is bound to
   * take the other's.
   */
  async function begin(door: (typeof doors)[number]['name']): Promise<Bought> {
    const code = await world.issueCode(app, ben, null, door === 'core' ? 'core' : 'mediawiki');
    const path = doors.find(({ name }) => name === door)?.path ?? '';
    return (
      await post(path, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.client.redirectUri,
      })
    ).body;
  }

  for (const { name, path } of doors)
    describe(`a used refresh token at the ${name}`, () => {
      let first: Bought;
      const refresh = (token: string, by = app) =>
        post(path, { grant_type: 'refresh_token', refresh_token: token }, by);
      const bought = async (token: string): Promise<Bought> => {
        const { status, body } = await refresh(token);
        assert.equal(status, 200);
        return body;
      };
      const refused = async (token: string) => {
        const { status, body } = await refresh(token);
        assert.deepEqual(
          [status, body.error, body.access_token, body.refresh_token],
          [400, 'invalid_grant', undefined, undefined],
        );
      };

      beforeEach(async () => {
        first = await begin(name);
      });

      test('a lost answer is given again, as often as it is asked for', async () => {
        const second = await bought(first.refresh_token);
        for (const waited of [0, 1, GRACE - 2]) {
          world.advanceClock(waited);
          assert.deepEqual(await bought(first.refresh_token), second);
        }
        assert.equal(await alive(second), true);
      });

      test('once the successor was redeemed the answer is not given again, and nothing else ends', async () => {
        const second = await bought(first.refresh_token);
        const third = await bought(second.refresh_token);
        await refused(first.refresh_token);
        await refused(first.refresh_token);
        assert.equal(await alive(third), true);
        assert.ok((await bought(third.refresh_token)).refresh_token);
      });

      test('the successor of a successor is what counts for each token by itself', async () => {
        const second = await bought(first.refresh_token);
        const third = await bought(second.refresh_token);
        assert.deepEqual(await bought(second.refresh_token), third);
        await refused(first.refresh_token);
        await bought(third.refresh_token);
        await refused(second.refresh_token);
        await refused(first.refresh_token);
        assert.equal(await alive(third), name === 'core');
      });

      test('the use of the access token alone ends no grace', async () => {
        const second = await bought(first.refresh_token);
        assert.equal(await alive(second), true);
        assert.deepEqual(await bought(first.refresh_token), second);
      });

      test('after the window it is reuse, whether or not the successor was redeemed', async () => {
        for (const redeemed of [false, true]) {
          const own = await begin(name);
          const second = await bought(own.refresh_token);
          const last = redeemed ? await bought(second.refresh_token) : second;
          world.advanceClock(GRACE - 1);
          if (redeemed) await refused(own.refresh_token);
          assert.equal(await alive(last), true);
          world.advanceClock(1);
          await refused(own.refresh_token);
          assert.equal(await alive(last), false);
          await refused(last.refresh_token);
        }
      });

      test('the refusal of a late retry keeps no other token from working', async () => {
        const second = await bought(first.refresh_token);
        const third = await bought(second.refresh_token);
        await refused(first.refresh_token);
        world.advanceClock(GRACE - 1);
        assert.deepEqual(await bought(second.refresh_token), third);
      });

      test('a family that ended answers nothing again', async () => {
        const second = await bought(first.refresh_token);
        assert.equal((await post('/oauth2/revoke', { token: second.refresh_token })).status, 200);
        await refused(first.refresh_token);
        await refused(second.refresh_token);
      });

      test('another app neither gets the answer nor ends anything', async () => {
        const second = await bought(first.refresh_token);
        for (const token of [first.refresh_token, second.refresh_token]) {
          const { status, body } = await refresh(token, other);
          assert.deepEqual([status, body.error], [400, 'invalid_grant']);
        }
        assert.deepEqual(await bought(first.refresh_token), second);
      });

      test('without the row of the successor there is no answer', async () => {
        const second = await bought(first.refresh_token);
        const { store } = world.server;
        const find = store.findRefreshToken;
        const gone = digestOf(second.refresh_token);
        const mutable = store as { findRefreshToken: typeof find };
        mutable.findRefreshToken = async (digest) => (digest === gone ? undefined : find(digest));
        try {
          await refused(first.refresh_token);
        } finally {
          mutable.findRefreshToken = find;
        }
        assert.deepEqual(await bought(first.refresh_token), second);
      });

      test('two tabs: both refresh at once, the first goes on; the second is refused and may take the newest token', async () => {
        const [one, two] = await Promise.all([
          bought(first.refresh_token),
          bought(first.refresh_token),
        ]);
        assert.deepEqual(one, two);
        const next = await bought(one.refresh_token);
        await refused(first.refresh_token);
        assert.deepEqual(await bought(two.refresh_token), next);
      });

      test('many retries and redemptions at once: one chain, whatever the order', async () => {
        for (let round = 0; round < 20; round++) {
          const second = await bought(first.refresh_token);
          const [third, ...retries] = await Promise.all([
            refresh(second.refresh_token),
            ...Array.from({ length: 4 }, () => refresh(first.refresh_token)),
          ]);
          assert.equal(third?.status, 200);
          for (const { status, body } of retries) {
            if (status === 200) assert.deepEqual(body, second);
            else assert.deepEqual([status, body.error], [400, 'invalid_grant']);
          }
          await refused(first.refresh_token);
          first = third?.body as Bought;
          world.advanceClock(1);
        }
        assert.equal(await alive(first), true);
      });
    });

  test('the developer is told what to do with a token that was replaced', async () => {
    const first = await begin('core');
    const again = (token: string) =>
      post('/oauth2/token', { grant_type: 'refresh_token', refresh_token: token });
    await again((await again(first.refresh_token)).body.refresh_token);
    const late = await again(first.refresh_token);
    assert.match(String(late.body.error_description), /successor was used/);
  });

  test('a window of 0 seconds: a second use is reuse at once', async () => {
    const strict = new TestServer({ 'refresh-grace': '0' });
    try {
      const made = await strict.createClient(await strict.createPerson('Ada'), { name: 'strict' });
      const person = await strict.createPerson('Ben');
      const ask = async (form: Record<string, string>) => {
        const answer = await strict.app.inject({
          method: 'POST',
          url: '/oauth2/token',
          headers: {
            authorization: basicHeader(made.client.id, made.secret),
            'content-type': 'application/x-www-form-urlencoded',
          },
          payload: new URLSearchParams(form).toString(),
        });
        return answer.json();
      };
      const code = await strict.issueCode(made, person);
      const first = await ask({
        grant_type: 'authorization_code',
        code,
        redirect_uri: 'https://app.example/cb',
      });
      const second = await ask({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
      assert.equal(
        (await ask({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).error,
        'invalid_grant',
      );
      assert.equal(
        (await ask({ grant_type: 'refresh_token', refresh_token: second.refresh_token })).error,
        'invalid_grant',
      );
    } finally {
      await strict.close();
    }
  });
});
