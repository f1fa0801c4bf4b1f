import { readdirSync, readFileSync } from 'node:fs';

/** A block of shell commands of the documentation. */
export interface ShellBlock {
  /** Path from the top of the repository. */
  readonly page: string;
  /** Number of its first line in the page, from 1. */
  readonly line: number;
  readonly text: string;
}

const pages = (): readonly string[] => [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'].filter((name) =>
    readdirSync('.').includes(name),
  ),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .toSorted(),
];

/**
 * Every block marked `sh`, `bash`, `shell` or `console`, also in a list, in the order of the pages.
 */
export const shellBlocks = (): readonly ShellBlock[] =>
  pages().flatMap((page) => {
    const text = readFileSync(page, 'utf8');
    return [...text.matchAll(/^( *)```(?:sh|bash|shell|console)\b[^\n]*\n([\s\S]*?)^\1```/gm)].map(
      (found) => ({
        page,
        line: text.slice(0, found.index).split('\n').length + 1,
        text: (found[2] as string)
          .split('\n')
          .map((line) =>
            line.startsWith(found[1] as string) ? line.slice((found[1] as string).length) : line,
          )
          .join('\n'),
      }),
    );
  });

/** Files of the decisions, in their order. */
export const decisions = readdirSync('docs/adr').toSorted();

/** What a heading is called in an address. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
