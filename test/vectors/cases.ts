import { readFileSync } from 'node:fs';

/** One published case; the fields are described by the files themselves. */
export interface Case {
  readonly name: string;
  readonly profile?: string;
  readonly note?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape differs from file to file, and a wrong one fails the test
  readonly input: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly expected: any;
}

function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== 'object' || value === null) return value;
  const repeat = (
    value as { $repeat?: { prefix?: string; unit?: string; listItem?: unknown; count: number } }
  ).$repeat;
  if (repeat?.listItem !== undefined)
    return Array.from({ length: repeat.count }, () => repeat.listItem);
  if (repeat !== undefined) return (repeat.prefix ?? '') + (repeat.unit ?? '').repeat(repeat.count);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expand(inner)]));
}

/** The cases of a file that hold for every server, and those of the readings named. */
export function cases(file: string, ...profiles: readonly string[]): readonly Case[] {
  const all = expand(
    JSON.parse(readFileSync(new URL(`./data/${file}.json`, import.meta.url), 'utf8')),
  ) as readonly Case[];
  return all.filter(
    ({ profile }) => profile === undefined || profile === 'any' || profiles.includes(profile),
  );
}
