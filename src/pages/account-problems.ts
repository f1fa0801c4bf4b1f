import type { InvalidField } from '#accounts/fields.ts';
import type { MessageKey, Words } from './words.ts';

type Kinds<Prefix extends string> = MessageKey extends infer K ? (K extends `${Prefix}.${infer N}` ? N : never) : never;

/** Why the accounts room says no, as far as it is said at a form. */
export type AccountProblem = InvalidField | { readonly kind: Exclude<Kinds<'account-problem'>, InvalidField['field']> };

/** What is wrong with a form, and with which of its fields; null: with the whole. */
export interface FormProblem {
  readonly field: string | null;
  readonly text: string;
}

/** Puts a refusal into words. `fields` tells the names that this form has for what is refused. */
export function formProblem(words: Words, refusal: AccountProblem, fields: Readonly<Record<string, string>> = {}): FormProblem {
  const what = refusal.kind === 'invalid-field' ? refusal.field : refusal.kind;
  return { field: fields[what] ?? null, text: words.say(`account-problem.${what}`) };
}

/** The problem of one field. */
export const problemAt = (problem: FormProblem | null, field: string): string | null => (problem?.field === field ? problem.text : null);

/** The problem of the form as a whole. */
export const problemAbove = (problem: FormProblem | null): string | null => (problem?.field === null ? problem.text : null);
