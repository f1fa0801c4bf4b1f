import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { anchorOf, decisions } from './blocks.ts';

// Every number that a comment, a test or a page cites leads somewhere: `RFC 6749 §4.1.3` to a row
// of docs/reference/standards.md, `registry 7.6` and `protocols 2.8` to a heading of
// docs/reference, `ADR 17` to a decision.

const REFERENCE = 'docs/reference';
const STANDARDS = `${REFERENCE}/standards.md`;
/** This file has the wrong spellings that are looked for. */
const itself = 'test/docs/citations.test.ts';
const binary = /\.(?:webp|png|ico|db|gz|woff2?)$/;

const below = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter(
      (path) => !path.includes('node_modules') && !binary.test(path) && statSync(path).isFile(),
    );

const files = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...['src', 'test', 'docs', 'examples', 'bench', 'bin', 'packages']
    .filter((folder) => existsSync(folder))
    .flatMap(below),
].filter((path) => path !== itself);

/** A text with its lines joined, also those of a comment: a citation may be broken between two. */
const joined = (text: string): string =>
  text.replace(/[ \t]*\n[ \t]*(?:\*(?!\/)|\/\/|#)?[ \t]*/g, ' ');

const texts: ReadonlyMap<string, string> = new Map(
  files.map((path) => [path, joined(readFileSync(path, 'utf8'))]),
);

/** What is written for a citation and is none: each with the reason. */
const wrongSpellings: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:RFC(?=\d)|(?:rfc|Rfc) (?=\d{3})|RFCs? ?[-_.] ?(?=\d)|RFCs (?=\d)|RFC {2,}(?=\d))[\w.]*/g,
    'an RFC is spelled RFC 6749',
  ],
  [
    /\b(?:RFC |rfc)\d{3,5},? (?:[Ss]ect(?:ion|s|\.)|[Ss]ec\.|[Cc]hapter|appendix|paragraph|\d+\.\d)[^)]{0,12}/g,
    'a section is spelled RFC 6749 §4.1.3, an appendix RFC 3986 Appendix B',
  ],
  [/\b[Ss]ections? [\dA-Z][\d.]* (?:of|in) (?:the )?RFC/g, 'a section is spelled RFC 6749 §4.1.3'],
  [/§(?:§| )\s*\d[\d.]*/g, 'a section is spelled §4.1.3'],
  [/\bADRs?(?:[-_#]|(?=\d)| 0)\d+/g, 'a decision is spelled ADR 17'],
  [
    /\b(?:protocol reference|reference|dialect|specification) §?[QS]?\d+\.\d+|\bprotocol reference\b|\b(?:registry|protocols) (?:§\d|[QS]\d)\S*/gi,
    'a rule of ours is spelled registry 7.6 or protocols 2.8',
  ],
];

const misspelt = (text: string): readonly string[] =>
  wrongSpellings.flatMap(([pattern, reason]) =>
    [...text.matchAll(pattern)].map(([found]) => `${found.trim()}: ${reason}`),
  );

const headings = (page: 'registry' | 'protocols'): ReadonlyMap<string, string> => {
  const text = readFileSync(`${REFERENCE}/${page}.md`, 'utf8');
  return new Map(
    [...text.matchAll(/^#{2,3} ((\d+(?:\.\d+)?)\.? .+)$/gm)].map(([, title = '', number = '']) => [
      number,
      title,
    ]),
  );
};
const sections = { registry: headings('registry'), protocols: headings('protocols') } as const;

/** The sections of ours that a text cites, one each: lists and ranges name several. */
function ownCitations(
  text: string,
): readonly (readonly [page: 'registry' | 'protocols', number: string])[] {
  const found = text.matchAll(
    /\b(registry|protocols) (\d+(?:\.\d+)?(?:(?:, |–| and )\d+(?:\.\d+)?)*)(?![\w%])/gi,
  );
  return [...found].flatMap(([, page = '', numbers = '']) =>
    numbers
      .split(/, |–| and /)
      .map((number) => [page.toLowerCase() as 'registry' | 'protocols', number] as const),
  );
}

const rfcsOf = (text: string): readonly string[] =>
  [...text.matchAll(/\bRFC (\d{3,5})\b/g)].map(([, number]) => number as string);

/** Rows of the tables of standards: number, and the files and folders named beside it. */
const standards = [...readFileSync(STANDARDS, 'utf8').matchAll(/^\| RFC (\d+) \|(.*)$/gm)].map(
  ([, number = '', rest = '']) => ({
    number,
    places: [...rest.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path]) => path as string),
  }),
);

/** Names of the documents that are no RFCs. */
const others = [
  ...(readFileSync(STANDARDS, 'utf8').split('## Others')[1] ?? '').matchAll(
    /^\| (?!document|RFC)([^|-][^|]*) \|/gm,
  ),
].flatMap(([, names = '']) => names.split(', '));

/**
 * What may stand before a section: an RFC, one of the others, another section of the same, or words
 * that say which is meant.
 */
