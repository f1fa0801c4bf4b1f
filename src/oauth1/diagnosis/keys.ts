import { percentDecode, percentEncode } from '#encoding/percent.ts';
import { type Finding, makeFinding } from './finding.ts';

/** A key of HMAC, or a PLAINTEXT signature, made with one mistake. */
export interface KeyMistake {
  readonly found: Finding;
  readonly key: string;
}

export interface KeyParts {
  readonly client: string;
  /** Empty without a token. */
  readonly token: string;
  readonly consumerKey: string;
  readonly tokenName: string;
}

/** The key as it should be (RFC 5849 §3.4.2). */
export const correctKey = ({ client, token }: Pick<KeyParts, 'client' | 'token'>): string =>
  `${percentEncode(client)}&${percentEncode(token)}`;

/** The usual mistakes with the two secrets; those that change nothing are left out. */
export function keyMistakes({
  client,
  token,
  consumerKey,
  tokenName,
}: KeyParts): readonly KeyMistake[] {
  const [c, t] = [percentEncode(client), percentEncode(token)];
  const made: (readonly [Parameters<typeof makeFinding>[0], string])[] = [
    ['ampersand-missing', c + t],
    ['secrets-not-encoded', `${client}&${token}`],
    ['secrets-encoded-twice', `${percentEncode(c)}&${percentEncode(t)}`],
    ['key-for-secret', `${percentEncode(consumerKey)}&${t}`],
  ];
  if (token !== '') {
    made.unshift(
      ['token-secret-missing', `${c}&`],
      ['secrets-swapped', `${t}&${c}`],
      ['client-secret-missing', `&${t}`],
    );
    made.push(
      ['token-secret-missing', c],
      ['client-secret-missing', t],
      ['ampersand-missing', client + token],
    );
  }
  if (tokenName !== '') made.push(['token-for-secret', `${c}&${percentEncode(tokenName)}`]);
  for (const blank of ['\n', '\r\n', ' ', '\t']) {
    made.push(
      ['secret-with-blank', `${percentEncode(client + blank)}&${t}`],
      ['secret-with-blank', `${percentEncode(blank + client)}&${t}`],
    );
    made.push(['secret-with-blank', `${client}${blank}&${token}`]);
    if (token !== '') made.push(['secret-with-blank', `${c}&${percentEncode(token + blank)}`]);
  }
  const correct = correctKey({ client, token });
  return made
    .filter(([, key]) => key !== correct)
    .map(([kind, key]) => ({ found: makeFinding(kind), key }));
}

/**
 * The ways a signature is spelt wrongly, by the text that it should have been; the empty list is
 * the text as it came.
 */
export type Spellings = ReadonlyMap<string, readonly Finding[]>;

const MAX_SIGNATURE_LENGTH = 4096;
const padBase64 = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4, '=');
const hexPattern = /^(?:[0-9a-fA-F]{2}){16,512}$/;

/** One text that may have been meant by another. */
function respellings(
  text: string,
): readonly (readonly [Parameters<typeof makeFinding>[0], string])[] {
  const found: (readonly [Parameters<typeof makeFinding>[0], string])[] = [];
  const decoded = percentDecode(text);
  if (decoded !== undefined && decoded !== text) found.push(['signature-escaped-twice', decoded]);
  if (text.trim().includes(' '))
    found.push(['signature-not-escaped', text.trim().replaceAll(' ', '+')]);
  const withoutSpaces = text.replace(/[\s\\]/g, '');
  if (withoutSpaces !== text) found.push(['signature-with-newline', withoutSpaces]);
  const unescaped = text.replace(/\\n$/, '');
  if (unescaped !== text) found.push(['signature-with-newline', unescaped]);
  if (text.length % 4 > 1) found.push(['signature-unpadded', padBase64(text)]);
  if (/[-_]/.test(text))
    found.push(['signature-base64url', padBase64(text.replaceAll('-', '+').replaceAll('_', '/'))]);
  if (/^["']/.test(text))
    found.push(['signature-quoted', text.slice(1, /["']$/.test(text) ? -1 : undefined)]);
  if (hexPattern.test(text))
    found.push(['hexadecimal', Buffer.from(text, 'hex').toString('base64')]);
  const inside = text.length % 4 === 0 ? Buffer.from(text, 'base64').toString('latin1') : '';
  if (hexPattern.test(inside))
    found.push(['base64-of-hexadecimal', Buffer.from(inside, 'hex').toString('base64')]);
  return found;
}

/**
 * The signature as it came, and what it may have been meant to be: up to two mistakes of spelling.
 */
export function signatureSpellings(given: string): Spellings {
  const found = new Map<string, readonly Finding[]>([[given, []]]);
  if (given.length > MAX_SIGNATURE_LENGTH) return found;
  for (let depth = 0; depth < 2; depth++)
    for (const [text, before] of [...found])
      for (const [kind, other] of respellings(text))
        if (!found.has(other)) {
          const known = before.some((one) => one.kind === kind);
          found.set(other, known ? before : [...before, makeFinding(kind)]);
        }
  return found;
}
