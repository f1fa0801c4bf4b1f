import { accept, type Result, refuse } from '#kernel/result.ts';
import { parsePastedCurl } from './pasted-curl.ts';
import { MAX_PASTED_BYTES, type PastedRequest, type PastedRequestRefusal } from './pasted-text.ts';

const refuseUnreadable = (why: 'empty' | 'first-line' | 'header', piece = '') =>
  refuse({ kind: 'unreadable', why, piece: piece.slice(0, 80) } as const);

const isBlank = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t';

/** Without blanks and tabs at its ends; each character is looked at once. */
function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text, start)) start += 1;
  while (end > start && isBlank(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

/** Splits at runs of blanks and tabs; each character is looked at once. */
function splitAtBlanks(line: string): readonly string[] {
  const words: string[] = [];
  for (let at = 0; at < line.length; ) {
    const start = at;
    while (at < line.length && !isBlank(line, at)) at += 1;
    if (at > start) words.push(line.slice(start, at));
    while (at < line.length && isBlank(line, at)) at += 1;
  }
  return words;
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly typedOrigins: readonly string[];
}

/**
 * Path and query of the address in a request line, and what stood before them; undefined: not an
 * address.
 */
function parseTarget(address: string): Omit<RequestLine, 'method'> | undefined {
  if (address.includes('#')) return undefined;
  const scheme = /^https?:\/\//i.exec(address)?.[0];
  if (scheme === undefined)
    return { target: address.startsWith('/') ? address : `/${address}`, typedOrigins: [] };
  const rest = address.slice(scheme.length);
  const authorityEnd = rest.search(/[/?]/);
  if (rest === '' || authorityEnd === 0) return undefined;
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
  const target = authorityEnd < 0 ? '/' : rest.slice(authorityEnd);
  return {
    target: target.startsWith('/') ? target : `/${target}`,
    typedOrigins: [scheme + authority.slice(authority.lastIndexOf('@') + 1)],
  };
}

/**
 * Method and target of the first line: `POST https://api.example/path?a=b`, with or without
 * `HTTP/1.1` after it.
 */
function parseRequestLine(line: string): RequestLine | undefined {
  const [method = '', address, version, ...more] = splitAtBlanks(line);
  if (!/^[A-Za-z]{1,16}$/.test(method) || address === undefined || more.length > 0)
    return undefined;
  if (version !== undefined && !/^HTTP\/[\d.]{1,8}$/.test(version)) return undefined;
  const target = parseTarget(address);
  return target === undefined ? undefined : { method, ...target };
}

/**
 * Header fields by lower-case name, each with every value; the line that is not `Name: value` (RFC
 * 9112 §5) when there is one.
 */
function parseHeaderFields(lines: readonly string[]): Record<string, string[]> | string {
  const fields: Record<string, string[]> = Object.create(null);
  for (const line of lines) {
    // The names of HTTP/2's own fields begin with a colon (RFC 9113 §8.3).
    const colon = line.indexOf(':', 1);
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = trimBlanks(line.slice(colon + 1));
    if (!/^:?[!#$%&'*+.^_`|~\w-]+$/.test(name) || /[\r\u2028\u2029]/.test(value)) return line;
    const values = fields[name];
    if (values === undefined) fields[name] = [value];
    else values.push(value);
  }
  return fields;
}

const isEmptyLine = (line: string) => trimBlanks(line) === '';

/**
 * A field value that goes on in the next line, which begins with a blank (RFC 9112 §5.2), as one
 * line.
 */
function unfoldLines(lines: readonly string[]): readonly string[] {
  const whole: string[] = [];
  for (const line of lines) {
    if (isBlank(line, 0) && !isEmptyLine(line) && whole.length > 0)
      whole.push(`${whole.pop()} ${trimBlanks(line)}`);
    else whole.push(line);
  }
  return whole;
}

const toPastedRequest = (
  startLine: RequestLine,
  headers: Record<string, string[]>,
  body: Uint8Array | undefined,
) => accept({ ...startLine, headers, body, address: '', secure: true });

/** A request line, header lines, an empty line, the form. */
function parseHttpMessage(lines: readonly string[]): Result<PastedRequest, PastedRequestRefusal> {
  const emptyLine = lines.findIndex(isEmptyLine);
  const [first = '', ...fieldLines] = emptyLine < 0 ? lines : lines.slice(0, emptyLine);
  const startLine = parseRequestLine(first);
  if (startLine === undefined) return refuseUnreadable('first-line', first);
  const headers = parseHeaderFields(unfoldLines(fieldLines));
  if (typeof headers === 'string') return refuseUnreadable('header', headers);
  return toPastedRequest(
    startLine,
    headers,
    emptyLine < 0 ? Buffer.alloc(0) : Buffer.from(lines.slice(emptyLine + 1).join('\n')),
  );
}

/**
 * Header lines in the form of HTTP/2: `:method: POST`, `:path: /a`, `:authority: host` among them
 * (RFC 9113 §8.3.1).
 */
function parseHttp2Fields(lines: readonly string[]): Result<PastedRequest, PastedRequestRefusal> {
  const emptyLine = lines.findIndex(isEmptyLine);
  const fields = parseHeaderFields(emptyLine < 0 ? lines : lines.slice(0, emptyLine));
  if (typeof fields === 'string') return refuseUnreadable('header', fields);
  const {
    ':method': method,
    ':path': path,
    ':authority': authority,
    ':scheme': scheme,
    ...headers
  } = fields;
  const startLine = parseRequestLine(`${method?.[0] ?? ''} ${path?.[0] ?? ''}`);
  if (startLine === undefined) return refuseUnreadable('first-line', lines[0] ?? '');
  const typedOrigins =
    authority?.[0] === undefined
      ? []
      : [`${scheme?.[0] === undefined ? '' : `${scheme[0]}://`}${authority[0]}`];
  return toPastedRequest(
    { ...startLine, typedOrigins },
    headers,
    emptyLine < 0 ? Buffer.alloc(0) : Buffer.from(lines.slice(emptyLine + 1).join('\n')),
  );
}

const isCurlCommand = (line: string) => /^(?:\$ )?curl[ \t\\]/.test(line);

/**
 * What `curl -v` prints: the lines with `>` are the request. Its body is not printed: a command in
 * front of it may say what it was.
 */
function parseCurlVerbose(lines: readonly string[]): Result<PastedRequest, PastedRequestRefusal> {
  const start = lines.findIndex((line) => line.startsWith('> '));
  const sent: string[] = [];
  for (const line of lines.slice(start)) {
    if (line.startsWith('>')) sent.push(line.slice(2));
    if (line === '>' || line === '> ' || line.startsWith('<')) break;
  }
  const parsed = parseHttpMessage(sent);
  if (!parsed.ok) return parsed;
  const command = isCurlCommand(lines[0] ?? '')
    ? parsePastedCurl(lines.slice(0, start).join('\n'))
    : undefined;
  const curlNotes = lines.slice(0, start).filter((line) => line.startsWith('* '));
  const encrypted = curlNotes.some((line) =>
    /^\* (?:SSL connection|ALPN|TLSv|\[HTTP\/2\])/.test(line),
  );
  const host = parsed.value.headers.host?.[0];
  const scheme = encrypted ? 'https' : 'http';
  const typedOrigins = command?.ok
    ? command.value.typedOrigins
    : host === undefined || curlNotes.length === 0
      ? []
      : [`${scheme}://${host}`];
  const bytes = command?.ok ? command.value.body : undefined;
  const length = parsed.value.headers['content-length']?.[0];
  return accept({
    ...parsed.value,
    typedOrigins,
    body: length === undefined || length === '0' ? new Uint8Array() : bytes,
  });
}

/**
 * Reads a request as somebody copied it: a message of HTTP/1.1, header lines of HTTP/2, a curl
 * command, or what `curl -v` printed. The text comes from anybody who is signed in, so it is
 * bounded before it is read, and read in one pass. Refuses a text above 16 kB, and one that is no
 * request, naming what cannot be read.
 */
export function parsePastedRequest(text: string): Result<PastedRequest, PastedRequestRefusal> {
  if (text.length > MAX_PASTED_BYTES || Buffer.byteLength(text) > MAX_PASTED_BYTES)
    return refuse({ kind: 'too-long', maxBytes: MAX_PASTED_BYTES });
  const lines = text
    .trim()
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const [first = ''] = lines;
  if (first === '') return refuseUnreadable('empty');
  if (lines.some((line) => /^> [A-Z]{1,16} \S/.test(line))) return parseCurlVerbose(lines);
  if (isCurlCommand(first)) return parsePastedCurl(lines.join('\n'));
  return first.startsWith(':') ? parseHttp2Fields(lines) : parseHttpMessage(lines);
}
