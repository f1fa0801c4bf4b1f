import { type MalformedAuthParams, parseAuthParams } from '#encoding/auth-params.ts';
import {
  findPartProblem,
  type NameValuePair,
  type PartProblem,
  parseForm,
} from '#encoding/form.ts';
import { percentDecode } from '#encoding/percent.ts';
import { accept, type Result } from '#kernel/result.ts';
import { type ParameterRejected, rejectParameter } from './refusals.ts';

/** The parameters of an `Authorization` field. */
export interface HeaderParameters {
  readonly realm: string | null;
  readonly params: readonly NameValuePair[];
}

/** Where a request carries parameters (RFC 5849 §3.4.1.3.1). */
export interface RawParameterSources {
  /** The query without `?`, as it was sent. */
  readonly query: string;
  /** The bytes of the form that is signed; empty: there is none. */
  readonly form: Uint8Array;
  readonly header: readonly NameValuePair[];
}

const HEADER_LABEL = 'Authorization header';
const REPEATED_ADVICE = `stands twice in the ${HEADER_LABEL}: send it once.`;

/** A character for a sentence of ASCII. */
export function describeCharacter(char: string | undefined): string {
  if (char === undefined) return 'nothing';
  if (char === '\t') return 'a tab';
  return /[\x21-\x7e]/.test(char) ? `"${char}"` : 'a character beyond ASCII';
}

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
const adviceForPart = (problem: PartProblem, place: string): string =>
  ({
    escape: `, in the ${place}, has a "%" that two hexadecimal digits do not follow: write a percent sign as %25.`,
    'utf-8': `, in the ${place}, is not UTF-8 once it is percent-decoded: encode characters beyond ASCII as UTF-8, an e with acute as %C3%A9.`,
    nul: `, in the ${place}, holds the character NUL.`,
  })[problem];

/**
 * Reads the parameters strictly by RFC 5849 §3.5.1: each name once, names and values
 * percent-encoded.
 */
export function parseStrictHeaderParameters(
  text: string,
): Result<HeaderParameters, ParameterRejected> {
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

const placeNames = { query: 'query', body: 'form' } as const;

/** Reads a query or a form strictly; a refusal names the parameter that cannot be read. */
function parseStrictForm(
  place: 'query' | 'body',
  text: string | Uint8Array,
): Result<readonly NameValuePair[], ParameterRejected> {
  const pairs = parseForm(text);
  if (pairs.ok) return pairs;
  const { name, problem } = pairs.refusal;
  if (name === null)
    return rejectParameter(
      place,
      'malformed',
      ` cannot be read: a name${adviceForPart(problem, placeNames[place])}`,
    );
  return rejectParameter(name, 'malformed', adviceForPart(problem, placeNames[place]));
}

/** The one list that RFC 5849 §3.4.1.3.1 signs: query, form and header, each read strictly. */
export function readStrictParameters({
  query,
  form,
  header,
}: RawParameterSources): Result<readonly (readonly NameValuePair[])[], ParameterRejected> {
  const [fromQuery, fromForm] = [parseStrictForm('query', query), parseStrictForm('body', form)];
  if (!fromQuery.ok) return fromQuery;
  return fromForm.ok ? accept([[...fromQuery.value, ...fromForm.value, ...header]]) : fromForm;
}
