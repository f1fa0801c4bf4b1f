import { toNormalForm } from '#kernel/normal-form.ts';

// Text that people read and trust: what it may not hold, so that it is what it seems (UTS #39 §5,
// UTR #36 §2).

/** What is wrong with a text. */
export type TextProblem =
  /** Characters that cannot be seen, turn the direction of text, or have no meaning yet. */
  | 'unseen'
  /** More marks on one letter than any language writes, which cover the lines around them. */
  | 'stacked-marks'
  /** `=?…?=`, which a mail reader decodes into other text (RFC 2047 §2). */
  | 'encoded-word'
  /** One word of letters of scripts that nobody writes together, or of digits of several kinds. */
  | 'mixed-scripts';

const MAX_MARKS = 4;
const invisibleCharacter =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
/**
 * True for a character that cannot be seen, turns the direction of text, or has no meaning yet: the
 * one list of them.
 */
export const isInvisible = (character: string): boolean => invisibleCharacter.test(character);
const joiner = '\u200d';
const pictures = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f/u;
/**
 * Scripts in which joiners change how words are written: Arabic and its relatives, and those of
 * India and its neighbours.
 */
const joining =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const isTag = (letter: string): boolean => letter >= '\u{e0020}' && letter <= '\u{e007f}';

/**
 * True for what cannot be seen by itself and is part of an emoji: a joiner between pictures, a
 * selector behind one, the tags of a flag.
 */
function isPartOfEmoji(letters: readonly string[], at: number): boolean {
  const [before = '', letter = '', after = ''] = [letters[at - 1], letters[at], letters[at + 1]];
  if (letter === joiner) return pictures.test(before) && /\p{Extended_Pictographic}/u.test(after);
  if (letter === '\ufe0f') return /\p{Emoji}/u.test(before);
  return (
    isTag(letter) && (before === '\u{1f3f4}' || (isTag(before) && isPartOfEmoji(letters, at - 1)))
  );
}

/**
 * True when a text has something that cannot be seen. `isMultiline`: it may have several lines, and
 * joiners where a script needs them.
 */
function hasInvisibleCharacters(text: string, isMultiline: boolean): boolean {
  const letters = [...text];
  let tags = 0;
  return letters.some((letter, at) => {
    if (!isInvisible(letter)) return false;
    if (isMultiline && (letter === '\n' || letter === '\r' || letter === '\t')) return false;
    const joins = letter === joiner || letter === '\u200c';
    if (
      isMultiline &&
      joins &&
      joining.test(letters[at - 1] ?? '') &&
      joining.test(letters[at + 1] ?? '')
    )
      return false;
    // A flag has a few tags: more would be looked through again and again.
    if (isTag(letter) && ++tags > 32) return true;
    return !isPartOfEmoji(letters, at);
  });
}

/**
 * True when a letter carries too many marks, or twice the same one, or there is no letter under a
 * mark (UTS #39 §5.4).
 */
function hasStackedMarks(text: string): boolean {
  let [marks, last] = [MAX_MARKS, ''];
  for (const letter of toNormalForm(text, 'NFD')) {
    const mark = /[\p{Mn}\p{Me}]/u.test(letter) && letter !== '\ufe0f';
    if (mark && (marks >= MAX_MARKS || letter === last)) return true;
    marks = mark ? marks + 1 : 0;
    last = mark ? letter : '';
  }
  return false;
}

function hasEncodedWord(text: string): boolean {
  const from = text.indexOf('=?');
  return from >= 0 && text.indexOf('?=', from + 2) >= 0;
}

const scripts = (
  'Latin Cyrillic Greek Armenian Hebrew Arabic Georgian Cherokee Coptic Ethiopic Thai Lao Khmer Myanmar Tibetan Devanagari Bengali Gurmukhi ' +
  'Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Thaana Syriac Mongolian Hangul Hiragana Katakana Bopomofo Han Gothic Deseret Lisu Runic'
)
  .split(' ')
  .map((name) => [name, new RegExp(`\\p{Script_Extensions=${name}}`, 'u')] as const);
/**
 * What is written together in one word: Japanese, Chinese and Korean with each other's characters
 * and with Latin (UTS #39 §5.2, level 3).
 */
const together: readonly (readonly string[])[] = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

/**
 * True when the letters of a word could be of one script, or of scripts that are written together.
 */
function isOneScript(word: string): boolean {
  const letters = [...word].filter(
    (letter) =>
      /\p{L}/u.test(letter) &&
      !/[\p{Script_Extensions=Common}\p{Script_Extensions=Inherited}]/u.test(letter),
  );
  const each = letters.map((letter) =>
    scripts.filter(([, pattern]) => pattern.test(letter)).map(([name]) => name),
  );
  if (each.some((names) => names.length === 0))
    return new Set(each.map((names) => names.join())).size === 1;
  return [...scripts.map(([name]) => [name]), ...together].some((set) =>
    each.every((names) => names.some((name) => set.includes(name))),
  );
}

/** The zero of a digit's numbering system: ten digits stand in a row (Unicode §4.6). */
const zeroOfDigit = (digit: string): number => {
  let point = digit.codePointAt(0) ?? 0;
  for (let steps = 0; steps < 9 && /\p{Nd}/u.test(String.fromCodePoint(point - 1)); steps++)
    point -= 1;
  return point;
};

function hasMixedScripts(text: string): boolean {
  const words = toNormalForm(text, 'NFC').split(/[^\p{L}\p{M}\p{N}]/u);
  if (words.some((word) => !isOneScript(word))) return true;
  return words.some(
    (word) =>
      new Set([...word].filter((letter) => /\p{Nd}/u.test(letter)).map(zeroOfDigit)).size > 1,
  );
}

/** What is wrong with a text of several lines, such as a description; undefined: nothing. */
export function findParagraphProblem(text: string): TextProblem | undefined {
  if (hasInvisibleCharacters(text, true)) return 'unseen';
  return hasStackedMarks(text) ? 'stacked-marks' : undefined;
}

/** What is wrong with a line that people read, such as a label or a reason. */
export function findLineProblem(text: string): TextProblem | undefined {
  if (hasInvisibleCharacters(text, false)) return 'unseen';
  if (hasStackedMarks(text)) return 'stacked-marks';
  return hasEncodedWord(text) ? 'encoded-word' : undefined;
}

/** What is wrong with a name by which people know an app, a person or a site. */
export const findNameProblem = (text: string): TextProblem | undefined =>
  findLineProblem(text) ?? (hasMixedScripts(text) ? 'mixed-scripts' : undefined);
