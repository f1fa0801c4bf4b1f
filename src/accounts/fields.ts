import { domainToASCII } from 'node:url';

/** What a person can get wrong about an account. */
export type AccountField = 'name' | 'email' | 'real-name' | 'password' | 'group';
export interface InvalidField {
  readonly kind: 'invalid-field';
  readonly field: AccountField;
  readonly problem: string;
}

/** Controls, line and paragraph separators, and characters that turn the direction of text: a name with them could pass for another. */
const deceptive = /[\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
const ASCII = /^[\0-\x7f]*$/;
const bytes = (text: string) => Buffer.byteLength(text);

/** Text a person typed, composed and without blanks around it. */
export const tidy = (text: string): string => text.normalize('NFC').trim();

/**
 * An e-mail address as it is kept and compared: a domain in Unicode becomes A-labels, which is where mail goes (RFC 5891), and what is not
 * ASCII before the `@` is in lower case. Letters of ASCII keep their case, which comparisons leave out of account.
 */
export function tidyAddress(email: string): string {
  const typed = tidy(email);
  const at = typed.lastIndexOf('@');
  if (at < 0 || ASCII.test(typed)) return typed;
  const [local, domain] = [typed.slice(0, at), typed.slice(at + 1)];
  return `${ASCII.test(local) ? local : local.toLowerCase()}@${ASCII.test(domain) ? domain : domainToASCII(domain) || domain}`;
}

/** True when a text looks like what it is. */
export const isPlain = (text: string): boolean => !deceptive.test(text);

/** What is wrong with the fields given; undefined: nothing. Sizes are UTF-8 bytes. */
export function fieldProblem(fields: {
  readonly name?: string;
  readonly email?: string | null;
  readonly realName?: string;
  readonly password?: string;
}): InvalidField | undefined {
  const invalid = (field: AccountField, problem: string): InvalidField => ({ kind: 'invalid-field', field, problem });
  const { name, email, realName, password } = fields;
  if (name !== undefined && (name === '' || bytes(name) > 255)) return invalid('name', '1 to 255 bytes');
  if (name !== undefined && deceptive.test(name)) return invalid('name', 'characters that cannot be seen');
  if (email != null && (bytes(email) > 255 || !/^[^\s@<>"']+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(email)))
    return invalid('email', 'not an address');
  if (realName !== undefined && (bytes(realName) > 255 || deceptive.test(realName)))
    return invalid('real-name', 'too long or unseen characters');
  if (password !== undefined && (password.length < 8 || bytes(password) > 512)) return invalid('password', '8 characters to 512 bytes');
  return undefined;
}
