import { percentDecode, percentEncode } from '#encoding/percent.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import { type Finding, type FindingKind, makeFinding } from './finding.ts';

/** A method or an address with one mistake. */
export interface MethodOrUriMistake {
  readonly found: Finding;
  readonly text: string;
}

/** What is known of the ways by which the request may have gone. */
export interface RouteHints {
  /** The server's own: scheme, host and port (RFC 5849 §3.4.1.2). */
  readonly origin: string;
  /** The path that is signed. */
  readonly path: string;
  readonly headers: RawRequest['headers'];
  /** Addresses that somebody typed: scheme, host and port, as they stood there. */
  readonly typedOrigins: readonly string[];
  /** Paths that a proxy may have put in front, or taken away. */
  readonly prefixes: readonly string[];
}

interface Place {
  readonly scheme: string | null;
  readonly host: string;
  readonly port: string;
}

/** `host:port`, with or without a scheme in front; undefined: none. */
function parsePlace(text: string): Place | undefined {
  const match = /^(?:(https?):\/\/)?(\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253})(?::(\d{1,5}))?$/i.exec(
    text.trim(),
  );
  return match === null
    ? undefined
    : { scheme: match[1]?.toLowerCase() ?? null, host: match[2] as string, port: match[3] ?? '' };
}

const formatOrigin = (scheme: string, host: string, port: string) =>
  `${scheme}://${host}${port === '' ? '' : `:${port}`}`;
const defaultPort = (scheme: string) => (scheme === 'https' ? '443' : '80');
const otherScheme = (scheme: string) => (scheme === 'https' ? 'http' : 'https');

/** Ports that servers are tried out on. */
const COMMON_PORTS = ['3000', '4400', '5000', '8000', '8080', '8443'] as const;
const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0'] as const;
/** What servers are commonly called behind a proxy, where http is spoken. */
const INNER_NAMES = [
  'gatehouse',
  'app',
  'web',
  'backend',
  'api',
  'server',
  'auth',
  'oauth',
  'host.docker.internal',
] as const;
const MAX_PLACES = 12;

/** Names and ports that the request itself shows: it may have been signed for any of them. */
function placesInRequest({ headers, typedOrigins }: RouteHints): readonly Place[] {
  const headerValues = (name: string) =>
    [headers[name] ?? []].flat().flatMap((value) => value.slice(0, 1000).split(','));
  const hosts = [
    ...typedOrigins,
    ...headerValues('host'),
    ...headerValues('x-forwarded-host'),
    ...headerValues(':authority'),
  ].flatMap((text) => parsePlace(text) ?? []);
  const forwarded = headerValues('x-forwarded-port').map((text) => text.trim());
  const ported = forwarded
    .filter((port) => /^\d{1,5}$/.test(port))
    .flatMap((port) => hosts.map(({ scheme, host }) => ({ scheme, host, port })));
  return [...hosts, ...ported].slice(0, MAX_PLACES);
}

/** How an origin differs from the server's own: the first that is true. */
function originFinding(origin: string, assumed: Place & { readonly scheme: string }): Finding {
  const own = new URL(origin);
  const values = { ours: origin, theirs: formatOrigin(assumed.scheme, assumed.host, assumed.port) };
  const kind = ((): FindingKind => {
    if (assumed.host.toLowerCase() !== own.hostname) return 'other-host';
    if (`${assumed.scheme}:` !== own.protocol) return 'other-scheme';
    return assumed.port === own.port ? 'host-in-capitals' : 'with-port';
  })();
  return makeFinding(kind, values);
}

/**
 * Other origins than the server's, the likeliest first: `near` those that the request shows, `far`
 * those that are guessed.
 */
