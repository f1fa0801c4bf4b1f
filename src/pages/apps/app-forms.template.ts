import { html } from 'hono/html';
import { differenceTable, type ShownChange } from '../audit-table.ts';
import { atControls, type FormProblem, problemAt } from '../form-problems.ts';
import { type Frame, field, type Html, layout, named, phrase, proof } from '../layout.ts';
import type { Words } from '../words.ts';
import {
  type AppKind,
  appKinds,
  choose,
  isOAuth1,
  isOwn,
  isService,
  type PermissionGroup,
  tick,
} from './app.template.ts';

// The forms that describe an app: a new one, and a change of one.

/** What a person typed, kept as it is until it is accepted. */
export interface AppDraft {
  readonly kind: AppKind;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly redirectUri: string;
  readonly redirectIsPrefix: boolean;
  readonly site: string;
  /** `scopes`, or the one scope of an app that only learns who somebody is. */
  readonly access: string;
  readonly scopes: ReadonlySet<string>;
  readonly optional: ReadonlySet<string>;
  readonly addresses: string;
  readonly rsaPublicKey: string;
  readonly pkceOptional: boolean;
  readonly actsForItself: boolean;
  readonly tokenAlgorithm: string;
  readonly terms: boolean;
  readonly reason: string;
}

/** What can be chosen from. */
export interface AppChoices {
  readonly groups: readonly PermissionGroup[];
  readonly identities: readonly (readonly [name: string, description: string])[];
  readonly sites: readonly (readonly [id: string, name: string])[];
  /** What every app may do. */
  readonly always: readonly string[];
}

interface FormView {
  readonly draft: AppDraft;
  readonly choices: AppChoices;
  readonly problems: readonly FormProblem[];
}

/** The controls of what the registry calls otherwise; null: nothing on the form says it. */
const controls: Readonly<Record<string, string | null>> = {
  optionalScopes: 'scopes',
  restrictions: 'addresses',
  termsAccepted: 'terms',
  ...Object.fromEntries(
    [
      'email',
      'protocol',
      'ownerOnly',
      'confidential',
      'grantTypes',
      'changeToken',
      'clientId',
      'ownerId',
    ].map((field) => [field, null]),
  ),
};

const problemsOf = ({ draft: { kind }, problems }: FormView): readonly FormProblem[] =>
  atControls(
    problems,
    isOwn(kind) || isService(kind) ? { ...controls, redirectUri: null } : controls,
  );
const at = (view: FormView, ...fields: readonly string[]): string | null =>
  problemAt(problemsOf(view), ...fields);

/** The question that chooses the protocol. `from`: the dialect whose address led here. */
export function choosePage(
  frame: Frame,
  {
    mayRegister,
    from,
  }: { readonly mayRegister: 'yes' | 'no-email'; readonly from: 'mediawiki' | null },
): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('new.title'),
    html`${mayRegister === 'yes' ? '' : html`<p class="advice">${words.say('refusal.email_not_confirmed')} <a href="/account">${words.say('new.to-account')}</a></p>`}
<p>${words.say('new.question')}</p>
<ul class="plain-list">${appKinds.map(
      (
        kind,
      ) => html`<li class="card"><h2><a href="/my/apps/new?kind=${kind}${from === null ? '' : `&from=${from}`}">${words.say(`new.kind.${kind}`)}</a></h2>
<p>${words.say(`new.kind-help.${kind}`)}</p><p class="quiet">${words.say(`apps.kind.${kind}`)}</p></li>`,
    )}</ul>`,
  );
}

/** Where advice is waved through. */
const wavedThrough = (words: Words, { problems }: FormView): Html =>
  problems.some(({ ignorable }) => ignorable === true)
    ? html`<div class="advice">${tick('ignore_warnings', words.say('new.ignore'), false)}</div>`
    : html``;

const nameFields = (words: Words, view: FormView): Html =>
  html`${field({
    name: 'name',
    label: words.say('field.name'),
    help: words.say('new.name-help'),
    value: view.draft.name,
    most: 128,
    required: true,
    problem: at(view, 'name'),
  })}`;

const wordsFields = (words: Words, view: FormView): Html => {
  const { kind, description, redirectUri, redirectIsPrefix, site } = view.draft;
  return html`${field({
    name: 'description',
    label: words.say('field.description'),
    help: words.say('new.description-help'),
    value: description,
    rows: 4,
    required: true,
    problem: at(view, 'description'),
  })}
${
  isOwn(kind) || isService(kind)
    ? ''
    : field({
        name: 'redirectUri',
        label: words.say('field.redirectUri'),
        help: words.say(
          kind === 'device'
            ? 'new.redirect-help-device'
            : kind === 'oauth1'
              ? 'new.redirect-help-oauth1'
              : 'new.redirect-help',
        ),
        value: redirectUri,
        most: 2000,
        required: true,
        problem: at(view, 'redirectUri'),
      })
}
${kind === 'oauth1' ? tick('redirectIsPrefix', words.say('field.redirectIsPrefix'), redirectIsPrefix, { help: words.say('new.prefix-help'), id: 'redirectIsPrefix', problem: at(view, 'redirectIsPrefix') }) : ''}
${siteField(words, view, site)}`;
};

