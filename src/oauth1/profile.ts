import type { NameValuePair } from '#encoding/form.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import type { Result } from '#kernel/result.ts';
import type { OAuth1Refusal, ParameterRejected } from './refusals.ts';
import type { SignatureMethod } from './signature.ts';
import {
  type HeaderParameters,
  parseStrictHeaderParameters,
  type RawParameterSources,
  readStrictParameters,
} from './strict-parameters.ts';

/**
 * The rules of OAuth 1 in which one set of addresses differs from another. Each member decides
 * the one rule it is named for; the core has RFC 5849's answer to every one, and a dialect hands in
 * its own.
 */
export interface OAuth1Profile {
  /** A label for what is stored and shown. It decides nothing. */
  readonly name: string;
  /** Signature methods that are served; PLAINTEXT is the operator's choice, and not among them. */
  readonly signatureMethods: readonly Exclude<SignatureMethod, 'PLAINTEXT'>[];
  /** Whether the body is a form that is signed (RFC 5849 §3.4.1.3.1). */
  readonly isSignedForm: (rawRequest: Pick<RawRequest, 'method' | 'headers'>) => boolean;
  /** Reads what follows `OAuth ` in an Authorization field (RFC 5849 §3.5.1). */
  readonly parseHeaderParameters: (text: string) => Result<HeaderParameters, ParameterRejected>;
  /**
   * Reads the parameters of all sources: one or more lists of which one has to be signed, the one
   * that is used afterwards first (RFC 5849 §3.4.1.3.1).
   */
  readonly readParameters: (
    sources: RawParameterSources,
  ) => Result<readonly (readonly NameValuePair[])[], OAuth1Refusal>;
  /** An `oauth_` parameter that comes twice over all sources (RFC 5849 §3.1). */
  readonly repeatedProtocolParameters: 'refuse' | 'last-counts';
  /** Other spellings of a path that may have been signed (RFC 5849 §3.4.1.2). */
  readonly alternativePaths: (path: string) => readonly string[];
  /** `oauth_version=0` counts as 1.0 (RFC 5849 §3.1). */
  readonly versionZeroAccepted: boolean;
  /**
   * The seconds that a timestamp names (RFC 5849 §3.3). Undefined: malformed, which is refused as
   * such; NaN: refused as one outside the window.
   */
  readonly parseTimestamp: (text: string) => number | undefined;
  /** The same nonce may come again with another timestamp (RFC 5849 §3.3), or never. */
  readonly nonceUniquePerTimestamp: boolean;
  /** A client that nobody can sign for, or that needs no handshake, is told before a signature. */
  readonly clientProblemsBeforeSignature: boolean;
  /** The registered callback itself is allowed beside what a prefix allows (RFC 5849 §2.1). */
  readonly registeredCallbackAllowed: boolean;
  /** How a request without `oauth_callback` is refused (RFC 5849 §2.1). */
  readonly missingCallback: 'parameter-absent' | 'callback-rejected';
  /** A callback with blanks or characters beyond ASCII (RFC 3986 §2). */
  readonly unencodedCallback: 'refuse' | 'encode';
  /** An out-of-band callback sends the person to the registered URL instead of showing the code. */
  readonly oobRedirectsToRegisteredUrl: boolean;
  /** A person who denied a request goes back to the callback (RFC 5849 §2.2 has no way for it). */
  readonly denialRedirects: boolean;
  /** How a request without `oauth_token` is refused, where one is needed (RFC 5849 §3.1). */
  readonly missingToken: 'parameter-absent' | 'token-rejected';
  /** How a request without `oauth_verifier` is refused (RFC 5849 §2.3). */
  readonly missingVerifier: 'parameter-absent' | 'verifier-invalid';
}

/** Whether a request says that its body is a form. */
export const hasFormContentType = (rawRequest: Pick<RawRequest, 'headers'>): boolean =>
  /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i.test(
    (singleHeader(rawRequest, 'content-type') ?? '').trim(),
  );

/** The core's answers: RFC 5849, and the SHA-256 methods by analogy. */
export const coreOAuth1Profile: OAuth1Profile = {
  name: 'rfc5849',
  signatureMethods: ['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1', 'RSA-SHA256'],
  isSignedForm: hasFormContentType,
  parseHeaderParameters: parseStrictHeaderParameters,
  readParameters: readStrictParameters,
  repeatedProtocolParameters: 'refuse',
  alternativePaths: () => [],
  versionZeroAccepted: false,
  parseTimestamp: (text) => (/^\d+$/.test(text) ? Number(text) : undefined),
  nonceUniquePerTimestamp: true,
  clientProblemsBeforeSignature: false,
  registeredCallbackAllowed: true,
  missingCallback: 'parameter-absent',
  unencodedCallback: 'refuse',
  oobRedirectsToRegisteredUrl: false,
  denialRedirects: true,
  missingToken: 'parameter-absent',
  missingVerifier: 'parameter-absent',
};
