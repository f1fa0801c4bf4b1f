/** Marks that may follow each other in a text that is safe to stream (UAX #15 §13). */
const MAX_CONSECUTIVE_MARKS = 30;

function hasManyMarks(text: string): boolean {
  let marks = 0;
  for (const letter of text) {
    marks = /\p{M}/u.test(letter) ? marks + 1 : 0;
    if (marks > MAX_CONSECUTIVE_MARKS) return true;
  }
  return false;
}

/**
 * The normal form of a text (UAX #15), unless more marks follow each other in it than in any text
 * that is safe to stream: the engine puts marks in order by comparing each with those before it, so
 * that 60 kB of them would hold the server for seconds. Such a text stays as it is; no name has so
 * many, and nothing equals it.
 */
export function toNormalForm(text: string, form: 'NFC' | 'NFD' | 'NFKD'): string {
  return text.length > MAX_CONSECUTIVE_MARKS && hasManyMarks(text) ? text : text.normalize(form);
}
