import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { authorizationRoutes, SignInFlowServer } from '#harness/front-door.ts';
import { password } from '#harness/world.ts';

describe('people arrive', () => {
  // People on the way to an app always arrive: at the app, or at a page that says what to do and
  // keeps the request (ADR 27).

  let door: SignInFlowServer;
  before(async () => {
    door = await SignInFlowServer.open();
  });
  after(() => door.close());

  /** What gets in the way between an app's link and the app, and how far the person is by then. */
  const interruptions: Readonly<
    Record<string, (way: Awaited<ReturnType<SignInFlowServer['startFlow']>>) => Promise<void>>
  > = {
    'nothing does': (way) => way.signIn(),
    'another tab signed in meanwhile': async (way) => {
      const other = await way.anotherTab();
      await other.signIn();
      const { status, to } = await way.submitSignIn();
      assert.equal(status, 303, 'no dead end');
      assert.equal(to, way.returnto);
      await way.open(to);
    },
    'another tab signed in meanwhile, by another name in capital letters': async (way) => {
      await (await way.anotherTab()).signIn();
      const { to } = await way.submitSignIn({ name: way.name.toUpperCase() });
      await way.open(to);
    },
    'the cookie is gone': async (way) => {
      way.browser.cookies.clear();
      await way.submitStaleSignIn();
    },
    'the cookie was replaced': async (way) => {
      way.browser.cookies.clear();
      await way.browser.get('/apps');
      await way.submitStaleSignIn();
    },
    'the form was open for more than a day': async (way) => {
      await way.submitStaleSignIn(() => {
        way.browser.cookies.clear();
        door.world.advanceClock(86_400 + 60);
      });
    },
    'a wrong password first': async (way) => {
      const refused = await way.submitSignIn({ password: 'not the password' });
      assert.equal(refused.status, 403);
      assert.ok(refused.body.includes(`value="${way.name}"`), 'the name is kept');
      assert.ok(!refused.body.includes('not the password'), 'the password is not');
      await way.signIn();
    },
    'the confirmed e-mail address for a name': (way) =>
      way.signIn({ name: `${way.name.toLowerCase()}@EXAMPLE.org` }),
    'signed in already': async (way) => {
      await (await way.anotherTab()).signIn();
      await way.open((await way.browser.get(way.signInPage)).to);
    },
    'the session ended while the consent page was open': async (way) => {
      await way.signIn();
      way.browser.cookies.clear();
      const { to } = await way.browser.post(way.consentPath, { accept: '1' });
      assert.match(to, /^\/sign-in\?returnto=/);
      way.signInPage = to;
      await way.browser.get(to);
      await way.signIn();
    },
    'signed in anew while the consent page was open': async (way) => {
      await way.signIn();
      const stale = way.browser.csrf;
      way.browser.cookies.clear();
      await way.browser.get(way.signInPage);
      await way.submitSignIn();
      const again = await way.browser.post(way.consentPath, { accept: '1', csrf: stale });
      assert.equal(again.status, 403);
      assert.match(again.body, /name="accept"/, 'the page is there again, with a new proof');
    },
    'another account was signed in, and its person goes on': async (way) => {
      await way.signInAs('other');
      await way.switchAccount('mine');
    },
    'a link for another account': async (way) => {
      await way.signIn();
      const { consentPath: page } = way;
      const other = await way.anotherBrowser('other');
      const told = await other.get(page);
      assert.equal(told.status, 403);
      assert.match(
        told.body,
        /name="continue"[\s\S]*href="\/sign-in\?switch=1/,
        'on with this account, or with the other',
      );
      assert.match((await other.post(page, { continue: '1' })).to, /^\/authorize\/[\w-]{51}$/);
    },
    'registration, the link opened in the same browser': (way) => way.register(way.browser),
    'registration, the link opened in another browser': (way) => way.register(door.browser()),
    'a forgotten password, the link opened in the same browser': (way) =>
      way.resetPassword(way.browser),
    'a forgotten password, the link opened in another browser': (way) =>
      way.resetPassword(door.browser()),
    'back to the sign-in page, and sent once more': async (way) => {
      await way.signIn();
      const { status, to } = await way.submitSignIn();
      assert.equal(status, 303);
      await way.open(to);
    },
  };

  for (const kind of authorizationRoutes)
    describe(kind, () => {
      for (const [called, interrupt] of Object.entries(interruptions))
        test(called, async () => {
          const way = await door.startFlow(kind);
          await interrupt(way);
          await way.approveAndReturn();
        });
    });

  for (const kind of ['OAuth 2', 'OAuth 2, dialect'] as const)
    test(`${kind}: a state of up to 2,048 bytes as sent comes back byte for byte, and no address of ours is long on the way`, async () => {
      const sent: readonly (readonly [sent: string, state: string])[] = [
        ['s'.repeat(2048), 's'.repeat(2048)],
        ['%E2%98%83'.repeat(227), '☃'.repeat(227)],
        ['%25'.repeat(682), '%'.repeat(682)],
        // As some browsers and libraries send it: the answer to the app is longer, and the bound is
        // for what was sent.
        ['\\'.repeat(2048), '\\'.repeat(2048)],
      ];
      for (const [asked, state] of sent) {
        const way = await door.startFlow(kind, { sent: asked });
        assert.match(way.returnto, /^\/continue\/[\w-]{51}$/);
        await way.submitStaleSignIn(() => way.browser.cookies.clear());
        const answer = await way.approveAndReturn();
        assert.equal(answer.searchParams.get('state'), state);
        assert.ok(way.longestPath < 1500, `an address of ours has ${way.longestPath} characters`);
      }
    });

  test('a kept request: found for a day in any browser, by its handle alone', async () => {
    const way = await door.startFlow('OAuth 2', { state: 'x'.repeat(1500) });
    door.world.advanceClock(86_400);
    await way.browser.get(way.signInPage);
    await way.signIn();
    await way.approveAndReturn();
    assert.equal((await way.browser.get(`/continue/${'x'.repeat(51)}`)).status, 404);
    const stranger = door.browser();
    assert.equal(
      (await stranger.get(way.returnto)).to,
      `/sign-in?returnto=${encodeURIComponent(way.returnto)}`,
    );
    door.world.advanceClock(3700);
    const gone = await way.browser.get(way.returnto);
    assert.equal(gone.status, 404);
    assert.match(gone.body, /Go back to the app and start again/);
  });

  test('a kept request does not lead to another, whatever is added to its address', async () => {
    const way = await door.startFlow('OAuth 2', { state: 'x'.repeat(1500) });
    for (const added of [
      `?x=${'y'.repeat(1500)}`,
      `/${'y'.repeat(1500)}`,
      `?${'%2F'.repeat(400)}`,
    ]) {
      const sheet = await way.browser.get(
        `/password/forgotten?returnto=${encodeURIComponent(way.returnto + added)}`,
      );
      assert.equal(sheet.status, 200);
      await way.browser.post('/password/forgotten', {
        name: way.name,
        returnto: way.returnto + added,
      });
      assert.ok(!(await door.latestEmail()).includes('yyy'));
      const { to } = await way.browser.get(way.returnto + added);
      assert.ok(to === '' || to.length < 200, to);
    }
  });

  test('a posted request comes back as it was sent', async () => {
    const { pathname, search } = new URL(await door.link('OAuth 2'), 'https://gate.example');
    for (const state of ["a'b(c)*!~", '+'.repeat(2000), '%2B%20x', 'é']) {
      const browser = door.browser();
      const text = `${search.slice(1).replace('&state=xyz', '')}&state=${state}`;
      const { to } = await browser.postText(pathname, text);
      const back = new URLSearchParams(to.slice(to.indexOf('?'))).get('returnto') ?? '';
      const person = await door.person();
      await browser.get(to);
      assert.equal(
        (await browser.post('/sign-in', { name: person.name, password, returnto: back })).status,
        303,
      );
      let page = await browser.get(back);
      for (let hop = 0; hop < 2 && page.to !== ''; hop++) page = await browser.get(page.to);
      assert.match(page.body, /name="accept"/, state);
      assert.equal(
        new URLSearchParams(`state=${state}`).get('state')?.length,
        decodeURIComponent(state.replaceAll('+', ' ')).length,
      );
    }
  });

  test('strangers do not fill the store: past the number of a network, the request travels in the address', async () => {
    const own = await SignInFlowServer.open({ 'trust-proxy': '127.0.0.1' });
    own.headers = { 'x-forwarded-for': '198.51.100.7' };
    try {
      const link = await own.link('OAuth 2', 'x'.repeat(1500));
      const kept: boolean[] = [];
      for (let count = 0; count < 69; count++)
        kept.push(
          decodeURIComponent((await own.browser().get(link)).to).startsWith(
            '/sign-in?returnto=/continue/',
          ),
        );
      const way = await own.startFlow('OAuth 2', { state: 'x'.repeat(1500) });
      assert.match(way.returnto, /^\/oauth2\/authorize\?/);
      await way.signIn();
      await way.approveAndReturn();
      assert.equal(kept.filter(Boolean).length, 60);
      assert.equal(kept[59], true);
      assert.equal(kept[60], false);
    } finally {
      await own.close();
    }
  });

  test('the sign-in page names approved apps alone, whatever they are called', async () => {
    const { world } = door;
    for (const kind of authorizationRoutes) {
      const way = await door.startFlow(kind);
      assert.ok(
        (await way.browser.get(way.signInPage)).body.includes(`<bdi>${door.appName(kind)}</bdi>`),
        kind,
      );
    }
    const waiting = await world.createClient(door.owner, { name: 'Waits for a review' }, false);
    const query = new URLSearchParams({ client_id: waiting.client.id, response_type: 'code' });
    for (const asked of [
      `/oauth2/authorize?${query}`,
      '/oauth2/authorize?client_id=nobody',
      '/w/rest.php/oauth2/authorize?client_id=x',
    ]) {
      const { body } = await door.browser().get(`/sign-in?returnto=${encodeURIComponent(asked)}`);
      assert.match(body, /An app sent you here/);
      assert.doesNotMatch(body, /Waits for a review/);
    }
    for (const other of [
      '/',
      '/apps',
      '/account?client_id=x',
      'https://evil.example/oauth2/authorize?client_id=x',
    ])
      assert.doesNotMatch(
        (await door.browser().get(`/sign-in?returnto=${encodeURIComponent(other)}`)).body,
        /sent you here|continue to/,
      );
  });

  test('whoever is signed in may sign in with another account, and says so', async () => {
    const way = await door.startFlow('OAuth 2');
    await way.signInAs('other');
    const { body } = await way.browser.get('/sign-in?switch=1&returnto=%2Fapps');
    assert.match(body, /You are signed in as/);
    assert.match(body, /<a class="button" href="\/apps">/);
  });

  test('an address with a backslash or bytes beyond ASCII, as browsers send them, is not forgotten', async () => {
    const { encodeLocalPath: asAddress } = await import('#pages/account/sign-in-first.ts');
    const whole = (from: number, to: number) =>
      String.fromCharCode(...Array.from({ length: to - from }, (_, index) => from + index));
    assert.equal(
      asAddress('/oauth2/authorize?state=a\\b\u00e2\u0098\u0083'),
      '/oauth2/authorize?state=a%5Cb%E2%98%83',
    );
    assert.equal(
      asAddress(`/x?${whole(0x21, 0x5c)}`),
      `/x?${whole(0x21, 0x5c)}`,
      'what is sound stays as it is',
    );
    assert.equal(asAddress('/\\evil.example'), '/\\evil.example', 'a path is not mended');
  });

  test('a form without any cookie says so, of a browser that has one that it was open for too long', async () => {
    const way = await door.startFlow('OAuth 2');
    const told = async () => (await way.submitSignIn({ csrf: 'x' })).body;
    assert.match(await told(), /open for too long/);
    way.browser.cookies.clear();
    assert.match(await told(), /no cookie[\s\S]*allow cookies for this site/);
    for (const path of ['/register', '/password/forgotten']) {
      way.browser.cookies.clear();
      assert.match(
        (await way.browser.post(path, { csrf: 'x', returnto: way.returnto })).body,
        /allow cookies for this site/,
        path,
      );
    }
  });

  test('the redirect into REST is never long', async () => {
    const { pathname, search } = new URL(
      await door.link('OAuth 2, dialect', 'x'.repeat(2048)),
      'https://gate.example',
    );
    const asked = encodeURIComponent(pathname + search);
    const way = await door.startFlow('OAuth 2, dialect');
    await way.signIn();
    const { to } = await way.browser.get(`/wiki/Special:OAuth/rest_redirect?rest_url=${asked}`);
    assert.match(to, /^\/continue\/[\w-]{51}$/);
    await way.open(to);
    assert.equal((await way.approveAndReturn()).searchParams.get('state'), 'x'.repeat(2048));
    const stranger = door.browser();
    assert.equal((await stranger.get(to)).to, `/sign-in?returnto=${encodeURIComponent(to)}`);
  });

  test('forms that come from elsewhere are refused, whatever they carry', async () => {
    const way = await door.startFlow('OAuth 2');
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const { status, body } = await way.browser.post(
        '/sign-in',
        { name: way.name, returnto: way.returnto, csrf: 'x' },
        headers,
      );
      assert.equal(status, 403);
      assert.doesNotMatch(body, /name="password"/);
    }
  });

  test('a letter leads on under a handle, and never carries what a stranger wrote', async () => {
    const browser = door.browser();
    await browser.get('/register?returnto=%2Fapps%3Fq%3Dbuy-cheap-things');
    await browser.post('/register', {
      email: 'fresh@example.org',
      returnto: '/apps?q=buy-cheap-things',
    });
    const text = await door.latestEmail();
    assert.doesNotMatch(text, /cheap/);
    assert.match(text, /returnto=%2Fcontinue%2F[\w-]{51}/);
  });
});