/**
 * Where there is one site there is nothing to choose, and what the app was registered for stays.
 */
const siteField = (words: Words, view: FormView, site: string): Html =>
  view.choices.sites.length < 2 && at(view, 'site') === null
    ? html`<input type="hidden" name="site" value="${site}">`
    : choose({
        name: 'site',
        label: words.say('field.site'),
        value: site,
        options: [['*', words.say('frame.every-site')], ...view.choices.sites],
        help: words.say('new.site-help'),
        problem: at(view, 'site'),
      });

const scopeRow = (
  words: Words,
  { draft }: FormView,
  { name, description, risk }: PermissionGroup['scopes'][number],
  own: boolean,
): Html =>
  html`<div class="pair">${tick(`scope.${name}`, html`${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`} <code class="quiet">${name}</code>`, draft.scopes.has(name))}${
    own
      ? ''
      : html`<label class="choice quiet"><input type="checkbox" name="optional.${name}" value="1"${draft.optional.has(name) ? html` checked` : ''} aria-label="${words.say('new.optional-of', { scope: description })}"><span>${words.say('apps.optional')}</span></label>`
  }</div>`;

/** What the app wants to do: only know who somebody is, or things, by group. */
function scopeFields(words: Words, view: FormView): Html {
  const { draft, choices } = view;
  // Nobody is asked: neither its owner, nor anybody by a service.
  const own = isOwn(draft.kind) || isService(draft.kind);
  const legend = isService(draft.kind)
    ? 'new.scopes-service'
    : own
      ? 'new.scopes-own'
      : 'new.scopes';
  const problem = at(view, 'scopes');
  const way = (value: string, label: string) =>
    html`<label class="choice"><input type="radio" name="access" value="${value}"${draft.access === value ? html` checked` : ''} data-shows><span>${label}</span></label>`;
  return html`<fieldset id="scopes" tabindex="-1"${problem === null ? '' : html` aria-describedby="scopes-problem"`}><legend>${words.say(legend)}</legend>
${problem === null ? '' : html`<p class="problem" id="scopes-problem">${problem}</p>`}
${own ? html`<input type="hidden" name="access" value="scopes">` : html`${choices.identities.map(([name, description]) => way(name, description))}${way('scopes', words.say('new.access-scopes'))}`}
<div${own ? '' : html` data-shown-by="access" data-shown-for="scopes"`}>
<p class="help">${choices.always.length > 0 ? words.say('new.always', { scopes: words.list(choices.always) }) : ''} ${own ? '' : words.say('new.optional-help')}</p>
${choices.groups.map(({ label, scopes }) => html`<h2>${label}</h2>${scopes.map((scope) => scopeRow(words, view, scope, own))}`)}
</div></fieldset>`;
}

/** What is rarely changed. */
function moreFields(words: Words, view: FormView): Html {
  const { draft } = view;
  const { kind } = draft;
  const problem = at(view, 'addresses', 'rsaPublicKey', 'pkceOptional', 'tokenAlgorithm');
  return html`<details${problem === null && !draft.pkceOptional ? '' : html` open`}><summary>${words.say('new.more')}</summary>
${kind === 'server' ? tick('actsForItself', words.say('new.acts-for-itself'), draft.actsForItself) : ''}
${
  kind === 'server'
    ? tick('pkceOptional', words.say('field.pkceOptional'), draft.pkceOptional, {
        help: words.say('new.pkce-help'),
        id: 'pkceOptional',
        problem: at(view, 'pkceOptional'),
      })
    : ''
}
${
  isOAuth1(kind)
    ? ''
    : choose({
        name: 'tokenAlgorithm',
        label: words.say('field.tokenAlgorithm'),
        value: draft.tokenAlgorithm,
        options: [
          ['ES256', 'ES256'],
          ['RS256', 'RS256'],
        ],
        problem: at(view, 'tokenAlgorithm'),
      })
}
${isOAuth1(kind) ? field({ name: 'rsaPublicKey', label: words.say('field.rsaPublicKey'), help: words.say('new.rsa-help'), value: draft.rsaPublicKey, rows: 4, problem: at(view, 'rsaPublicKey') }) : ''}
${field({ name: 'addresses', label: words.say('field.restrictions'), help: words.say('new.addresses-help'), value: draft.addresses, rows: 3, problem: at(view, 'addresses') })}
</details>`;
}

export interface NewAppView extends FormView {
  /** Contact address: the account's. */
  readonly email: string;
  /** The app it is a new version of. */
  readonly copied: string | null;
  /** The dialect whose address led here: its rules of registration hold. */
  readonly from: 'mediawiki' | null;
}

/** The description of a new app. */
export function newAppPage(frame: Frame, view: NewAppView): Html {
  const { words } = frame;
  const { draft, from } = view;
  return layout(
    frame,
    words.say('new.title'),
    html`<p>${words.say(`new.kind.${draft.kind}`)} <span class="quiet">(${words.say(`apps.kind.${draft.kind}`)})</span> <a href="/my/apps/new${from === null ? '' : `?from=${from}`}">${words.say('new.other-kind')}</a></p>
