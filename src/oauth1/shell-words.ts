import { accept, type Result, refuse } from '#kernel/result.ts';

/**
 * Why the words of a command cannot be told: a quotation mark without an end, or something that
 * only the shell itself knows.
 */
export type ShellRefusal =
  | { readonly kind: 'quotes' }
  | { readonly kind: 'shell'; readonly piece: string };

const isBlank = (char: string | undefined) => char === ' ' || char === '\t';
const commandEnds = new Set(['\n', '|', ';', '&', '<', '>']);
const plainEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
};

/** Character codes as `$'…'` writes them. */
const numericEscape =
  /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3}))/y;

/**
 * The words of the first command in a text, as a POSIX shell (and Bash, for `$'…'`) would split
 * them; it ends at a line end, a pipe or a redirection. Nothing is run and nothing is put in: what
 * only a shell could know is refused. One pass.
 */
export function splitShellWords(text: string): Result<readonly string[], ShellRefusal> {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const add = (piece: string) => {
    word = (word ?? '') + piece;
  };
  const isExpansion = () =>
    text[at] === '`' || (text[at] === '$' && /[A-Za-z_({]/.test(text[at + 1] ?? ''));
  const refuseExpansion = () =>
    refuse({ kind: 'shell', piece: text.slice(at, at + 24).split('\n', 1)[0] ?? '' } as const);

  /**
   * What stands in double quotation marks; false: it has no end, undefined: only the shell knows
   * it.
   */
  function doubleQuoted(): boolean | undefined {
    for (at += 1; at < text.length; at += 1) {
      if (text[at] === '"') return true;
      if (isExpansion()) return undefined;
      if (text[at] === '\\' && text[at + 1] === '\n') at += 1;
      else if (text[at] === '\\' && /["\\$`]/.test(text[at + 1] ?? '')) add(text[++at] as string);
      else add(text[at] as string);
    }
    return false;
  }

  function ansiQuoted(): boolean {
    for (at += 2; at < text.length; at += 1) {
      if (text[at] === "'") return true;
      if (text[at] !== '\\') {
        add(text[at] as string);
        continue;
      }
      numericEscape.lastIndex = at;
      const code = numericEscape.exec(text);
      if (code !== null) {
        const [, hex, short, long, octal] = code;
        const point =
          octal === undefined
            ? Number.parseInt(hex ?? short ?? long ?? '0', 16)
            : Number.parseInt(octal, 8);
        add(point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd');
        at = numericEscape.lastIndex - 1;
      } else {
        at += 1;
        add(plainEscapes[text[at] ?? ''] ?? text[at] ?? '');
      }
    }
    return false;
  }

  while (at < text.length) {
    const char = text[at] as string;
    if (char === "'") {
      const start = at + 1;
      for (at = start; at < text.length && text[at] !== "'"; at += 1);
      if (at === text.length) return refuse({ kind: 'quotes' });
      add(text.slice(start, at));
    } else if (char === '"') {
      add('');
      const closed = doubleQuoted();
      if (closed !== true)
        return closed === undefined ? refuseExpansion() : refuse({ kind: 'quotes' });
    } else if (char === '$' && text[at + 1] === "'") {
      add('');
      if (!ansiQuoted()) return refuse({ kind: 'quotes' });
    } else if (isExpansion()) return refuseExpansion();
    else if (char === '\\' || (char === '^' && text[at + 1] === '\n')) {
      at += 1;
      if (text[at] !== '\n') add(text[at] ?? '');
    } else if (commandEnds.has(char)) break;
    else if (isBlank(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else add(char);
    at += 1;
  }
  if (word !== undefined) words.push(word);
  return accept(words);
}
