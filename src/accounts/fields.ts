import { isAddress } from '#wire/email.ts';
import { lineProblem, nameProblem, type TextProblem } from '#wire/plain-text.ts';

/** What a person can get wrong about an account. */
export type AccountField = 'name' | 'email' | 'real-name' | 'password' | 'group';
export interface InvalidField {
  readonly kind: 'invalid-field';
  readonly field: AccountField;
  readonly problem: string;
}

/** Why a name could be taken for another, in words for whoever chose it. */
const nameProblems: Readonly<Record<TextProblem, string>> = {
  unseen: 'characters that cannot be seen',
  'stacked-marks': 'too many accents on one letter',
  'encoded-word': '=? and ?= in it',
  'mixed-scripts': 'letters of several scripts in one word',
};

const bytes = (text: string) => Buffer.byteLength(text);

export { tidyAddress } from '#wire/email.ts';

/** Text a person typed, composed and without blanks around it. */
export const tidy = (text: string): string => text.normalize('NFC').trim();

/** True when a text looks like what it is. */
export const isPlain = (text: string): boolean => lineProblem(text) === undefined;

/** What is wrong with the fields given; undefined: nothing. Sizes are UTF-8 bytes. The address is one that `tidyAddress` has made. */
export function fieldProblem(fields: {
  readonly name?: string;
  readonly email?: string | null;
  readonly realName?: string;
  readonly password?: string;
}): InvalidField | undefined {
  const invalid = (field: AccountField, problem: string): InvalidField => ({ kind: 'invalid-field', field, problem });
  const { name, email, realName, password } = fields;
  if (name !== undefined && (name === '' || bytes(name) > 255)) return invalid('name', '1 to 255 bytes');
  const told = name === undefined ? undefined : nameProblem(name);
  if (told) return invalid('name', nameProblems[told]);
  if (email != null && !isAddress(email)) return invalid('email', 'not an address');
  if (realName !== undefined && (bytes(realName) > 255 || !isPlain(realName))) return invalid('real-name', 'too long or unseen characters');
  if (password !== undefined && (password.length < 8 || bytes(password) > 512)) return invalid('password', '8 characters to 512 bytes');
  return undefined;
}
