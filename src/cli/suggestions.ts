/**
 * How many single-character insertions, deletions and replacements turn one text into the other
 * (Levenshtein distance).
 */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/**
 * The word that was probably meant, or undefined when none is near. Reads at most the first 64
 * characters of what was typed.
 */
export function closestMatch(typed: string, words: readonly string[]): string | undefined {
  const searched = typed.slice(0, 64);
  const ranked = words
    .map((word) => ({ word, distance: editDistance(searched, word) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.word.length / 3))
    ? best.word
    : undefined;
}
