import type { NameValuePair } from '#encoding/form.ts';
import { percentDecodeBytes } from '#encoding/percent.ts';

/** A form read as PHP reads it. */
export interface PhpForm {
  readonly pairs: readonly NameValuePair[];
  /** How many pieces were empty, as in `a=1&&b=2`. */
  readonly emptyPieces: number;
}

/**
 * Reads a form or a query as PHP does: broken escapes and bytes that are not UTF-8 are kept
 * (`percentDecodeBytes`), nothing is refused. A text is one whose characters stand for bytes.
 */
export function parseFormAsPhp(text: string | Uint8Array): PhpForm {
  const whole =
    typeof text === 'string'
      ? text
      : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1');
  if (whole === '') return { pairs: [], emptyPieces: 0 };
  const decode = (part: string) => percentDecodeBytes(part.replaceAll('+', ' '));
  const pieces = whole.split('&');
  const pairs = pieces
    .filter((piece) => piece !== '')
    .map((piece): NameValuePair => {
      const equals = piece.indexOf('=');
      return equals < 0
        ? [decode(piece), '']
        : [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))];
    });
  return { pairs, emptyPieces: pieces.length - pairs.length };
}
