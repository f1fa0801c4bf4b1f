const unreserved = /^[A-Za-z0-9\-._~]*$/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Where a byte stands that is part of no UTF-8 character: U+DC80 to U+DCFF, which no text holds.
 */
const STRAY_BYTE = 0xdc00;

const HEX = Buffer.from('0123456789ABCDEF');
/** 1 for a byte that is written as it is. */
const isUnreservedByte = new Uint8Array(256);
for (const byte of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~',
))
  isUnreservedByte[byte] = 1;

/**
 * The bytes of a text with stray bytes: those come out as they were; what is left of halves of
 * characters becomes U+FFFD.
 */
function encodeWithStrayBytes(text: string): Uint8Array {
  const units = Buffer.from(text, 'utf16le');
  const bytes = Buffer.alloc(text.length * 3);
  let [length, start] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const [high, low] = [units[2 * at + 1] as number, units[2 * at] as number];
    if (high >= 0xd8 && high < 0xdc && ((units[2 * at + 3] ?? 0) & 0xfc) === 0xdc) at += 1;
    else if (high === 0xdc && low >= 0x80) {
      if (at > start) length += bytes.write(text.slice(start, at), length);
      bytes[length++] = low;
      start = at + 1;
    }
  }
  length += bytes.write(text.slice(start), length);
  return bytes.subarray(0, length);
}

/** Each byte escaped but the unreserved ones. */
function escapeBytes(bytes: Uint8Array): string {
  const escaped = Buffer.alloc(bytes.length * 3);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (isUnreservedByte[byte] === 1) escaped[length++] = byte;
    else {
      escaped[length++] = 37;
      escaped[length++] = HEX[byte >> 4] as number;
      escaped[length++] = HEX[byte & 15] as number;
    }
  }
  return escaped.toString('latin1', 0, length);
}

/**
 * Percent-encodes every byte of the UTF-8 text but the unreserved ones, with capital hexadecimal
 * digits (RFC 5849 §3.6, RFC 3986 §2.3). What `percentDecodeBytes` read comes out as the bytes that
 * it was.
 */
export function percentEncode(text: string): string {
  if (unreserved.test(text)) return text;
  if (!text.isWellFormed()) return escapeBytes(encodeWithStrayBytes(text));
  const encoded = encodeURIComponent(text);
  return /[!'()*]/.test(encoded) ? escapeBytes(Buffer.from(text)) : encoded;
}

/**
 * Undoes percent-encoding. Undefined for a `%` without two hexadecimal digits and for bytes that
 * are not UTF-8.
 */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** UTF-8 bytes as text; undefined when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * What is encoded already, encoded once more, as it stands in a signature base string (RFC 5849
 * §3.4.1.1).
 */
export function percentEncodeEncoded(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  const from = Buffer.from(encoded, 'latin1');
  const output = Buffer.alloc(from.length * 3);
  let length = 0;
  for (let at = 0; at < from.length; at++) {
    output[length++] = from[at] as number;
    if (from[at] !== 37) continue;
    output[length++] = 50;
    output[length++] = 53;
  }
  return output.toString('latin1', 0, length);
}

/** The value of a hexadecimal digit; -1 for any other character. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const small = code | 32;
  return small >= 97 && small <= 102 ? small - 87 : -1;
}

/** The smallest and largest second byte of a character, by its first one (Unicode, table 3-7). */
const secondBytes = (first: number): readonly [number, number] =>
  first === 0xe0
    ? [0xa0, 0xbf]
    : first === 0xed
      ? [0x80, 0x9f]
      : first === 0xf0
        ? [0x90, 0xbf]
        : first === 0xf4
          ? [0x80, 0x8f]
          : [0x80, 0xbf];

/** How many bytes the UTF-8 character has that begins here; 0: none begins. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const [least, most] = secondBytes(first);
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next] ?? 0;
    if (next === 1 ? byte < least || byte > most : byte < 0x80 || byte > 0xbf) return 0;
  }
  return length;
}

/** Bytes as text: what is UTF-8 as its characters, every other byte as a stray one. */
function bytesAsText(bytes: Buffer): string {
  const whole = decodeUtf8(bytes);
  if (whole !== undefined) return whole;
  const units = Buffer.alloc(bytes.length * 2);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const size = characterLength(bytes, at);
    if (size > 1) length += units.write(bytes.toString('utf8', at, at + size), length, 'utf16le');
    else
      length = units.writeUInt16LE(
        size === 1 ? (bytes[at] as number) : STRAY_BYTE + (bytes[at] as number),
        length,
      );
    at += size || 1;
  }
  return units.toString('utf16le', 0, length);
}

/**
 * Undoes percent-encoding as PHP does, of text whose characters stand for bytes (a request line, a
 * header field, a body read as Latin-1): a `%` without two hexadecimal digits stays as it is, and
 * bytes that are not UTF-8 are kept, so that `percentEncode` writes them again. Never refuses.
 */
export function percentDecodeBytes(text: string): string {
  if (/^[^%\x80-\uffff]*$/.test(text)) return text;
  const bytes = Buffer.alloc(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const high = code === 37 ? digitOf(text.charCodeAt(at + 1)) : -1;
    const low = high < 0 ? -1 : digitOf(text.charCodeAt(at + 2));
    if (low >= 0) at += 2;
    if (low < 0 && code > 0xff) length += bytes.write(text[at] as string, length);
    else bytes[length++] = low < 0 ? code : high * 16 + low;
  }
  return bytesAsText(bytes.subarray(0, length));
}
