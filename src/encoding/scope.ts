/**
 * Reads a `scope` value (RFC 6749 §3.3): tokens of printable ASCII but space, `"` and `\`, one
 * space between. Undefined when the text does not fit the grammar. Repeated tokens are kept once.
 */
export function parseScope(text: string): readonly string[] | undefined {
  const tokens = text.split(' ');
  return tokens.every((token) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(token))
    ? [...new Set(tokens)]
    : undefined;
}

/** Writes scope tokens as one value. */
export const formatScope = (tokens: readonly string[]): string => tokens.join(' ');
