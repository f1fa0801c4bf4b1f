import { html } from 'hono/html';
import { csrfField, formField } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { passkeyForm } from './passkey-form.template.ts';

/** Names of the fields with which a form proves its person as well. */
export const reauthenticationFields = {
  method: 'proof_method',
  password: 'proof_password',
  answer: 'answer',
} as const;

/**
 * Asks a person who is signed in to prove once more who they are. `action` and `fields`: the form
 * that waits for it, which is sent together with the proof, so that nothing typed is lost.
 */
export function reauthenticatePage(
  frame: Frame,
  view: {
    readonly action: string;
    readonly fields: readonly (readonly [name: string, value: string])[];
    /** A form waits; otherwise the person just came here. */
    readonly hasPendingForm: boolean;
    readonly passkeys: boolean;
    readonly problems: readonly FormProblem[];
  },
): Html {
  const { words } = frame;
  const { action, fields } = view;
  const hiddenFields = (method: 'password' | 'passkey') =>
    html`<input type="hidden" name="${reauthenticationFields.method}" value="${method}">${fields.map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
    )}`;
  return layout(
    frame,
    words.say('prove.title'),
    html`<p>${words.say('prove.intro')}</p>
${view.hasPendingForm ? html`<p>${words.say('prove.kept')}</p>` : ''}
<form method="post" action="${action}">
${csrfField(frame)}
${hiddenFields('password')}
${formField({ name: reauthenticationFields.password, label: words.say('account.current-password'), type: 'password', problem: problemAt(view.problems, reauthenticationFields.password), autocomplete: 'current-password', required: true, maxLength: 512 })}
<div class="buttons"><button type="submit">${words.say('prove.button')}</button></div>
</form>
${
  view.passkeys
    ? passkeyForm(frame, {
        action,
        optionsUrl: '/account/prove/options',
        ceremony: 'use',
        scriptNotice: words.say('prove.passkey-script'),
        body: html`${hiddenFields('passkey')}<div class="buttons"><button type="submit" class="second">${words.say('prove.passkey')}</button></div>`,
      })
    : ''
}`,
    { problems: view.problems },
  );
}
