import { accept, type Result, refuse } from '#kernel/result.ts';
import { decodeUtf8 } from './percent.ts';

/** Why a text is no JSON, and what is told of it. */
export interface MalformedJson {
  readonly kind: 'malformed-json';
  readonly words: string;
}

/** Where a text stops being JSON, as far as the engine says; never what stands there. */
function placeOf({ message }: SyntaxError, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return /end of JSON input/.test(message) ? ': it ends too early' : '';
  const before = text.slice(0, Number(position)).split('\n');
  return `: see line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}

/** Reads JSON in UTF-8, with or without a byte order mark. */
export function readJson(bytes: Uint8Array): Result<unknown, MalformedJson> {
  const text = decodeUtf8(bytes)?.replace(/^\ufeff/, '');
  if (text === undefined)
    return refuse({ kind: 'malformed-json', words: 'The body is not UTF-8.' });
  try {
    return accept(JSON.parse(text) as unknown);
  } catch (fault) {
    return refuse({
      kind: 'malformed-json',
      words: `The body is not JSON${placeOf(fault as SyntaxError, text)}.`,
    });
  }
}
