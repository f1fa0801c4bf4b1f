import {
  type MalformedAuthParams,
  MOST_AUTH_PARAMS,
  nameEnd,
  parseAuthParams,
  quotedString,
  skipBlanks,
} from '#encoding/auth-params.ts';
import { isOAuthScheme, withoutBlanks } from '#encoding/authorization.ts';
import { type Pair, type PartProblem, partProblem } from '#encoding/form.ts';
import { percentDecode, percentDecodeBytes } from '#encoding/percent.ts';
import { accept, type Result } from '#kernel/result.ts';
import type { Reading } from './parse.ts';
import { type ParameterRejected, rejected } from './refusals.ts';

/** The parameters of an `Authorization` field. */
export interface HeaderParameters {
  readonly realm: string | null;
  readonly params: readonly Pair[];
}

const FIELD = 'Authorization header';
const TWICE = `stands twice in the ${FIELD}: send it once.`;

/** A character for a sentence of ASCII. */
const shown = (char: string | undefined): string =>
  char === undefined
    ? 'nothing'
    : char === '\t'
      ? 'a tab'
      : /[\x21-\x7e]/.test(char)
        ? `"${char}"`
        : 'a character beyond ASCII';

/** Why a list of parameters cannot be read, for the developer. Values are never shown. */
function listAdvice({ problem, at, name }: MalformedAuthParams, text: string): string {
  const of = name === null ? 'the scheme' : name.slice(0, 64);
  switch (problem) {
    case 'name':
      return ` cannot be read: after ${of} a parameter name is expected, and ${shown(text[at])} stands there.`;
    case 'equals':
      return ` cannot be read: "=" is missing after ${of}; write ${of}="value".`;
    case 'quotation-mark':
      return ` cannot be read: the value of ${of} has a quotation mark inside; percent-encode it, or put the whole value into quotation marks.`;
    case 'unterminated':
      return ` cannot be read: the quotation mark at the end of the value of ${of} is missing.`;
    case 'comma':
      return ` cannot be read: a comma is missing after the value of ${of}.`;
    case 'control':
      return ` cannot be read: a control character stands at or after ${of}.`;
  }
}

/** Why a part cannot be decoded, for the developer; `place` is where it stands. */
export const partAdvice = (problem: PartProblem, place: string): string =>
  ({
    escape: `, in the ${place}, has a "%" that two hexadecimal digits do not follow: write a percent sign as %25.`,
    'utf-8': `, in the ${place}, is not UTF-8 once it is percent-decoded: encode characters beyond ASCII as UTF-8, an e with acute as %C3%A9.`,
    nul: `, in the ${place}, holds the character NUL.`,
  })[problem];

/**
 * Reads the parameters strictly by RFC 5849 §3.5.1: each name once, names and values
 * percent-encoded.
 */
function strictParameters(text: string): Result<HeaderParameters, ParameterRejected> {
  const list = parseAuthParams(text);
  if (!list.ok) return rejected('Authorization', 'malformed', listAdvice(list.refusal, text));
  const found = new Map<string, string>();
  let realm: string | null = null;
  for (const { name: rawName, value: raw } of list.value) {
    // Not signed and not encoded: a text for people.
    if (rawName.toLowerCase() === 'realm') {
      if (realm !== null) return rejected('realm', 'repeated', ` ${TWICE}`);
      realm = raw;
      continue;
    }
    const name = percentDecode(rawName);
    if (name === undefined)
      return rejected(rawName, 'malformed', partAdvice(partProblem(rawName), FIELD));
    if (/[^\0-\x7f]/.test(raw))
      return rejected(
        name,
        'malformed',
        `, in the ${FIELD}, has characters beyond ASCII: percent-encode them as UTF-8.`,
      );
    const value = percentDecode(raw);
    if (value === undefined)
      return rejected(name, 'malformed', partAdvice(partProblem(raw), FIELD));
    if (found.has(name)) return rejected(name, 'repeated', ` ${TWICE}`);
    found.set(name, value);
  }
  if (found.size === 0)
    return rejected('Authorization', 'malformed', ' has no parameters after the scheme OAuth.');
  return accept({ realm, params: [...found] });
}

/** Where the next comma stands, or the text ends. */
function commaAfter(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== ',') at += 1;
  return at;
}

/**
 * Reads the parameters as the reference does, which looks for every `oauth_name="value"` and takes
 * whatever stands between them: commas, blanks, semicolons, nothing. Unlike there a quoted string
 * is always one whole, so that no value can pass for another parameter. A value outside quotation
 * marks goes up to the next comma. `+` is a space, and of two of the same name the last one counts
 * (protocols 1.6).
 */
function lenientParameters(text: string): HeaderParameters {
  const found = new Map<string, string>();
  let realm: string | null = null;
  const decode = (raw: string) => percentDecodeBytes(raw.replaceAll('+', ' '));
  for (let at = 0; at < text.length; ) {
    if (text[at] === '"') {
      const quoted = quotedString(text, at);
      if (quoted === undefined) break;
      at = quoted.next;
      continue;
    }
    const end = nameEnd(text, at);
    const name = text.slice(at, end);
    const equals = name === '' ? end : skipBlanks(text, end);
    if (name === '' || text[equals] !== '=') {
      at = Math.max(end, at + 1);
      continue;
    }
    at = skipBlanks(text, equals + 1);
    if (text[at] === ':' && text[at + 1] === '"') at += 1;
    let given: { readonly value: string; readonly next: number } | undefined;
    if (text[at] === '"') given = quotedString(text, at);
    else {
      const bare = text.slice(at, commaAfter(text, at));
      const value = withoutBlanks(bare);
      given = bare.includes('"') ? undefined : { value, next: at + bare.length };
    }
    // A quotation mark without its other half: what follows cannot be told apart.
    if (given === undefined) break;
    at = given.next;
    if (name.toLowerCase() === 'realm') realm = given.value;
    if (!/^oauth_[a-z_-]*$/.test(name)) continue;
    found.set(name, decode(given.value));
  }
  return { realm, params: [...found] };
}

/**
 * Reads `Authorization: OAuth …` (RFC 5849 §3.5.1, RFC 9110 §11.4); the scheme in any case.
 * Undefined for another scheme. Both readings refuse a scheme that no blank follows, saying so; the
 * dialect's refuses nothing else.
 */
export function parseOAuthHeader(
  value: string,
  reading: Reading,
): Result<HeaderParameters, ParameterRejected> | undefined {
  const trimmed = withoutBlanks(value);
  if (!isOAuthScheme(trimmed)) return undefined;
  const [after, rest] = [trimmed[5], withoutBlanks(trimmed.slice(5))];
  const example = 'write OAuth oauth_consumer_key="value", and so on.';
  if (after === '_')
    return rejected(
      'Authorization',
      'malformed',
      ` cannot be read: the scheme OAuth and a space are missing in front of the parameters; ${example}`,
    );
  if (after !== undefined && after !== ' ' && after !== '\t')
    return rejected(
      'Authorization',
      'malformed',
      ` cannot be read: after the scheme OAuth a space is expected, and ${shown(after)} stands there; ${example}`,
    );
  if (rest.length > MOST_AUTH_PARAMS)
    return rejected(
      'Authorization',
      'too-long',
      ` has ${rest.length} characters after the scheme, and at most ${MOST_AUTH_PARAMS} are read.`,
    );
  return reading === 'mediawiki' ? accept(lenientParameters(rest)) : strictParameters(rest);
}
