import { isEmailAddress } from '#encoding/email.ts';
import { findLineProblem, findNameProblem, type TextProblem } from '#encoding/plain-text.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Result } from '#kernel/result.ts';

/** What a person can get wrong about an account. */
export type AccountField = 'name' | 'email' | 'real-name' | 'password' | 'group';
export interface InvalidField {
  readonly kind: 'invalid-field';
  readonly field: AccountField;
  readonly problem: string;
  /** What else is wrong with the same form; absent: nothing. */
  readonly others?: readonly (InvalidField | { readonly kind: 'wrong-password' })[];
}

/** Why a name could be taken for another, in words for whoever chose it. */
const nameProblemTexts: Readonly<Record<TextProblem, string>> = {
  unseen: 'characters that cannot be seen',
  'stacked-marks': 'too many accents on one letter',
  'encoded-word': '=? and ?= in it',
  'mixed-scripts': 'letters of several scripts in one word',
};

const bytes = (text: string) => Buffer.byteLength(text);

export { normalizeEmail } from '#encoding/email.ts';

/** Text a person typed, composed and without blanks around it. */
export const normalizeText = (text: string): string => toNormalForm(text, 'NFC').trim();

/** True when a text looks like what it is. */
export const isPlainText = (text: string): boolean => findLineProblem(text) === undefined;

const invalidField = (field: AccountField, problem: string): InvalidField => ({
  kind: 'invalid-field',
  field,
  problem,
});

function accountNameProblem(name: string): InvalidField | undefined {
  if (name === '' || bytes(name) > 255) return invalidField('name', '1 to 255 bytes');
  const problem = findNameProblem(name);
  return problem && invalidField('name', nameProblemTexts[problem]);
}

/**
 * Everything that is wrong with the fields given, in their order. Sizes are UTF-8 bytes. The
 * address is one that `normalizeEmail` has made.
 */
export function fieldProblems(fields: {
  readonly name?: string;
  readonly email?: string | null;
  readonly realName?: string;
  readonly password?: string;
}): readonly InvalidField[] {
  const { name, email, realName, password } = fields;
  return [
    name === undefined ? undefined : accountNameProblem(name),
    email == null || isEmailAddress(email) ? undefined : invalidField('email', 'not an address'),
    realName === undefined || (bytes(realName) <= 255 && isPlainText(realName))
      ? undefined
      : invalidField('real-name', 'too long or unseen characters'),
    password === undefined || (password.length >= 8 && bytes(password) <= 512)
      ? undefined
      : invalidField('password', '8 characters to 512 bytes'),
  ].filter((problem) => problem !== undefined);
}

/** One refusal for all of them: the first, which carries the others. Undefined: there are none. */
export function combineProblems([first, ...others]: readonly InvalidField[]):
  | InvalidField
  | undefined {
  return first && (others.length === 0 ? first : { ...first, others });
}

/** What is wrong with the fields given; undefined: nothing. */
export const fieldProblem = (
  fields: Parameters<typeof fieldProblems>[0],
): InvalidField | undefined => combineProblems(fieldProblems(fields));

/**
 * The same refusal, which also says that the current password is not right where it is not: both
 * are told at once.
 */
export const withPasswordProblem = (
  problem: InvalidField,
  passwordCheck: Result<unknown, { readonly kind: string }>,
): InvalidField =>
  !passwordCheck.ok && passwordCheck.refusal.kind === 'wrong-password'
    ? { ...problem, others: [...(problem.others ?? []), { kind: 'wrong-password' }] }
    : problem;
