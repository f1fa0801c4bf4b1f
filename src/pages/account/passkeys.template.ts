import { html } from 'hono/html';
import { bidiIsolate, csrfField, dateElement, descriptionList, formField } from '../components.ts';
import { type FormProblem, noProblems, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { passkeyForm } from './passkey-form.template.ts';

/** One passkey of a person. */
export interface PasskeyView {
  readonly id: string;
  readonly label: string;
  readonly addedAt: number;
  readonly lastUsedAt: number | null;
}

/** Which of the forms was refused, and why; `id`: of which key, null: the one that adds. */
export interface RefusedPasskeyForm {
  readonly id: string | null;
  readonly action: 'add' | 'rename' | 'remove';
  readonly problems: readonly FormProblem[];
}

/** A person's passkeys: add, name, remove. */
export function passkeysPage(
  frame: Frame,
  view: {
    readonly passkeys: readonly PasskeyView[];
    readonly refused: RefusedPasskeyForm | null;
    readonly label: string;
  },
): Html {
  const { words } = frame;
  const { refused } = view;
  const isRefused = (id: string | null, action: RefusedPasskeyForm['action']) =>
    refused?.id === id && refused.action === action;
  const fieldProblem = (id: string | null, action: RefusedPasskeyForm['action'], field: string) =>
    refused !== null && isRefused(id, action) ? problemAt(refused.problems, field) : null;
  /**
   * The forms of each key have the same fields: their controls are told apart by the place of the
   * key.
   */
  const controlId = (name: 'label' | 'password', index: number) => `${name}-${index}`;
  const refusedIndex = view.passkeys.findIndex(({ id }) => id === refused?.id);
  const problems = (refused?.problems ?? noProblems).map((problem) =>
    problem.field === null || refusedIndex < 0
      ? problem
      : { ...problem, field: controlId(problem.field as 'label' | 'password', refusedIndex) },
  );
  const passkeyCard = ({ id, label, addedAt, lastUsedAt }: PasskeyView, index: number) =>
    html`<section class="card"><h2>${bidiIsolate(label)}</h2>
${descriptionList([
  [words.say('passkeys.added'), dateElement(words, addedAt)],
  [
    words.say('passkeys.used'),
    lastUsedAt === null ? words.say('frame.never') : dateElement(words, lastUsedAt),
  ],
])}
<details${isRefused(id, 'rename') ? html` open` : ''}><summary>${words.say('passkeys.rename')}</summary>
<form method="post" action="/account/passkeys/rename">${csrfField(frame)}<input type="hidden" name="passkey" value="${id}">
${formField({
  name: 'label',
  id: controlId('label', index),
  label: words.say('passkeys.label'),
  value: isRefused(id, 'rename') ? view.label : label,
  problem: fieldProblem(id, 'rename', 'label'),
  required: true,
  maxLength: 128,
})}
<div class="buttons"><button class="second">${words.say('passkeys.rename')}</button></div></form></details>
<details${isRefused(id, 'remove') ? html` open` : ''}><summary>${words.say('passkeys.remove-summary')}</summary>
<form method="post" action="/account/passkeys/remove">${csrfField(frame)}<input type="hidden" name="passkey" value="${id}">
${formField({
  name: 'password',
  id: controlId('password', index),
  label: words.say('account.current-password'),
  type: 'password',
  problem: fieldProblem(id, 'remove', 'password'),
  autocomplete: 'current-password',
  required: true,
  maxLength: 512,
})}
<div class="buttons"><button class="danger">${words.say('passkeys.remove', { label })}</button></div></form></details></section>`;
  return layout(
    frame,
    words.say('passkeys.title'),
    html`<p>${words.say('passkeys.intro')}</p>
${view.passkeys.length === 0 ? html`<p class="quiet">${words.say('passkeys.none')}</p>` : view.passkeys.map(passkeyCard)}
<h2>${words.say('passkeys.add-title')}</h2>
${passkeyForm(frame, {
  action: '/account/passkeys',
  optionsUrl: '/account/passkeys/options',
  ceremony: 'add',
  scriptNotice: words.say('passkeys.script'),
  body: html`${formField({
    name: 'label',
    label: words.say('passkeys.label'),
    help: words.say('passkeys.label-help'),
    value: isRefused(null, 'add') ? view.label : '',
    problem: fieldProblem(null, 'add', 'label'),
    required: true,
    maxLength: 128,
  })}
${formField({ name: 'password', label: words.say('account.current-password'), type: 'password', autocomplete: 'current-password', required: true, maxLength: 512 })}
<div class="buttons"><button type="submit">${words.say('passkeys.add')}</button></div>`,
})}
<p><a href="/account">${words.say('passkeys.back')}</a></p>`,
    { problems },
  );
}
