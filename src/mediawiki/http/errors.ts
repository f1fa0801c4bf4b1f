import type { DialectErrors } from '#http/error-pages.ts';
import { MAX_FORM_BYTES } from '#oauth2/refusal-texts.ts';
import { formatApiError } from '../api-errors.ts';
import { restLayerError } from '../oauth2-errors.ts';

const REST_ROOT = '/w/rest.php';
const ACTION_API = '/w/api.php';

/** Errors that no handler answers, at the paths of the dialect and in its shape. */
export const mediawikiErrors: DialectErrors = {
  audienceOf(path) {
    if (path.startsWith(REST_ROOT) || path.startsWith(ACTION_API)) return 'programs';
    return /^\/(?:w\/index\.php|wiki\/)/.test(path) ? 'people' : null;
  },
  formatError({ kind, status, text, path, query, reference }) {
    const referenceField = reference === undefined ? {} : { reference };
    if (path.startsWith(REST_ROOT))
      return {
        type: 'application/json',
        body: JSON.stringify({
          ...restLayerError(status, `rest-${kind}`, text),
          ...referenceField,
        }),
      };
    if (path.startsWith(ACTION_API)) {
      // In the query the action API is told the form of errors.
      const code = status >= 500 ? 'internal_api_error' : `gatehouse-${kind}`;
      const { body } = formatApiError({ code, info: text }, query);
      return {
        type: 'application/json',
        body: JSON.stringify({ ...body, ...referenceField }),
        headers: { 'mediawiki-api-error': code },
      };
    }
    return { type: 'text/plain;charset=UTF-8', body: `Error: ${text}` };
  },
  endpoints: {
    '/w/rest.php/oauth2/access_token': /^\/w\/rest\.php\/oauth2\/(?:access_)?token$/,
    '/w/rest.php/oauth2/authorize': /^\/w\/rest\.php\/oauth2\/authori[sz]e$/,
    '/w/rest.php/oauth2/client': /^\/w\/rest\.php\/oauth2\/clients?$/,
    '/w/api.php': /^\/(?:w\/)?api\.php$/,
    '/w/index.php': /^\/(?:w\/)?index\.php$/,
  },
  maxBodyBytesAt: (path) =>
    path.startsWith(`${REST_ROOT}/oauth2/access_token`) ? MAX_FORM_BYTES : undefined,
};
