import { percentDecode } from '#encoding/percent.ts';

/** What a page title asks of us. `sub` is what follows `Special:OAuth/`, or empty. */
export type TitlePage =
  | { readonly kind: 'oauth'; readonly subpage: string }
  | { readonly kind: 'special'; readonly name: string; readonly subpage: string }
  | { readonly kind: 'other' };

/**
 * Reads a decoded title. Page names are compared without case, blanks and underscores are alike,
 * and `MWOAuth` is another name of `OAuth`.
 */
export function parsePageTitle(title: string): TitlePage {
  const normalizedTitle = title.replace(/^[\s_:]+/, '').replace(/[\s_]+/g, '_');
  const match = /^special:_?(?:mw)?oauth(?:\/(.*))?$/is.exec(normalizedTitle);
  if (match) return { kind: 'oauth', subpage: match[1] ?? '' };
  const prefix = /^special:_?/i.exec(normalizedTitle)?.[0];
  const [name = '', ...subpage] =
    prefix === undefined ? [] : normalizedTitle.slice(prefix.length).split('/');
  return name === ''
    ? { kind: 'other' }
    : { kind: 'special', name: name.toLowerCase(), subpage: subpage.join('/') };
}

/**
 * The title in a path below `/wiki/` or `/w/index.php/`; undefined when the path holds none, or one
 * that cannot be decoded.
 */
export function parseTitleInPath(path: string): string | undefined {
  const rest = /^\/{1,}(?:wiki|w\/index\.php)\/(.+)$/.exec(path)?.[1];
  return rest === undefined ? undefined : percentDecode(rest);
}

/**
 * Whether a request target is one of the dialect's addresses: what is signed there is read as its
 * clients expect.
 */
export const isMediawikiTarget = (target: string): boolean =>
  /^\/+(?:w\/(?:index|api|rest)\.php(?:[/?]|$)|wiki\/)/.test(target);