function originMistakes(route: RouteHints): {
  readonly likelyMistakes: readonly MethodOrUriMistake[];
  readonly guessedMistakes: readonly MethodOrUriMistake[];
} {
  const own = new URL(route.origin);
  const scheme = own.protocol.slice(0, -1);
  const shown = placesInRequest(route);
  const seen = new Set([route.origin]);
  const list = (places: readonly Place[]): readonly MethodOrUriMistake[] =>
    places.flatMap(({ scheme: one, host, port }) => {
      const place = { scheme: one ?? scheme, host, port };
      const text = formatOrigin(place.scheme, host, port);
      if (seen.has(text)) return [];
      seen.add(text);
      return [{ found: originFinding(route.origin, place), text }];
    });
  const ports = (base: string, more: readonly string[]) => [
    ...new Set([base, '', own.port, ...more]),
  ];
  const both = (host: string, wanted: readonly string[]): readonly Place[] =>
    [scheme, otherScheme(scheme)].flatMap((one) =>
      [...wanted, '80', '443'].map((port) => ({ scheme: one, host, port })),
    );
  const shownPorts = shown.map(({ port }) => port);
  const likelyMistakes = list([
    { scheme: otherScheme(scheme), host: own.hostname, port: own.port },
    { scheme, host: own.hostname, port: own.port === '' ? defaultPort(scheme) : '' },
    ...shown.map((place) => ({ ...place, scheme: place.scheme ?? scheme })),
    ...shown.flatMap(({ host, port }) => both(host, ports(port, []))),
    ...both(own.hostname, ports('', shownPorts)),
    ...LOCAL_NAMES.slice(0, 3).map((host) => ({ scheme, host, port: own.port })),
  ]);
  const www = own.hostname.startsWith('www.') ? own.hostname.slice(4) : `www.${own.hostname}`;
  const guessedMistakes = list([
    ...both(www, [own.port]),
    ...LOCAL_NAMES.flatMap((host) => both(host, ports('', [...shownPorts, ...COMMON_PORTS]))),
    ...both(own.hostname, COMMON_PORTS),
    ...INNER_NAMES.flatMap((host) =>
      ports('', COMMON_PORTS).map((port) => ({ scheme: 'http', host, port })),
    ),
  ]);
  return { likelyMistakes, guessedMistakes };
}

/** Where proxies commonly hang a server in. */
const COMMON_PREFIXES = [
  '/auth',
  '/oauth',
  '/api',
  '/gate',
  '/gatehouse',
  '/sso',
  '/login',
  '/id',
  '/accounts',
  '/w',
  '/wiki',
  '/mediawiki',
  '/app',
  '/proxy',
  '/v1',
  '/api/v1',
];
/** What is mixed up when one is set in place of another. */
const ENDPOINTS = [
  '/oauth1/initiate',
  '/oauth1/authorize',
  '/oauth1/token',
  '/api/v1/me',
  '/w/index.php',
  '/w/api.php',
  '/index.php',
  '/api.php',
];
const TITLES = ['initiate', 'token', 'identify'].map((name) => `/wiki/Special:OAuth/${name}`);
const MAX_SEGMENTS = 6;

const collapseSlashes = (path: string) => path.replace(/\/{2,}/g, '/');
const segmentsWith = (path: string, change: (segment: string) => string) =>
  path.split('/').map(change).join('/');
const decodePercent = (text: string) => percentDecode(text) ?? text;

/** Where the segments of a path begin, but the first. */
function segmentStarts(path: string): readonly number[] {
  const found: number[] = [];
  for (
    let at = path.indexOf('/', 1);
    at > 0 && found.length < MAX_SEGMENTS;
    at = path.indexOf('/', at + 1)
  )
    found.push(at);
  return found;
}

/**
 * The path with one mistake: those of prefixes and ends, which go with other hosts as well, and
 * those of spelling.
 */
