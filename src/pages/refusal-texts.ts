import type { Stage } from '#registry/model/client.ts';
import type { FieldProblem, RegistryRefusal } from '#registry/refusals.ts';
import { catalogues, type MessageKey, type Words } from './words.ts';

/** What people call a field. */
export function fieldName(words: Words, field: string): string {
  const key = `field.${field}`;
  return key in catalogues.en
    ? words.say(key as MessageKey)
    : words.say('field.other', { name: field });
}

export const stageName = (words: Words, stage: Stage): string => words.say(`stage.${stage}`);

/** What is wrong with a value, in the reader's language. */
export function problemText(words: Words, problem: FieldProblem): string {
  const { kind, ...rest } = problem;
  const values = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [
      name,
      Array.isArray(value) ? words.formatList(value) : (value as string | number),
    ]),
  );
  return words.say(`problem.${kind}`, values);
}

/** Why the registry refused, in the reader's language. */
export function refusalText(words: Words, refusal: RegistryRefusal): string {
  switch (refusal.kind) {
    case 'missing_field':
      return words.say('refusal.missing_field', { field: fieldName(words, refusal.field) });
    case 'invalid_field':
      return words.say('refusal.invalid_field', {
        field: fieldName(words, refusal.field),
        problem: problemText(words, refusal.problem),
      });
    case 'permission_denied':
      return refusal.right === null
        ? words.say('refusal.permission_denied_here')
        : words.say('refusal.permission_denied', { right: refusal.right });
    case 'consumer_exists':
      return refusal.version === null
        ? words.say('refusal.consumer_exists')
        : words.say('refusal.consumer_exists_later', { version: refusal.version });
    case 'not_proposed':
    case 'not_approved':
    case 'not_disabled':
      return words.say(`refusal.${refusal.kind}`, { stage: stageName(words, refusal.stage) });
    case 'readonly':
      return words.say('refusal.readonly', { reason: refusal.reason });
    case 'needs_another_reviewer':
      return words.say(`refusal.needs_another_reviewer.${refusal.why}`);
    case 'too_many_invitations':
      return words.say('refusal.too_many_invitations', { most: refusal.most });
    case 'too_many':
      return words.say('refusal.too_many', { most: refusal.most });
    default:
      return words.say(`refusal.${refusal.kind}`);
  }
}
