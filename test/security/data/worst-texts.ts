/**
 * The worst text for each reader: what makes a reader of that kind slow when it is written carelessly. `repeated` fills the text up to the
 * bound of the reader; `#` in it is the number of the repetition, so that names differ.
 */
export interface WorstText {
  readonly reader: string;
  readonly what: string;
  readonly before: string;
  readonly repeated: string;
  readonly after: string;
}

const row = (reader: string, what: string, before: string, repeated: string, after = ''): WorstText => ({
  reader,
  what,
  before,
  repeated,
  after,
});

export const worstTexts: readonly WorstText[] = [
  row('pasted request', 'tabs before a line separator', 'GET / HTTP/1.1\nx:', '\t', '\u2028a'),
  row('pasted request', 'blanks between method and two words', 'GET', ' ', 'a b'),
  row('pasted request', 'blanks before a version that is none', 'GET / ', ' ', 'HTTP/x'),
  row('pasted request', 'blank lines', 'GET /', '\n \t'),
  row('pasted request', 'carriage returns', 'GET /\n', '\r', '\nx'),
  row('pasted request', 'header lines', 'GET /', '\na#:b'),
  row('pasted request', 'one header, many times', 'GET /', '\na:b'),
  row('pasted request', 'a line without a colon', 'GET /\n', '!', ' :'),
  row('pasted request', 'a host without an end', 'GET https://', 'h', '# HTTP/1.1'),
  row('pasted request', 'points in a version', 'GET / HTTP/', '1.', 'x'),
  row('base strings', 'names that nobody has', 'GET&u&', 'q%26'),
  row('base strings', 'names that differ', 'GET&u&', 'q#%3D1%26'),
  row('base strings', 'one name, many values', 'GET&u&', 'q%3D#%26'),
  row('base strings', 'nothing but separators', '', '&'),
  row('base strings', 'equals signs', 'GET&u&', '%3D'),
  row('base strings', 'escapes that are none', 'GET&u&', '%'),
  row('form', 'names', '', 'a#=&'),
  row('form', 'one name, many times', '', 'a=b&'),
  row('form', 'separators', '', '&'),
  row('form', 'plus signs', 'a=', '+'),
  row('form', 'escapes that are none', 'a=', '%', '&'),
  row('form', 'an escape that is none at the end', 'a=', '%20', '%'),
  row('Authorization: OAuth', 'names', '', 'a#="b",'),
  row('Authorization: OAuth', 'commas', '', ','),
  row('Authorization: OAuth', 'blanks at the end', 'a="b",b="c",', ' ', 'c'),
  row('Authorization: OAuth', 'quotation marks', 'a=', '"'),
  row('Authorization: OAuth', 'a name without an end', '', 'a'),
  row('Authorization: OAuth', 'a value without an end', 'a="', 'b,'),
  row('Authorization: OAuth', 'empty values', '', 'a=,'),
  row('Authorization: OAuth', 'short names and blanks', '', 'a=b ,\t'),
  row('Authorization: Basic and Bearer', 'padding', '', '='),
  row('Authorization: Basic and Bearer', 'letters and padding', '', 'a', '='),
  row('Authorization: Basic and Bearer', 'letters, and one that is none', '', 'a', '!'),
  row('Authorization: Basic and Bearer', 'blanks', '', ' ', 'x'),
  row('Authorization: Basic and Bearer', 'plus signs', '', '+/'),
  row('signed parameters', 'names', '', 'a#=&'),
  row('signed parameters', 'one name, many times', '', 'a=b&'),
  row('signed parameters', 'many oauth_ names', '', 'oauth_#=&'),
  row('signed parameters', 'lists', '', 'a[]=#&'),
  row('signed parameters', 'characters to be escaped', 'a=', '!'),
  row('mistakes of a signature', 'names', '', 'b#=1&'),
  row('mistakes of a signature', 'one name, many times', '', 'b=#&'),
  row('mistakes of a signature', 'escapes', 'b=', '%25'),
  row('scope', 'names', '', 's# ', 's'),
  row('scope', 'one name, many times', '', 's ', 's'),
  row('scope', 'blanks', '', ' '),
  row('scope', 'one long name', '', 's', '"'),
  row('percent-encoding', 'escapes', '', '%41'),
  row('percent-encoding', 'escapes of bytes that are no text', '', '%ff'),
  row('percent-encoding', 'characters to be escaped', '', "('*')"),
  row('percent-encoding', 'halves of characters', '', '\ud800'),
  row('Accept-Language', 'languages', '', 'de;q=0.#,'),
  row('Accept-Language', 'semicolons', 'de', ';'),
  row('Accept-Language', 'blanks', 'de;', ' ', 'q=1'),
  row('Accept-Language', 'hyphens', 'de', '-'),
  row('page titles', 'underscores', '', '_', 'x'),
  row('page titles', 'underscores in the middle', 'Special:', '_', '/x'),
  row('page titles', 'slashes', 'Special:OAuth', '/'),
  row('page titles', 'blanks and colons', '', ' :'),
  row('page titles', 'escapes', 'Special:', '%5f'),
  row('redirect URI', 'digits of a port', 'http://127.0.0.1:', '1', '/'),
  row('redirect URI', 'colons', 'http://127.0.0.1', ':'),
  row('redirect URI', 'slashes', 'http://127.0.0.1', '/'),
  row('version', 'digits after a word', '1a', '1', '!'),
  row('version', 'words', '1', '.a'),
  row('version', 'numbers', '1', '.1'),
  row('version', 'plus signs', '1', '+'),
  row('version', 'another name', '1', ' as '),
  row('version', 'dates', '2026', '-11'),
  row('duration', 'digits', 'PT', '1', 'X'),
  row('duration', 'parts', 'P', '1D'),
  row("a stranger's text in a letter", 'blanks', 'a', ' ', 'a'),
  row("a stranger's text in a letter", 'dots', '', 'a.'),
  row("a stranger's text in a letter", 'numbers and dots', '', '1.'),
  row("a stranger's text in a letter", 'strokes', '', '\\'),
  row("a stranger's text in a letter", 'characters that nobody sees', '', '\u200b'),
  row("a stranger's text in a letter", 'encoded words', '', '=?utf-8?q?a?='),
  row('name of an app', 'accents', 'a', '\u0301'),
  row('name of an app', 'letters that look alike', '', 'rnvv'),
  row('name of an app', 'characters that nobody sees', '', '\u202e'),
  row('lists of an app', 'names', '', 's#,'),
  row('lists of an app', 'one name, many times', '', 'editpage,'),
];

/** The text with as many bytes; never more. */
export function textOf({ before, repeated, after }: WorstText, length: number): string {
  const pieces: string[] = [before];
  let left = length - Buffer.byteLength(before + after);
  for (let count = 0; ; count++) {
    const piece = repeated.replaceAll('#', String(count));
    if (Buffer.byteLength(piece) > left) break;
    pieces.push(piece);
    left -= Buffer.byteLength(piece);
  }
  return pieces.join('') + after;
}
