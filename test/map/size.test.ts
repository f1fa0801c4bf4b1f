import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Node, parse } from 'acorn';

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 60;

/** Files and functions that may be longer, and why. The lists only become shorter. */
const longFiles: Readonly<Record<string, string>> = {};
const longFunctions: Readonly<Record<string, string>> = {
  'src/accounts/administration.ts makeAccountAdministration': 'five short verbs over one closure',
  'src/accounts/mailer.ts makeMailer': 'five short verbs over the same queue',
  'src/accounts/passkeys.ts makePasskeys': 'nine short verbs over one closure',
  'src/guard/refusals.ts makeGuardRefusals': 'one short function for each refusal',
  'src/http/server.ts createHttpServer': 'the settings of the framework, each with its reason',
  'src/oauth1/refusal-texts.ts describeOAuth1Refusal': 'one sentence for each kind of refusal',
  'src/oauth1/shell-words.ts splitShellWords': 'one pass over the characters of a command line',
  'src/oauth2/grants/authorization-code.ts authorizationCodeGrant':
    'a ladder that is read from top to bottom (RFC 6749 §4.1.3)',
  'src/oauth2/grants/refresh-token.ts refreshTokenGrant':
    'a ladder that is read from top to bottom (RFC 6749 §6)',
  'src/server/clock-watch.ts monitorAgainstMonotonicClock': 'three short verbs over one closure',
  'src/server/protocols.ts makeProtocols': 'names what both protocols are made of',
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('src', name))
  .sort();

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string';

interface NamedNode extends Node {
  readonly id?: { readonly name?: string } | null;
  readonly key?: { readonly name?: string };
}

/** Every function below a node, by the nearest name around it, with its number of lines. */
function* functionsIn(node: Node, name = ''): Generator<{ name: string; lines: number }> {
  const { id, key } = node as NamedNode;
  const nearest = id?.name ?? key?.name ?? name;
  if (/Function/.test(node.type) && node.loc)
    yield { name: nearest, lines: node.loc.end.line - node.loc.start.line + 1 };
  for (const child of Object.values(node))
    for (const one of Array.isArray(child) ? child : [child])
      if (isNode(one)) yield* functionsIn(one, nearest);
}

test(`no file has more than ${MAX_FILE_LINES} lines`, () => {
  const found = files.filter(
    (file) => readFileSync(file, 'utf8').split('\n').length - 1 > MAX_FILE_LINES,
  );
  assert.deepEqual(found, Object.keys(longFiles).sort());
});

test(`no function has more than ${MAX_FUNCTION_LINES} lines`, () => {
  const found = files.flatMap((file) => {
    const tree = parse(stripTypeScriptTypes(readFileSync(file, 'utf8')), {
      ecmaVersion: 'latest',
      sourceType: 'module',
      locations: true,
    });
    return [...functionsIn(tree)]
      .filter(({ lines }) => lines > MAX_FUNCTION_LINES)
      .map(({ name }) => `${file} ${name}`);
  });
  assert.deepEqual([...new Set(found)].sort(), Object.keys(longFunctions).sort());
});

test('nobody above the registry asks the store', () => {
  for (const file of files.filter((name) => /^src\/(?:http|pages|mediawiki|cli)\//.test(name)))
    assert.doesNotMatch(readFileSync(file, 'utf8'), /\brecords[?!]?\.\w+\(/, file);
});
