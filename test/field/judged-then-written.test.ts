import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import type { BrowserResponse, ProfileName } from '#harness/approvals.ts';
import { InspectableTestServer } from '#harness/state.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';

describe('judged then written', () => {
  // Everything is judged before anything is written (ADR 26). What a refusal may still write is
  // named below, each in a test of its own.

  let world: InspectableTestServer;
  let ada: Account;
  let number = 0;
  before(async () => {
    world = new InspectableTestServer();
    ada = await world.createPerson('Ada');
  });
  after(() => world.close());

  const person = () => world.createPerson(`Ben${++number}`);
  const app = (wanted: Partial<ClientProposal> = {}) =>
    world.createClient(ada, { name: `App ${++number}`, scopes: ['editpage'], ...wanted });
  const classic = { protocol: 'oauth1', redirectUri: 'https://app.example/cb' } as const;
  const doors = ['core', 'mediawiki'] as const satisfies readonly ProfileName[];
  const shown = ({ body, location: to }: BrowserResponse) =>
    /<code class="big">(\w+)</.exec(body)?.[1] ??
    new URL(to ?? 'none:').searchParams.get('oauth_verifier') ??
    '';
  const codeIn = ({ location: to }: BrowserResponse) =>
    new URL(to ?? 'none:').searchParams.get('code') ?? '';

  /** Puts an app into a state, whatever way would lead there. */
  async function force(client: Client, changes: Partial<Client>): Promise<void> {
    const { store } = world.server;
    const now = await store.findClient(client.id);
    assert.ok(now);
    const audit = {
      at: world.now,
      action: 'x',
      actorId: null,
      via: 'job',
      address: null,
      clientId: now.id,
      reason: '',
      changes: [],
    } as const;
    const effects = [{ kind: 'save-client', client: { ...now, ...changes } }] as const;
    assert.equal(
      (
        await store.applyChange({
          recordVersion: now.recordVersion,
          effects,
          audit,
          notifications: [],
        })
      ).outcome,
      'applied',
    );
  }

  for (const door of doors)
    describe(`a second yes to one OAuth 1 pair, from a page that was left open, at the ${door} addresses`, () => {
      async function twoPages() {
        const [ben, made] = [await person(), await app(classic)];
        const [cookie, shake] = [
          await world.sessionCookie(ben),
          await world.oauth1Handshake(made, door),
        ];
        return {
          ben,
          made,
          ...shake,
          first: await world.openConsentPage(shake.authorizeUrl, cookie),
          stale: await world.openConsentPage(shake.authorizeUrl, cookie),
        };
      }

      test('is refused, and writes nothing', async () => {
        const { first, stale } = await twoPages();
        await world.submitDecision(first, 'accept');
        const before = world.protectedRows();
        assert.equal((await world.submitDecision(stale, 'accept')).status, 400);
        assert.deepEqual(world.protectedRows(), before);
      });

      test('writes no consent after the person ended the app', async () => {
        const { ben, made, first, stale } = await twoPages();
        await world.submitDecision(first, 'accept');
        const consent = await world.consents.current(made.client, ben, world.server.services.site);
        assert.ok(consent);
        await world.consents.revoke(consent.id, ben);
        const before = world.protectedRows();
        assert.equal((await world.submitDecision(stale, 'accept')).status, 400);
        assert.deepEqual(world.protectedRows(), before);
        assert.equal(await world.grantedScopes(made, ben), undefined);
      });

      test('nor after the exchange, nor for a pair that has expired', async () => {
        const { first, stale, exchange } = await twoPages();
        const bought = await exchange(shown(await world.submitDecision(first, 'accept')));
        assert.ok(bought.form.get('oauth_token'), bought.body);
        const before = world.protectedRows();
        assert.equal((await world.submitDecision(stale, 'accept')).status, 400);
        assert.deepEqual(world.protectedRows(), before);
      });

      test('of two at the same time one counts, and there is one line of the trail', async () => {
        const { made, first, stale } = await twoPages();
        const answers = await Promise.all([
          world.submitDecision(first, 'accept'),
          world.submitDecision(stale, 'accept'),
        ]);
        assert.deepEqual(answers.map(({ status }) => status >= 400).sort(), [false, true]);
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

      test('by another person, when the first ended theirs: the second person has no consent either', async () => {
        const { made, first, authorizeUrl: asking } = await twoPages();
        const cleo = await person();
        const hers = await world.openConsentPage(asking, await world.sessionCookie(cleo));
        await world.submitDecision(first, 'accept');
        const before = world.protectedRows();
        assert.equal((await world.submitDecision(hers, 'accept')).status, 400);
        assert.deepEqual(world.protectedRows(), before);
        assert.equal(await world.grantedScopes(made, cleo), undefined);
      });
    });

  describe('an approval that is refused writes nothing, and counts when the reason is gone', () => {
    const reasons: readonly (readonly [string, Partial<Client>, Partial<Client>])[] = [
      ['the app was disabled', { stage: 'disabled' }, { stage: 'approved' }],
      ['the app was rejected', { stage: 'rejected' }, { stage: 'approved' }],
      ['the app was hidden', { suppressed: true }, { suppressed: false }],
      ['the app takes nobody new', { suspension: 'new-consents' }, { suspension: 'none' }],
      ['its tokens were stopped', { suspension: 'all' }, { suspension: 'none' }],
      ['it became its owner’s alone', { ownerOnly: true }, { ownerOnly: false }],
      [
        'its address was changed',
        { redirectUri: 'https://app.example/other' },
        { redirectUri: 'https://app.example/cb' },
      ],
    ];
    for (const [why, changes, back] of reasons)
      for (const protocol of ['oauth2', 'oauth1'] as const)
        test(`${protocol}: ${why}`, async () => {
          const [ben, made] = [await person(), await app(protocol === 'oauth1' ? classic : {})];
          const asking =
            protocol === 'oauth2'
              ? world.authorizeUrl(made.client, 'editpage')
              : (await world.oauth1Handshake(made, 'core', 'https://app.example/cb')).authorizeUrl;
          const page = await world.openConsentPage(asking, await world.sessionCookie(ben));
          await force(made.client, changes);
          const before = world.protectedRows();
          for (const button of ['accept', 'accept'] as const) {
            const answer = await world.submitDecision(page, button);
            assert.ok(
              answer.location === null && answer.status >= 400,
              `${answer.status} ${answer.location}`,
            );
          }
          assert.deepEqual(world.protectedRows(), before);
          await force(made.client, back);
          assert.match(
            (await world.submitDecision(page, 'accept')).location ?? '',
            /code=|oauth_verifier=/,
          );
        });

    test('the server is read-only', async () => {
      const quiet = new InspectableTestServer();
      const [olga, ben] = [await quiet.createPerson('Olga'), await quiet.createPerson('Ben')];
      const made = await quiet.createClient(olga, { name: 'Reader' });
      const page = await quiet.openConsentPage(
        quiet.authorizeUrl(made.client, 'editpage'),
        await quiet.sessionCookie(ben),
      );
      const registry = quiet.server.services.registry as { approvalProblem: unknown };
      const kept = registry.approvalProblem;
      registry.approvalProblem = async () => ({ kind: 'readonly', reason: 'moving' });
      const before = quiet.protectedRows();
      assert.equal((await quiet.submitDecision(page, 'accept')).status, 503);
      assert.deepEqual(quiet.protectedRows(), before);
      registry.approvalProblem = kept;
      assert.ok(codeIn(await quiet.submitDecision(page, 'accept')));
      await quiet.close();
    });

    test('a form of another session, one with both buttons, and one with none', async () => {
      const [ben, made] = [await person(), await app()];
      const page = await world.openConsentPage(
        world.authorizeUrl(made.client, 'editpage'),
        await world.sessionCookie(ben),
      );
      const stranger = await world.sessionCookie(await person());
      const before = world.protectedRows();
      const forms: readonly Record<string, string>[] = [
        { accept: '1' },
        { csrf: page.csrf },
        { csrf: page.csrf, accept: '1', cancel: '1' },
      ];
      for (const form of forms)
        assert.ok((await world.browse(page.url, page.cookie, form)).status >= 400);
      assert.ok((await world.submitDecision(page, 'accept', {}, stranger)).status >= 400);
      assert.deepEqual(world.protectedRows(), before);
    });
  });

  describe('an exchange that is refused spends nothing', () => {
    test('OAuth 1: the person is blocked, then not', async () => {
      const [ben, made] = [await person(), await app(classic)];
      const { authorizeUrl: asking, exchange } = await world.oauth1Handshake(made);
      const code = shown(
        await world.submitDecision(
          await world.openConsentPage(asking, await world.sessionCookie(ben)),
          'accept',
        ),
      );
      await world.server.store.setBlocked(ben.id, true);
      const before = world.protectedRows();
      assert.equal((await exchange(code)).status, 403);
      assert.deepEqual(world.protectedRows(), before);
      await world.server.store.setBlocked(ben.id, false);
      assert.equal((await exchange(code)).status, 200);
    });

    test('OAuth 1: the consent was ended', async () => {
      const [ben, made] = [await person(), await app(classic)];
      const { authorizeUrl: asking, exchange } = await world.oauth1Handshake(made);
      const code = shown(
        await world.submitDecision(
          await world.openConsentPage(asking, await world.sessionCookie(ben)),
          'accept',
        ),
      );
      const consent = await world.consents.current(made.client, ben, world.server.services.site);
      assert.ok(consent);
      await world.consents.revoke(consent.id, ben);
      const before = world.protectedRows();
      assert.equal((await exchange(code)).status, 401);
      assert.deepEqual(world.protectedRows(), before);
    });

    test('a pair that is claimed, and whose consent is not written yet, cannot be exchanged', async () => {
      const [ben, made] = [await person(), await app(classic)];
      const { pair, exchange } = await world.oauth1Handshake(made);
      const prepared = await world.server.services.protocols.core.oauth1.prepareAuthorization(
        pair.key,
        made.client,
        ben,
      );
      assert.ok(
        prepared.ok &&
          (
            await world.server.services.protocols.core.oauth1.claimTemporaryCredentials(
              prepared.value,
            )
          ).ok,
      );
      assert.match((await exchange(prepared.value.verifier)).body, /permission_unknown/);
      assert.equal(await world.grantedScopes(made, ben), undefined);
    });
  });

  // What a refusal may write.

  test('named exception: the nonce of a proven signature is spent, though the request is refused', async () => {
    const [ben, made] = [await person(), await app(classic)];
    const { authorizeUrl: asking, exchange, pair } = await world.oauth1Handshake(made);
    await world.submitDecision(
      await world.openConsentPage(asking, await world.sessionCookie(ben)),
      'accept',
    );
    const nonces = () => world.rowsOf('nonces').length;
    const before = nonces();
    assert.equal((await exchange('wrong')).status, 401);
    assert.equal(nonces(), before + 1);
    const found = await world.server.store.findTemporaryCredentials(pair.key, world.now);
    assert.equal(found?.used, false, 'and the pair is as it was');
  });

  test('named exception: a code that comes again ends the family of what it bought', async () => {
    const [ben, made] = [await person(), await app()];
    const code = await world.obtainCode(made, ben, 'editpage');
    const { body } = await world.exchangeCode(code, made);
    assert.equal((await world.exchangeCode(code, made)).body.error, 'invalid_grant');
    assert.deepEqual(await world.introspect(body.access_token, made), { active: false });
  });

  test('named exception: a refused sign-in counts for the throttle', async () => {
    const { accounts } = world.server.services;
    const limits = () => JSON.stringify(world.rowsOf('limits'));
    const before = limits();
    assert.equal(
      (await accounts.signIn('nobody', 'x', { address: '192.0.2.9', agent: '' })).ok,
      false,
    );
    assert.notEqual(limits(), before);
  });

  test('named exception: a refusal is on the list that the app’s developer sees', async () => {
    const made = await app(classic);
    const { pair } = await world.oauth1Handshake(made);
    const before = world.protectedRows();
    await world.postSigned('/oauth1/token', { ...made, secret: 'wrong' }, pair, {
      oauth_verifier: 'x',
    });
    await world.server.flushUsage();
    const found = await world.server.store.listFailures(made.client.id, 9);
    assert.equal(found.length, 1);
    assert.deepEqual(world.protectedRows(), before);
  });
});
