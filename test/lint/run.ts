import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { allowedExpressions } from './allowed-expressions.ts';
import { expressionsIn, neverBacktracks, verdictKey } from './expressions.ts';

// `npm run lint`: every regular expression of the source either cannot backtrack for long, or is in
// the list of those that may, with the bound of what reaches it. Verdicts are kept between runs; a
// new expression costs some milliseconds, a strange one a few seconds.

const root = new URL('../../', import.meta.url);
const analyser: string = JSON.parse(
  readFileSync(new URL('node_modules/redos-detector/package.json', root), 'utf8'),
).version;
const kept = new URL('node_modules/.cache/expressions.json', root);

function readVerdicts(): Record<string, boolean> {
  try {
    return JSON.parse(readFileSync(kept, 'utf8'));
  } catch {
    return {};
  }
}

const expressions = globSync('src/**/*.{ts,js}', { cwd: root })
  .sort()
  .flatMap((file) => expressionsIn(file, readFileSync(new URL(file, root), 'utf8')));
const allowed = new Set(allowedExpressions.map(({ expression }) => expression));
const verdicts = readVerdicts();
const problems: string[] = [];
for (const expression of expressions) {
  if (allowed.has(expression.text)) continue;
  const key = verdictKey(analyser, expression);
  const { literal } = expression;
  verdicts[key] ??= literal !== null && neverBacktracks(literal);
  if (!verdicts[key]) problems.push(`${expression.file}:${expression.line} ${expression.text}`);
}
mkdirSync(new URL('.', kept), { recursive: true });
writeFileSync(kept, JSON.stringify(verdicts));

const present = new Set(expressions.map(({ text }) => text));
const idle = [...allowed].filter((text) => !present.has(text));
for (const problem of problems)
  console.error(
    `${problem}\n  may backtrack for long: read the text in one pass, or bound it and say so in test/lint/allowed-expressions.ts`,
  );
for (const text of idle)
  console.error(`${text}\n  is in test/lint/allowed-expressions.ts and not in the source any more`);
console.log(
  `${expressions.length} regular expressions, ${allowed.size} of them in the list of exceptions`,
);
process.exitCode = problems.length + idle.length > 0 ? 1 : 0;
