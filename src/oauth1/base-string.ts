import type { Pair } from '#wire/form.ts';
import { percentEncode } from '#wire/percent.ts';
import type { SignedRequest } from './parse.ts';

/**
 * The base string URI (RFC 5849 §3.4.1.2): the server's public origin, and the path exactly as it was sent, two slashes in front included.
 * Nothing of a path is ever read as a host, but for a target in absolute form (RFC 9112 §3.2.2), whose host does not count.
 */
export function baseStringUri(origin: string, path: string): string {
  const relative = path.startsWith('/') ? path : (/^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.*)?$/i.exec(path)?.[1] ?? '/');
  return origin + relative;
}

/** Parameters normalised (RFC 5849 §3.4.1.3.2): encoded, sorted by name and then by value, joined. */
export function normalizeParams(params: readonly Pair[]): string {
  return params
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** The signature base string (RFC 5849 §3.4.1.1). */
export function baseString(signed: Pick<SignedRequest, 'method' | 'path' | 'params'>, origin: string): string {
  return `${percentEncode(signed.method.toUpperCase())}&${percentEncode(baseStringUri(origin, signed.path))}&${percentEncode(normalizeParams(signed.params))}`;
}

/** Every base string that the reading of this request takes, the usual one first; more than one only in the dialect. */
export function baseStrings(signed: SignedRequest, origin: string): readonly string[] {
  return [signed.path, ...(signed.otherPaths ?? [])].flatMap((path) =>
    [signed.params, ...(signed.otherParams ?? [])].map((params) => baseString({ method: signed.method, path, params }, origin)),
  );
}
