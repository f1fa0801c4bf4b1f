import { readFileSync } from 'node:fs';
import { toNormalForm } from '#kernel/normal-form.ts';

// Which characters look alike (UTS #39 §4). The data is Unicode's; it is read when the first name
// is compared.

let prototypes: ReadonlyMap<string, string> | undefined;

/** For each character that has one, the character or characters it looks like. */
function loadPrototypes(): ReadonlyMap<string, string> {
  if (prototypes === undefined) {
    const text = readFileSync(new URL('./data/confusables.json', import.meta.url), 'utf8');
    const { alike } = JSON.parse(text) as { readonly alike: Readonly<Record<string, string>> };
    prototypes = new Map(
      Object.entries(alike).flatMap(([prototype, letters]) =>
        [...letters].map((letter) => [letter, prototype] as const),
      ),
    );
  }
  return prototypes;
}

// Beside what Unicode counts as alike: capitals, signs that are read as letters, and small letters
// whose capitals are alike.
// biome-ignore format: a table
const additionalPrototypes: Readonly<Record<string, string>> = {
  '0': 'o', '1': 'l', '|': 'l', i: 'l', 'ı': 'l', '3': 'e', '5': 's', $: 's', '@': 'a',
  а: 'a', с: 'c', е: 'e', һ: 'h', і: 'l', ј: 'j', ӏ: 'l', о: 'o', р: 'p', ѕ: 's', х: 'x', у: 'y', к: 'k', в: 'b', м: 'm', н: 'h', т: 't',
  α: 'a', ο: 'o', ρ: 'p', ν: 'v', κ: 'k', τ: 't', ι: 'l', υ: 'u', χ: 'x', β: 'b', ε: 'e', η: 'n', μ: 'u', з: 'e', п: 'n', г: 'r',
};

function prototypeOf(letter: string): string {
  const small = letter.toLowerCase();
  return (
    additionalPrototypes[small] ??
    additionalPrototypes[loadPrototypes().get(small) ?? ''] ??
    (loadPrototypes().get(letter) ?? loadPrototypes().get(small) ?? small).toLowerCase()
  );
}

/**
 * What a name looks like at a glance: two names of one skeleton are easily taken for each other.
 * Marks, blanks and signs do not count.
 */
export function confusableSkeleton(name: string): string {
  const letters = [...toNormalForm(name, 'NFKD')].map(prototypeOf).join('');
  const plain = toNormalForm(letters, 'NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}|$@]/gu, '')
    .replace(/rn/g, 'm')
    .replace(/vv/g, 'w');
  return [...plain].map((letter) => additionalPrototypes[letter] ?? letter).join('');
}
