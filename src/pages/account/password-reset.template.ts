import { html } from 'hono/html';
import { bidiIsolate, csrfField, formField, messageWithHtml } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { type LinkRequestView, linkRequestPage } from './link-request.template.ts';
import { newPasswordField } from './new-password-field.ts';
import { returnToField } from './return-path.template.ts';

/** Asks whose password was forgotten. */
export function forgotPasswordPage(frame: Frame, view: LinkRequestView): Html {
  const { words } = frame;
  return linkRequestPage(frame, view, {
    title: words.say('password.forgotten-title'),
    intro: words.say('password.forgotten-intro'),
    action: '/password/forgotten',
    button: words.say('password.send'),
    field: formField({
      name: 'name',
      label: words.say('password.name-or-address'),
      value: view.value,
      problem: problemAt(view.problems, 'name'),
      autocomplete: 'username',
      required: true,
      maxLength: 255,
    }),
  });
}

/** What a link to set another password opens. */
export function resetPasswordPage(
  frame: Frame,
  view: {
    readonly token: string;
    readonly name: string;
    readonly problems: readonly FormProblem[];
    readonly returnto: string;
  },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('password.new-title'),
    html`<p>${messageWithHtml(words, 'password.new-intro', { name: html`<strong>${bidiIsolate(view.name)}</strong>` })}</p>
<form method="post" action="/password/new">
${csrfField(frame)}${returnToField(view.returnto)}
<input type="hidden" name="token" value="${view.token}">
<input type="text" name="username" value="${view.name}" autocomplete="username" hidden readonly>
${newPasswordField(words, problemAt(view.problems, 'new-password'))}
<div class="buttons"><button type="submit" name="set" value="1">${words.say('password.set')}</button></div>
</form>`,
    { problems: view.problems },
  );
}