function pathMistakes({ path, prefixes }: RouteHints): {
  readonly prefixMistakes: readonly MethodOrUriMistake[];
  readonly spellingMistakes: readonly MethodOrUriMistake[];
} {
  const seen = new Set([path]);
  const list = (made: readonly (readonly [FindingKind, string])[]): readonly MethodOrUriMistake[] =>
    made.flatMap(([kind, text]) => {
      if (seen.has(text)) return [];
      seen.add(text);
      return [{ found: makeFinding(kind, { ours: path, theirs: text === '' ? '–' : text }), text }];
    });
  const prefixedPaths = [...prefixes, ...COMMON_PREFIXES].map(
    (prefix) => `${prefix.replace(/\/$/, '')}${path}`,
  );
  const dots = /\/\.{1,2}(?:\/|$)/.test(path)
    ? (URL.parse(path, 'http://x')?.pathname ?? path)
    : path;
  const prefixMistakes = list([
    ['path-normalised', dots],
    ['trailing-slash', path.endsWith('/') ? path.slice(0, -1) : `${path}/`],
    ...prefixedPaths.map((text) => ['path-prefix', text] as const),
    ...segmentStarts(path).map((at) => ['path-prefix', path.slice(at)] as const),
  ]);
  const spellingMistakes = list([
    ['path-decoded', decodePercent(path)],
    ['path-decoded', decodePercent(path).replaceAll('+', ' ')],
    ['path-encoded-otherwise', segmentsWith(path, percentEncode)],
    [
      'path-encoded-otherwise',
      segmentsWith(path, (segment) => percentEncode(decodePercent(segment))),
    ],
    ['path-encoded-otherwise', encodeURI(decodePercent(path).toWellFormed())],
    ['path-encoded-otherwise', encodeURI(path.toWellFormed())],
    ['path-encoded-otherwise', path.replace(/%[0-9a-fA-F]{2}/g, (found) => found.toUpperCase())],
    ['path-encoded-otherwise', path.replace(/%[0-9a-fA-F]{2}/g, (found) => found.toLowerCase())],
    ['path-encoded-otherwise', path.replaceAll('+', '%20')],
    ['path-normalised', collapseSlashes(path)],
    ['path-normalised', `/${path}`],
    ['path-normalised', URL.parse(path, 'http://x')?.pathname ?? path],
    ['path-normalised', path.toLowerCase()],
    ['path-normalised', path.split(';', 1)[0] ?? path],
    ['path-missing', ''],
    ['path-missing', '/'],
    ...[...ENDPOINTS, ...TITLES].map((text) => ['other-path', text] as const),
  ]);
  return { prefixMistakes, spellingMistakes };
}

/** A path of its own with everything before it, in the order in which they are tried. */
export interface AddressMistakes {
  readonly likelyMistakes: readonly MethodOrUriMistake[];
  readonly guessedMistakes: readonly MethodOrUriMistake[];
  /** Two mistakes at once: another host and another path. */
  pairs(): Generator<{ readonly found: readonly Finding[]; readonly text: string }>;
}

/**
 * Base string URIs with one mistake (RFC 5849 §3.4.1.2). `query`: the raw query, which does not
 * belong there.
 */
export function addressMistakes(route: RouteHints, query: string): AddressMistakes {
  const { origin, path, prefixes } = route;
  const { likelyMistakes, guessedMistakes } = originMistakes(route);
  const { prefixMistakes, spellingMistakes } = pathMistakes(route);
  const own = new URL(origin);
  const withPath = (mistakes: readonly MethodOrUriMistake[]) =>
    mistakes.map(({ found, text }) => ({ found, text: text + path }));
  const withOrigin = (mistakes: readonly MethodOrUriMistake[]) =>
    mistakes.map(({ found, text }) => ({ found, text: origin + text }));
  const whole = origin + path;
  const queries = query === '' ? [] : [query, decodePercent(query)];
  const hostMissing = ['', own.host, `//${own.host}`].map((start) => ({
    found: makeFinding('host-missing', { ours: whole, theirs: start + path }),
    text: start + path,
  }));
  return {
    likelyMistakes: [
      ...withPath(likelyMistakes),
      ...withOrigin(prefixMistakes),
      ...queries.map((text) => ({
        found: makeFinding('with-query-in-uri'),
        text: `${whole}?${text}`,
      })),
      ...withOrigin(spellingMistakes),
    ],
    guessedMistakes: [...withPath(guessedMistakes), ...hostMissing],
    *pairs() {
      // Every path with the hosts that the request shows, and the likely ones with every host.
      const likely = prefixMistakes.filter(
        ({ found, text }) =>
          found.kind !== 'path-prefix' || prefixes.some((prefix) => text === prefix + path),
      );
      for (const [hosts, several] of [
        [likelyMistakes, prefixMistakes],
        [guessedMistakes, likely],
      ] as const)
        for (const one of hosts)
          for (const another of several)
            yield { found: [one.found, another.found], text: one.text + another.text };
    },
  };
}
