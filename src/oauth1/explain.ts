import type { RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import type { Diagnosis, RequestToDiagnose } from './diagnosis/diagnosis.ts';
import { parseSignedRequest } from './parse.ts';
import { coreOAuth1Profile, type OAuth1Profile } from './profile.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { computeSignature, type SignatureMethod, signatureMethods } from './signature.ts';
import { makeOAuth1Settings } from './verify.ts';

/**
 * What the one who explains holds of the signature: the secrets a request was signed with, and what
 * it is judged by.
 */
interface VerificationInputs {
  readonly clientSecret: string;
  readonly tokenSecret: string;
  readonly publicKeyPem?: string | null | undefined;
  /** The method to sign with; left out: the one that the request names. */
  readonly signatureMethod?: string | null | undefined;
  /** Left out: the core's. */
  readonly profile?: OAuth1Profile;
  /** The server takes PLAINTEXT. */
  readonly plaintext?: boolean;
}

/** A request as a developer has it. */
export interface DescribedRequest extends VerificationInputs {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | null | undefined;
}

/** A request that was read already, for a server at an origin. */
export interface RequestToExplain extends RequestToDiagnose, VerificationInputs {
  /** Scheme, host and port of the server. */
  readonly origin: string;
}

/** How the server reads it. */
export interface SignatureExplanation {
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
export function splitUrl(
  url: string,
): { readonly typedOrigin: string; readonly origin: string; readonly target: string } | undefined {
  const parts = /^(https?:\/\/[^/?#]+)([^#]*)/i.exec(url);
  const [, typedOrigin = '', rest = ''] = parts ?? [];
  const origin = URL.parse(typedOrigin)?.origin;
  if (parts === null || origin === undefined || origin === 'null') return undefined;
  return { typedOrigin, origin, target: rest.startsWith('/') ? rest : `/${rest}` };
}

const validityByVerdict = {
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
export function explainSignedRequest(
  request: RequestToExplain,
): Result<
  SignatureExplanation,
  { readonly kind: OAuth1Refusal['kind']; readonly diagnosis: Diagnosis }
> {
  const {
    origin,
    clientSecret,
    tokenSecret,
    publicKeyPem = null,
    profile = coreOAuth1Profile,
    plaintext = false,
  } = request;
  const settings = makeOAuth1Settings(profile, { origin, plaintext });
  const secrets = {
    clientSecrets: clientSecret === '' ? [] : [clientSecret],
    tokenSecret,
    publicKeyPem,
  };
  const diagnosis = diagnose(request, settings, secrets, {
    now: null,
    secretMissing: 'secret-not-given',
  });
  const signed = parseSignedRequest(request.rawRequest, profile);
  if (!signed.ok || diagnosis.signed === null)
    return refuse({ kind: signed.ok ? 'parameter_rejected' : signed.refusal.kind, diagnosis });
  const name = request.signatureMethod ?? signed.value.oauth.get('oauth_signature_method') ?? '';
  const method = signatureMethods.find((known) => known === name);
  if (method === undefined && (request.signatureMethod ?? '') !== '')
    return refuse({ kind: 'signature_method_rejected', diagnosis });
  const { method: _, ...signedParts } = diagnosis.signed;
  return accept({
    ...signedParts,
    signature:
      clientSecret === '' || method === undefined
        ? null
        : expectedSignature(method, signedParts.baseString, clientSecret, tokenSecret),
    valid: validityByVerdict[diagnosis.verdict],
    diagnosis,
  });
}

/** The signature that should have been sent, but for one that is a secret itself. */
const expectedSignature = (
  method: SignatureMethod,
  text: string,
  clientSecret: string,
  tokenSecret: string,
): string | null =>
  method === 'PLAINTEXT'
    ? null
    : (computeSignature(method, text, { clientSecret, tokenSecret, publicKeyPem: null }) ?? null);

/** The request as it would be sent. */
export function toRawRequest(
  { method, headers, body }: Pick<DescribedRequest, 'method' | 'headers' | 'body'>,
  target: string,
): RawRequest {
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
export function explainDescribedRequest(
  request: DescribedRequest,
):
  | ReturnType<typeof explainSignedRequest>
  | { readonly ok: false; readonly refusal: { readonly kind: 'malformed-url' } } {
  const address = splitUrl(request.url);
  if (address === undefined) return refuse({ kind: 'malformed-url' });
  return explainSignedRequest({
    ...request,
    rawRequest: toRawRequest(request, address.target),
    typedOrigins: [address.typedOrigin],
    origin: address.origin,
  });
}
