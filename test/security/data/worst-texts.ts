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