function isSectionOfSomething(before: string): boolean {
  return (
    /(?:\bRFC \d{3,5} |§[\w.]+(?:, |; | and |–))$/.test(before) ||
    others.some((name) => before.endsWith(`${name} `)) ||
    /(?:\(| its | in )$/.test(before)
  );
}

describe('citations', () => {
  const eachFile = (problemsOf: (text: string, path: string) => readonly string[]) => {
    const problems = [...texts].flatMap(([path, text]) =>
      problemsOf(text, path).map((problem) => `${path}: ${problem}`),
    );
    assert.deepEqual(problems, []);
  };

  test('are spelled in one way', () => eachFile(misspelt));

  test('of a section say of which document', () => {
    assert.ok(
      others.includes('UTS #39') && others.includes('OpenID Connect Core'),
      'the table of other documents is read',
    );
    eachFile((text) =>
      [...text.matchAll(/(?<=(.{0,60}))§[\w.]+/gs)].flatMap(([found, before = '']) =>
        isSectionOfSomething(before)
          ? []
          : [`${before.slice(-30)}${found} is of no document that ${STANDARDS} names`],
      ),
    );
  });

  test('of the registry and the protocols resolve to a heading', () => {
    let cited = 0;
    eachFile((text) =>
      ownCitations(text).flatMap(([page, number]) => {
        cited += 1;
        return sections[page].has(number)
          ? []
          : [`${page} ${number} is no section of ${REFERENCE}/${page}.md`];
      }),
    );
    assert.ok(cited > 100, `only ${cited} were found`);
  });

  test('of a decision resolve to a file, and a link beside one to the same', () => {
    eachFile((text) => [
      ...[...text.matchAll(/\bADRs? (\d+)\b/g)].flatMap(([found, number]) =>
        Number(number) >= 1 && Number(number) <= decisions.length
          ? []
          : [`${found} is not in docs/adr`],
      ),
      ...[...text.matchAll(/\[ADR (\d+)\]\(([^)#]+)[^)]*\)/g)].flatMap(
        ([found, number = '', target = '']) =>
          basename(target).startsWith(`${number.padStart(4, '0')}-`)
            ? []
            : [`${found} leads to another decision`],
      ),
    ]);
  });

  test('of an RFC have a row among the standards', () => {
    const known = new Set(standards.map(({ number }) => number));
    assert.equal(known.size, standards.length, 'a standard has two rows');
    eachFile((text) =>
      [...new Set(rfcsOf(text))]
        .filter((number) => !known.has(number))
        .map((number) => `RFC ${number} is not in ${STANDARDS}: give it a row`),
    );
  });

  test('a row among the standards says where it is cited', () => {
    const problems = standards.flatMap(({ number, places }) => {
      const gone = places
        .filter((place) => !existsSync(place))
        .map((place) => `RFC ${number}: there is no ${place}`);
      const here = [...texts].filter(([path]) =>
        places.some((place) => path === place || path.startsWith(`${place}/`)),
      );
      return here.some(([, text]) => rfcsOf(text).includes(number))
        ? gone
        : [...gone, `RFC ${number} is cited in none of its places`];
    });
    assert.deepEqual(problems, []);
  });

  test('the sections of the reference are in order, each once, and links between them lead to the number they show', () => {
    for (const page of ['registry', 'protocols'] as const) {
      const text = readFileSync(`${REFERENCE}/${page}.md`, 'utf8');
      const titles = [...text.matchAll(/^#{2,} (.+)$/gm)].map(([, title]) => title as string);
      assert.equal(
        sections[page].size,
        titles.length,
        `${page}: a heading has no number, or another's`,
      );
      const order = [...sections[page].keys()].map((number) => number.split('.').map(Number));
      const sorted = order.toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
      assert.deepEqual(order, sorted, page);
      for (const [found, name, number = '', target = '', anchor] of text.matchAll(
        /\[(?:(registry|protocols|section) )?(\d+(?:\.\d+)?)\]\(([\w.]*)#([^)]+)\)/gi,
      )) {
        const meant = target === '' ? page : (basename(target, '.md') as 'registry' | 'protocols');
        const title = sections[meant]?.get(number);
        assert.ok(title !== undefined && anchorOf(title) === anchor, `${page}: ${found}`);
        if (name !== undefined && name !== 'section')
          assert.equal(name.toLowerCase(), meant, found);
      }
    }
  });

  const wrong = [
    'RFC6749 4.1.3',
    'rfc 6749 section 4',
    'RFC-6749',
    'RFCs 5849 and 6749',
    'RFC 6749 section 4',
    'RFC 6749, Section 4.1',
    'RFC 6749 4.1.3',
    'RFC 6749 sec. 4',
    'section 4.1.3 of RFC 6749',
    'Section 4.1.3 of the RFC',
    'RFC 6749 § 4.1.3',
    'RFC 6749 §§4.1',
    'RFC 3986 appendix B',
    'rfc6749 4.1.3',
    'ADR-17',
    'ADR17',
    'ADR 0017',
    'protocol reference 2.8',
    'reference 2.8',
    'dialect 2.8',
    'registry Q6',
    'registry §7.6',
    'protocols S10',
    'RFC\n * 6749 section 4',
  ];
  for (const text of wrong)
    test(`${JSON.stringify(text)} is refused`, () =>
      assert.notDeepEqual(misspelt(joined(text)), []));

  for (const text of [
    'RFC 6749 §4.1.3, §5.2; RFC 3986 Appendix B',
    "test/transcripts/rfc6749/refresh.test.ts, reading: 'rfc5849'",
    'the RFCs, 401 in the dialect',
    'registry 3.4–3.8, 6.3',
    '(ADR 17)',
  ])
    test(`${JSON.stringify(text)} is fine`, () => assert.deepEqual(misspelt(joined(text)), []));

  test('lists and ranges name each section, also across two lines', () => {
    assert.deepEqual(
      ownCitations(joined('registry 3.4–3.8, 6.3;\n// Protocols\n// 2.8 and 4, 2 apps')),
      [
        ['registry', '3.4'],
        ['registry', '3.8'],
        ['registry', '6.3'],
        ['protocols', '2.8'],
        ['protocols', '4'],
        ['protocols', '2'],
      ],
    );
  });
});
