import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldProblem } from '#accounts/fields.ts';
import { confusableSkeleton } from '#encoding/confusables.ts';
import {
  findLineProblem,
  findNameProblem,
  findParagraphProblem,
  type TextProblem,
} from '#encoding/plain-text.ts';
import { password, TestServer } from '#harness/world.ts';
import type { FieldProblem } from '#registry/refusals.ts';

// A name is what it seems: nothing unseen, nothing decoded by a mail reader, no letters that pass
// for others.

const code = (...points: readonly number[]) => String.fromCodePoint(...points);

const refused: readonly (readonly [what: string, name: string, problem: TextProblem])[] = [
  ...[0x0, 0x7, 0x9, 0xa, 0xd, 0x1b, 0x7f, 0x85, 0x9f].map(
    (point) => [`control ${point}`, `Re${code(point)}ader`, 'unseen'] as const,
  ),
  ...[
    0xad, 0x61c, 0x6dd, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c,
    0x202d, 0x202e, 0x2028, 0x2029,
  ].map((point) => [`U+${point.toString(16)}`, `Re${code(point)}ader`, 'unseen'] as const),
  ...[
    0x2060, 0x2061, 0x2064, 0x2066, 0x2067, 0x2068, 0x2069, 0x206a, 0x206f, 0xfeff, 0xfff9, 0xfffb,
    0xe0001, 0xe0041, 0xe007f,
  ].map((point) => [`U+${point.toString(16)}`, `Re${code(point)}ader`, 'unseen'] as const),
  ...[
    0x34f, 0x115f, 0x1160, 0x17b4, 0x180b, 0x2800, 0x3164, 0xfe00, 0xffa0, 0xe0100, 0xe000, 0xf0000,
    0x378, 0xffff,
  ].map((point) => [`U+${point.toString(16)}`, `Re${code(point)}ader`, 'unseen'] as const),
  ['a half of a character', 'Re\ud83dader', 'unseen'],
  ['a selector behind a letter', 'Re\ufe0fader', 'unseen'],
  ['a joiner at the end', 'Reader\u200d', 'unseen'],
  ['a joiner behind a picture alone', 'Reader \u{1f469}\u200d', 'unseen'],
  ['a joiner between a picture and a letter', '\u{1f469}\u200dReader', 'unseen'],
  ['tags without a flag', `Reader ${code(0xe0067, 0xe0062, 0xe007f)}`, 'unseen'],
  ['a flag with more tags than any', `${code(0x1f3f4)}${code(0xe0061).repeat(60)}`, 'unseen'],
  ['sixty accents', `a${'\u0301'.repeat(60)}`, 'stacked-marks'],
  ['five different accents', 'a\u0300\u0301\u0302\u0303\u0304', 'stacked-marks'],
  ['twice the same accent', 'a\u0301\u0301', 'stacked-marks'],
  ['an accent more on a letter that has one', '\u00e1\u0301', 'stacked-marks'],
  ['an accent without a letter', '\u0301Reader', 'stacked-marks'],
  ['circles around', `a${'\u20dd'.repeat(2)}`, 'stacked-marks'],
  ['an encoded word', '=?utf-8?b?R2F0ZWhvdXNl?=', 'encoded-word'],
  ['an encoded word inside', 'Hello =?iso-8859-1?q?=20?= there', 'encoded-word'],
  ['two halves of one', '=? and then ?=', 'encoded-word'],
  ['a Cyrillic letter', 'Re\u0430der', 'mixed-scripts'],
  ['a Greek letter', 'G\u03bfogle', 'mixed-scripts'],
  ['a Greek capital', '\u0392eta', 'mixed-scripts'],
  ['a Latin letter in Cyrillic', '\u041fоcта', 'mixed-scripts'],
  ['Cherokee', 'Reader\u13a0', 'mixed-scripts'],
  ['Armenian', 'Re\u0561der', 'mixed-scripts'],
  ['Coptic', 'Re\u2c81der', 'mixed-scripts'],
  ['Latin and Hebrew in one word', 'App\u05d0', 'mixed-scripts'],
  ['Katakana in Cyrillic', '\u0410\u30a2', 'mixed-scripts'],
  ['digits of two kinds', 'App 1\u0661', 'mixed-scripts'],
  ['wide digits among others', '2\uff10', 'mixed-scripts'],
];
const sound = [
  'Reader',
  "Ada's Reader 2.0",
  'LaTeX & Co.',
  'Wiki-Bot (test)',
  'C++ #1',
  'Über',
  'Ærøskøbing',
  'Čeština',
  'Tiếng Việt',
  'Ñandú',
  'İstanbul',
  'Читалка',
  'Яндекс Mail',
  'Ελληνικά',
  'π-Rechner',
  'Ωmega'.replace('Ω', 'Ω '),
  'עברית',
  'עִבְרִית',
  'العربية',
  'اَلْعَرَبِيَّةُ',
  'فارسی',
  'हिन्दी',
  'தமிழ்',
  'বাংলা',
  'ไทย',
  'ភាសាខ្មែរ',
  'မြန်မာ',
  'བོད་ཡིག',
  '日本語',
  'カタカナー',
  'Tシャツ',
  'ウィキペディア2',
  '中文',
  'QQ音乐',
  '한국어',
  'K팝',
  'ქართული',
  'Հայերեն',
  'አማርኛ',
  'ᏣᎳᎩ',
  '2048',
  '١٢٣',
  '🎉 Party',
  '👩‍💻 Coder',
  '👨‍👩‍👧‍👦',
  '❤️ Love',
  '🏳️‍🌈',
  '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}',
  '1️⃣ First',
  '👍🏽',
  '☎️',
  'a=?b',
  'What?=',
  'x = y ?',
  '㈱テスト',
  'nai\u0308ve',
  'e\u0301te\u0301',
  'µTorrent',
  'Å',
  'No. ½',
  '×2',
];

