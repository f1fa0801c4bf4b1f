import type { NameValuePair } from '#encoding/form.ts';
import { percentEncode } from '#encoding/percent.ts';

/** Writes a text for a base string. */
export type Encode = (text: string) => string;

export const unencoded: Encode = (text) => text;
export const encodedTwice: Encode = (text) => percentEncode(percentEncode(text));
export const lowerCaseEscapes: Encode = (text) =>
  percentEncode(text).replace(/%[0-9A-F]{2}/g, (found) => found.toLowerCase());
/** `+` for a space, as forms are written. */
export const plusForSpace: Encode = (text) => percentEncode(text).replaceAll('%20', '+');
/** The WHATWG's serializer of forms: `*` stays, `~` is escaped. */
export const whatwgForm: Encode = (text) =>
  plusForSpace(text).replaceAll('%2A', '*').replaceAll('~', '%7E');
/** JavaScript's own function leaves `!'()*`. */
export const uriComponent: Encode = (text) => encodeURIComponent(text.toWellFormed());
/** For whole addresses: leaves what has a meaning in them. */
export const wholeUri: Encode = (text) => encodeURI(text.toWellFormed());
/** RFC 1738, as older libraries do it. */
export const tildeEscaped: Encode = (text) => percentEncode(text).replaceAll('~', '%7E');

const asciiOnly = /^[\0-\x7f]*$/;
const byteOnly = /^[\0-\xff]*$/;

/**
 * Bytes of ISO 8859-1; a character that it lacks is a question mark, as most libraries write it.
 */
export const latin1: Encode = (text) =>
  asciiOnly.test(text)
    ? percentEncode(text)
    : [...text]
        .map((char) =>
          asciiOnly.test(char)
            ? percentEncode(char)
            : byteOnly.test(char)
              ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
              : '%3F',
        )
        .join('');
/**
 * Bytes that are part of no UTF-8 character (`percentDecodeBytes`), taken for characters of ISO
 * 8859-1.
 */
export const strayAsLatin1: Encode = (text) =>
  percentEncode(
    text.replace(/[\udc80-\udcff]/g, (stray) => String.fromCharCode(stray.charCodeAt(0) - 0xdc00)),
  );
/** Bytes of UTF-8 taken for characters, and written in UTF-8 once more. */
export const utf8Twice: Encode = (text) =>
  percentEncode(asciiOnly.test(text) ? text : Buffer.from(text).toString('latin1'));
export const nfcComposed: Encode = (text) => percentEncode(text.normalize('NFC'));
export const nfdDecomposed: Encode = (text) => percentEncode(text.normalize('NFD'));

/** True for pairs that have characters beyond ASCII. */
export const hasNonAscii = (pairs: readonly NameValuePair[]): boolean =>
  pairs.some(([name, value]) => !asciiOnly.test(name + value));

const compareText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
const byName = ([a]: NameValuePair, [b]: NameValuePair) => compareText(a, b);
const byNameAndValue = ([a, x]: NameValuePair, [b, y]: NameValuePair) =>
  compareText(a, b) || compareText(x, y);

/** Joins pairs as they stand. */
export const joinPairs = (pairs: readonly NameValuePair[]): string =>
  pairs.map(([name, value]) => `${name}=${value}`).join('&');
const encodePairs = (
  pairs: readonly NameValuePair[],
  name: Encode,
  value: Encode,
): readonly NameValuePair[] => pairs.map(([one, other]) => [name(one), value(other)] as const);

/** As RFC 5849 §3.4.1.3.2 wants it, but with another way to encode. */
export const normalizedWith = (
  pairs: readonly NameValuePair[],
  name: Encode,
  value: Encode = name,
): string => joinPairs([...encodePairs(pairs, name, value)].sort(byNameAndValue));

/** The orders that libraries put parameters in, by the name of the mistake. */
export function* wrongOrders(
  pairs: readonly NameValuePair[],
): Generator<readonly [string, string]> {
  const encoded = encodePairs(pairs, percentEncode, percentEncode);
  const isOAuth = ([name]: NameValuePair) => name.startsWith('oauth_');
  const sorted = (some: readonly NameValuePair[]) => [...some].sort(byNameAndValue);
  const [oauth, rest] = [encoded.filter(isOAuth), encoded.filter((pair) => !isOAuth(pair))];
  yield [
    'sorted-as-joined',
    encoded
      .map((pair) => pair.join('='))
      .sort(compareText)
      .join('&'),
  ];
  yield [
    'sorted-before-encoding',
    joinPairs(encodePairs(sorted(pairs), percentEncode, percentEncode)),
  ];
  yield ['values-not-sorted', joinPairs([...encoded].sort(byName))];
  yield [
    'sorted-ignoring-case',
    joinPairs(
      [...encoded].sort(
        ([a, x], [b, y]) => compareText(a.toLowerCase(), b.toLowerCase()) || compareText(x, y),
      ),
    ),
  ];
  yield ['not-sorted', joinPairs(encoded)];
  for (const parts of [
    [oauth, rest],
    [rest, oauth],
  ] as const) {
    yield ['not-sorted', joinPairs([...parts[0], ...parts[1]])];
    yield ['not-sorted', joinPairs([...sorted(parts[0]), ...sorted(parts[1])])];
  }
  yield ['not-sorted', joinPairs(sorted(encoded).reverse())];
}
