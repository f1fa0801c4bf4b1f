import { hash } from 'node:crypto';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, type Instant, instant, type Seconds, seconds } from '#kernel/time.ts';
import { candidateBaseStrings } from './base-string.ts';
import type { SignedRequest } from './parse.ts';
import type { OAuth1Profile } from './profile.ts';
import type { NonceClaim } from './records.ts';
import { type OAuth1Refusal, rejectParameter } from './refusals.ts';
import {
  isBodyHashValid,
  isSignatureValid,
  type SignatureMethod,
  type SignatureSecrets,
} from './signature.ts';

/** Values of the deployment, and the profile that its requests are judged by. */
export interface OAuth1Settings {
  /** Public scheme, host and port: what signatures are made over. */
  readonly origin: string;
  readonly profile: OAuth1Profile;
  /** PLAINTEXT is accepted, over https alone. */
  readonly plaintext: boolean;
  readonly timestampWindowSeconds: Seconds;
  readonly temporaryCredentialsTtlSeconds: Seconds;
}

/** The settings of a profile at an origin. */
export const makeOAuth1Settings = (
  profile: OAuth1Profile,
  { origin, plaintext }: Pick<OAuth1Settings, 'origin' | 'plaintext'>,
): OAuth1Settings => ({
  origin,
  profile,
  plaintext,
  timestampWindowSeconds: seconds(300),
  temporaryCredentialsTtlSeconds: seconds(600),
});

/** The signature methods that are served. */
export const servedMethods = ({
  profile,
  plaintext,
}: Pick<OAuth1Settings, 'profile' | 'plaintext'>): readonly SignatureMethod[] => [
  ...profile.signatureMethods,
  ...(plaintext ? (['PLAINTEXT'] as const) : []),
];

/**
 * What is known of the one who signed; a secret that is not known is stood in for, so that time
 * does not tell.
 */
export interface SignerSecrets {
  readonly client: 'known' | 'unknown';
  /** 'none': the request is signed without a token. */
  readonly token: 'known' | 'unknown' | 'none';
  readonly secrets: SignatureSecrets;
  /** Further secrets of the client: while one is exchanged for another, either signs. */
  readonly otherClientSecrets?: readonly string[];
}

/**
 * A request whose signature held: the nonce to be spent, and which of the client's secrets it was
 * made with (0: the first).
 */
export interface VerifiedSignature extends NonceClaim {
  readonly secretIndex: number;
}

const MAX_PARAMETER_LENGTH = 512;

/**
 * What is wrong with the protocol parameters before any secret is needed, in the order of RFC 5849
 * §3.1 and §3.3; undefined: nothing.
 */
export function findParameterProblem(
  signed: SignedRequest,
  settings: OAuth1Settings,
  now: Instant,
): OAuth1Refusal | undefined {
  const { oauth } = signed;
  for (const [name, value] of oauth) {
    const maxLength =
      name === 'oauth_callback' ? 2048 : name === 'oauth_signature' ? 4096 : MAX_PARAMETER_LENGTH;
    if (value.length > maxLength)
      return rejectParameter(
        name,
        'too-long',
        ` has ${value.length} characters, and at most ${maxLength} are read.`,
      ).refusal;
  }
  const version = oauth.get('oauth_version') || '1.0';
  if (version !== '1.0' && !(version === '0' && settings.profile.versionZeroAccepted))
    return { kind: 'version_rejected', requested: version.slice(0, 32) };
  for (const name of [
    'oauth_consumer_key',
    'oauth_timestamp',
    'oauth_nonce',
    'oauth_signature_method',
    'oauth_signature',
  ]) {
    const value = oauth.get(name);
    if (value === undefined || value === '') return { kind: 'parameter_absent', parameter: name };
  }
  const requestedMethod = oauth.get('oauth_signature_method') as string;
  const supported = servedMethods(settings);
  if (!supported.some((method) => method === requestedMethod)) {
    return {
      kind: 'signature_method_rejected',
      requested: requestedMethod.slice(0, 64),
      supported,
    };
  }
  if (requestedMethod === 'PLAINTEXT' && !signed.secure) return { kind: 'insecure_transport' };
  const timestamp = oauth.get('oauth_timestamp') as string;
  const requestTimestamp = settings.profile.parseTimestamp(timestamp);
  if (requestTimestamp === undefined)
    return rejectParameter(
      'oauth_timestamp',
      'malformed',
      ' is the number of seconds since 1970-01-01 00:00:00 GMT, in digits alone.',
    ).refusal;
  if (!(Math.abs(now - requestTimestamp) <= settings.timestampWindowSeconds))
    return { kind: 'timestamp_refused', requestTimestamp: timestamp.slice(0, 32), serverTime: now };
  return undefined;
}

/**
 * Checks a signed request (RFC 5849 §3.2). Pure: the signature is always computed, every verdict
 * collected, and one decision made at the end. The nonce is handed on to be spent by the next
 * storage verb: only a request whose signature held gets to write one.
 */
export function verifySignature(
  signed: SignedRequest,
  signer: SignerSecrets,
  settings: OAuth1Settings,
): Result<VerifiedSignature, OAuth1Refusal> {
  const { oauth } = signed;
  const value = (name: string) => oauth.get(name) ?? '';
  const method = value('oauth_signature_method') as SignatureMethod;
  const texts = candidateBaseStrings(signed, settings.origin);
  // Every secret is tried, whichever held: time tells nothing about how many there are before the
  // right one.
  const verdicts = [signer.secrets.clientSecret, ...(signer.otherClientSecrets ?? [])].map(
    (clientSecret) =>
      texts
        .map((text) =>
          isSignatureValid(
            method,
            text,
            { ...signer.secrets, clientSecret },
            value('oauth_signature'),
          ),
        )
        .includes(true),
  );
  const secretIndex = verdicts.indexOf(true);
  if (signer.client === 'unknown') return refuse({ kind: 'consumer_key_unknown' });
  if (signer.token === 'unknown') return refuse({ kind: 'token_rejected', token: 'permanent' });
  if (secretIndex < 0) return refuse({ kind: 'signature_invalid' });
  const bodyHash = oauth.get('oauth_body_hash');
  if (
    bodyHash !== undefined &&
    signed.body !== undefined &&
    !isBodyHashValid(method, signed.body, bodyHash)
  )
    return refuse({ kind: 'body_hash_invalid' });
  // A fraction is rounded up, so that the nonce is kept for as long as the timestamp is taken.
  const timestamp = instant(
    Math.ceil(settings.profile.parseTimestamp(value('oauth_timestamp')) ?? 0),
  );
  const nonceDigest = hash(
    'sha256',
    `${value('oauth_consumer_key')}\0${signer.token === 'none' ? '' : value('oauth_token')}\0${value('oauth_nonce')}`,
    'base64url',
  );
  const key = settings.profile.nonceUniquePerTimestamp
    ? timestamp.toString(16).padStart(10, '0') + nonceDigest
    : nonceDigest;
  return accept({
    key,
    expiresAt: addSeconds(timestamp, seconds(settings.timestampWindowSeconds + 1)),
    secretIndex,
  });
}
