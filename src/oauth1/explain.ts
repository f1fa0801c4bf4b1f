import { accept, type Result, refuse } from '#kernel/result.ts';
import { baseString, baseStringUri, normalizeParams } from './base-string.ts';
import { parseSignedRequest, type Reading } from './parse.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { signatureHolds, signatureMethods, signatureOf } from './signature.ts';

/** A request as a developer has it, with the secrets they signed it with. */
export interface Explained {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | null | undefined;
  readonly clientSecret: string;
  readonly tokenSecret: string;
  readonly signatureMethod?: string | null | undefined;
  readonly publicKeyPem?: string | null | undefined;
  readonly reading?: Reading;
}

/** How the server reads it. */
export interface Explanation {
  readonly baseStringUri: string;
  readonly normalizedParams: string;
  readonly baseString: string;
  /** What the signature should be; null for RSA, where only the private key can tell, and when no signature method was named. */
  readonly signature: string | null;
  /** Whether the signature that came with the request is right; null when none came, or no signature method was named. */
  readonly valid: boolean | null;
}

/** Builds the signature base string of a request step by step (RFC 5849 §3.4.1): the answer to "invalid signature". */
export function explain(asked: Explained): Result<Explanation, OAuth1Refusal | { readonly kind: 'malformed-url' }> {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]+)([^#]*)/.exec(asked.url);
  const origin = parts?.[1] === undefined ? undefined : URL.parse(parts[1])?.origin;
  if (parts === null || origin === undefined || origin === 'null') return refuse({ kind: 'malformed-url' });
  const rest = parts[2] ?? '';
  const sent = {
    method: asked.method,
    target: rest.startsWith('/') ? rest : `/${rest}`,
    headers: Object.fromEntries(Object.entries(asked.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(asked.body ?? ''),
    address: '',
    secure: true,
  };
  const signed = parseSignedRequest(sent, asked.reading ?? 'rfc5849');
  if (!signed.ok) return signed;
  const { params, path, oauth } = signed.value;
  const name = asked.signatureMethod ?? oauth.get('oauth_signature_method') ?? '';
  const method = signatureMethods.find((known) => known === name);
  if (method === undefined && name !== '') return refuse({ kind: 'signature_method_rejected', asked: name, supported: signatureMethods });
  const text = baseString(signed.value, origin);
  const secrets = { clientSecret: asked.clientSecret, tokenSecret: asked.tokenSecret, publicKeyPem: asked.publicKeyPem ?? null };
  const given = oauth.get('oauth_signature');
  return accept({
    baseStringUri: baseStringUri(origin, path),
    normalizedParams: normalizeParams(params),
    baseString: text,
    signature: method === undefined ? null : (signatureOf(method, text, secrets) ?? null),
    valid: given === undefined || method === undefined ? null : signatureHolds(method, text, secrets, given),
  });
}
