import type { Pair } from '#encoding/form.ts';
import { percentEncode, percentEncodeAgain } from '#encoding/percent.ts';
import type { SignedRequest } from './parse.ts';

/**
 * The base string URI (RFC 5849 §3.4.1.2): the server's public origin, and the path exactly as it
 * was sent, two slashes in front included. Nothing of a path is ever read as a host, but for a
 * target in absolute form (RFC 9112 §3.2.2), whose host does not count.
 */
export function baseStringUri(origin: string, path: string): string {
  const relative = path.startsWith('/')
    ? path
    : (/^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.*)?$/i.exec(path)?.[1] ?? '/');
  return origin + relative;
}

interface EncodedPair {
  readonly name: string;
  readonly value: string;
  /** Both once more encoded, as they stand in the base string. */
  readonly twice: string;
}

function encodedPair([name, value]: Pair): EncodedPair {
  const [once, other] = [percentEncode(name), percentEncode(value)];
  return {
    name: once,
    value: other,
    twice: `${percentEncodeAgain(once)}%3D${percentEncodeAgain(other)}`,
  };
}

/** By name, then by value (RFC 5849 §3.4.1.3.2). */
const byNameAndValue = (one: EncodedPair, other: EncodedPair): number =>
  one.name < other.name
    ? -1
    : one.name > other.name
      ? 1
      : one.value < other.value
        ? -1
        : one.value > other.value
          ? 1
          : 0;

/**
 * Parameters normalised (RFC 5849 §3.4.1.3.2): encoded, sorted by name and then by value, joined.
 */
export function normalizeParams(params: readonly Pair[]): string {
  return params
    .map(encodedPair)
    .sort(byNameAndValue)
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

/** The signature base string (RFC 5849 §3.4.1.1). */
export function baseString(
  signed: Pick<SignedRequest, 'method' | 'path' | 'params'>,
  origin: string,
): string {
  return `${percentEncode(signed.method.toUpperCase())}&${percentEncode(baseStringUri(origin, signed.path))}&${percentEncode(normalizeParams(signed.params))}`;
}

/**
 * Every base string that the reading of this request takes, the usual one first; more than one only
 * in the dialect. What the lists share is encoded once.
 */
export function baseStrings(signed: SignedRequest, origin: string): readonly string[] {
  const known = new Map<Pair, EncodedPair>();
  const encoded = (pair: Pair): EncodedPair => {
    const made = known.get(pair) ?? encodedPair(pair);
    known.set(pair, made);
    return made;
  };
  const method = percentEncode(signed.method.toUpperCase());
  const uris = [signed.path, ...(signed.otherPaths ?? [])].map((path) =>
    percentEncode(baseStringUri(origin, path)),
  );
  const lists = [signed.params, ...(signed.otherParams ?? [])].map((params) =>
    params
      .map(encoded)
      .sort(byNameAndValue)
      .map(({ twice }) => twice)
      .join('%26'),
  );
  return uris.flatMap((uri) => lists.map((params) => `${method}&${uri}&${params}`));
}
