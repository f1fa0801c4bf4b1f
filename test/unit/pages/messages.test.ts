import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { IntlMessageFormat } from 'intl-messageformat';
import { hasDialect } from '#harness/profiles.ts';
import { scopeWords } from '#pages/scopes.ts';
import {
  acceptedLanguage,
  catalogues,
  languageOf,
  languages,
  type MessageKey,
  wordsOf,
} from '#pages/words.ts';
import { loadScopes } from '#registry/model/scopes.ts';

const keys = Object.keys(catalogues.en) as MessageKey[];
const texts = (language: keyof typeof catalogues) =>
  catalogues[language] as Readonly<Record<string, string>>;

/** Names of the values a text takes. */
function values(text: string, language: string): readonly string[] {
  const found = new Set<string>();
  const walk = (
    elements: readonly {
      readonly value?: unknown;
      readonly type: number;
      readonly options?: Record<string, { value: never }>;
    }[],
  ) => {
    for (const element of elements) {
      // 0 is literal text, 7 the # of a plural.
      if (element.type !== 0 && element.type !== 7) found.add(String(element.value));
      for (const option of Object.values(element.options ?? {})) walk(option.value);
    }
  };
  walk(new IntlMessageFormat(text, language, undefined, { ignoreTag: true }).getAst() as never);
  return [...found].sort();
}

for (const language of languages) {
  test(`${language}: every text is there, can be read, and takes the same values`, () => {
    assert.deepEqual(Object.keys(texts(language)).sort(), [...keys].sort());
    for (const key of keys) {
      const text = texts(language)[key] ?? '';
      assert.notEqual(text.trim(), '', key);
      assert.deepEqual(
        values(text, language),
        values(catalogues.en[key], 'en'),
        `${language} ${key}`,
      );
    }
  });
}

test('a plural has every form its language needs', () => {
  for (const language of languages) {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const key of keys.filter((name) => catalogues.en[name].includes(', plural,'))) {
      for (const form of needed)
        assert.match(
          texts(language)[key] ?? '',
          new RegExp(`\\b(?:${form}|=[0-9]) \\{`),
          `${language} ${key} ${form}`,
        );
    }
  }
});

test('every text is used by the program', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(`src/${name}`, 'utf8'))
    .join('\n');
  // A key is named whole, or made of a prefix that is named: `refusal.${kind}`,
  // `note.${note}.title`, or a note by its name.
  const prefixes = [...sources.matchAll(/[`'"]([a-z-]+\.(?:[a-z-]+[.-])*)\$\{/g)].map(
    ([, prefix]) => prefix as string,
  );
  const unused = keys.filter((key) => {
    // The dialect's own note, which stands here for its translations.
    if (!hasDialect && key.startsWith('note.connecting.')) return false;
    if (sources.includes(`'${key}'`) || sources.includes(`\`${key}\``)) return false;
    const note = /^note\.(.+)\.(?:title|text)$/.exec(key)?.[1];
    if (note !== undefined) return !sources.includes(`'${note}'`);
    const done = /^done\.(.+)$/.exec(key)?.[1];
    if (done !== undefined) return !sources.includes(`done=${done}`);
    return !prefixes.some((prefix) => key.startsWith(prefix));
  });
  assert.deepEqual(unused, []);
});

test('German and Arabic are not English with another name', () => {
  for (const language of ['de', 'ar'] as const) {
    const same = keys.filter(
      (key) =>
        texts(language)[key] === catalogues.en[key] &&
        /[a-z]{4}/i.test(catalogues.en[key].replace(/\{[^}]*\}/g, '')),
    );
    assert.ok(same.length < keys.length / 20, `${language}: ${same.join(', ')}`);
  }
});

for (const [header, expected] of [
  [undefined, undefined],
  ['de', 'de'],
  ['de-AT,de;q=0.9,en;q=0.8', 'de'],
  ['fr,ar;q=0.5,en;q=0.7', 'en'],
  ['fr, es', undefined],
  ['AR-eg', 'ar'],
  ['en;q=0, de;q=0.1', 'de'],
  ['*', undefined],
  [',;q=,,', undefined],
] as const) {
  test(`the language of a browser that accepts ${JSON.stringify(header)}`, () =>
    assert.equal(acceptedLanguage(header), expected));
}

test('tags, directions, numbers and lists', () => {
  assert.deepEqual(
    [languageOf('de-Latn-CH'), languageOf('xx'), languageOf(undefined)],
    ['de', undefined, undefined],
  );
  assert.deepEqual(
    languages.map((language) => wordsOf(language).direction),
    ['ltr', 'ltr', 'rtl'],
  );
  assert.equal(wordsOf('en').formatList(['a', 'b', 'c']), 'a, b, and c');
  assert.equal(wordsOf('de').formatDate(1_800_000_000), '15.01.2027');
  assert.match(wordsOf('en').formatDateTime(1_800_000_000), /UTC$/);
});

test('what a value holds is not read as a text', () => {
  assert.equal(wordsOf('en').say('consents.end', { app: '{x} <b>' }), 'Disconnect {x} <b>');
});

test('scopes of the built-in catalogue are said in every language; those of the operator as they wrote them', () => {
  const builtIn = loadScopes(
    JSON.parse(readFileSync('src/registry/model/data/scopes.json', 'utf8')),
  );
  for (const { name, description, group, risk } of builtIn.allScopes()) {
    const english = scopeWords(wordsOf('en'), builtIn);
    assert.deepEqual(
      [english.description(name), english.group(group), english.risk(risk)],
      [description, builtIn.groupLabel(group), builtIn.riskLabel(risk)],
    );
    for (const language of ['de', 'ar'] as const)
      assert.notEqual(scopeWords(wordsOf(language), builtIn).description(name), description, name);
  }
  const own = scopeWords(wordsOf('de'), {
    ...builtIn,
    get: () => ({ ...builtIn.allScopes()[0], description: 'Paint the bikeshed' }) as never,
  });
  assert.equal(own.description('basic'), 'Paint the bikeshed');
  assert.equal(own.description('unheard-of'), 'Paint the bikeshed');
});
