import { html } from 'hono/html';
import { tick } from '../apps/app.template.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import {
  dayOf,
  type Frame,
  facts,
  field,
  type Html,
  layout,
  named,
  phrase,
  proof,
  timeOf,
} from '../layout.ts';
import { languageNames, languages, type Words } from '../words.ts';

/** One signed-in browser. */
export interface SessionLine {
  readonly id: string;
  readonly agent: string;
  readonly address: string;
  readonly since: number;
  readonly here: boolean;
}

/** What the page of a person's own account shows. */
export interface AccountView {
  readonly name: string;
  readonly since: number;
  readonly groups: readonly string[];
  /** Drafts, where a form was refused. */
  readonly realName: string;
  readonly language: string | null;
  readonly email: string | null;
  readonly emailConfirmed: boolean;
  readonly emailDraft: string;
  /** Nobody may invite the person, or offer them an app. */
  readonly invitationsDeclined: boolean;
  readonly letters: boolean;
  readonly sessions: readonly SessionLine[];
  readonly passkeys: number;
  readonly problems: readonly FormProblem[];
}

const first = (
  agent: string,
  known: readonly (readonly [pattern: RegExp, name: string])[],
): string | null => known.find(([pattern]) => pattern.test(agent))?.[1] ?? null;

// Browsers claim to be each other: the more special ones come first.
const browsers = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/Chrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
] as const;
const systems = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
] as const;

/** A browser in plain words, from what it says it is. */
export function browserName(words: Words, agent: string): string {
  const [browser, system] = [first(agent, browsers), first(agent, systems)];
  if (browser !== null && system !== null)
    return words.say('account.browser-on', { browser, system });
  return browser ?? system ?? words.say('account.browser-unknown');
}

const button = (name: string, text: string, kind = '') =>
  html`<div class="buttons"><button type="submit" name="${name}" value="1"${kind === '' ? '' : html` class="${kind}"`}>${text}</button></div>`;

function profilePart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  const { problems } = view;
  const option = (value: string, label: string, lang?: string) =>
    html`<option value="${value}"${lang === undefined ? '' : html` lang="${lang}"`}${value === (view.language ?? '') ? html` selected` : ''}>${label}</option>`;
  return html`<section class="card" aria-labelledby="about"><h2 id="about">${words.say('account.profile')}</h2>
${facts([
  [words.say('account.name'), named(view.name)],
  [words.say('account.since'), dayOf(words, view.since)],
  view.groups.length === 0 ? null : [words.say('account.groups'), words.list(view.groups)],
])}
<form method="post" action="/account/profile">${proof(frame)}
${field({
  name: 'real-name',
  label: words.say('account.real-name'),
  value: view.realName,
  help: words.say('account.real-name-help'),
  problem: problemAt(problems, 'real-name'),
  autocomplete: 'name',
  most: 255,
})}
<div class="field"><label for="language">${words.say('account.language')}</label>
<select id="language" name="language">${option('', words.say('account.language-any'))}${languages.map((language) => option(language, languageNames[language], language))}</select></div>
${tick('no-invitations', words.say('account.no-invitations'), view.invitationsDeclined)}
${button('save', words.say('account.save'))}
</form></section>`;
}

function emailPart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  const { problems } = view;
  const state = view.emailConfirmed
    ? html`<span class="badge good">${words.say('account.email-confirmed')}</span>`
    : html`<span class="badge warn">${words.say('account.email-unconfirmed')}</span>`;
  return html`<section class="card" aria-labelledby="e-mail"><h2 id="e-mail">${words.say('account.email')}</h2>
${facts([[words.say('account.email-now'), view.email === null ? words.say('account.email-none') : html`${named(view.email)} ${state}`]])}
${
  view.letters
    ? html`<form method="post" action="/account/email">${proof(frame)}
