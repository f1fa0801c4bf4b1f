import type { RegistryRefusal } from '#registry/refusals.ts';
import { type FormProblem, mapToControls } from '../form-problems.ts';
import { refusalText } from '../refusal-texts.ts';
import type { Words } from '../words.ts';
import { refusalFormProblems } from './refusal-problems.ts';

/** A small form of the page of an app that was refused. `unconfirmed`: its box was not ticked. */
export interface RefusedForm {
  readonly form: string;
  readonly refusal: RegistryRefusal;
  readonly unconfirmed: boolean;
}

/**
 * The controls of the small forms, where the registry calls their fields otherwise; null: the form
 * as a whole.
 */
const controlByField: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  'add-secret': { expiresAt: 'expires' },
  update: { restrictions: 'addresses' },
};
const wholeFormFields = Object.fromEntries(
  ['etag', 'clientId', 'secretId', 'userId', 'revisionId'].map((field) => [field, null]),
);

/** Why a small form was refused; a name that nobody has is said as such. */
export function manageFormProblems(
  words: Words,
  { form, refusal, unconfirmed }: RefusedForm,
): readonly FormProblem[] {
  if (unconfirmed) return [{ field: 'sure', text: words.say('manage.not-sure') }];
  // Whatever stands in the way of an invitation is about the person who was named.
  const person = form === 'invite' || form === 'offer' ? form : null;
  if (refusal.kind === 'not_found' && refusal.what === 'person')
    return [{ field: person, text: words.say('manage.no-such-person') }];
  if (refusal.kind === 'nothing_to_do' && form === 'invite')
    return [{ field: person, text: words.say('manage.in-team') }];
  if (refusal.kind === 'invitations_declined')
    return [{ field: person, text: refusalText(words, refusal) }];
  return mapToControls(refusalFormProblems(words, refusal), {
    ...wholeFormFields,
    ...controlByField[form],
  });
}
