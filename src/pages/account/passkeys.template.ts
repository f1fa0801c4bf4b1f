import { html } from 'hono/html';
import { type FormProblem, noProblems, problemAt } from '../form-problems.ts';
import { dayOf, type Frame, facts, field, type Html, layout, named, proof } from '../layout.ts';

/** One passkey of a person. */
export interface PasskeyLine {
  readonly id: string;
  readonly label: string;
  readonly addedAt: number;
  readonly usedAt: number | null;
}

/**
 * A form that a browser fills in with its answer, and says until then what it needs. `options`:
 * where the script asks what to do; `does`: what that is.
 */
export const passkeyForm = (
  { words, csrf }: Frame,
  form: {
    readonly action: string;
    readonly options: string;
    readonly does: 'add' | 'use';
    readonly needs: string;
    readonly body: Html;
  },
): Html =>
  html`<p class="quiet" data-until-script>${form.needs}</p>
<form method="post" action="${form.action}" data-passkey="${form.options}" data-does="${form.does}" data-failed="${words.say('passkey.failed')}" hidden>${proof({ csrf })}
<input type="hidden" name="answer" value="">
<p class="problem" role="alert" hidden></p>
${form.body}
</form>
<script src="/assets/passkeys.js" defer></script>`;

/** Which of the forms was refused, and why; `id`: of which key, null: the one that adds. */
export interface RefusedPasskeyForm {
  readonly id: string | null;
  readonly of: 'add' | 'rename' | 'remove';
  readonly problems: readonly FormProblem[];
}

/** A person's passkeys: add, name, remove. */
export function passkeysPage(
  frame: Frame,
  view: {
    readonly passkeys: readonly PasskeyLine[];
    readonly refused: RefusedPasskeyForm | null;
    readonly label: string;
  },
): Html {
  const { words } = frame;
  const { refused } = view;
  const isRefused = (id: string | null, of: RefusedPasskeyForm['of']) =>
    refused?.id === id && refused.of === of;
  const at = (id: string | null, of: RefusedPasskeyForm['of'], field: string) =>
    refused !== null && isRefused(id, of) ? problemAt(refused.problems, field) : null;
  /**
   * The forms of each key have the same fields: their controls are told apart by the place of the
   * key.
   */
  const placed = (name: 'label' | 'password', index: number) => `${name}-${index}`;
  const place = view.passkeys.findIndex(({ id }) => id === refused?.id);
  const problems = (refused?.problems ?? noProblems).map((problem) =>
    problem.field === null || place < 0
      ? problem
      : { ...problem, field: placed(problem.field as 'label' | 'password', place) },
  );
  const card = ({ id, label, addedAt, usedAt }: PasskeyLine, index: number) =>
    html`<section class="card"><h2>${named(label)}</h2>
${facts([
  [words.say('passkeys.added'), dayOf(words, addedAt)],
  [words.say('passkeys.used'), usedAt === null ? words.say('frame.never') : dayOf(words, usedAt)],
])}
<details${isRefused(id, 'rename') ? html` open` : ''}><summary>${words.say('passkeys.rename')}</summary>
<form method="post" action="/account/passkeys/rename">${proof(frame)}<input type="hidden" name="passkey" value="${id}">
${field({
  name: 'label',
  id: placed('label', index),
  label: words.say('passkeys.label'),
  value: isRefused(id, 'rename') ? view.label : label,
  problem: at(id, 'rename', 'label'),
  required: true,
  most: 128,
})}
<div class="buttons"><button class="second">${words.say('passkeys.rename')}</button></div></form></details>
<details${isRefused(id, 'remove') ? html` open` : ''}><summary>${words.say('passkeys.remove-summary')}</summary>
<form method="post" action="/account/passkeys/remove">${proof(frame)}<input type="hidden" name="passkey" value="${id}">
${field({
  name: 'password',
  id: placed('password', index),
  label: words.say('account.current-password'),
  type: 'password',
  problem: at(id, 'remove', 'password'),
  autocomplete: 'current-password',
  required: true,
  most: 512,
})}
<div class="buttons"><button class="danger">${words.say('passkeys.remove', { label })}</button></div></form></details></section>`;
  return layout(
    frame,
    words.say('passkeys.title'),
    html`<p>${words.say('passkeys.intro')}</p>
${view.passkeys.length === 0 ? html`<p class="quiet">${words.say('passkeys.none')}</p>` : view.passkeys.map(card)}
<h2>${words.say('passkeys.add-title')}</h2>
${passkeyForm(frame, {
  action: '/account/passkeys',
  options: '/account/passkeys/options',
  does: 'add',
  needs: words.say('passkeys.script'),
  body: html`${field({
    name: 'label',
    label: words.say('passkeys.label'),
    help: words.say('passkeys.label-help'),
    value: isRefused(null, 'add') ? view.label : '',
    problem: at(null, 'add', 'label'),
    required: true,
    most: 128,
  })}
${field({ name: 'password', label: words.say('account.current-password'), type: 'password', autocomplete: 'current-password', required: true, most: 512 })}
<div class="buttons"><button type="submit">${words.say('passkeys.add')}</button></div>`,
})}
<p><a href="/account">${words.say('passkeys.back')}</a></p>`,
    { problems },
  );
}

/**
 * Runs after the library. Shows the forms that need it, asks the browser, and sends its answer as
 * the form it is.
 */
export const passkeyScript = `'use strict';
for (const form of document.querySelectorAll('form[data-passkey]')) {
  const { browserSupportsWebAuthn, startRegistration, startAuthentication } = SimpleWebAuthnBrowser;
  if (!browserSupportsWebAuthn()) continue;
  for (const text of document.querySelectorAll('[data-until-script]')) text.hidden = true;
  form.hidden = false;
  const problem = form.querySelector('[role=alert]');
  const button = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    let said = form.dataset.failed;
    try {
      const asked = await fetch(form.dataset.passkey, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      const optionsJSON = await asked.json();
      if (asked.ok) {
        const answer = await (form.dataset.does === 'add' ? startRegistration({ optionsJSON }) : startAuthentication({ optionsJSON }));
        form.elements.answer.value = JSON.stringify(answer);
        if (form.elements.password) form.elements.password.value = '';
        form.submit();
        return;
      }
      said = optionsJSON.problem;
    } catch {}
    problem.textContent = said;
    problem.hidden = false;
    button.disabled = false;
  });
}
`;
