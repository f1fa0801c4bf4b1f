import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '#harness/world.ts';
import { scopeWords } from '#pages/scopes.ts';
import { wordsOf } from '#pages/words.ts';
import { loadScopes } from '#registry/model/scopes.ts';

// What an operator writes of scopes of their own is said in the reader's language.

const scope = (description: unknown, name = 'notes') => ({
  name,
  description,
  group: 'notes',
  risk: 'low',
  rights: ['read'],
});
const file = (description: unknown, group: unknown = 'Your notes', risk: unknown = 'Low risk') => ({
  groups: { notes: group },
  risks: { low: risk },
  scopes: [scope(description)],
});
const inTwo = { en: 'Change your notes', de: 'Ihre Notizen ändern' };

describe('a label', () => {
  for (const [language, given, shown] of [
    ['en', inTwo, 'Change your notes'],
    ['de', inTwo, 'Ihre Notizen ändern'],
    ['ar', inTwo, 'Change your notes'],
    ['de', 'Change your notes', 'Change your notes'],
    ['de', { en: 'Change your notes' }, 'Change your notes'],
  ] as const)
    test(`${JSON.stringify(given)} is read by a reader of ${language} as ${shown}`, () => {
      const words = scopeWords(wordsOf(language), loadScopes(file(given, given, given)));
      assert.deepEqual(
        [words.description('notes'), words.group('notes'), words.risk('low')],
        [shown, shown, shown],
      );
    });

  test('is English where there is no reader: in the API and in what the registry keeps', () => {
    const catalogue = loadScopes(file(inTwo, inTwo, inTwo));
    assert.equal(catalogue.get('notes')?.description, 'Change your notes');
    assert.deepEqual(
      [catalogue.groupLabel('notes'), catalogue.riskLabel('low')],
      ['Change your notes', 'Change your notes'],
    );
  });

  for (const [title, wrong] of [
    ['no English text', { de: 'Ihre Notizen' }],
    ['nothing', {}],
    ['a list', ['Your notes']],
    ['a number', 7],
    ['an empty text', ''],
    ['an empty text of a language', { en: 'Your notes', de: '' }],
    ['a text that is too long', { en: 'x'.repeat(513) }],
    ['a language that is none', { en: 'Your notes', 'German!': 'Ihre Notizen' }],
  ] as const)
    test(`of ${title} is refused with what to write`, () => {
      for (const json of [file(wrong), file('a', wrong), file('a', 'b', wrong)])
        assert.throws(
          () => loadScopes(json),
          /must be a text of 1 to 512 characters, or such texts by language with an English one/,
        );
    });

  test('of a built-in scope can be replaced in one language or several', () => {
    const own = loadScopes({
      ...file(''),
      scopes: [scope({ en: 'Paint', de: 'Streichen' }, 'basic'), scope('Paint', 'editpage')],
    });
    const words = scopeWords(wordsOf('de'), own);
    assert.deepEqual(
      [words.description('basic'), words.description('editpage')],
      ['Streichen', 'Paint'],
    );
  });
});

describe('the pages', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-scopes-'));
  let world: TestServer;
  before(() => {
    const path = join(directory, 'scopes.json');
    const builtIn = JSON.parse(readFileSync('src/registry/model/data/scopes.json', 'utf8'));
    const groups = { ...builtIn.groups, notes: { en: 'Your notes', de: 'Ihre Notizen' } };
    writeFileSync(
      path,
      JSON.stringify({ ...builtIn, groups, scopes: [...builtIn.scopes, scope(inTwo)] }),
    );
    world = new TestServer({ scopes: path });
  });
  after(async () => {
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [language, description, group, builtIn] of [
    ['en', 'Change your notes', 'Your notes', 'Edit existing pages'],
    ['de', 'Ihre Notizen ändern', 'Ihre Notizen', 'Vorhandene Seiten bearbeiten'],
    ['ar', 'Change your notes', 'Your notes', null],
  ] as const)
    test(`say them to a reader of ${language}`, async () => {
      const headers = {
        'accept-language': language,
        cookie: await world.sessionCookie(
          await world.createPerson(`Ada ${language}`, ['developer']),
        ),
      };
      for (const url of ['/scopes', '/my/apps/new?kind=server', '/apps']) {
        const { body } = await world.app.inject({ url, headers });
        assert.ok(body.includes(description), url);
        if (url !== '/apps') assert.ok(body.includes(group), url);
        // The filter of the directory says the built-in ones in the reader's language, too.
        if (builtIn !== null) assert.ok(body.includes(builtIn), `${url}: ${builtIn}`);
        if (language === 'de') assert.ok(!body.includes('Change your notes'), url);
      }
    });
});
