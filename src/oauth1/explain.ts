import type { SentRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Asked, type Diagnosis, diagnose } from './diagnosis/diagnose.ts';
import { parseSignedRequest, type Reading } from './parse.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { type SignatureMethod, servedMethods, signatureMethods, signatureOf } from './signature.ts';
import { coreSettings } from './verify.ts';

/**
 * What the one who explains holds of the signature: the secrets a request was signed with, and what
 * it is judged by.
 */
interface Judge {
  readonly clientSecret: string;
  readonly tokenSecret: string;
  readonly publicKeyPem?: string | null | undefined;
  /** The method to sign with; left out: the one that the request names. */
  readonly signatureMethod?: string | null | undefined;
  readonly reading?: Reading;
  /** The server takes PLAINTEXT. */
  readonly plaintext?: boolean;
}

/** A request as a developer has it. */
export interface Explained extends Judge {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | null | undefined;
}

/** A request that was read already, for a server at an origin. */
export interface ExplainedRequest extends Asked, Judge {
  /** Scheme, host and port of the server. */
  readonly origin: string;
}

/** How the server reads it. */
export interface Explanation {
  readonly baseStringUri: string;
  readonly normalizedParams: string;
  readonly baseString: string;
  /**
   * What the signature should be; null for RSA, where only the private key can tell, for PLAINTEXT,
   * which is the secrets themselves, without a client secret, and when no signature method was
   * named.
   */
  readonly signature: string | null;
  /**
   * Whether the signature that came with the request is right; null when none came, or it could not
   * be checked.
   */
  readonly valid: boolean | null;
  readonly diagnosis: Diagnosis;
}

export type ExplainRefusal = OAuth1Refusal | { readonly kind: 'malformed-url' };

/** Scheme, host and port as they stand in an address, and the rest of it. */
export function splitAddress(
  url: string,
): { readonly typed: string; readonly origin: string; readonly target: string } | undefined {
  const parts = /^(https?:\/\/[^/?#]+)([^#]*)/i.exec(url);
  const [, typed = '', rest = ''] = parts ?? [];
  const origin = URL.parse(typed)?.origin;
  if (parts === null || origin === undefined || origin === 'null') return undefined;
  return { typed, origin, target: rest.startsWith('/') ? rest : `/${rest}` };
}

const valid = {
  right: true,
  wrong: false,
  'no-signature': null,
  'not-checked': null,
  'not-read': null,
} as const;

/**
 * Explains a request that was read already. Refuses what the reading refuses, and a signature
 * method that nobody knows.
 */
export function explainRequest(
  asked: ExplainedRequest,
): Result<Explanation, { readonly kind: OAuth1Refusal['kind']; readonly diagnosis: Diagnosis }> {
  const {
    origin,
    clientSecret,
    tokenSecret,
    publicKeyPem = null,
    reading = 'rfc5849',
    plaintext = false,
  } = asked;
  const settings = {
    ...coreSettings({ origin, plaintext }),
    reading,
    methods: servedMethods(reading, plaintext),
  };
  const secrets = {
    clientSecrets: clientSecret === '' ? [] : [clientSecret],
    tokenSecret,
    publicKeyPem,
  };
  const diagnosis = diagnose(asked, settings, secrets, {
    now: null,
    secretMissing: 'secret-not-given',
  });
  const signed = parseSignedRequest(asked.sent, reading);
  if (!signed.ok || diagnosis.signed === null)
    return refuse({ kind: signed.ok ? 'parameter_rejected' : signed.refusal.kind, diagnosis });
  const name = asked.signatureMethod ?? signed.value.oauth.get('oauth_signature_method') ?? '';
  const method = signatureMethods.find((known) => known === name);
  if (method === undefined && (asked.signatureMethod ?? '') !== '')
    return refuse({ kind: 'signature_method_rejected', diagnosis });
  const { method: _, ...shown } = diagnosis.signed;
  return accept({
    ...shown,
    signature:
      clientSecret === '' || method === undefined
        ? null
        : expected(method, shown.baseString, clientSecret, tokenSecret),
    valid: valid[diagnosis.verdict],
    diagnosis,
  });
}

/** The signature that should have been sent, but for one that is a secret itself. */
const expected = (
  method: SignatureMethod,
  text: string,
  clientSecret: string,
  tokenSecret: string,
): string | null =>
  method === 'PLAINTEXT'
    ? null
    : (signatureOf(method, text, { clientSecret, tokenSecret, publicKeyPem: null }) ?? null);

/** The request as it would be sent. */
export function sentOf(
  { method, headers, body }: Pick<Explained, 'method' | 'headers' | 'body'>,
  target: string,
): SentRequest {
  return {
    method,
    target,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: Buffer.from(body ?? ''),
    address: '',
    secure: true,
  };
}

/**
 * Builds the signature base string of a request step by step (RFC 5849 §3.4.1): the answer to
 * "invalid signature".
 */
export function explain(
  asked: Explained,
):
  | ReturnType<typeof explainRequest>
  | { readonly ok: false; readonly refusal: { readonly kind: 'malformed-url' } } {
  const address = splitAddress(asked.url);
  if (address === undefined) return refuse({ kind: 'malformed-url' });
  return explainRequest({
    ...asked,
    sent: sentOf(asked, address.target),
    typed: [address.typed],
    origin: address.origin,
  });
}
