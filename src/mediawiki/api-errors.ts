import type { FormValues } from '#encoding/form.ts';

/**
 * What `errorformat` can be: an error in the old shape, or a list of errors whose texts have this
 * form.
 */
export const errorFormats = ['bc', 'plaintext', 'wikitext', 'html', 'raw', 'none'] as const;
export type ErrorFormat = (typeof errorFormats)[number];

/** An error of the action API. */
export interface ApiProblem {
  /** What clients look at, also in the `MediaWiki-API-Error` header. */
  readonly code: string;
  /** The text, with links as a page of a wiki has them: `[https://… words]`. */
  readonly info: string;
  /** The name of the message; left out: the code is. */
  readonly key?: string;
  readonly params?: readonly string[];
}

export interface ApiAnswer {
  readonly body: object;
  /** The code for the `MediaWiki-API-Error` header; null: no error. */
  readonly error: string | null;
}

/** The shape of answers that was asked for. */
export const formatVersion = (form: FormValues): 1 | 2 =>
  ['2', 'latest'].includes(form.get('formatversion') ?? '') ? 2 : 1;

/** The form of errors that was asked for; undefined: there is no such one. */
export const errorFormat = (form: FormValues): ErrorFormat | undefined => {
  const asked = form.get('errorformat') ?? 'bc';
  return errorFormats.find((format) => format === asked);
};

const help =
  'See /w/api.php for what this server answers: action=query with meta=userinfo, tokens and siteinfo.';
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * A text with its links, `[https://… words]`, and what is between them, each written in another
 * way.
 */
function rewritten(
  text: string,
  link: (url: string, words: string) => string,
  between: (text: string) => string,
): string {
  const [first = '', ...pieces] = text.split('[');
  const rest = pieces.map((piece) => {
    const [space, end] = [piece.indexOf(' '), piece.indexOf(']')];
    if (!piece.startsWith('https://') || space < 0 || end < space) return between(`[${piece}`);
    return link(piece.slice(0, space), piece.slice(space + 1, end)) + between(piece.slice(end + 1));
  });
  return between(first) + rest.join('');
}
const plainText = (text: string): string =>
  rewritten(
    text,
    (_url, words) => words,
    (between) => between,
  );
const htmlText = (text: string): string =>
  rewritten(
    text,
    (url, words) =>
      `<a rel="nofollow" class="external text" href="${escapeHtml(url)}">${escapeHtml(words)}</a>`,
    escapeHtml,
  );

/** The text of an error, under the name it has in this format. */
function textOf(
  { info, code, key = code, params = [] }: ApiProblem,
  format: Exclude<ErrorFormat, 'bc'>,
  version: 1 | 2,
): object {
  const named = (name: string, text: string) => ({ [version === 2 ? name : '*']: text });
  switch (format) {
    case 'plaintext':
      return named('text', plainText(info));
    case 'wikitext':
      return named('text', info);
    case 'html':
      return named('html', htmlText(info));
    case 'raw':
      return { key, params };
    case 'none':
      return {};
  }
}

/**
 * An API error in the form and version that were asked for; in the old shape when the form is not
 * known.
 */
export function apiError(problem: ApiProblem, form: FormValues): ApiAnswer {
  const [version, format] = [formatVersion(form), errorFormat(form) ?? 'bc'];
  const { code, info } = problem;
  const seeAlso = { [version === 2 ? 'docref' : '*']: help };
  const body =
    format === 'bc'
      ? { error: { code, info, ...seeAlso } }
      : { errors: [{ code, ...textOf(problem, format, version), module: 'main' }], ...seeAlso };
  return { error: code, body };
}
