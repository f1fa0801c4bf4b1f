import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { type BrowserResponse, ConsentTestServer, type ProfileName } from '#harness/approvals.ts';
import { digestOf } from '#keys/digest.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';

describe('pressed twice', () => {
  // The same form sent twice, another answer afterwards, another person, another session, and too
  // late (ADR 26): each ends at the app, or at a page that says what to do.

  let world: ConsentTestServer;
  let ada: Account;
  let number = 0;
  before(async () => {
    world = new ConsentTestServer();
    ada = await world.createPerson('Ada');
  });
  after(() => world.close());

  const person = () => world.createPerson(`Ben${++number}`);
  const app = (wanted: Partial<ClientProposal> = {}) =>
    world.createClient(ada, { name: `App ${++number}`, scopes: ['editpage'], ...wanted });
  const codeIn = ({ location: to }: BrowserResponse) =>
    new URL(to ?? 'none:').searchParams.get('code') ?? '';
  const errorIn = ({ location: to }: BrowserResponse) =>
    new URL(to ?? 'none:').searchParams.get('error');
  const doors = ['core', 'mediawiki'] as const satisfies readonly ProfileName[];
  const denied = { core: 'access_denied', mediawiki: 'unauthorized_client' } as const;

  async function opened(door: ProfileName = 'core', wanted: Partial<ClientProposal> = {}) {
    const [ben, made] = [await person(), await app(wanted)];
    const cookie = await world.sessionCookie(ben);
    return {
      ben,
      made,
      cookie,
      page: await world.openConsentPage(world.authorizeUrl(made.client, 'editpage', door), cookie),
    };
  }

  for (const door of doors)
    describe(`an approval sent again, at the ${door} addresses`, () => {
      test('gets the same answer, one code and one line of the trail', async () => {
        const { ben, made, page } = await opened(door);
        const answers = [
          await world.submitDecision(page, 'accept'),
          await world.submitDecision(page, 'accept'),
        ];
        world.advanceClock(59);
        answers.push(await world.submitDecision(page, 'accept'));
        assert.equal(new Set(answers.map(({ location: to }) => to)).size, 1);
        assert.ok(codeIn(answers[0] as BrowserResponse));
        assert.equal(
          (await world.exchangeCode(codeIn(answers[2] as BrowserResponse), made, door)).status,
          200,
        );
        assert.deepEqual(await world.grantedScopes(made, ben), ['basic', 'editpage']);
        assert.equal(
          (
            await world.server.store.listAudit({
              clientId: made.client.id,
              about: 'consents',
              limit: 9,
            })
          ).length,
          1,
        );
      });

      test('at the same time too', async () => {
        const { made, page } = await opened(door);
        const answers = await Promise.all(
          Array.from({ length: 5 }, () => world.submitDecision(page, 'accept')),
        );
        assert.equal(
          new Set(answers.map(({ location: to }) => to)).size,
          1,
          JSON.stringify(answers.map(({ status, location: to }) => [status, to])),
        );
        assert.equal(
          (await world.exchangeCode(codeIn(answers[0] as BrowserResponse), made, door)).status,
          200,
        );
      });

      test('says what to do once the code was redeemed, after a minute, and in another session', async () => {
        const told = (answer: BrowserResponse) => {
          assert.deepEqual([answer.status, answer.location], [409, null]);
          assert.match(
            answer.body,
            /You allowed <bdi>?App \d+|You have already connected App \d+\. Go back to it/,
          );
        };
        const redeemed = await opened(door);
        await world.exchangeCode(
          codeIn(await world.submitDecision(redeemed.page, 'accept')),
          redeemed.made,
          door,
        );
        told(await world.submitDecision(redeemed.page, 'accept'));
        const late = await opened(door);
        await world.submitDecision(late.page, 'accept');
        world.advanceClock(60);
        told(await world.submitDecision(late.page, 'accept'));
        const { ben, page } = await opened(door);
        await world.submitDecision(page, 'accept');
        const other = await world.sessionCookie(ben);
        const list = await world.browse('/consents', other);
        const csrf = /name="csrf" value="([^"]+)"/.exec(list.body)?.[1] ?? '';
        told(await world.browse(page.url, other, { csrf, accept: '1' }));
      });

      test('gives nothing after the person ended the app, and writes no consent', async () => {
        const { ben, made, page } = await opened(door);
        await world.submitDecision(page, 'accept');
        const consent = await world.consents.current(made.client, ben, world.server.services.site);
        assert.ok(consent);
        await world.consents.revoke(consent.id, ben);
        assert.equal((await world.submitDecision(page, 'accept')).status, 409);
        assert.equal(await world.grantedScopes(made, ben), undefined);
      });

      test('is not sent where the app may not send people any more', async () => {
        const { made, page } = await opened(door);
        await world.submitDecision(page, 'accept');
        await world.clients.disable(made.client.id, { reason: 'x', suppress: false } as never);
        const answer = await world.submitDecision(page, 'accept');
        assert.equal(answer.location, null);
      });

      test('then denied: the code ends, the app is told, and a later approval changes nothing', async () => {
        const { made, page } = await opened(door);
        const code = codeIn(await world.submitDecision(page, 'accept'));
        const no = await world.submitDecision(page, 'cancel');
        assert.equal(errorIn(no), denied[door]);
        assert.equal((await world.exchangeCode(code, made, door)).body.error, 'invalid_grant');
        assert.equal((await world.submitDecision(page, 'accept')).location, no.location);
        assert.equal((await world.submitDecision(page, 'cancel')).location, no.location);
      });

      test('then denied when the code was redeemed: what it bought ends', async () => {
        const { made, page } = await opened(door);
        const { body } = await world.exchangeCode(
          codeIn(await world.submitDecision(page, 'accept')),
          made,
          door,
        );
        assert.equal(errorIn(await world.submitDecision(page, 'cancel')), denied[door]);
        assert.deepEqual(await world.introspect(body.access_token, made), { active: false });
      });

      test('and denied at the same time: one of both counts, and no code outlives a denial', async () => {
        const { made, page } = await opened(door);
        const answers = await Promise.all(
          (['accept', 'cancel', 'accept', 'cancel'] as const).map((button) =>
            world.submitDecision(page, button),
          ),
        );
        const codes = answers.map(codeIn).filter((code) => code !== '');
        for (const code of codes)
          assert.equal((await world.exchangeCode(code, made, door)).body.error, 'invalid_grant');
        assert.ok(answers.some((answer) => errorIn(answer) === denied[door]));
      });

      test('after a denial, gets the same denial', async () => {
        const { ben, made, page } = await opened(door);
        const no = await world.submitDecision(page, 'cancel');
        assert.equal(errorIn(no), denied[door]);
        assert.equal((await world.submitDecision(page, 'accept')).location, no.location);
        assert.equal(await world.grantedScopes(made, ben), undefined);
      });
    });

  describe('OAuth 1', () => {
    async function asked(callback = 'oob', door: ProfileName = 'core') {
      const [ben, made] = [
        await person(),
        await app({ protocol: 'oauth1', redirectUri: 'https://app.example/cb' }),
      ];
      const shake = await world.oauth1Handshake(made, door, callback);
      const page = await world.openConsentPage(shake.authorizeUrl, await world.sessionCookie(ben));
      return { ben, made, page, ...shake };
    }
    const shown = ({ body }: BrowserResponse) => /<code class="big">(\w+)</.exec(body)?.[1] ?? '';

    test('the same verifier is shown, and the same address led to', async () => {
      const { page, exchange } = await asked();
      const answers = [
        await world.submitDecision(page, 'accept'),
        await world.submitDecision(page, 'accept'),
      ];
      assert.equal(new Set(answers.map(shown)).size, 1);
      assert.equal((await exchange(shown(answers[1] as BrowserResponse))).status, 200);
      assert.equal(
        (await world.submitDecision(page, 'accept')).status,
        409,
        'not after the exchange',
      );
      const back = await asked('https://app.example/cb');
      const [first, second] = await Promise.all([
        world.submitDecision(back.page, 'accept'),
        world.submitDecision(back.page, 'accept'),
      ]);
      assert.match(first?.location ?? '', /oauth_verifier=/);
      assert.equal(first?.location, second?.location);
    });

    test('denied afterwards, the pair ends; after the exchange the person is told where to end it', async () => {
      const { page, exchange } = await asked();
      const verifier = shown(await world.submitDecision(page, 'accept'));
      assert.match(
        (await world.submitDecision(page, 'cancel')).body,
        /was not allowed to act for you/,
      );
      assert.equal((await exchange(verifier)).status, 401);
      const other = await asked();
      await other.exchange(shown(await world.submitDecision(other.page, 'accept')));
      const late = await world.submitDecision(other.page, 'cancel');
      assert.equal(late.status, 409);
      assert.match(late.body, /Connected apps/);
    });

    test('denied, the page leads back to the callback, with what became of it', async () => {
      const callback = 'https://app.example/cb';
      const { page, made, exchange } = await asked(callback);
      const answers = [
        await world.submitDecision(page, 'cancel'),
        await world.submitDecision(page, 'cancel'),
        await world.submitDecision(page, 'accept'),
      ];
      for (const answer of answers) {
        assert.deepEqual([answer.status, answer.location], [200, null]);
        assert.match(answer.body, /was not allowed to act for you/);
        const link = /href="(https:\/\/app\.example\/[^"]*)">Continue to App/
          .exec(answer.body)?.[1]
          ?.replaceAll('&amp;', '&');
        const back = new URL(link ?? 'none:');
        assert.deepEqual(
          [back.pathname, back.searchParams.get('oauth_problem')],
          ['/cb', 'permission_denied'],
        );
        assert.equal(back.searchParams.has('oauth_verifier'), false);
        assert.equal((await exchange('x')).status, 401, 'what it names buys nothing');
      }
      assert.ok(made.client.id);
    });

    test('denied, nobody is led to a callback that there is not, or that the app may not send people to', async () => {
      const leads = async (page: Parameters<ConsentTestServer['submitDecision']>[0]) =>
        /href="https:\/\/app\.example/.test((await world.submitDecision(page, 'cancel')).body);
      assert.equal(await leads((await asked('oob')).page), false, 'oob');
      const stopped = await asked('https://app.example/cb');
      await world.clients.disable(stopped.made.client.id);
      assert.equal(await leads(stopped.page), false, 'an app that was disabled meanwhile');
      assert.equal(await leads((await asked('oob', 'mediawiki')).page), false, 'the dialect');
    });
  });

  describe('the page, opened again', () => {
    test('after an approval leads on, and later says what to do', async () => {
      const { page, cookie } = await opened();
      const { location: to } = await world.submitDecision(page, 'accept');
      const back = await world.browse(page.url, cookie);
      assert.equal(back.status, 200);
      assert.match(back.body, /You have already connected App \d+/);
      assert.match(back.body, /name="accept" value="1">Continue to App/);
      const csrf = /name="csrf" value="([^"]+)"/.exec(back.body)?.[1] ?? '';
      assert.equal((await world.browse(page.url, cookie, { csrf, accept: '1' })).location, to);
      world.advanceClock(300);
      const later = await world.browse(page.url, cookie);
      assert.match(later.body, /start again there/);
      assert.doesNotMatch(later.body, /name="accept"/);
    });

    test('after a denial says so', async () => {
      const { page, cookie } = await opened();
      await world.submitDecision(page, 'cancel');
      assert.match(
        (await world.browse(page.url, cookie)).body,
        /You did not allow App \d+, and nothing was changed/,
      );
    });

    test('too late names the app and says how to start again; nothing can be decided', async () => {
      const { ben, made, page, cookie } = await opened();
      world.advanceClock(601);
      for (const answer of [
        await world.browse(page.url, cookie),
        await world.submitDecision(page, 'accept'),
        await world.submitDecision(page, 'cancel'),
      ]) {
        assert.deepEqual([answer.status, answer.location], [410, null]);
        assert.match(
          answer.body,
          new RegExp(
            `${made.client.name} asked more than ten minutes ago. Go back to ${made.client.name} and start again there`,
          ),
        );
      }
      assert.equal(await world.grantedScopes(made, ben), undefined);
      world.advanceClock(3600);
      await world.server.store.purgeExpired(world.now, 100);
      assert.match(
        (await world.browse(page.url, await world.sessionCookie(ben))).body,
        /asked more than ten minutes ago/,
      );
    });

    test('by another person tells them the truth, and lets them go on as themselves', async () => {
      const { ben, made, page } = await opened();
      const cleo = await person();
      const cookie = await world.sessionCookie(cleo);
      const other = await world.browse(page.url, cookie);
      assert.equal(other.status, 403);
      assert.match(other.body, new RegExp(`another person was signed in. You are ${cleo.name}.`));
      assert.ok(!other.body.includes(ben.name));
      const csrf = /name="csrf" value="([^"]+)"/.exec(other.body)?.[1] ?? '';
      assert.equal(
        (await world.browse(page.url, cookie, { csrf, accept: '1' })).status,
        403,
        'they cannot decide for the other',
      );
      const { location: to } = await world.browse(page.url, cookie, { csrf, continue: '1' });
      const own = await world.browse(to ?? '', cookie);
      assert.match(own.body, new RegExp(cleo.name));
      const done = await world.browse(to ?? '', cookie, { csrf, accept: '1' });
      assert.equal((await world.exchangeCode(codeIn(done), made)).status, 200);
      assert.deepEqual(
        [await world.grantedScopes(made, cleo), await world.grantedScopes(made, ben)],
        [['basic', 'editpage'], undefined],
      );
      assert.ok(
        codeIn(await world.submitDecision(page, 'accept')),
        'and the first person still can',
      );
    });

    test('a hidden app is nothing to the other person', async () => {
      const { made, page } = await opened();
      const found = await world.server.store.findClient(made.client.id);
      assert.ok(found);
      await world.server.store.applyChange({
        recordVersion: found.recordVersion,
        effects: [{ kind: 'save-client', client: { ...found, suppressed: true } }],
        audit: {
          at: world.now,
          action: 'x',
          actorId: null,
          via: 'job',
          address: null,
          clientId: found.id,
          reason: '',
          changes: [],
        },
        notifications: [],
      });
      assert.equal(
        (await world.browse(page.url, await world.sessionCookie(await person()))).status,
        404,
      );
    });
  });

  describe('the session', () => {
    test('ended while the page was open: sign in, and back at the same request', async () => {
      const { ben, page } = await opened();
      await world.server.store.endSession(digestOf(page.cookie.split('=')[1] ?? ''));
      const out = await world.submitDecision(page, 'accept');
      assert.equal(out.location, `/sign-in?returnto=${encodeURIComponent(page.url)}`);
      const cookie = await world.sessionCookie(ben);
      const back = await world.browse(page.url, cookie);
      const csrf = /name="csrf" value="([^"]+)"/.exec(back.body)?.[1] ?? '';
      assert.ok(codeIn(await world.browse(page.url, cookie, { csrf, accept: '1' })));
    });

    test('is another one of the same person: they are asked again, and nothing was done', async () => {
      const { ben, made, page } = await opened();
      const cookie = await world.sessionCookie(ben);
      const again = await world.submitDecision(page, 'accept', {}, cookie);
      assert.equal(again.status, 403);
      assert.match(again.body, /Your session has changed since you opened this page/);
      assert.equal(await world.grantedScopes(made, ben), undefined);
      const csrf = /name="csrf" value="([^"]+)"/.exec(again.body)?.[1] ?? '';
      assert.ok(codeIn(await world.browse(page.url, cookie, { csrf, accept: '1' })));
    });
  });

  test('what is kept of an answer cannot be read without the handle', async () => {
    const { page } = await opened();
    const code = codeIn(await world.submitDecision(page, 'accept'));
    const kept = JSON.stringify(
      await world.server.store.findRequest(digestOf(page.url.split('/')[2] ?? ''), world.now),
    );
    assert.ok(
      kept.includes('answerSealed') &&
        !kept.includes(code) &&
        !kept.includes(page.url.split('/')[2] ?? '-'),
    );
  });

  test('the form locks its buttons where there is a script', async () => {
    const { page } = await opened();
    assert.match(page.body, /<form method="post" id="mw-mwoauth-authorize-form" data-once>/);
  });
});
