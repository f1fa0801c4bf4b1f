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

/** Orders two versions the way owners number them: 1.0-rc1 < 1.0 < 1.0pl1, 1.0 < 1.0.0. Negative: the first is earlier. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [split(one), split(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined) return isNumber(b as string) ? -1 : Math.sign(rank('#') - rank(b as string));
    if (b === undefined) return isNumber(a) ? 1 : Math.sign(rank(a) - rank('#'));
    const order =
      isNumber(a) && isNumber(b) ? Math.sign(Number(a) - Number(b)) : Math.sign(rank(isNumber(a) ? '#' : a) - rank(isNumber(b) ? '#' : b));
    if (order !== 0) return order;
  }
  return 0;
}

const modifier = '[._-]?(?:(?:stable|beta|b|RC|alpha|a|patch|pl|p)(?:[.-]?\\d+)*)?(?:[.-]?dev)?';
const classic = new RegExp(`^v?\\d{1,5}(?:\\.\\d+){0,3}${modifier}$`, 'i');
const dated = new RegExp(`^v?\\d{4}(?:[.:-]?\\d{2}){1,6}(?:[.:-]?\\d{1,3})?${modifier}$`, 'i');
const branch = /^v?\d+(?:\.(?:\d+|[xX*])){0,3}-dev$/i;

/** True for a version text in one of the usual forms (registry 4.2). */
export function isVersion(text: string): boolean {
  if (text === '' || Buffer.byteLength(text) > 32) return false;
  const bare = text
    .trim()
    .replace(/ as .+$/, '')
    .replace(/@(?:stable|RC|beta|alpha|dev)$/i, '')
    .replace(/\+[0-9A-Za-z.-]+$/, '');
  return classic.test(bare) || dated.test(bare) || branch.test(bare) || /^dev-.+/.test(bare) || /^(?:master|trunk|default)$/.test(bare);
}
