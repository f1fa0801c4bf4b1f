import type { MessageKey, Words } from '../words.ts';

// What is said of a signed request, on pages and on the command line.

/** One thing that is said of a request. */
export interface ExplainedFinding {
  readonly kind: string;
  readonly values: Readonly<Record<string, string>>;
}

/** The sentence of one finding. */
export const findingText = (words: Words, { kind, values }: ExplainedFinding): string =>
  words.say(`explained.${kind}` as MessageKey, values);

/** Why a pasted text is no request. */
export const unreadableText = (
  words: Words,
  { why, piece }: { readonly why: string; readonly piece: string },
): string => words.say(`unreadable.${why}` as MessageKey, { piece: piece === '' ? '–' : piece });
