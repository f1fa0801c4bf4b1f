import type { Words } from '../words.ts';

const firstMatch = (
  agent: string,
  patterns: readonly (readonly [pattern: RegExp, name: string])[],
): string | null => patterns.find(([pattern]) => pattern.test(agent))?.[1] ?? null;

// Browsers claim to be each other: the more special ones come first.
const browsers = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/Chrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
] as const;
const systems = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
] as const;

/** A browser in plain words, from what it says it is. */
export function browserName(words: Words, agent: string): string {
  const [browser, system] = [firstMatch(agent, browsers), firstMatch(agent, systems)];
  if (browser !== null && system !== null)
    return words.say('account.browser-on', { browser, system });
  return browser ?? system ?? words.say('account.browser-unknown');
}
