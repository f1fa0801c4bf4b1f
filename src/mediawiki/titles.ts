import { percentDecode } from '#encoding/percent.ts';

/** What a page title asks of us. `sub` is what follows `Special:OAuth/`, or empty. */
export type Page =
  | { readonly kind: 'oauth'; readonly sub: string }
  | { readonly kind: 'special'; readonly name: string; readonly sub: string }
  | { readonly kind: 'other' };

/**
 * Reads a decoded title. Page names are compared without case, blanks and underscores are alike,
 * and `MWOAuth` is another name of `OAuth`.
 */
export function pageOf(title: string): Page {
  const tidy = title.replace(/^[\s_:]+/, '').replace(/[\s_]+/g, '_');
  const match = /^special:_?(?:mw)?oauth(?:\/(.*))?$/is.exec(tidy);
  if (match) return { kind: 'oauth', sub: match[1] ?? '' };
  const prefix = /^special:_?/i.exec(tidy)?.[0];
  const [name = '', ...sub] = prefix === undefined ? [] : tidy.slice(prefix.length).split('/');
  return name === ''
    ? { kind: 'other' }
    : { kind: 'special', name: name.toLowerCase(), sub: sub.join('/') };
}

/**
 * The title in a path below `/wiki/` or `/w/index.php/`; undefined when the path holds none, or one
 * that cannot be decoded.
 */
export function titleInPath(path: string): string | undefined {
  const rest = /^\/{1,}(?:wiki|w\/index\.php)\/(.+)$/.exec(path)?.[1];
  return rest === undefined ? undefined : percentDecode(rest);
}

/**
 * Whether a request target is one of the dialect's addresses: what is signed there is read as its
 * clients expect.
 */
export const isMediawikiTarget = (target: string): boolean =>
  /^\/+(?:w\/(?:index|api|rest)\.php(?:[/?]|$)|wiki\/)/.test(target);
