import type { Finding } from '#oauth1/diagnosis/finding.ts';
import type { PastedRequestRefusal } from '#oauth1/pasted-text.ts';
import { isMessageKey, type Words } from '../words.ts';

// What is said of a signed request, on pages and on the command line.

/** The sentence of one finding. */
export const findingText = (words: Words, { kind, values }: Finding): string =>
  words.say(`explained.${kind}`, values);

/** Which rules a request was read by, by the name of their profile. */
export function profileText(words: Words, profile: string): string {
  const key = `help.reading-${profile}`;
  return isMessageKey(key) ? words.say(key) : profile;
}

/** Why a pasted text is no request. */
export const unreadableText = (
  words: Words,
  { why, piece }: Extract<PastedRequestRefusal, { readonly kind: 'unreadable' }>,
): string => words.say(`unreadable.${why}`, { piece: piece === '' ? '–' : piece });
