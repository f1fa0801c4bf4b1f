import {
  MAX_AUTH_PARAMS_LENGTH,
  type MalformedAuthParams,
  nameEnd,
  parseAuthParams,
  parseQuotedString,
  skipBlanks,
} from '#encoding/auth-params.ts';
import { isOAuth1Authorization, trimHttpWhitespace } from '#encoding/authorization.ts';
import { findPartProblem, type NameValuePair, type PartProblem } from '#encoding/form.ts';
import { percentDecode, percentDecodeBytes } from '#encoding/percent.ts';
import { accept, type Result } from '#kernel/result.ts';
import type { OAuth1ProfileName } from './parse.ts';
import { type ParameterRejected, rejectParameter } from './refusals.ts';

/** The parameters of an `Authorization` field. */
export interface HeaderParameters {
  readonly realm: string | null;
  readonly params: readonly NameValuePair[];
}

const HEADER_LABEL = 'Authorization header';
const REPEATED_ADVICE = `stands twice in the ${HEADER_LABEL}: send it once.`;

/** A character for a sentence of ASCII. */
const describeCharacter = (char: string | undefined): string =>
  char === undefined
    ? 'nothing'
    : char === '\t'
      ? 'a tab'
      : /[\x21-\x7e]/.test(char)
        ? `"${char}"`
        : 'a character beyond ASCII';

/** Why a list of parameters cannot be read, for the developer. Values are never shown. */
function adviceForParameterList({ problem, at, name }: MalformedAuthParams, text: string): string {
  const of = name === null ? 'the scheme' : name.slice(0, 64);
  switch (problem) {
    case 'name':
      return ` cannot be read: after ${of} a parameter name is expected, and ${describeCharacter(text[at])} stands there.`;
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
export const adviceForPart = (problem: PartProblem, place: string): string =>
  ({
    escape: `, in the ${place}, has a "%" that two hexadecimal digits do not follow: write a percent sign as %25.`,
    'utf-8': `, in the ${place}, is not UTF-8 once it is percent-decoded: encode characters beyond ASCII as UTF-8, an e with acute as %C3%A9.`,
    nul: `, in the ${place}, holds the character NUL.`,
  })[problem];

/**
 * Reads the parameters strictly by RFC 5849 §3.5.1: each name once, names and values
 * percent-encoded.
 */
function parseStrictParameters(text: string): Result<HeaderParameters, ParameterRejected> {
  const list = parseAuthParams(text);
  if (!list.ok)
    return rejectParameter(
      'Authorization',
      'malformed',
      adviceForParameterList(list.refusal, text),
    );
  const found = new Map<string, string>();
  let realm: string | null = null;
  for (const { name: rawName, value: raw } of list.value) {
    // Not signed and not encoded: a text for people.
    if (rawName.toLowerCase() === 'realm') {
      if (realm !== null) return rejectParameter('realm', 'repeated', ` ${REPEATED_ADVICE}`);
      realm = raw;
      continue;
    }
    const name = percentDecode(rawName);
    if (name === undefined)
      return rejectParameter(
        rawName,
        'malformed',
        adviceForPart(findPartProblem(rawName), HEADER_LABEL),
      );
    if (/[^\0-\x7f]/.test(raw))
      return rejectParameter(
        name,
        'malformed',
        `, in the ${HEADER_LABEL}, has characters beyond ASCII: percent-encode them as UTF-8.`,
      );
    const value = percentDecode(raw);
    if (value === undefined)
      return rejectParameter(name, 'malformed', adviceForPart(findPartProblem(raw), HEADER_LABEL));
    if (found.has(name)) return rejectParameter(name, 'repeated', ` ${REPEATED_ADVICE}`);
    found.set(name, value);
  }
  if (found.size === 0)
    return rejectParameter(
      'Authorization',
      'malformed',
      ' has no parameters after the scheme OAuth.',
    );
  return accept({ realm, params: [...found] });
}

/** Where the next comma stands, or the text ends. */
function findComma(text: string, start: number): number {
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
function parseLenientParameters(text: string): HeaderParameters {
  const found = new Map<string, string>();
  let realm: string | null = null;
  const decode = (raw: string) => percentDecodeBytes(raw.replaceAll('+', ' '));
  for (let at = 0; at < text.length; ) {
    if (text[at] === '"') {
      const quoted = parseQuotedString(text, at);
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
    if (text[at] === '"') given = parseQuotedString(text, at);
    else {
      const bare = text.slice(at, findComma(text, at));
      const value = trimHttpWhitespace(bare);
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
  profile: OAuth1ProfileName,
): Result<HeaderParameters, ParameterRejected> | undefined {
  const trimmed = trimHttpWhitespace(value);
  if (!isOAuth1Authorization(trimmed)) return undefined;
  const [after, rest] = [trimmed[5], trimHttpWhitespace(trimmed.slice(5))];
  const example = 'write OAuth oauth_consumer_key="value", and so on.';
  if (after === '_')
    return rejectParameter(
      'Authorization',
      'malformed',
      ` cannot be read: the scheme OAuth and a space are missing in front of the parameters; ${example}`,
    );
  if (after !== undefined && after !== ' ' && after !== '\t')
    return rejectParameter(
      'Authorization',
      'malformed',
      ` cannot be read: after the scheme OAuth a space is expected, and ${describeCharacter(after)} stands there; ${example}`,
    );
  if (rest.length > MAX_AUTH_PARAMS_LENGTH)
    return rejectParameter(
      'Authorization',
      'too-long',
      ` has ${rest.length} characters after the scheme, and at most ${MAX_AUTH_PARAMS_LENGTH} are read.`,
    );
  return profile === 'mediawiki'
    ? accept(parseLenientParameters(rest))
    : parseStrictParameters(rest);
}
