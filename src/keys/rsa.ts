import { createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';

const MOST_KEPT = 500;
const kept = new Map<string, KeyObject | null>();

function read(pem: string): KeyObject | null {
  // A private key would do as well, and would then be kept: whoever sent it must not have.
  if (pem.includes('PRIVATE KEY')) return null;
  try {
    const key = pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa' ? key : null;
  } catch {
    return null;
  }
}

/** The RSA public key of a PEM text (SPKI, PKCS#1 or an X.509 certificate). Undefined when it is none. */
export function rsaPublicKey(pem: string): KeyObject | undefined {
  let key = kept.get(pem);
  if (key === undefined) {
    key = read(pem);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(pem, key);
  }
  return key ?? undefined;
}

/** What a PEM text holds: an RSA public key, another public key, or none. A private key counts as none. */
export function rsaKeyKind(pem: string): 'rsa' | 'other' | 'none' {
  if (rsaPublicKey(pem)) return 'rsa';
  if (pem.includes('PRIVATE KEY')) return 'none';
  try {
    if (pem.includes('BEGIN CERTIFICATE')) new X509Certificate(pem);
    else createPublicKey(pem);
    return 'other';
  } catch {
    return 'none';
  }
}

/** Length of the key's modulus in bits; 0 when the text is no RSA key. */
export const rsaBits = (pem: string): number => rsaPublicKey(pem)?.asymmetricKeyDetails?.modulusLength ?? 0;

/** The shortest modulus of a key that is registered anew (NIST SP 800-131A §3); shorter ones that are there already keep working. */
export const LEAST_RSA_BITS = 2048;

/** Whether the public exponent is one that signatures can rest on: odd, and not 1 (RFC 8017 §3.1). */
export function hasSoundExponent(pem: string): boolean {
  const exponent = rsaPublicKey(pem)?.asymmetricKeyDetails?.publicExponent ?? 0n;
  return exponent >= 3n && exponent % 2n === 1n;
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2). A text that is no key or no base64 does not verify. */
export function rsaVerify(algorithm: 'sha1' | 'sha256', publicKeyPem: string, text: string, signatureBase64: string): boolean {
  const key = rsaPublicKey(publicKeyPem);
  if (key === undefined) return false;
  try {
    return verify(algorithm, Buffer.from(text), key, Buffer.from(signatureBase64, 'base64'));
  } catch {
    return false;
  }
}
