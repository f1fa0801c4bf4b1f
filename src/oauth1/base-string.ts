import type { NameValuePair } from '#encoding/form.ts';
import { percentEncode, percentEncodeEncoded } from '#encoding/percent.ts';
import type { SignedRequest } from './parse.ts';

/**
 * The base string URI (RFC 5849 §3.4.1.2): the server's public origin, and the path exactly as it
 * was sent, two slashes in front included. Nothing of a path is ever read as a host, but for a
 * target in absolute form (RFC 9112 §3.2.2), whose host does not count.
 */
export function buildBaseStringUri(origin: string, path: string): string {
  const relative = path.startsWith('/')
    ? path
    : (/^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.*)?$/i.exec(path)?.[1] ?? '/');
  return origin + relative;
}

interface EncodedPair {
  readonly name: string;
  readonly value: string;
  /** Both once more encoded, as they stand in the base string. */
  readonly doubleEncoded: string;
}

function encodePair([name, value]: NameValuePair): EncodedPair {
  const [once, other] = [percentEncode(name), percentEncode(value)];
  return {
    name: once,
    value: other,
    doubleEncoded: `${percentEncodeEncoded(once)}%3D${percentEncodeEncoded(other)}`,
  };
}

/** By name, then by value (RFC 5849 §3.4.1.3.2). */
const compareByNameAndValue = (one: EncodedPair, other: EncodedPair): number =>
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
export function normalizeParameters(params: readonly NameValuePair[]): string {
  return params
    .map(encodePair)
    .sort(compareByNameAndValue)
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

/** The signature base string (RFC 5849 §3.4.1.1). */
export function buildBaseString(
  signed: Pick<SignedRequest, 'method' | 'path' | 'params'>,
  origin: string,
): string {
  return `${percentEncode(signed.method.toUpperCase())}&${percentEncode(buildBaseStringUri(origin, signed.path))}&${percentEncode(normalizeParameters(signed.params))}`;
}

/**
 * Every base string that the reading of this request takes, the usual one first; more than one only
 * in the dialect. What the lists share is encoded once.
 */
export function candidateBaseStrings(signed: SignedRequest, origin: string): readonly string[] {
  const encodedPairs = new Map<NameValuePair, EncodedPair>();
  const encodeCached = (pair: NameValuePair): EncodedPair => {
    const encodedOnce = encodedPairs.get(pair) ?? encodePair(pair);
    encodedPairs.set(pair, encodedOnce);
    return encodedOnce;
  };
  const method = percentEncode(signed.method.toUpperCase());
  const uris = [signed.path, ...(signed.alternativePaths ?? [])].map((path) =>
    percentEncode(buildBaseStringUri(origin, path)),
  );
  const lists = [signed.params, ...(signed.alternativeParams ?? [])].map((params) =>
    params
      .map(encodeCached)
      .sort(compareByNameAndValue)
      .map(({ doubleEncoded }) => doubleEncoded)
      .join('%26'),
  );
  return uris.flatMap((uri) => lists.map((params) => `${method}&${uri}&${params}`));
}