describe('names', () => {
  for (const [what, name, problem] of refused)
    test(`${what}: refused`, () => assert.equal(findNameProblem(name), problem));
  for (const name of sound)
    test(`${name}: taken`, () => assert.equal(findNameProblem(name), undefined));
  test('a name as long as a form does not hold the reader', () => {
    // Steps grow as the text does: each character is looked at once, and its neighbours.
    for (const piece of [
      '\u{1f469}\u200d',
      '\u0301',
      '\u{1f3f4}\u{e0067}',
      '=?',
      'a\u0430',
      'a1\u0661',
    ])
      assert.notEqual(findNameProblem(piece.repeat(20_000)), undefined, piece);
  });
});

describe('labels, reasons and descriptions', () => {
  test('a line takes words of several scripts, and nothing unseen', () => {
    assert.equal(findLineProblem('Re\u0430der'), undefined);
    for (const [, text, problem] of refused)
      if (problem !== 'mixed-scripts') assert.equal(findLineProblem(text), problem, text);
  });
  test('a description has lines, and joiners where a script needs them', () => {
    for (const text of ['One\nTwo\r\n\tThree', 'می\u200cخواهم', 'क्\u200dष', 'a =?b?= c', ...sound])
      assert.equal(findParagraphProblem(text), undefined, text);
    for (const text of [
      'a\u202eb',
      'a\u2066b',
      'a\u200bb',
      'a\u200cb',
      'a\u0000b',
      '\u200b',
      'a\ue000',
    ])
      assert.equal(findParagraphProblem(text), 'unseen', JSON.stringify(text));
    assert.equal(findParagraphProblem(`a${'\u0301'.repeat(60)}`), 'stacked-marks');
  });
});

const alike: readonly (readonly [string, string])[] = [
  ['Gatehouse', 'gatehouse'],
  ['Gatehouse', 'G\u0430tehouse'],
  ['Gatehouse', 'Gateh\u03bfuse'],
  ['Gatehouse', '\u{1d406}atehouse'],
  ['Gatehouse', 'Gatehous\u212e'],
  ['Gatehouse', 'Gate\u04bbouse'],
  ['Gatehouse', 'Ga\u1e6dehouse'],
  ['Gatehouse', 'G a t e-h o u s e'],
  ['Gatehouse', 'Ꮐatehouse'],
  ['Gatehouse', 'Gat\u0435\u04bb\u043eus\u0435'],
  ['Commons', 'Cornmons'],
  ['Wave', 'VVave'],
  ['Bill', '8ill'.replace('8', 'B')],
  ['Bill', 'BiII'],
  ['Paypal', '\u0440\u0430\u0443\u0440\u0430\u04cf'],
  ['Apple', '\u0430\u0440\u0440\u04cf\u0435'],
  ['Scope', '\u0455\u0441\u043e\u0440\u0435'],
];
describe('skeletons (UTS #39 §4)', () => {
  for (const [one, other] of alike)
    test(`${one} and ${other} look alike`, () =>
      assert.equal(confusableSkeleton(one), confusableSkeleton(other)));
  for (const [one, other] of [
    ['Reader', 'Leader'],
    ['Wiki', 'Wika'],
    ['Читалка', 'Reader'],
    ['日本', '中国'],
    ['Bot 1', 'Bot 2'],
  ] as const)
    test(`${one} and ${other} do not`, () =>
      assert.notEqual(confusableSkeleton(one), confusableSkeleton(other)));
});

