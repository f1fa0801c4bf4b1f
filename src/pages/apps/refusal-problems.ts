import { fieldRefusals, type RegistryRefusal } from '#registry/refusals.ts';
import type { FormProblem } from '../form-problems.ts';
import { problemText, refusalText } from '../refusal-texts.ts';
import type { Words } from '../words.ts';

/** Why the registry refused an action on an app: each problem at the field it is about. */
export function refusalFormProblems(
  words: Words,
  refusal: RegistryRefusal,
): readonly FormProblem[] {
  const fields = fieldRefusals(refusal);
  if (fields.length === 0)
    return [
      {
        field: refusal.kind === 'consumer_exists' ? 'version' : null,
        text: refusalText(words, refusal),
      },
    ];
  return fields.map((fieldRefusal) => ({
    field: fieldRefusal.field,
    text:
      fieldRefusal.kind === 'missing_field'
        ? words.say('problem.empty')
        : problemText(words, fieldRefusal.problem),
    sentence: refusalText(words, fieldRefusal),
    ignorable: fieldRefusal.kind === 'invalid_field' && fieldRefusal.ignorable,
  }));
}
