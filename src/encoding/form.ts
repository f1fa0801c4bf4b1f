import { accept, type Result, refuse } from '#kernel/result.ts';
import { decodeUtf8, percentDecode, percentEncode } from './percent.ts';

/** A decoded name and value, in the order they were sent; repeated names stay repeated. */
export type NameValuePair = readonly [name: string, value: string];

/** What cannot be read in a part: a `%` without two digits, bytes that are no UTF-8, or NUL. */
export type PartProblem = 'escape' | 'utf-8' | 'nul';

export interface MalformedForm {
  readonly kind: 'malformed-form';
  readonly problem: PartProblem;
  /**
   * The name of the parameter whose value cannot be read, as it was sent; null: it is a name, or
   * the text as a whole.
   */
  readonly name: string | null;
}

/** What is told of a query or form that cannot be read. */
export const unreadableFormMessage = (part: string): string =>
  `The ${part} cannot be read: an escape is broken, such as % where %25 is meant, or it is not UTF-8.`;

/** Why a part cannot be read that `percentDecode` did not take, or that holds NUL. */
export const findPartProblem = (text: string): PartProblem =>
  /%(?![0-9A-Fa-f]{2})/.test(text) ? 'escape' : /%00|\0/.test(text) ? 'nul' : 'utf-8';

const decodePart = (text: string) =>
  percentDecode(text.includes('+') ? text.replaceAll('+', ' ') : text);

/**
 * Reads `application/x-www-form-urlencoded` text, or a query. `+` is a space, a piece without `=`
 * has an empty value, empty pieces are skipped. Refuses broken escapes, bytes that are not UTF-8,
 * and NUL.
 */
export function parseForm(
  text: string | Uint8Array,
): Result<readonly NameValuePair[], MalformedForm> {
  const whole = typeof text === 'string' ? text : decodeUtf8(text);
  if (whole === undefined) return refuse({ kind: 'malformed-form', problem: 'utf-8', name: null });
  const pairs: NameValuePair[] = [];
  if (whole === '') return accept(pairs);
  for (const piece of whole.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const [rawName, rawValue] =
      equals < 0 ? [piece, ''] : [piece.slice(0, equals), piece.slice(equals + 1)];
    const [name, value] = [decodePart(rawName), decodePart(rawValue)];
    if (name === undefined || name.includes('\0'))
      return refuse({ kind: 'malformed-form', problem: findPartProblem(rawName), name: null });
    if (value === undefined || value.includes('\0'))
      return refuse({ kind: 'malformed-form', problem: findPartProblem(rawValue), name });
    pairs.push([name, value]);
  }
  return accept(pairs);
}

/** A form by name: each parameter once. `repeated` is the first name that came more than once. */
export interface FormParameters {
  readonly repeated: string | undefined;
  /**
   * Undefined when absent or empty: "parameters sent without a value MUST be treated as if they
   * were omitted" (RFC 6749 §3.1).
   */
  get(name: string): string | undefined;
}

/**
 * Looks parameters up by name. `mayRepeat`: names that may come more than once, of which the first
 * value counts.
 */
export function makeFormParameters(
  pairs: readonly NameValuePair[],
  mayRepeat: readonly string[] = [],
): FormParameters {
  const values = new Map<string, string>();
  let repeated: string | undefined;
  for (const [name, value] of pairs) {
    if (!values.has(name)) values.set(name, value);
    else if (!mayRepeat.includes(name)) repeated ??= name;
  }
  return { repeated, get: (name) => values.get(name) || undefined };
}

/** Values by name, in the order they came. */
export function groupByName(pairs: readonly NameValuePair[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = groups.get(name);
    if (values === undefined) groups.set(name, [value]);
    else values.push(value);
  }
  return groups;
}

/** Writes pairs in form encoding, with a space as `%20` so that every reader understands it. */
export function formEncode(pairs: readonly NameValuePair[]): string {
  return pairs.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&');
}

/**
 * Bytes of a value as it stands in the text of a query or form, escapes and all; 0 when the name is
 * not there.
 */
export function encodedValueBytes(text: string, name: string): number {
  const piece = text.split('&').find((part) => part.startsWith(`${name}=`));
  return piece === undefined ? 0 : Buffer.byteLength(piece) - name.length - 1;
}