describe('at the doors', () => {
  const world = new TestServer({ registration: 'open', 'site-name': 'Gatehouse' });
  const propose = async (name: string, more: Readonly<Record<string, unknown>> = {}) => {
    const ada =
      (await world.server.store.findAccountByName('Ada')) ??
      (await world.createPerson('Ada', ['developer']));
    const cookie = await world.sessionCookie(ada);
    const page = await world.app.inject({ url: '/my/apps/new?kind=server', headers: { cookie } });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const values = {
      kind: 'server',
      name,
      version: '1.0',
      description: 'd',
      redirectUri: 'https://app.example/cb',
      site: '*',
      access: 'scopes',
      terms: '1',
    };
    return world.app.inject({
      method: 'POST',
      url: '/my/apps/new',
      headers: {
        cookie,
        origin: 'https://gate.example',
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({ ...values, ...more, 'scope.editpage': '1', csrf } as Record<
        string,
        string
      >).toString(),
    });
  };
  for (const [what, name, words] of [
    ['an encoded word', '=?utf-8?b?R2F0ZQ==?=', /mail readers decode/],
    ['stacked accents', `a${'\u0301'.repeat(60)}`, /more accents/],
    ['a zero-width character', 'Rea\u200bder', /cannot be seen/],
    ['a Cyrillic letter', 'Re\u0430der', /mixes letters/],
    ['the name of the house', 'Gatehouse', /name of this server/],
    ['the name of the house in other letters', '\u{1d406}atehouse', /name of this server/],
  ] as const)
    test(`the page refuses ${what}`, async () => {
      const answer = await propose(name);
      assert.equal(answer.statusCode, 400);
      assert.match(answer.body, words);
    });
  test('the page refuses a description that turns the direction of text', async () => {
    const answer = await propose('Honest', { description: 'a\u202eb' });
    assert.equal(answer.statusCode, 400);
    assert.match(answer.body, /turn the direction/);
  });
  test('the page takes names of every script', async () => {
    for (const name of ['Читалка', '日本語', '👩‍💻 Coder'])
      assert.equal((await propose(name)).statusCode, 200, name);
  });
  test('the operator may use the name of the house; the rest holds for them too', async () => {
    const ada =
      (await world.server.store.findAccountByName('Ada')) ??
      (await world.createPerson('Ada', ['developer']));
    assert.equal((await world.createClient(ada, { name: 'Gatehouse' })).client.name, 'Gatehouse');
    const wanted = {
      name: 'Re\u0430der',
      protocol: 'oauth2',
      redirectUri: 'https://app.example/cb',
      scopes: ['editpage'],
    } as const;
    const answer = await world.clients.create(wanted, ada, { approve: false });
    assert.ok(!answer.ok && answer.refusal.kind === 'invalid_field');
    assert.equal((answer.refusal.problem satisfies FieldProblem).kind, 'mixed-scripts');
  });
  test('a name from before stays, whatever else is changed', async () => {
    const ada =
      (await world.server.store.findAccountByName('Ada')) ??
      (await world.createPerson('Ada', ['developer']));
    const { client } = await world.createClient(ada, { name: 'Older' });
    const named = { ...client, name: 'Old\u0435r' };
    const submitted = world.server.services.registry.computeRevision(named, {
      name: named.name,
      description: 'Better',
    });
    assert.ok(submitted.ok && submitted.value.description === 'Better');
    assert.ok(!world.server.services.registry.computeRevision(named, { name: 'Old\u0435r 2' }).ok);
  });
  test("what borrows the site's name, or a sign of trust, is shown to reviewers with its reason", async () => {
    const ada =
      (await world.server.store.findAccountByName('Ada')) ??
      (await world.createPerson('Ada', ['developer']));
    for (const name of [
      'Gatehouse Security \u2713 verified',
      'My G\u0430tehouse',
      'Safe \u{1f512} Login',
      'Official\u2122',
    ]) {
      const { client } = await world.createClient(ada, { name: `App ${name.length}` });
      const { findings } = await world.server.services.registry.risk({ ...client, name });
      assert.ok(
        findings.some(({ rule }) => rule === 'claims-trust'),
        name,
      );
    }
  });
  test('accounts: the same for names; nobody who registers takes the name of the house', async () => {
    for (const [what, name, problem] of refused)
      if (!/^\s|\s$/.test(name))
        assert.equal(fieldProblem({ name })?.field, 'name', `${what} ${problem}`);
    for (const name of sound) assert.equal(fieldProblem({ name }), undefined, name);
    const { accounts } = world.server.services;
    const from = { address: '192.0.2.7', agent: '' };
    await accounts.requestRegistration('zoe@example.org', null, from);
    await accounts.whenEmailsSent();
    // Other emails wait in the same outbox.
    const emails = world.outbox as readonly { readonly text: string }[];
    const secret =
      emails.map(({ text }) => /token=([\w-]+)/.exec(text)?.[1]).findLast(Boolean) ?? '';
    for (const name of ['Gatehouse', 'gate house', '\u{1d406}atehouse']) {
      const answer = await accounts.register(secret, { name, realName: '', password }, from);
      assert.ok(
        !answer.ok && answer.refusal.kind === 'invalid-field' && answer.refusal.field === 'name',
        name,
      );
    }
    assert.ok((await accounts.register(secret, { name: 'Zoe', realName: '', password }, from)).ok);
  });
});
