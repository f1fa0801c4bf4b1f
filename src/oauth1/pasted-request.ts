import { accept, type Result, refuse } from '#kernel/result.ts';
import type { SentRequest } from '#wire/sent-request.ts';

/** Largest request, and largest base string, that somebody may paste: as much as a server takes for its header fields. */
export const MOST_PASTED_BYTES = 16_384;

export type PastedRequestRefusal = { readonly kind: 'too-long'; readonly most: number } | { readonly kind: 'unreadable' };

const unreadable = refuse({ kind: 'unreadable' } as const);

const isBlank = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t';

/** Without blanks and tabs at its ends; each character is looked at once. */
function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text, start)) start += 1;
  while (end > start && isBlank(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

/** Splits at runs of blanks and tabs; each character is looked at once. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (let at = 0; at < line.length; ) {
    const start = at;
    while (at < line.length && !isBlank(line, at)) at += 1;
    if (at > start) words.push(line.slice(start, at));
    while (at < line.length && isBlank(line, at)) at += 1;
  }
  return words;
}

/** Path and query of the address in a request line, without scheme and authority; undefined: not an address. */
function targetOf(address: string): string | undefined {
  if (address.includes('#')) return undefined;
  const scheme = /^https?:\/\//i.exec(address)?.[0];
  if (scheme === undefined) return address.startsWith('/') ? address : `/${address}`;
  const rest = address.slice(scheme.length);
  const authorityEnd = rest.search(/[/?]/);
  if (rest === '' || authorityEnd === 0) return undefined;
  const target = authorityEnd < 0 ? '/' : rest.slice(authorityEnd);
  return target.startsWith('/') ? target : `/${target}`;
}

/** Method and target of the first line: `POST https://api.example/path?a=b`, with or without `HTTP/1.1` after it. */
function requestLine(line: string): { readonly method: string; readonly target: string } | undefined {
  const [method = '', address, version, ...more] = wordsOf(line);
  if (!/^[A-Za-z]{1,16}$/.test(method) || address === undefined || more.length > 0) return undefined;
  if (version !== undefined && !/^HTTP\/[\d.]{1,8}$/.test(version)) return undefined;
  const target = targetOf(address);
  return target === undefined ? undefined : { method, target };
}

/** Header fields by lower-case name, each with every value; undefined when a line is not `Name: value` (RFC 9112 §5). */
function headerFields(lines: readonly string[]): Record<string, string[]> | undefined {
  const fields: Record<string, string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = trimBlanks(line.slice(colon + 1));
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || /[\r\u2028\u2029]/.test(value)) return undefined;
    const values = fields[name];
    if (values === undefined) fields[name] = [value];
    else values.push(value);
  }
  return fields;
}

/**
 * Reads a request as somebody copied it: the request line with the whole address, header lines, an empty line, the form. The text comes from
 * anybody who is signed in, so it is bounded before it is read, and read in one pass. Refuses a text above 16 kB, and one that is no request.
 */
export function readPastedRequest(text: string): Result<SentRequest, PastedRequestRefusal> {
  if (text.length > MOST_PASTED_BYTES || Buffer.byteLength(text) > MOST_PASTED_BYTES)
    return refuse({ kind: 'too-long', most: MOST_PASTED_BYTES });
  const lines = text
    .trim()
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const emptyLine = lines.findIndex((line) => trimBlanks(line) === '');
  const [first = '', ...fieldLines] = emptyLine < 0 ? lines : lines.slice(0, emptyLine);
  const started = requestLine(first);
  const headers = started && headerFields(fieldLines);
  if (started === undefined || headers === undefined) return unreadable;
  return accept({
    ...started,
    headers,
    body: emptyLine < 0 ? Buffer.alloc(0) : Buffer.from(lines.slice(emptyLine + 1).join('\n')),
    address: '',
    secure: true,
  });
}
