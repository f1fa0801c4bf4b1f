import type { RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import {
  type Command,
  ignoredFlags,
  ignoredOptionsWithValue,
  options,
  REMOVED,
  shortNames,
} from './curl-options.ts';
import type { PastedRequest, PastedRequestRefusal } from './pasted-text.ts';
import { splitShellWords } from './shell-words.ts';

// The request that a curl command would send, as far as the command says it: nothing is sent, and
// no file is read.

const refuseUnreadable = (why: 'option' | 'address', piece: string) =>
  refuse({ kind: 'unreadable', why, piece: piece.slice(0, 80) } as const);

/**
 * Reads options and the address; the first name that is not known is refused: whether a value
 * follows it is not known either.
 */
function parseCommand(words: readonly string[]): Result<Command, PastedRequestRefusal> {
  const empty = {
    method: undefined,
    url: undefined,
    target: undefined,
    headers: [],
    data: [],
    fields: [],
    query: [],
  };
  const command: Command = {
    ...empty,
    isBodyInFile: false,
    isJson: false,
    isQuery: false,
    isHead: false,
    isUpload: false,
  };
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] as string;
    if (!word.startsWith('-') || word === '-') {
      command.url ??= word;
      continue;
    }
    // Short options may stand together, and the value may stand right behind the last.
    const names: (readonly [string, string | undefined])[] = [];
    if (word.startsWith('--')) names.push([word.slice(2), undefined]);
    else
      for (let index = 1; index < word.length; index += 1) {
        const name = shortNames[word[index] as string] ?? (word[index] as string);
        const takesValue = options[name]?.takesValue ?? ignoredOptionsWithValue.has(name);
        const rest = word.slice(index + 1);
        names.push([name, takesValue && rest !== '' ? rest : undefined]);
        if (takesValue) break;
      }
    for (const [name, attached] of names) {
      if (ignoredFlags.has(name)) continue;
      const option = options[name];
      if (option === undefined && !ignoredOptionsWithValue.has(name))
        return refuseUnreadable('option', word);
      const value = (option?.takesValue ?? true) ? (attached ?? words[++at] ?? '') : '';
      option?.apply(command, value);
    }
  }
  return accept(command);
}

/** A multipart body as curl would write it, with a boundary of our own. */
function buildMultipartBody(
  fields: readonly (readonly [string, string])[],
  boundary: string,
): string {
  const parts = fields.map(([name, value]) => {
    const file = /^[@<]/.test(value) ? `; filename="${value.slice(1).split(';', 1)[0]}"` : '';
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${file === '' ? value : ''}\r\n`;
  });
  return `${parts.join('')}--${boundary}--\r\n`;
}

/** Scheme, authority and the rest of an address; curl takes http where none is named. */
function parseUrl(
  url: string,
): { readonly typedOrigin: string; readonly target: string } | undefined {
  const scheme = /^https?:\/\//i.exec(url)?.[0];
  const rest = url.slice(scheme?.length ?? 0).split('#', 1)[0] ?? '';
  const end = rest.search(/[/?]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (!/^(?:\[[0-9A-Fa-f:.]+\]|[^\s\\:[\]]+)(?::\d{1,5})?$/.test(host)) return undefined;
  const target = end < 0 ? '/' : rest.slice(end);
  return {
    typedOrigin: `${scheme ?? 'http://'}${host}`,
    target: target.startsWith('/') ? target : `/${target}`,
  };
}

function buildBody(command: Command): {
  readonly type: string | undefined;
  readonly body: Uint8Array | undefined;
} {
  if (command.fields.length > 0) {
    const boundary = '------------------------pasted';
    return {
      type: `multipart/form-data; boundary=${boundary}`,
      body: Buffer.from(buildMultipartBody(command.fields, boundary)),
    };
  }
  const hasData = command.data.length > 0 || command.isBodyInFile;
  if (!hasData || command.isQuery) return { type: undefined, body: new Uint8Array() };
  const type = command.isUpload
    ? undefined
    : command.isJson
      ? 'application/json'
      : 'application/x-www-form-urlencoded';
  return {
    type,
    body: command.isBodyInFile
      ? undefined
      : Buffer.from(command.data.join(command.isJson ? '' : '&')),
  };
}

/**
 * Reads a curl command. Refuses options that are not known, and what only the shell could put in.
 */
export function parsePastedCurl(text: string): Result<PastedRequest, PastedRequestRefusal> {
  const words = splitShellWords(text.replace(/^\$ /, ''));
  if (!words.ok)
    return refuse({
      kind: 'unreadable',
      why: words.refusal.kind,
      piece: words.refusal.kind === 'shell' ? words.refusal.piece : '',
    });
  const parsed = parseCommand(words.value);
  if (!parsed.ok) return parsed;
  const command = parsed.value;
  const address = command.url === undefined ? undefined : parseUrl(command.url);
  if (address === undefined) return refuseUnreadable('address', command.url ?? '');
  const { type, body } = buildBody(command);
  const headers: Record<string, string[]> = Object.create(null);
  const isNamed = (name: string) => command.headers.some(([one]) => one.toLowerCase() === name);
  const defaults: readonly (readonly [string, string])[] =
    type === undefined || isNamed('content-type') ? [] : [['content-type', type]];
  const named: readonly (readonly [string, string])[] = [...command.headers, ...defaults];
  // What -u and the like make is only sent when no such field was named.
  const authorization = named.filter(([name]) => name.toLowerCase() === 'authorization');
  for (const [name, value] of named) {
    const lower = name.toLowerCase();
    if (name === '' || value === REMOVED) continue;
    if (
      lower === 'authorization' &&
      authorization.length > 1 &&
      /^(?:Basic|Bearer) /.test(value) &&
      name === 'authorization'
    )
      continue;
    const values = headers[lower];
    if (values === undefined) headers[lower] = [value];
    else values.push(value);
  }
  const query = [...(command.isQuery ? command.data : []), ...command.query].join('&');
  const joined =
    query === ''
      ? address.target
      : `${address.target}${address.target.includes('?') ? '&' : '?'}${query}`;
  const hasBody = type !== undefined || command.isBodyInFile;
  const method =
    command.method ??
    (command.isHead
      ? 'HEAD'
      : command.isUpload
        ? 'PUT'
        : hasBody && !command.isQuery
          ? 'POST'
          : 'GET');
  const rawRequest: RawRequest = {
    method,
    target: command.target ?? joined,
    headers,
    body,
    address: '',
    secure: true,
  };
  return accept({ ...rawRequest, typedOrigins: [address.typedOrigin] });
}
