import { html } from 'hono/html';
import { csrfField, formField } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';

/** The one-time set-up form: the first administrator. */
export function setupPage(
  frame: Frame,
  view: {
    readonly token: string;
    readonly name: string;
    readonly email: string;
    readonly problems: readonly FormProblem[];
  },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('setup.title'),
    html`<p>${words.say('setup.intro')}</p>
<form method="post" action="/setup">
${csrfField(frame)}
<input type="hidden" name="token" value="${view.token}">
${formField({ name: 'name', label: words.say('sign-in.name'), value: view.name, problem: problemAt(view.problems, 'name'), autocomplete: 'username', required: true, maxLength: 255 })}
${formField({ name: 'email', label: words.say('setup.email'), type: 'email', value: view.email, problem: problemAt(view.problems, 'email'), autocomplete: 'email', required: true, maxLength: 255 })}
${formField({
  name: 'password',
  label: words.say('setup.password'),
  help: words.say('setup.password-help'),
  type: 'password',
  problem: problemAt(view.problems, 'password'),
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
  maxLength: 512,
})}
<div class="buttons"><button type="submit" name="set-up" value="1">${words.say('setup.button')}</button></div>
</form>`,
    { problems: view.problems },
  );
}
