/** Rank of a word in a version, lower is earlier; a number ranks as `#` (registry 3.3). */
const words: readonly (readonly [RegExp, number])[] = [
  [/^dev/, 1],
  [/^a/, 2],
  [/^b/, 3],
  [/^(?:RC|rc)/, 4],
  [/^#/, 5],
  [/^p/, 6],
];
const rank = (part: string) => words.find(([word]) => word.test(part))?.[1] ?? 0;
const isNumber = (part: string) => /^\d+$/.test(part);

const split = (version: string) =>
  version
    .replace(/[-_+]/g, '.')
    .replace(/(\d)([^\d.])/g, '$1.$2')
    .replace(/([^\d.])(\d)/g, '$1.$2')
    .split('.')
    .filter((part) => part !== '');

/**
 * Orders two versions the way owners number them: 1.0-rc1 < 1.0 < 1.0pl1, 1.0 < 1.0.0. Negative:
 * the first is earlier.
 */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [split(one), split(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined)
      return isNumber(b as string) ? -1 : Math.sign(rank('#') - rank(b as string));
    if (b === undefined) return isNumber(a) ? 1 : Math.sign(rank(a) - rank('#'));
    const order =
      isNumber(a) && isNumber(b)
        ? Math.sign(Number(a) - Number(b))
        : Math.sign(rank(isNumber(a) ? '#' : a) - rank(isNumber(b) ? '#' : b));
    if (order !== 0) return order;
  }
  return 0;
}

// The number and what follows it are read one after the other: each in one way, so that no text
// takes long to refuse.
const classic = /^v?\d{1,5}(?:\.\d+){0,3}/i;
const dated = /^v?\d{4}(?:[.:-]?\d{2}){1,6}(?:[.:-]?\d{1,3})?/i;
const modifier =
  /^[._-]?(?:(?:stable|beta|b|RC|alpha|a|patch|pl|p)(?:[.-]?\d+(?:[.-]\d+)*)?)?(?:[.-]?dev)?$/i;
const branch = /^v?\d+(?:\.(?:\d+|[xX*])){0,3}-dev$/i;

/** True for a version text in one of the usual forms (registry 4.2). */
export function isVersion(text: string): boolean {
  if (text === '' || Buffer.byteLength(text) > 32) return false;
  const [named = ''] = text.trim().split(' as ', 1);
  const stable = named.replace(/@(?:stable|RC|beta|alpha|dev)$/i, '');
  const plus = stable.lastIndexOf('+');
  const bare =
    plus >= 0 && /^[0-9A-Za-z.-]+$/.test(stable.slice(plus + 1)) ? stable.slice(0, plus) : stable;
  const isNumbered = [classic, dated].some((number) => {
    const [digits] = number.exec(bare) ?? [];
    return digits !== undefined && modifier.test(bare.slice(digits.length));
  });
  return (
    isNumbered ||
    branch.test(bare) ||
    /^dev-.+/.test(bare) ||
    /^(?:master|trunk|default)$/.test(bare)
  );
}
