import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import { isEmailAddress, isSameEmail, MAX_EMAIL_BYTES, parseEmail } from '#encoding/email.ts';
import { FormBrowser } from '#harness/front-door.ts';
import { password, TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';

// E-mail addresses as people have them: apostrophes, plus signs, letters beyond ASCII,
// international domains. One reader wherever one is taken.

const sound: readonly (readonly [typed: string, kept: string])[] = [
  ["o'brien@example.org", "o'brien@example.org"],
  ["d'angelo+lists@example.org", "d'angelo+lists@example.org"],
  ['first.last@sub.example.co.uk', 'first.last@sub.example.co.uk'],
  ['a/b=c!#$%&*?^_`{|}~@example.org', 'a/b=c!#$%&*?^_`{|}~@example.org'],
  ['zoe@bücher.example', 'zoe@xn--bcher-kva.example'],
  ['zoe@BÜCHER.Example', 'zoe@xn--bcher-kva.example'],
  ['zoe@例え.テスト', 'zoe@xn--r8jz45g.xn--zckzah'],
  ['zoe@пример.рф', 'zoe@xn--e1afmkfd.xn--p1ai'],
  ['zoe@مثال.إختبار', 'zoe@xn--mgbh0fb.xn--kgbechtv'],
  ['zoe@xn--bcher-kva.example', 'zoe@xn--bcher-kva.example'],
  ['zoë@example.org', 'zoë@example.org'],
  ['ZOË@example.org', 'zoë@example.org'],
  ['用户@例子.中国', '用户@xn--fsqu00a.xn--fiqs8s'],
  ["o'brien@bücher.example", "o'brien@xn--bcher-kva.example"],
  ['  ada@example.org\t', 'ada@example.org'],
  ['Ada@Example.ORG', 'Ada@Example.ORG'],
  ['root@localhost', 'root@localhost'],
  [`a@${'b'.repeat(63)}.example`, `a@${'b'.repeat(63)}.example`],
];
const unsound: readonly string[] = [
  ...[
    '',
    '@',
    'ada',
    'ada@',
    '@example.org',
    'ada@@example.org',
    'ada@b@example.org',
    'a da@example.org',
    'ada@exa mple.org',
  ],
  ...[
    '"ada"@example.org',
    'ada<x>@example.org',
    'Ada <ada@example.org>',
    'ada,eve@example.org',
    'ada;eve@example.org',
    'a(b)@example.org',
  ],
  ...[
    'ada\\@example.org',
    'ada@example..org',
    'ada@.example.org',
    'ada@example.org.',
    'ada@-example.org',
    'ada@example-.org',
    'ada@exa_mple.org',
  ],
  ...[
    'ada@example.org\r\nBcc: eve@example.org',
    'ada\n@example.org',
    'ada\0@example.org',
    'ad\u200ba@example.org',
    'ad\u202ea@example.org',
  ],
  ...[
    'ada@bücher.example/x',
    'ada@bücher.example#',
    'ada@bücher.example?x',
    'ada@bü\u0000cher.example',
    'ada@[192.0.2.1]',
    'ada@ex\u00adample..org',
  ],
  ...[
    '=?utf-8?q?ada?=@example.org',
    `a@${'b'.repeat(64)}.example`,
    `${'a'.repeat(250)}@example.org`,
    'mailto:ada@example.org',
  ],
];

describe('the reader', () => {
  for (const [typed, kept] of sound)
    test(`${JSON.stringify(typed)} is kept as ${kept}`, () => {
      assert.equal(parseEmail(typed), kept);
      assert.equal(parseEmail(kept), kept, 'what is kept is read as itself');
      assert.ok(isSameEmail(typed, kept.toUpperCase()) || /[^\0-\x7f]/.test(kept));
    });
  for (const typed of unsound)
    test(`${JSON.stringify(typed).slice(0, 60)} is no address`, () =>
      assert.equal(parseEmail(typed), undefined));
  test(`the bound is ${MAX_EMAIL_BYTES} bytes`, () => {
    const [most, over] = [`${'a'.repeat(243)}@example.org`, `${'a'.repeat(244)}@example.org`];
    assert.deepEqual(
      [Buffer.byteLength(most), isEmailAddress(most), isEmailAddress(over)],
      [MAX_EMAIL_BYTES, true, false],
    );
  });
});

describe('wherever an address is taken', () => {
  let world: TestServer;
  before(() => {
    world = new TestServer({ registration: 'open' });
  });
  after(() => world.close());
  const lastTo = async () => {
    await world.server.services.accounts.whenEmailsSent();
    return (world.outbox as OutgoingEmail[]).at(-1)?.to;
  };
  const some = ["o'neill@example.org", 'kim@bücher.example', "o'hara@пример.рф", 'zoë@example.org'];
  let count = 0;
  async function person(email: string) {
    const made = await world.server.services.accounts.createAccount({
      ...{
        name: `Person ${++count}`,
        email,
        emailConfirmed: true,
        realName: '',
        groups: ['developer'],
        password,
      },
    });
    assert.ok(made.ok, JSON.stringify(made));
    return made.value;
  }

  for (const [index, typed] of some.entries()) {
    const kept = parseEmail(typed) ?? '';
    test(`${typed} registers, and signs in by the address in either spelling`, async () => {
      const browser = new FormBrowser(world, { 'x-forwarded-for': `192.0.2.${index + 1}` });
      await browser.get('/register');
      const asked = await browser.post('/register', { email: typed, send: '1' });
      assert.ok(asked.status < 400, asked.body);
      assert.equal(await lastTo(), kept);
      const letter = (world.outbox as OutgoingEmail[]).at(-1)?.text ?? '';
      const token = /token=([\w-]+)/.exec(letter)?.[1] ?? '';
      const shown = await browser.get(`/register/finish?token=${token}`);
      assert.equal(shown.status, 200);
      const name = `Newcomer ${index}`;
      const done = await browser.post('/register/finish', {
        token,
        name,
        'new-password': password,
        'new-password-again': password,
        register: '1',
      });
      assert.equal(done.status, 303, done.body);
      for (const spelling of index % 2 === 0 ? [typed] : [kept]) {
        const signed = await world.server.services.accounts.signIn(spelling, password, {
          address: '192.0.2.9',
          agent: '',
        });
        assert.ok(signed.ok && signed.value.account.name === name, spelling);
      }
    });

    test(`${typed} made by the operator proposes an app, in either spelling, by API and dialect`, async () => {
      const owner = await person(typed.replace('@', `${count}@`));
      assert.equal(owner.email, parseEmail(typed.replace('@', `${count - 1}@`)));
      const cookie = await world.sessionCookie(owner);
      const headers = {
        cookie,
        'x-csrf-token': csrfToken(cookie.split('=')[1] ?? ''),
        'content-type': 'application/json',
      };
      const propose = (email: string) => {
        const app = {
          name: `App ${++count}`,
          description: 'x',
          protocol: 'oauth2',
          redirect_uri: 'https://a.example/cb',
          scopes: ['editpage'],
        };
        const payload = JSON.stringify({ ...app, email, terms_accepted: true });
        return world.app.inject({ method: 'POST', url: '/api/v1/clients', headers, payload });
      };
      const written = typed.replace('@', `${count - 1}@`);
      for (const email of [written, owner.email ?? '', written.toUpperCase()]) {
        const answer = await propose(email);
        assert.equal(answer.statusCode, 201, answer.body);
        const client = await world.server.store.findClient(
          answer.json().client_id ?? answer.json().client?.client_id,
        );
        assert.equal(client?.email.toLowerCase(), owner.email?.toLowerCase());
      }
      assert.equal((await propose('eve@example.org')).json().code, 'email_mismatched');
      assert.equal((await propose('no address')).json().problem, 'not_an_address');
      const dialect = await world.app.inject({
        ...{ method: 'POST', url: '/w/rest.php/oauth2/client', headers },
        payload: JSON.stringify({
          ...{
            name: `App ${++count}`,
            description: 'x',
            callback_url: 'https://a.example/cb',
            is_confidential: true,
            email: written,
          },
          ...{
            grant_types: ['authorization_code'],
            scopes: ['editpage'],
            version: '1.0',
            owner_only: false,
          },
        }),
      });
      assert.equal(dialect.statusCode, 200, dialect.body);
    });
  }

  for (const typed of some.slice(2, 3))
    test(`somebody changes to ${typed} on the account page`, async () => {
      const owner = await person(`someone${count}@example.org`);
      const browser = new FormBrowser(world, {});
      const [name = '', value = ''] = (await world.sessionCookie(owner)).split('=');
      browser.cookies.set(name, value);
      await browser.get('/account');
      const wanted = typed.replace('@', `.${count}@`);
      const asked = await browser.post('/account/email', {
        email: wanted,
        'email-password': password,
      });
      assert.deepEqual(
        [asked.status, asked.to],
        [303, '/account?done=email-sent'],
        asked.body.slice(0, 300),
      );
      assert.equal(await lastTo(), parseEmail(wanted));
    });

  test('--mail-from takes one, and keeps it as mail is sent from it', () => {
    const read = (text: string) =>
      readConfig({ issuer: 'https://gate.example', 'mail-from': text }, {}, () => '');
    for (const [typed, kept] of sound) {
      const config = read(typed);
      assert.ok(config.ok && config.value.mailFrom === kept, typed);
    }
    for (const typed of unsound.filter((text) => text !== ''))
      assert.ok(!read(typed).ok, JSON.stringify(typed));
  });
});
