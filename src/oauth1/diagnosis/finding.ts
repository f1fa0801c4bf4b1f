/** What refuses a request before its signature counts. */
export const requestProblems = [
  'parameter-absent',
  'parameter-repeated',
  'parameter-too-long',
  'parameter-unreadable',
  'query-percent',
  'query-not-utf8',
  'query-nul',
  'form-percent',
  'form-not-utf8',
  'form-nul',
  'form-missing',
  'header-unreadable',
  'header-not-oauth',
  'version',
  'method-not-served',
  'plaintext-over-http',
  'milliseconds',
  'timestamp-unreadable',
  'clock',
  'future',
  'body-hash',
] as const;

/**
 * The mistakes of signing libraries, and of people with them. Each is found by making it: the
 * signature that comes out is the one that was sent.
 */
export const signingMistakes = [
  // The key.
  'token-secret-missing',
  'client-secret-missing',
  'ampersand-missing',
  'secrets-swapped',
  'secrets-not-encoded',
  'secrets-encoded-twice',
  'secret-with-blank',
  'key-for-secret',
  'token-for-secret',
  // The spelling of the signature.
  'signature-escaped-twice',
  'signature-not-escaped',
  'signature-unpadded',
  'signature-with-newline',
  'signature-base64url',
  'signature-quoted',
  'hexadecimal',
  'base64-of-hexadecimal',
  'other-hash',
  'rsa-other-digest',
  'rsa-bare-digest',
  'rsa-pss',
  // The method.
  'other-method',
  'lower-case-method',
  // The address.
  'other-host',
  'other-scheme',
  'with-port',
  'host-in-capitals',
  'host-missing',
  'path-prefix',
  'trailing-slash',
  'path-decoded',
  'path-encoded-otherwise',
  'path-normalised',
  'path-missing',
  'other-path',
  'with-query-in-uri',
  // Which parameters.
  'only-oauth-parameters',
  'query-not-signed',
  'form-not-signed',
  'empty-not-signed',
  'parameter-not-signed',
  'two-not-signed',
  'repeated-name-signed-once',
  'empty-token-signed',
  'version-signed',
  'parameter-signed',
  'realm-signed',
  'json-signed',
  'multipart-signed',
  'body-signed',
  // How parameters are written.
  'plus-kept',
  'plus-lost',
  'plus-for-space',
  'encoded-once-less',
  'encoded-twice',
  'encoded-in-part',
  'lower-case-escapes',
  'latin-1',
  'sent-as-latin-1',
  'utf8-twice',
  'unicode-form',
  // In which order, and how it is put together.
  'not-sorted',
  'sorted-as-joined',
  'sorted-before-encoding',
  'sorted-ignoring-case',
  'values-not-sorted',
  'pieces-not-encoded',
  'pieces-encoded-twice',
] as const;
export type SigningMistake = (typeof signingMistakes)[number];

/** What is to be said of the signature as a whole. */
export const verdictNotes = [
  'right',
  'right-otherwise',
  'right-now',
  'rsa-right',
  'no-signature',
  'not-checked-method',
  'token-unknown',
  'no-secret',
  'secret-not-given',
  'rsa-no-key',
  'rsa-other-key',
  'rsa-other-text',
  'plaintext-other-secret',
  'unexplained',
  'not-all-tried',
  'theirs-signed',
  'theirs-not-signed',
  'theirs-same',
] as const;

export type FindingKind =
  | (typeof requestProblems)[number]
  | SigningMistake
  | (typeof verdictNotes)[number];

/** One thing that is so, with the values of its sentence. Never a secret. */
export interface Finding {
  readonly kind: FindingKind;
  readonly values: Readonly<Record<string, string>>;
}

const MAX_VALUE_LENGTH = 120;

/** A finding, its values cut to what a sentence can hold. */
export const makeFinding = (
  kind: FindingKind,
  values: Readonly<Record<string, string>> = {},
): Finding => ({
  kind,
  values: Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH)}…` : value,
    ]),
  ),
});
