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

interface PasskeysView {
  readonly passkeys: readonly PasskeyView[];
  readonly refused: RefusedPasskeyForm | null;
  /** The label that was typed into the form that was refused. */
  readonly label: string;
}

const isRefused = (
  { refused }: PasskeysView,
  id: string | null,
  action: RefusedPasskeyForm['action'],
): boolean => refused?.id === id && refused.action === action;

const fieldProblem = (
  view: PasskeysView,
  id: string | null,
  action: RefusedPasskeyForm['action'],
  field: string,
): string | null =>
  view.refused !== null && isRefused(view, id, action)
    ? problemAt(view.refused.problems, field)
    : null;

/**
 * The forms of each passkey have the same fields: their controls are told apart by the position of
 * the passkey in the list.
 */
const controlId = (name: string, index: number) => `${name}-${index}`;

/** What is wrong with the form that was refused, at its own controls. */
function controlProblems({ passkeys, refused }: PasskeysView): readonly FormProblem[] {
  const index = passkeys.findIndex(({ id }) => id === refused?.id);
  return (refused?.problems ?? noProblems).map((problem) =>
    problem.field === null || index < 0
      ? problem
      : { ...problem, field: controlId(problem.field, index) },
  );
}

function renameForm(frame: Frame, view: PasskeysView, { id, label }: PasskeyView, index: number) {
  const { words } = frame;
  const refused = isRefused(view, id, 'rename');
  return html`<details${refused ? html` open` : ''}><summary>${words.say('passkeys.rename')}</summary>
<form method="post" action="/account/passkeys/rename">${csrfField(frame)}<input type="hidden" name="passkey" value="${id}">
${formField({
  name: 'label',
  id: controlId('label', index),
  label: words.say('passkeys.label'),
  value: refused ? view.label : label,
  problem: fieldProblem(view, id, 'rename', 'label'),
  required: true,
  maxLength: 128,
})}
<div class="buttons"><button class="second">${words.say('passkeys.rename')}</button></div></form></details>`;
}

function removeForm(frame: Frame, view: PasskeysView, { id, label }: PasskeyView, index: number) {
  const { words } = frame;
  return html`<details${isRefused(view, id, 'remove') ? html` open` : ''}><summary>${words.say('passkeys.remove-summary')}</summary>
<form method="post" action="/account/passkeys/remove">${csrfField(frame)}<input type="hidden" name="passkey" value="${id}">
${formField({
  name: 'password',
  id: controlId('password', index),
  label: words.say('account.current-password'),
  type: 'password',
  problem: fieldProblem(view, id, 'remove', 'password'),
  autocomplete: 'current-password',
  required: true,
  maxLength: 512,
})}
<div class="buttons"><button class="danger">${words.say('passkeys.remove', { label })}</button></div></form></details>`;
}

const passkeyCard = (frame: Frame, view: PasskeysView, passkey: PasskeyView, index: number) =>
  html`<section class="card"><h2>${bidiIsolate(passkey.label)}</h2>
${descriptionList([
  [frame.words.say('passkeys.added'), dateElement(frame.words, passkey.addedAt)],
  [
    frame.words.say('passkeys.used'),
    passkey.lastUsedAt === null
      ? frame.words.say('frame.never')
      : dateElement(frame.words, passkey.lastUsedAt),
  ],
])}
${renameForm(frame, view, passkey, index)}
${removeForm(frame, view, passkey, index)}</section>`;

function addForm(frame: Frame, view: PasskeysView): Html {
  const { words } = frame;
  return passkeyForm(frame, {
    action: '/account/passkeys',
    optionsUrl: '/account/passkeys/options',
    ceremony: 'add',
    scriptNotice: words.say('passkeys.script'),
    body: html`${formField({
      name: 'label',
      label: words.say('passkeys.label'),
      help: words.say('passkeys.label-help'),
      value: isRefused(view, null, 'add') ? view.label : '',
      problem: fieldProblem(view, null, 'add', 'label'),
      required: true,
      maxLength: 128,
    })}
${formField({ name: 'password', label: words.say('account.current-password'), type: 'password', autocomplete: 'current-password', required: true, maxLength: 512 })}
<div class="buttons"><button type="submit">${words.say('passkeys.add')}</button></div>`,
  });
}

/** A person's passkeys: add, rename, remove. */
export function passkeysPage(frame: Frame, view: PasskeysView): Html {
  const { words } = frame;
  const cards = view.passkeys.map((passkey, index) => passkeyCard(frame, view, passkey, index));
  return layout(
    frame,
    words.say('passkeys.title'),
    html`<p>${words.say('passkeys.intro')}</p>
${cards.length === 0 ? html`<p class="quiet">${words.say('passkeys.none')}</p>` : cards}
<h2>${words.say('passkeys.add-title')}</h2>
${addForm(frame, view)}
<p><a href="/account">${words.say('passkeys.back')}</a></p>`,
    { problems: controlProblems(view) },
  );
}
