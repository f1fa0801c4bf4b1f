import { html } from 'hono/html';
import { checkboxField } from '../apps/app.template.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  descriptionList,
  formField,
  timeElement,
} from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { languageNames, languages } from '../words.ts';
import { browserName } from './browser-name.ts';
import { newPasswordField } from './new-password-field.ts';

/** One signed-in browser. */
export interface SessionView {
  readonly id: string;
  readonly userAgent: string;
  readonly address: string;
  readonly signedInAt: number;
  readonly isCurrent: boolean;
}

/** What the page of a person's own account shows. */
export interface AccountView {
  readonly name: string;
  readonly memberSince: number;
  readonly groups: readonly string[];
  /** Drafts, where a form was refused. */
  readonly realName: string;
  readonly language: string | null;
  readonly email: string | null;
  readonly emailConfirmed: boolean;
  readonly emailDraft: string;
  /** Nobody may invite the person, or offer them an app. */
  readonly invitationsDeclined: boolean;
  readonly mailEnabled: boolean;
  readonly sessions: readonly SessionView[];
  readonly passkeyCount: number;
  readonly problems: readonly FormProblem[];
}

const submitButton = (name: string, text: string, kind = '') =>
  html`<div class="buttons"><button type="submit" name="${name}" value="1"${kind === '' ? '' : html` class="${kind}"`}>${text}</button></div>`;

function profilePart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  const { problems } = view;
  const option = (value: string, label: string, lang?: string) =>
    html`<option value="${value}"${lang === undefined ? '' : html` lang="${lang}"`}${value === (view.language ?? '') ? html` selected` : ''}>${label}</option>`;
  return html`<section class="card" aria-labelledby="about"><h2 id="about">${words.say('account.profile')}</h2>
${descriptionList([
  [words.say('account.name'), bidiIsolate(view.name)],
  [words.say('account.since'), dateElement(words, view.memberSince)],
  view.groups.length === 0 ? null : [words.say('account.groups'), words.formatList(view.groups)],
])}
<form method="post" action="/account/profile">${csrfField(frame)}
${formField({
  name: 'real-name',
  label: words.say('account.real-name'),
  value: view.realName,
  help: words.say('account.real-name-help'),
  problem: problemAt(problems, 'real-name'),
  autocomplete: 'name',
  maxLength: 255,
})}
<div class="field"><label for="language">${words.say('account.language')}</label>
<select id="language" name="language">${option('', words.say('account.language-any'))}${languages.map((language) => option(language, languageNames[language], language))}</select></div>
${checkboxField('no-invitations', words.say('account.no-invitations'), view.invitationsDeclined)}
${submitButton('save', words.say('account.save'))}
</form></section>`;
}

function emailPart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  const { problems } = view;
  const state = view.emailConfirmed
    ? html`<span class="badge good">${words.say('account.email-confirmed')}</span>`
    : html`<span class="badge warn">${words.say('account.email-unconfirmed')}</span>`;
  return html`<section class="card" aria-labelledby="e-mail"><h2 id="e-mail">${words.say('account.email')}</h2>
${descriptionList([[words.say('account.email-now'), view.email === null ? words.say('account.email-none') : html`${bidiIsolate(view.email)} ${state}`]])}
${
  view.mailEnabled
    ? html`<form method="post" action="/account/email">${csrfField(frame)}
${formField({
  name: 'email',
  label: words.say('account.email-new'),
  type: 'email',
  value: view.emailDraft,
  help: words.say('account.email-help'),
  problem: problemAt(problems, 'email'),
  autocomplete: 'email',
  required: true,
  maxLength: 255,
})}
${formField({
  name: 'email-password',
  label: words.say('account.current-password'),
  type: 'password',
  problem: problemAt(problems, 'email-password'),
  autocomplete: 'current-password',
  required: true,
  maxLength: 512,
})}
${submitButton('send', words.say('account.email-send'))}
</form>`
    : html`<p>${words.say('account.no-mail')}</p>`
}</section>`;
}

function passwordPart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  const { problems } = view;
  return html`<section class="card" aria-labelledby="password"><h2 id="password">${words.say('account.password')}</h2>
<p class="quiet">${words.say('account.password-intro')}</p>
<form method="post" action="/account/password">${csrfField(frame)}
<input type="text" name="username" value="${view.name}" autocomplete="username" hidden readonly>
${formField({
  name: 'current-password',
  label: words.say('account.current-password'),
  type: 'password',
  problem: problemAt(problems, 'current-password'),
  autocomplete: 'current-password',
  required: true,
  maxLength: 512,
})}
${newPasswordField(words, problemAt(problems, 'new-password'))}
${submitButton('change', words.say('account.password-change'))}
</form>
<p><a href="/password/forgotten">${words.say('sign-in.forgotten')}</a></p></section>`;
}

/** Keeps the page small; the rest ends with "sign out everywhere". */
const MAX_SESSIONS_SHOWN = 20;

function sessionsPart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  // The one in front of us is always among them.
  const listedSessions = view.sessions.filter(
    ({ isCurrent }, index) => isCurrent || index < MAX_SESSIONS_SHOWN,
  );
  const hiddenCount = view.sessions.length - listedSessions.length;
  const row = (session: SessionView) => {
    const [browser, signedInAt] = [
      browserName(words, session.userAgent),
      words.formatDateTime(session.signedInAt),
    ];
    return html`<tr>
<td data-label="${words.say('account.browser')}">${browser}${session.isCurrent ? html` <span class="badge good">${words.say('account.this-one')}</span>` : ''}</td>
<td data-label="${words.say('account.address')}">${bidiIsolate(session.address)}</td>
<td data-label="${words.say('account.session-since')}">${timeElement(words, session.signedInAt)}</td>
<td>${
      session.isCurrent
        ? ''
        : html`<form method="post" action="/account/sessions/end">${csrfField(frame)}<input type="hidden" name="session" value="${session.id}"><button class="plain" aria-label="${words.say('account.end-this', { browser, since: signedInAt })}">${words.say('account.end')}</button></form>`
    }</td>
</tr>`;
  };
  return html`<section class="card" aria-labelledby="sessions"><h2 id="sessions">${words.say('account.sessions')}</h2>
<table aria-labelledby="sessions"><thead><tr><th scope="col">${words.say('account.browser')}</th><th scope="col">${words.say('account.address')}</th><th scope="col">${words.say('account.session-since')}</th><td></td></tr></thead>
<tbody>${listedSessions.map(row)}</tbody></table>
${hiddenCount > 0 ? html`<p class="quiet">${words.say('account.sessions-more', { count: hiddenCount })}</p>` : ''}
<form method="post" action="/account/sessions/end-all">${csrfField(frame)}
<div class="buttons"><button type="submit" name="everywhere" value="1" class="danger">${words.say('account.everywhere')}</button> <span class="quiet">${words.say('account.everywhere-help')}</span></div>
</form></section>`;
}

/** A person's own account. */
export function accountPage(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('account.title'),
    html`${profilePart(frame, view)}
${emailPart(frame, view)}
${passwordPart(frame, view)}
<section class="card" aria-labelledby="passkeys"><h2 id="passkeys">${words.say('account.passkeys')}</h2>
<p>${words.say('account.passkeys-count', { count: view.passkeyCount })}</p><p><a href="/account/passkeys">${words.say('account.passkeys-see')}</a></p></section>
${sessionsPart(frame, view)}`,
    { problems: view.problems },
  );
}
