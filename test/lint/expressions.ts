import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';
import { type Node, parse } from 'acorn';
import { isSafe } from 'redos-detector';

/** A regular expression of the source. */
export interface Expression {
  readonly file: string;
  readonly line: number;
  /** As it stands in the source; of `new RegExp(…)` the whole call. */
  readonly text: string;
  /** Null: it is put together when the program runs, so nobody can judge it here. */
  readonly literal: { readonly pattern: string; readonly flags: string } | null;
}

/**
 * Work that the analyser may put into one expression. Steps, not seconds: the verdict is the same
 * on every machine.
 */
const MOST_STEPS = 20_000;

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string';

function* nodesOf(node: Node): Generator<Node> {
  yield node;
  for (const child of Object.values(node))
    for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) yield* nodesOf(one);
}

interface CallNode {
  readonly callee: { readonly type: string; readonly name?: string };
  readonly arguments: readonly { readonly type: string; readonly regex?: object }[];
}

/** Every regular expression of a source text: literals, and calls that make one. */
export function expressionsIn(file: string, source: string): readonly Expression[] {
  const text = file.endsWith('.ts') ? stripTypeScriptTypes(source) : source;
  const tree = parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  return [...nodesOf(tree)].flatMap((node): Expression[] => {
    const found = { file, line: node.loc?.start.line ?? 0, text: text.slice(node.start, node.end) };
    const regex = 'regex' in node ? (node.regex as Expression['literal'] | undefined) : undefined;
    if (node.type === 'Literal' && regex) return [{ ...found, literal: regex }];
    if (node.type !== 'NewExpression' && node.type !== 'CallExpression') return [];
    const { callee, arguments: given } = node as unknown as CallNode;
    const makesOne = callee.type === 'Identifier' && callee.name === 'RegExp' && !given[0]?.regex;
    return makesOne ? [{ ...found, literal: null }] : [];
  });
}

/** True when no text makes the expression try more than a fixed number of ways. */
export const neverBacktracks = ({ pattern, flags }: NonNullable<Expression['literal']>): boolean =>
  // Sticky tells where a match may begin, not how it is found.
  isSafe(new RegExp(pattern, flags.replace('y', '')), { maxSteps: MOST_STEPS }).safe;

/** Names a verdict: the same expression under the same analyser has the same one. */
export const verdictKey = (analyser: string, { text }: Expression): string =>
  createHash('sha256').update(`${analyser} ${MOST_STEPS} ${text}`).digest('hex');
