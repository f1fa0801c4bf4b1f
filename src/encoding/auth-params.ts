import { accept, type Result, refuse } from '#kernel/result.ts';

/** One parameter of a challenge or of credentials (RFC 9110 §11.2). */
export interface AuthParam {
  /** As it was sent. */
  readonly name: string;
  /** Without quotation marks, and with quoted-pairs undone (RFC 9110 §5.6.4). */
  readonly value: string;
}

/** What keeps a list of parameters from being read. */
export type AuthParamsProblem =
  /** A name is missing, or begins with a character that no name has. */
  | 'name'
  /** `=` is missing after a name. */
  | 'equals'
  /** A quotation mark in a value that does not begin with one. */
  | 'quotation-mark'
  /** The quotation mark at the end is missing. */
  | 'unterminated'
  /** Something else than a comma follows a value. */
  | 'comma'
  /** A control character. */
  | 'control';

export interface MalformedAuthParams {
  readonly kind: 'malformed-auth-params';
  readonly problem: AuthParamsProblem;
  /** Where, counted in characters from 0. */
  readonly at: number;
  /** The parameter that was being read; null: none had begun. */
  readonly name: string | null;
}

/**
 * Longest list that anybody should read: as much as Node takes for all header fields of a request,
 * unless it is told otherwise.
 */
export const MAX_AUTH_PARAMS_LENGTH = 16_384;

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';
const isNameCharacter = (char: string | undefined): boolean =>
  char !== undefined && /[!#$%&'*+.^_`|~\w-]/.test(char);
const isControl = (char: string): boolean => char !== '\t' && (char < ' ' || char === '\x7f');

/** The end of a run, looking at each character once. */
function endOfRun(text: string, start: number, belongs: (char: string) => boolean): number {
  let at = start;
  while (at < text.length && belongs(text[at] as string)) at += 1;
  return at;
}

export const skipBlanks = (text: string, start: number): number => endOfRun(text, start, isBlank);
export const nameEnd = (text: string, start: number): number =>
  endOfRun(text, start, isNameCharacter);

/**
 * The text between quotation marks, the first of which stands at `start`; undefined: the second is
 * missing. `next`: what follows it.
 */
export function parseQuotedString(
  text: string,
  start: number,
): { readonly value: string; readonly next: number } | undefined {
  let [value, from, at] = ['', start + 1, start + 1];
  for (; at < text.length && text[at] !== '"'; at += 1) {
    if (text[at] !== '\\') continue;
    value += text.slice(from, at);
    at += 1;
    from = at;
  }
  return at >= text.length ? undefined : { value: value + text.slice(from, at), next: at + 1 };
}

/**
 * Reads `#auth-param`, what follows a scheme (RFC 9110 §11.2, §11.4): names and values with blanks
 * around `=`, a value as a token or a quoted string with quoted-pairs, empty list elements
 * (§5.6.1.2), blanks and tabs between them. More than the grammar are values outside quotation
 * marks with `/`, `=` and the like, or with nothing, which clients send. Each character is looked
 * at once. Names may repeat: who reads the list says what that means.
 */
export function parseAuthParams(text: string): Result<readonly AuthParam[], MalformedAuthParams> {
  const malformed = (problem: AuthParamsProblem, at: number, name: string | null) =>
    refuse({ kind: 'malformed-auth-params', problem, at, name } as const);
  const params: AuthParam[] = [];
  for (let at = 0; ; ) {
    at = endOfRun(text, at, (char) => isBlank(char) || char === ',');
    if (at === text.length) return accept(params);
    const end = nameEnd(text, at);
    if (end === at)
      return malformed(
        isControl(text[at] as string) ? 'control' : 'name',
        at,
        params.at(-1)?.name ?? null,
      );
    const name = text.slice(at, end);
    at = skipBlanks(text, end);
    if (text[at] !== '=') return malformed('equals', at, name);
    at = skipBlanks(text, at + 1);
    if (text[at] === '"') {
      const quoted = parseQuotedString(text, at);
      if (quoted === undefined) return malformed('unterminated', at, name);
      if (endOfRun(quoted.value, 0, (char) => !isControl(char)) < quoted.value.length)
        return malformed('control', at, name);
      params.push({ name, value: quoted.value });
      at = quoted.next;
    } else {
      const next = endOfRun(
        text,
        at,
        (char) => !isBlank(char) && char !== ',' && char !== '"' && !isControl(char),
      );
      params.push({ name, value: text.slice(at, next) });
      at = next;
    }
    at = skipBlanks(text, at);
    if (at === text.length || text[at] === ',') continue;
    return malformed(
      text[at] === '"' ? 'quotation-mark' : isControl(text[at] as string) ? 'control' : 'comma',
      at,
      name,
    );
  }
}
