import { hash } from 'node:crypto';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, instant, later, type Seconds, seconds } from '#kernel/time.ts';
import { baseStrings } from './base-string.ts';
import type { Reading, SignedRequest } from './parse.ts';
import type { NonceClaim } from './records.ts';
import { type OAuth1Refusal, rejected } from './refusals.ts';
import {
  bodyHashHolds,
  type Secrets,
  type SignatureMethod,
  servedMethods,
  signatureHolds,
} from './signature.ts';

/** Values of the deployment, and how one face of the server reads requests. */
export interface OAuth1Settings {
  /** Public scheme, host and port: what signatures are made over. */
  readonly origin: string;
  readonly reading: Reading;
  readonly methods: readonly SignatureMethod[];
  /** The same nonce may come again with another timestamp (RFC 5849 §3.3), or never. */
  readonly nonceCoversTimestamp: boolean;
  readonly windowFor: Seconds;
  readonly temporaryFor: Seconds;
  /** An out-of-band callback sends the person to the registered URL instead of showing the code. */
  readonly oobRedirects: boolean;
}

/** How the core reads OAuth 1 (RFC 5849). `plaintext`: PLAINTEXT is accepted, over https alone. */
export const coreSettings = ({
  origin,
  plaintext,
}: {
  readonly origin: string;
  readonly plaintext: boolean;
}): OAuth1Settings => ({
  origin,
  reading: 'rfc5849',
  methods: servedMethods('rfc5849', plaintext),
  nonceCoversTimestamp: true,
  windowFor: seconds(300),
  temporaryFor: seconds(600),
  oobRedirects: false,
});

/**
 * What is known of the one who signed; a secret that is not known is stood in for, so that time
 * does not tell.
 */
export interface Known {
  readonly client: 'known' | 'unknown';
  /** 'none': the request is signed without a token. */
  readonly token: 'known' | 'unknown' | 'none';
  readonly secrets: Secrets;
  /** Further secrets of the client: while one is exchanged for another, either signs. */
  readonly otherClientSecrets?: readonly string[];
}

/**
 * A request whose signature held: the nonce to be spent, and which of the client's secrets it was
 * made with (0: the first).
 */
export interface Verified extends NonceClaim {
  readonly secret: number;
}

const MOST_BYTES = 512;

/**
 * The seconds that a timestamp names: a positive integer (RFC 5849 §3.3), in the dialect any number
 * that PHP reads. Undefined: it cannot be read, which the dialect answers as one that is too old.
 */
function timestampOf(text: string, reading: Reading): number | undefined {
  if (reading === 'rfc5849') return /^\d+$/.test(text) ? Number(text) : undefined;
  return /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?\s*$/i.test(text)
    ? Number(text)
    : Number.NaN;
}

/**
 * What is wrong with the protocol parameters before any secret is needed, in the order of RFC 5849
 * §3.1 and §3.3; undefined: nothing.
 */
export function parameterProblem(
  signed: SignedRequest,
  settings: OAuth1Settings,
  now: Instant,
): OAuth1Refusal | undefined {
  const { oauth } = signed;
  for (const [name, value] of oauth) {
    const most = name === 'oauth_callback' ? 2048 : name === 'oauth_signature' ? 4096 : MOST_BYTES;
    if (value.length > most)
      return rejected(
        name,
        'too-long',
        ` has ${value.length} characters, and at most ${most} are read.`,
      ).refusal;
  }
  const version = oauth.get('oauth_version') || '1.0';
  if (version !== '1.0' && !(version === '0' && settings.reading === 'mediawiki'))
    return { kind: 'version_rejected', asked: version.slice(0, 32) };
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
  const asked = oauth.get('oauth_signature_method') as string;
  if (!settings.methods.some((method) => method === asked)) {
    return {
      kind: 'signature_method_rejected',
      asked: asked.slice(0, 64),
      supported: settings.methods,
    };
  }
  if (asked === 'PLAINTEXT' && !signed.secure) return { kind: 'insecure_transport' };
  const timestamp = oauth.get('oauth_timestamp') as string;
  const yours = timestampOf(timestamp, settings.reading);
  if (yours === undefined)
    return rejected(
      'oauth_timestamp',
      'malformed',
      ' is the number of seconds since 1970-01-01 00:00:00 GMT, in digits alone.',
    ).refusal;
  if (!(Math.abs(now - yours) <= settings.windowFor))
    return { kind: 'timestamp_refused', yours: timestamp.slice(0, 32), ours: now };
  return undefined;
}

/**
 * Checks a signed request (RFC 5849 §3.2). Pure: the signature is always computed, every verdict
 * collected, and one decision made at the end. The nonce is handed on to be spent by the next
 * storage verb: only a request whose signature held gets to write one.
 */
export function verifySigned(
  signed: SignedRequest,
  known: Known,
  settings: OAuth1Settings,
): Result<Verified, OAuth1Refusal> {
  const { oauth } = signed;
  const value = (name: string) => oauth.get(name) ?? '';
  const method = value('oauth_signature_method') as SignatureMethod;
  const texts = baseStrings(signed, settings.origin);
  // Every secret is tried, whichever held: time tells nothing about how many there are before the
  // right one.
  const verdicts = [known.secrets.clientSecret, ...(known.otherClientSecrets ?? [])].map(
    (clientSecret) =>
      texts
        .map((text) =>
          signatureHolds(
            method,
            text,
            { ...known.secrets, clientSecret },
            value('oauth_signature'),
          ),
        )
        .includes(true),
  );
  const secret = verdicts.indexOf(true);
  if (known.client === 'unknown') return refuse({ kind: 'consumer_key_unknown' });
  if (known.token === 'unknown') return refuse({ kind: 'token_rejected', token: 'permanent' });
  if (secret < 0) return refuse({ kind: 'signature_invalid' });
  const bodyHash = oauth.get('oauth_body_hash');
  if (
    bodyHash !== undefined &&
    signed.body !== undefined &&
    !bodyHashHolds(method, signed.body, bodyHash)
  )
    return refuse({ kind: 'body_hash_invalid' });
  // A fraction is rounded up, so that the nonce is kept for as long as the timestamp is taken.
  const timestamp = instant(
    Math.ceil(timestampOf(value('oauth_timestamp'), settings.reading) ?? 0),
  );
  const image = hash(
    'sha256',
    `${value('oauth_consumer_key')}\0${known.token === 'none' ? '' : value('oauth_token')}\0${value('oauth_nonce')}`,
    'base64url',
  );
  const key = settings.nonceCoversTimestamp
    ? timestamp.toString(16).padStart(10, '0') + image
    : image;
  return accept({ key, expiresAt: later(timestamp, seconds(settings.windowFor + 1)), secret });
}
