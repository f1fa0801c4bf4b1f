import {
  constants,
  createPublicKey,
  type KeyObject,
  publicDecrypt,
  verify,
  X509Certificate,
} from 'node:crypto';

const MAX_CACHED_KEYS = 500;
const cachedKeys = new Map<string, KeyObject | null>();

function parseRsaPublicKey(pem: string): KeyObject | null {
  // A private key would do as well, and would then be kept: whoever sent it must not have.
  if (pem.includes('PRIVATE KEY')) return null;
  try {
    const key = pem.includes('BEGIN CERTIFICATE')
      ? new X509Certificate(pem).publicKey
      : createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa' ? key : null;
  } catch {
    return null;
  }
}

/**
 * The RSA public key of a PEM text (SPKI, PKCS#1 or an X.509 certificate). Undefined when it is
 * none.
 */
export function loadRsaPublicKey(pem: string): KeyObject | undefined {
  let key = cachedKeys.get(pem);
  if (key === undefined) {
    key = parseRsaPublicKey(pem);
    if (cachedKeys.size >= MAX_CACHED_KEYS) cachedKeys.clear();
    cachedKeys.set(pem, key);
  }
  return key ?? undefined;
}

/**
 * What a PEM text holds: an RSA public key, another public key, or none. A private key counts as
 * none.
 */
export function rsaKeyKind(pem: string): 'rsa' | 'other' | 'none' {
  if (loadRsaPublicKey(pem)) return 'rsa';
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
export const rsaKeyLength = (pem: string): number =>
  loadRsaPublicKey(pem)?.asymmetricKeyDetails?.modulusLength ?? 0;

/**
 * The shortest modulus of a key that is registered anew (NIST SP 800-131A §3); shorter ones that
 * are there already keep working.
 */
export const MIN_RSA_BITS = 2048;

/**
 * Whether the public exponent is one that signatures can rest on: odd, and not 1 (RFC 8017 §3.1).
 */
export function hasSoundExponent(pem: string): boolean {
  const exponent = loadRsaPublicKey(pem)?.asymmetricKeyDetails?.publicExponent ?? 0n;
  return exponent >= 3n && exponent % 2n === 1n;
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2). A text that is no key or no base64 does not verify. */
export function verifyRsaSignature(
  algorithm: 'sha1' | 'sha256',
  publicKeyPem: string,
  text: string,
  signatureBase64: string,
): boolean {
  const key = loadRsaPublicKey(publicKeyPem);
  if (key === undefined) return false;
  try {
    return verify(algorithm, Buffer.from(text), key, Buffer.from(signatureBase64, 'base64'));
  } catch {
    return false;
  }
}

/** DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
const digestInfos = {
  'SHA-1': '3021300906052b0e03021a05000414',
  'SHA-256': '3031300d060960864801650304020105000420',
  'SHA-384': '3041300d060960864801650304020205000430',
  'SHA-512': '3051300d060960864801650304020305000440',
  MD5: '3020300c06082a864886f70d020505000410',
} as const;
export type RsaDigest = keyof typeof digestInfos;

/** What stands in an RSA signature. Digests are in hexadecimal digits. */
export type RsaSignatureContent =
  | { readonly kind: 'digest'; readonly algorithm: RsaDigest; readonly digest: string }
  /** The digest alone, without the name of its algorithm in front. */
  | { readonly kind: 'bare'; readonly digest: string }
  /** Made with another key, with another padding, or no signature at all. */
  | { readonly kind: 'unreadable' };

/**
 * Opens an RSASSA-PKCS1-v1_5 signature with the public key: tells which digest was signed, whatever
 * it is the digest of.
 */
export function recoverRsaContent(
  publicKeyPem: string,
  signatureBase64: string,
): RsaSignatureContent {
  const key = loadRsaPublicKey(publicKeyPem);
  const unreadable = { kind: 'unreadable' } as const;
  if (key === undefined) return unreadable;
  let content: string;
  try {
    content = publicDecrypt(
      { key, padding: constants.RSA_PKCS1_PADDING },
      Buffer.from(signatureBase64, 'base64'),
    ).toString('hex');
  } catch {
    return unreadable;
  }
  for (const [algorithm, start] of Object.entries(digestInfos) as [RsaDigest, string][])
    if (
      content.startsWith(start) &&
      content.length === start.length + 2 * Number.parseInt(start.slice(-2), 16)
    )
      return { kind: 'digest', algorithm, digest: content.slice(start.length) };
  return content.length === 40 || content.length === 64
    ? { kind: 'bare', digest: content }
    : unreadable;
}

/** Whether it is an RSASSA-PSS signature of the text, whatever the salt (RFC 8017 §8.1.2). */
export function verifyRsaPssSignature(
  algorithm: 'sha1' | 'sha256',
  publicKeyPem: string,
  text: string,
  signatureBase64: string,
): boolean {
  const key = loadRsaPublicKey(publicKeyPem);
  if (key === undefined) return false;
  const padding = {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_AUTO,
  };
  try {
    return verify(
      algorithm,
      Buffer.from(text),
      { key, ...padding },
      Buffer.from(signatureBase64, 'base64'),
    );
  } catch {
    return false;
  }
}
