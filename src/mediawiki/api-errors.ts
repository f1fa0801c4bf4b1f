import type { FormParameters } from '#encoding/form.ts';

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

export interface ApiResponse {
  readonly body: object;
  /** The code for the `MediaWiki-API-Error` header; null: no error. */
  readonly error: string | null;
}

/** The shape of answers that was asked for. */
export const parseFormatVersion = (form: FormParameters): 1 | 2 =>
  ['2', 'latest'].includes(form.get('formatversion') ?? '') ? 2 : 1;

/** The form of errors that was asked for; undefined: there is no such one. */
export const parseErrorFormat = (form: FormParameters): ErrorFormat | undefined => {
  const requested = form.get('errorformat') ?? 'bc';
  return errorFormats.find((format) => format === requested);
};

const helpNote =
  'See /w/api.php for what this server answers: action=query with meta=userinfo, tokens and siteinfo.';
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * A text with its links, `[https://… words]`, and what is between them, each written in another
 * way.
 */
function rewriteLinks(
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
  rewriteLinks(
    text,
    (_url, words) => words,
    (between) => between,
  );
const htmlText = (text: string): string =>
  rewriteLinks(
    text,
    (url, words) =>
      `<a rel="nofollow" class="external text" href="${escapeHtml(url)}">${escapeHtml(words)}</a>`,
    escapeHtml,
  );

/** The text of an error, under the name it has in this format. */
function formatErrorText(
  { info, code, key = code, params = [] }: ApiProblem,
  format: Exclude<ErrorFormat, 'bc'>,
  version: 1 | 2,
): object {
  const underName = (name: string, text: string) => ({ [version === 2 ? name : '*']: text });
  switch (format) {
    case 'plaintext':
      return underName('text', plainText(info));
    case 'wikitext':
      return underName('text', info);
    case 'html':
      return underName('html', htmlText(info));
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
export function formatApiError(problem: ApiProblem, form: FormParameters): ApiResponse {
  const [version, format] = [parseFormatVersion(form), parseErrorFormat(form) ?? 'bc'];
  const { code, info } = problem;
  const seeAlso = { [version === 2 ? 'docref' : '*']: helpNote };
  const body =
    format === 'bc'
      ? { error: { code, info, ...seeAlso } }
      : {
          errors: [{ code, ...formatErrorText(problem, format, version), module: 'main' }],
          ...seeAlso,
        };
  return { error: code, body };
}