${view.copied === null ? '' : html`<p class="advice">${phrase(words, 'new.copied', { app: named(view.copied) })}</p>`}
<form method="post" action="/my/apps/new">
${proof(frame)}<input type="hidden" name="kind" value="${draft.kind}">${from === null ? '' : html`<input type="hidden" name="from" value="${from}">`}
${wavedThrough(words, view)}
${nameFields(words, view)}
${field({ name: 'version', label: words.say('field.version'), help: words.say('new.version-help'), value: draft.version, most: 32, required: true, problem: at(view, 'version') })}
${wordsFields(words, view)}
${scopeFields(words, view)}
${moreFields(words, view)}
<p class="quiet">${phrase(words, isOwn(draft.kind) ? 'new.contact-own' : 'new.contact', { email: named(view.email) })}</p>
${tick('terms', words.say('new.terms', { site: frame.siteName }), draft.terms, { required: true, id: 'terms', problem: at(view, 'terms') })}
<div class="buttons"><button name="register" value="1">${words.say(isOwn(draft.kind) ? 'new.register-own' : 'new.register')}</button><a class="button second" href="/my/apps">${words.say('apps.back')}</a></div>
</form>`,
    { wide: true, problems: problemsOf(view) },
  );
}

export interface ReviseView extends FormView {
  readonly appId: string;
  readonly appName: string;
  readonly changeToken: string;
  /** A change waits already, and would be replaced. */
  readonly open: boolean;
}

const reviseHead = (frame: Frame, { changeToken }: Pick<ReviseView, 'changeToken'>): Html =>
  html`${proof(frame)}<input type="hidden" name="change_token" value="${changeToken}">`;

/** A change of an approved app. */
export function revisePage(frame: Frame, view: ReviseView): Html {
  const { words } = frame;
  const own = isOwn(view.draft.kind);
  return layout(
    frame,
    words.say('revise.title', { app: view.appName }),
    html`<p>${words.say(own ? 'revise.intro-own' : 'revise.intro')}</p>
${view.open ? html`<p class="advice">${words.say('revise.replaces')}</p>` : ''}
<form method="post" action="/my/apps/${view.appId}/revise">
${reviseHead(frame, view)}
${wavedThrough(words, view)}
${nameFields(words, view)}
${wordsFields(words, view)}
${scopeFields(words, view)}
${field({ name: 'reason', label: words.say('frame.reason'), help: words.say('revise.reason-help'), value: view.draft.reason, most: 255, problem: at(view, 'reason') })}
<div class="buttons"><button name="look" value="1">${words.say('revise.look')}</button><a class="button second" href="/my/apps/${view.appId}">${words.say('apps.back')}</a></div>
</form>`,
    { wide: true, problems: problemsOf(view) },
  );
}

export interface PreviewView {
  readonly appId: string;
  readonly appName: string;
  readonly changeToken: string;
  readonly differences: readonly ShownChange[];
  /** Nobody has to review it. */
  readonly atOnce: boolean;
  readonly open: boolean;
  /** Every value that was sent, to be sent again. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** The difference, before it is sent. */
export function previewPage(frame: Frame, view: PreviewView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('revise.title', { app: view.appName }),
    html`${differenceTable(words, view.differences)}
<p>${words.say(view.atOnce ? 'revise.at-once' : 'revise.waits')}</p>
${view.open ? html`<p class="advice">${words.say('revise.replaces')}</p>` : ''}
<form method="post" action="/my/apps/${view.appId}/revise">
${reviseHead(frame, view)}
${view.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<div class="buttons"><button name="send" value="1">${words.say(view.atOnce ? 'revise.apply' : 'revise.send')}</button><button name="edit" value="1" class="second">${words.say('revise.edit')}</button></div>
</form>`,
    { wide: true },
  );
}
