// What curl's options say of the request, and which say nothing of it.

/** Options with a value that change nothing about the request. */
export const ignoredOptionsWithValue = new Set(
  'output max-time connect-timeout proxy resolve connect-to cacert capath cert key retry retry-delay dump-header unix-socket interface max-redirs write-out cookie-jar range config proxy-user ciphers tls-max limit-rate trace trace-ascii stderr'.split(
    ' ',
  ),
);
/** Those without one. */
export const ignoredFlags = new Set(
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
export const REMOVED = '\0';

/** What the options of a command say of its request. */
export interface Command {
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
export const options: Readonly<Record<string, Option>> = {
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
/** Long names by their letters. */
export const shortNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(options).flatMap(([long, { short }]) =>
      short === undefined ? [] : [[short, long]],
    ),
  ),
  ...otherShortNames,
};
