import { domainToASCII } from 'node:url';
import { findLineProblem } from './plain-text.ts';

/** Most bytes of an e-mail address. */
export const MAX_EMAIL_BYTES = 255;

const ASCII = /^[\0-\x7f]*$/;

/**
 * A domain beyond ASCII as A-labels; undefined: it is none. What is ASCII in it has to be of host
 * names, so that nothing is cut off.
 */
function toAsciiDomain(domain: string): string | undefined {
  return /^(?:[A-Za-z0-9.-]|[^\0-\x7f])+$/.test(domain)
    ? domainToASCII(domain) || undefined
    : undefined;
}

/**
 * An e-mail address as it is kept and compared: without blanks around it, a domain in Unicode as
 * A-labels, which is where mail goes (RFC 5891 §4), and what is not ASCII before the `@` in lower
 * case. Letters of ASCII keep their case, which comparisons leave out of account.
 */
export function normalizeEmail(email: string): string {
  // What is too long for an address stays as it is: composing accents and spelling a host in ASCII
  // take more time than there are letters.
  if (email.length > 2 * MAX_EMAIL_BYTES) return email;
  const typed = email.normalize('NFC').trim();
  const at = typed.lastIndexOf('@');
  if (at < 0 || ASCII.test(typed)) return typed;
  const [local, domain] = [typed.slice(0, at), typed.slice(at + 1)];
  return `${ASCII.test(local) ? local : local.toLowerCase()}@${ASCII.test(domain) ? domain : (toAsciiDomain(domain) ?? domain)}`;
}

/**
 * True for an address that mail can be sent to: an unquoted name of RFC 5321 §4.1.2, apostrophes
 * and plus signs included, or of RFC 6531 §3.3, at a host name. The text is one that
 * `normalizeEmail` has made.
 */
export function isEmailAddress(email: string): boolean {
  if (Buffer.byteLength(email) > MAX_EMAIL_BYTES) return false;
  const at = email.lastIndexOf('@');
  const [local, domain] = [email.slice(0, Math.max(at, 0)), email.slice(at + 1)];
  if (
    !/^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]|[^\0-\x7f\s])+$/.test(local) ||
    findLineProblem(local) !== undefined
  )
    return false;
  return (
    domain.length <= 253 &&
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(
      domain,
    )
  );
}

/**
 * The address that a text names, as it is kept; undefined: none. The one reader of addresses,
 * wherever one is taken.
 */
export function parseEmail(text: string): string | undefined {
  const address = normalizeEmail(text);
  return isEmailAddress(address) ? address : undefined;
}

/** True when two addresses are one mailbox as far as accounts are told apart. */
export const isSameEmail = (one: string, other: string): boolean =>
  normalizeEmail(one).toLowerCase() === normalizeEmail(other).toLowerCase();
