import { accept } from '#kernel/result.ts';
import type { OAuth1Profile } from '#oauth1/profile.ts';
import { parseLenientHeaderParameters } from './header-parameters.ts';
import { isPostedForm, readPhpParameters } from './php-parameters.ts';

/** The dialect's name in stored rows. */
export const MEDIAWIKI = 'mediawiki';

/** Any number that PHP reads; what is none is answered as a timestamp that is too old. */
function parsePhpTimestamp(text: string): number {
  return /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?\s*$/i.test(text)
    ? Number(text)
    : Number.NaN;
}

/** How the dialect's addresses read OAuth 1 (protocols 1.6 to 1.13). */
export const mediawikiOAuth1Profile: OAuth1Profile = {
  name: MEDIAWIKI,
  signatureMethods: ['HMAC-SHA1', 'RSA-SHA1'],
  isSignedForm: isPostedForm,
  parseHeaderParameters: (text) => accept(parseLenientHeaderParameters(text)),
  readParameters: readPhpParameters,
  repeatedProtocolParameters: 'last-counts',
  // The reference takes several slashes in front for one (protocols 1.7).
  alternativePaths: (path) => (path.startsWith('//') ? [path.replace(/^\/+/, '/')] : []),
  versionZeroAccepted: true,
  parseTimestamp: parsePhpTimestamp,
  nonceUniquePerTimestamp: false,
  // Nobody could sign for such an app, or has a use for what they would get (protocols 1.12).
  clientProblemsBeforeSignature: true,
  registeredCallbackAllowed: false,
  missingCallback: 'callback-rejected',
  unencodedCallback: 'encode',
  oobRedirectsToRegisteredUrl: true,
  denialRedirects: false,
  missingToken: 'token-rejected',
  missingVerifier: 'verifier-invalid',
};