${field({
  name: 'email',
  label: words.say('account.email-new'),
  type: 'email',
  value: view.emailDraft,
  help: words.say('account.email-help'),
  problem: problemAt(problems, 'email'),
  autocomplete: 'email',
  required: true,
  most: 255,
})}
${field({
  name: 'email-password',
  label: words.say('account.current-password'),
  type: 'password',
  problem: problemAt(problems, 'email-password'),
  autocomplete: 'current-password',
  required: true,
  most: 512,
})}
${button('send', words.say('account.email-send'))}
</form>`
    : html`<p>${words.say('account.no-mail')}</p>`
}</section>`;
}

function passwordPart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  const { problems } = view;
  return html`<section class="card" aria-labelledby="password"><h2 id="password">${words.say('account.password')}</h2>
<p class="quiet">${words.say('account.password-intro')}</p>
<form method="post" action="/account/password">${proof(frame)}
<input type="text" name="username" value="${view.name}" autocomplete="username" hidden readonly>
${field({
  name: 'current-password',
  label: words.say('account.current-password'),
  type: 'password',
  problem: problemAt(problems, 'current-password'),
  autocomplete: 'current-password',
  required: true,
  most: 512,
})}
${newPassword(words, problemAt(problems, 'new-password'))}
${button('change', words.say('account.password-change'))}
</form>
<p><a href="/password/forgotten">${words.say('sign-in.forgotten')}</a></p></section>`;
}

/** The field for a password that is being chosen. */
export const newPassword = (words: Words, problem: string | null): Html =>
  field({
    name: 'new-password',
    label: words.say('password.new'),
    help: words.say('setup.password-help'),
    type: 'password',
    problem,
    autocomplete: 'new-password',
    required: true,
    least: 8,
    most: 512,
  });

/** Keeps the page small; the rest ends with "sign out everywhere". */
const MOST_SESSIONS = 20;

function sessionsPart(frame: Frame, view: AccountView): Html {
  const { words } = frame;
  // The one in front of us is always among them.
  const shown = view.sessions.filter(({ here }, index) => here || index < MOST_SESSIONS);
  const more = view.sessions.length - shown.length;
  const row = (session: SessionLine) => {
    const [browser, since] = [browserName(words, session.agent), words.time(session.since)];
    return html`<tr>
<td data-label="${words.say('account.browser')}">${browser}${session.here ? html` <span class="badge good">${words.say('account.this-one')}</span>` : ''}</td>
<td data-label="${words.say('account.address')}">${named(session.address)}</td>
<td data-label="${words.say('account.session-since')}">${timeOf(words, session.since)}</td>
<td>${
      session.here
        ? ''
        : html`<form method="post" action="/account/sessions/end">${proof(frame)}<input type="hidden" name="session" value="${session.id}"><button class="plain" aria-label="${words.say('account.end-this', { browser, since })}">${words.say('account.end')}</button></form>`
    }</td>
</tr>`;
  };
  return html`<section class="card" aria-labelledby="sessions"><h2 id="sessions">${words.say('account.sessions')}</h2>
<table aria-labelledby="sessions"><thead><tr><th scope="col">${words.say('account.browser')}</th><th scope="col">${words.say('account.address')}</th><th scope="col">${words.say('account.session-since')}</th><td></td></tr></thead>
<tbody>${shown.map(row)}</tbody></table>
${more > 0 ? html`<p class="quiet">${words.say('account.sessions-more', { count: more })}</p>` : ''}
<form method="post" action="/account/sessions/end-all">${proof(frame)}
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
<p>${words.say('account.passkeys-count', { count: view.passkeys })}</p><p><a href="/account/passkeys">${words.say('account.passkeys-see')}</a></p></section>
${sessionsPart(frame, view)}`,
    { problems: view.problems },
  );
}

/**
 * Asks whether an address shall become the person's: a link alone is opened by programs that look
 * through mail.
 */
export function confirmEmailPage(
  frame: Frame,
  view: { readonly token: string; readonly name: string; readonly address: string },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('confirm.title'),
    html`<p>${phrase(words, 'confirm.intro', { name: named(view.name), address: html`<strong>${named(view.address)}</strong>` })}</p>
<form method="post" action="/account/email/confirm">${proof(frame)}
<input type="hidden" name="token" value="${view.token}">
${button('confirm', words.say('confirm.button'))}
</form>`,
  );
}
