/**
 * A request as it was sent. Signatures are made over what was on the wire, so nothing here is
 * resolved or normalised (RFC 5849 §3.4.1.2).
 */
export interface RawRequest {
  readonly method: string;
  /** The request target of the request line: path and query, raw. */
  readonly target: string;
  /** Lower-case names; a repeated field is a list. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes, empty when there are none; undefined: they are not at hand. */
  readonly body: Uint8Array | undefined;
  /**
   * The client's IP address; `unknown` (RFC 7239 §6.2): nobody knows it for sure, so that it fits
   * no rule about addresses.
   */
  readonly address: string;
  /** It came over TLS, seen by us or by the proxy in front. */
  readonly secure: boolean;
}

/** The one value of a header field; undefined when it is absent or was sent more than once. */
export function singleHeader(
  rawRequest: Pick<RawRequest, 'headers'>,
  name: string,
): string | undefined {
  const value = rawRequest.headers[name];
  return typeof value === 'string' ? value : value?.length === 1 ? value[0] : undefined;
}

/** Whether an HTTP/1 message has content, by its own framing (RFC 9112 §6.3). */
export function hasRequestBody({ headers }: Pick<RawRequest, 'headers'>): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  const lengths = [headers['content-length'] ?? []].flat();
  return lengths.some((length) => !/^[ \t]*0+[ \t]*$/.test(length));
}
