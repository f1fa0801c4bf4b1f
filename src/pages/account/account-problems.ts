import type { FastifyReply } from 'fastify';
import type { InvalidField } from '#accounts/fields.ts';
import type { FormProblem } from '../form-problems.ts';
import type { MessageKey, Words } from '../words.ts';

type MessageKinds<Prefix extends string> = MessageKey extends infer K
  ? K extends `${Prefix}.${infer N}`
    ? N
    : never
  : never;

/** Why accounts refuse something, as far as it is said at a form. */
export type AccountProblem =
  | InvalidField
  | { readonly kind: Exclude<MessageKinds<'account-problem'>, InvalidField['field']> };

/**
 * Puts a refusal into words. `fields` tells the controls that this form has for what is refused;
 * what has none is about the whole.
 */
export function accountProblems(
  words: Words,
  refusal: AccountProblem,
  fields: Readonly<Record<string, string>> = {},
): readonly FormProblem[] {
  const others = refusal.kind === 'invalid-field' ? (refusal.others ?? []) : [];
  return [refusal, ...others].map((one) => {
    const kind = one.kind === 'invalid-field' ? one.field : one.kind;
    return { field: fields[kind] ?? null, text: words.say(`account-problem.${kind}`) };
  });
}

/** The same in one text, for the script of the passkey forms. */
export const accountProblemText = (words: Words, refusal: AccountProblem): string =>
  accountProblems(words, refusal)
    .map(({ text }) => text)
    .join(' ');

/** Status of a refused form; tells for how long to wait. */
export function refusalStatus(
  reply: FastifyReply,
  refusal: AccountProblem | { readonly kind: 'throttled'; readonly retryAfter: number },
): number {
  if (refusal.kind !== 'throttled')
    return refusal.kind === 'wrong-password' || refusal.kind === 'blocked' ? 403 : 400;
  if ('retryAfter' in refusal) reply.header('retry-after', String(refusal.retryAfter));
  return 429;
}
