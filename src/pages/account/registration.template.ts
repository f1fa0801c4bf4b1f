import { html } from 'hono/html';
import { bidiIsolate, csrfField, formField, messageWithHtml } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { type LinkRequestView, linkRequestPage } from './link-request.template.ts';
import { newPasswordField } from './new-password-field.ts';
import { returnToField } from './return-path.template.ts';

/** Asks for an address to mail a link to, with which one registers. */
export function registerPage(frame: Frame, view: LinkRequestView): Html {
  const { words } = frame;
  return linkRequestPage(frame, view, {
    title: words.say('register.title'),
    intro: words.say('register.intro'),
    action: '/register',
    button: words.say('register.button'),
    field: formField({
      name: 'email',
      label: words.say('setup.email'),
      type: 'email',
      value: view.value,
      problem: problemAt(view.problems, 'email'),
      autocomplete: 'email',
      required: true,
      maxLength: 255,
    }),
  });
}

/** What a mailed link to register opens. */
export function finishRegistrationPage(
  frame: Frame,
  view: {
    readonly token: string;
    readonly address: string;
    readonly name: string;
    readonly realName: string;
    readonly problems: readonly FormProblem[];
    readonly returnto: string;
  },
): Html {
  const { words } = frame;
  const { problems } = view;
  return layout(
    frame,
    words.say('register.title'),
    html`<p>${messageWithHtml(words, 'register.finish-intro', { address: html`<strong>${bidiIsolate(view.address)}</strong>` })}</p>
<form method="post" action="/register/finish">
${csrfField(frame)}${returnToField(view.returnto)}
<input type="hidden" name="token" value="${view.token}">
${formField({
  name: 'name',
  label: words.say('sign-in.name'),
  help: words.say('register.name-help'),
  value: view.name,
  problem: problemAt(problems, 'name'),
  autocomplete: 'username',
  required: true,
  maxLength: 255,
})}
${formField({
  name: 'real-name',
  label: words.say('account.real-name'),
  help: words.say('account.real-name-help'),
  value: view.realName,
  problem: problemAt(problems, 'real-name'),
  autocomplete: 'name',
  maxLength: 255,
})}
${newPasswordField(words, problemAt(problems, 'new-password'))}
<div class="buttons"><button type="submit" name="register" value="1">${words.say('register.finish-button')}</button></div>
</form>`,
    { problems },
  );
}
