import type { RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { PastedRequest, PastedRequestRefusal } from './pasted-request.ts';
import { splitShellWords } from './shell-words.ts';

// The request that a curl command would send, as far as the command says it: nothing is sent, and
// no file is read.

/** Options with a value that change nothing about the request. */
const ignoredOptionsWithValue = new Set(
  'output max-time connect-timeout proxy resolve connect-to cacert capath cert key retry retry-delay dump-header unix-socket interface max-redirs write-out cookie-jar range config proxy-user ciphers tls-max limit-rate trace trace-ascii stderr'.split(
    ' ',
  ),
);
/** Those without one. */
const ignoredFlags = new Set(
  'verbose silent show-error include location insecure fail fail-with-body globoff progress-bar no-progress-meter compressed http1.0 http1.1 http2 http2-prior-knowledge http3 ipv4 ipv6 path-as-is disable no-buffer raw tlsv1 tlsv1.2 tlsv1.3 location-trusted no-keepalive tcp-nodelay ssl-reqd post301 post302 trace-time parallel remote-name remote-header-name'.split(
    ' ',
  ),
);
/** Short names of those that are skipped: `o output`, and so on. */
const otherShortNames: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'o output,m max-time,x proxy,c cookie-jar,w write-out,D dump-header,r range,K config,U proxy-user,E cert,v verbose,s silent,S show-error',
    'i include,L location,k insecure,f fail,g globoff,N no-buffer,0 http1.0,4 ipv4,6 ipv6,# progress-bar,q disable,O remote-name',
    'J remote-header-name,Z parallel',
  ].flatMap((names) => names.split(',').map((pair) => pair.split(' '))),
);

/** A field that the command says not to send. */
const REMOVED = '\0';

interface Command {
  method: string | undefined;
  url: string | undefined;
  target: string | undefined;
  readonly headers: [string, string][];
  readonly data: string[];
  readonly fields: [string, string][];
  /** A body stands in a file, which is not here. */
  isBodyInFile: boolean;
  isJson: boolean;
  isQuery: boolean;
  isHead: boolean;
  isUpload: boolean;
  readonly query: string[];
}

const refuseUnreadable = (why: 'option' | 'address', piece: string) =>
  refuse({ kind: 'unreadable', why, piece: piece.slice(0, 80) } as const);
const encodeForm = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** `--data-urlencode`: `content`, `=content`, `name=content`, or one of a file. */
function urlEncoded(value: string): string | undefined {
  const equals = value.indexOf('=');
  if (equals < 0) return value.includes('@') ? undefined : encodeForm(value);
  return `${equals === 0 ? '' : `${value.slice(0, equals)}=`}${encodeForm(value.slice(equals + 1))}`;
}

interface Option {
  readonly short?: string;
  readonly takesValue: boolean;
  apply(command: Command, value: string): void;
}
const optionWithValue = (apply: Option['apply'], short?: string): Option => ({
  takesValue: true,
  apply,
  ...(short === undefined ? {} : { short }),
});
const flagOption = (apply: (command: Command) => void, short?: string): Option => ({
  ...optionWithValue(apply, short),
  takesValue: false,
});
const headerOption = (name: string, short?: string) =>
  optionWithValue(({ headers }, value) => void headers.push([name, value]), short);

/** Data, unless they stand in a file. */
const addData = (command: Command, value: string) => {
  if (value.startsWith('@')) command.isBodyInFile = true;
  else command.data.push(value);
};
const addFormPart = ({ fields }: Command, value: string) => {
  const equals = value.indexOf('=');
  fields.push([value.slice(0, Math.max(equals, 0)), value.slice(equals + 1)]);
};

/** Options that say something of the request, by their long name. */
const options: Readonly<Record<string, Option>> = {
  request: optionWithValue((command, value) => {
    command.method = value;
  }, 'X'),
  header: optionWithValue(({ headers }, value) => {
    // `Name:` takes a field away, `Name;` sends it empty.
    const colon = value.search(/[:;]/);
    headers.push([
      value.slice(0, Math.max(colon, 0)),
      value[colon] === ';' ? '' : value.slice(colon + 1).trim() || REMOVED,
    ]);
  }, 'H'),
  data: optionWithValue(addData, 'd'),
  'data-ascii': optionWithValue(addData),
  'data-binary': optionWithValue(addData),
  'data-raw': optionWithValue((command, value) => void command.data.push(value)),
  'data-urlencode': optionWithValue((command, value) => {
    const encoded = urlEncoded(value);
    if (encoded === undefined) command.isBodyInFile = true;
    else command.data.push(encoded);
  }),
  json: optionWithValue((command, value) => {
    command.isJson = true;
    addData(command, value);
  }),
  form: optionWithValue(addFormPart, 'F'),
  'form-string': optionWithValue(addFormPart),
  get: flagOption((command) => {
    command.isQuery = true;
  }, 'G'),
  head: flagOption((command) => {
    command.isHead = true;
  }, 'I'),
  url: optionWithValue((command, value) => {
    command.url ??= value;
  }),
  'url-query': optionWithValue(
    ({ query }, value) =>
      void query.push(value.startsWith('+') ? value.slice(1) : (urlEncoded(value) ?? '')),
  ),
  user: optionWithValue(
    ({ headers }, value) =>
      void headers.push(['authorization', `Basic ${Buffer.from(value).toString('base64')}`]),
    'u',
  ),
  'oauth2-bearer': optionWithValue(
    ({ headers }, value) => void headers.push(['authorization', `Bearer ${value}`]),
  ),
  'upload-file': optionWithValue((command) => {
    command.isUpload = true;
    command.isBodyInFile = true;
  }, 'T'),
  'request-target': optionWithValue((command, value) => {
    command.target = value;
  }),
  'user-agent': headerOption('user-agent', 'A'),
  referer: headerOption('referer', 'e'),
  cookie: headerOption('cookie', 'b'),
};
const shortNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(options).flatMap(([long, { short }]) =>
      short === undefined ? [] : [[short, long]],
    ),
  ),
  ...otherShortNames,
};

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
