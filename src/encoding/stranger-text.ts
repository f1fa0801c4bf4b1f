import { isInvisible } from './plain-text.ts';

/** Joiners of letters and the choice between emoji and sign: people write with them. */
const keptCharacters = '\u200c\u200d\ufe0e\ufe0f';

/** On one line, with nothing that cannot be seen, and cut short. */
export function toSingleLine(text: string, maxLength = 255): string {
  const visible = [...text].map((character) =>
    isInvisible(character) && !keptCharacters.includes(character) ? ' ' : character,
  );
  const characters = [...visible.join('').replace(/\s+/g, ' ').trim()];
  return characters.length > maxLength
    ? `${characters.slice(0, maxLength - 1).join('')}…`
    : characters.join('');
}

/**
 * A stranger's text as it may stand in an email of ours, between quotation marks or after a
 * quotation sign: on one line, without anything that a mail reader makes a link of (a scheme, a
 * domain with or without one, an e-mail address, a share of a Windows machine), without markup,
 * without quotation marks that would end ours early, and without what looks like an encoded word
 * (RFC 2047 §2), which readers decode wherever they see it. At most `most` characters.
 */
export function sanitizeForEmail(text: string, maxLength = 255): string {
  return (
    toSingleLine(text, maxLength)
      .replace(/["\u201c-\u201f\u00ab\u00bb\u2033\u3003\uff02]/g, "'")
      .replace(/[<\uff1c\ufe64]/g, '‹')
      .replace(/[>\uff1e\ufe65]/g, '›')
      .replaceAll('=?', '= ?')
      .replaceAll('?=', '? =')
      // An address of four numbers; a number such as 1.0 keeps its dot, and a version of three its
      // two.
      .split(' ')
      .map((word) =>
        (word.match(/\d\.\d/g)?.length ?? 0) < 2 ? word : word.replace(/\.(?=\d)/g, '[.]'),
      )
      .join(' ')
      // The dots of domain names (UTS #46 §2.3), and what looks like one.
      .replace(/(?<=\S)[.\u2024\u3002\ufe52\uff0e\uff61](?=[^\s\d.,;:!?'()[\]…-])/gu, '[.]')
      .replace(/[@\ufe6b\uff20]/g, '[at]')
      // A scheme needs its colon, and `\\host` its two strokes; the time of day keeps its own.
      .replace(/(?<!\d)[:\ufe55\uff1a](?=\S)|[:\ufe55\uff1a](?=[^\s\d])/g, ': ')
      .replace(/\/(?=\/)/g, '/ ')
      .replace(/\\(?=\\)/g, '\\ ')
  );
}
