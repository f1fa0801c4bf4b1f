import { html } from 'hono/html';
import { type DisplayChange, differenceTable } from '../audit-table.ts';
import { bidiIsolate, csrfField, formField, messageWithHtml } from '../components.ts';
import { type FormProblem, mapToControls, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import type { Words } from '../words.ts';
import {
  type AppKind,
  appKinds,
  checkboxField,
  isOAuth1,
  isOwnerOnly,
  isService,
  type PermissionGroup,
  selectField,
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
  readonly identityScopes: readonly (readonly [name: string, description: string])[];
  readonly sites: readonly (readonly [id: string, name: string])[];
  /** What every app may do. */
  readonly impliedScopes: readonly string[];
}

interface AppFormView {
  readonly draft: AppDraft;
  readonly choices: AppChoices;
  readonly problems: readonly FormProblem[];
}

/** The controls of what the registry calls otherwise; null: nothing on the form says it. */
const controlIds: Readonly<Record<string, string | null>> = {
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
      'etag',
      'clientId',
      'ownerId',
    ].map((field) => [field, null]),
  ),
};

const controlProblems = ({ draft: { kind }, problems }: AppFormView): readonly FormProblem[] =>
  mapToControls(
    problems,
    isOwnerOnly(kind) || isService(kind) ? { ...controlIds, redirectUri: null } : controlIds,
  );
const fieldProblem = (view: AppFormView, ...fields: readonly string[]): string | null =>
  problemAt(controlProblems(view), ...fields);

/** The question that chooses the protocol. `from`: the dialect whose address led here. */
export function chooseAppKindPage(
  frame: Frame,
  {
    mayRegister,
    from: dialect,
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
      ) => html`<li class="card"><h2><a href="/my/apps/new?kind=${kind}${dialect === null ? '' : `&from=${dialect}`}">${words.say(`new.kind.${kind}`)}</a></h2>
<p>${words.say(`new.kind-help.${kind}`)}</p><p class="quiet">${words.say(`apps.kind.${kind}`)}</p></li>`,
    )}</ul>`,
  );
}

/** Where advice is waved through. */
const ignoreWarningsBox = (words: Words, { problems }: AppFormView): Html =>
  problems.some(({ ignorable }) => ignorable === true)
    ? html`<div class="advice">${checkboxField('ignore_warnings', words.say('new.ignore'), false)}</div>`
    : html``;

const nameFields = (words: Words, view: AppFormView): Html =>
  html`${formField({
    name: 'name',
    label: words.say('field.name'),
    help: words.say('new.name-help'),
    value: view.draft.name,
    maxLength: 128,
    required: true,
    problem: fieldProblem(view, 'name'),
  })}`;

const descriptionFields = (words: Words, view: AppFormView): Html => {
  const { kind, description, redirectUri, redirectIsPrefix, site } = view.draft;
  return html`${formField({
    name: 'description',
    label: words.say('field.description'),
    help: words.say('new.description-help'),
    value: description,
    rows: 4,
    required: true,
    problem: fieldProblem(view, 'description'),
  })}
${
  isOwnerOnly(kind) || isService(kind)
    ? ''
    : formField({
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
        maxLength: 2000,
        required: true,
        problem: fieldProblem(view, 'redirectUri'),
      })
}
${kind === 'oauth1' ? checkboxField('redirectIsPrefix', words.say('field.redirectIsPrefix'), redirectIsPrefix, { help: words.say('new.prefix-help'), id: 'redirectIsPrefix', problem: fieldProblem(view, 'redirectIsPrefix') }) : ''}
${siteField(words, view, site)}`;
};

/**
 * Where there is one site there is nothing to choose, and what the app was registered for stays.
 */
const siteField = (words: Words, view: AppFormView, site: string): Html =>
  view.choices.sites.length < 2 && fieldProblem(view, 'site') === null
    ? html`<input type="hidden" name="site" value="${site}">`
    : selectField({
        name: 'site',
        label: words.say('field.site'),
        value: site,
        options: [['*', words.say('frame.every-site')], ...view.choices.sites],
        help: words.say('new.site-help'),
        problem: fieldProblem(view, 'site'),
      });

const scopeRow = (
  words: Words,
  { draft }: AppFormView,
  { name, description, risk }: PermissionGroup['scopes'][number],
  ownerOnly: boolean,
): Html =>
  html`<div class="pair">${checkboxField(`scope.${name}`, html`${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`} <code class="quiet">${name}</code>`, draft.scopes.has(name))}${
    ownerOnly
      ? ''
      : html`<label class="choice quiet"><input type="checkbox" name="optional.${name}" value="1"${draft.optional.has(name) ? html` checked` : ''} aria-label="${words.say('new.optional-of', { scope: description })}"><span>${words.say('apps.optional')}</span></label>`
  }</div>`;

/** What the app wants to do: only know who somebody is, or things, by group. */
function scopeFields(words: Words, view: AppFormView): Html {
  const { draft, choices } = view;
  // Nobody is asked: neither its owner, nor anybody by a service.
  const withoutConsent = isOwnerOnly(draft.kind) || isService(draft.kind);
  const legend = isService(draft.kind)
    ? 'new.scopes-service'
    : withoutConsent
      ? 'new.scopes-own'
      : 'new.scopes';
  const problem = fieldProblem(view, 'scopes');
  const accessOption = (value: string, label: string) =>
    html`<label class="choice"><input type="radio" name="access" value="${value}"${draft.access === value ? html` checked` : ''} data-shows><span>${label}</span></label>`;
  return html`<fieldset id="scopes" tabindex="-1"${problem === null ? '' : html` aria-describedby="scopes-problem"`}><legend>${words.say(legend)}</legend>
${problem === null ? '' : html`<p class="problem" id="scopes-problem">${problem}</p>`}
${withoutConsent ? html`<input type="hidden" name="access" value="scopes">` : html`${choices.identityScopes.map(([name, description]) => accessOption(name, description))}${accessOption('scopes', words.say('new.access-scopes'))}`}
<div${withoutConsent ? '' : html` data-shown-by="access" data-shown-for="scopes"`}>
<p class="help">${choices.impliedScopes.length > 0 ? words.say('new.always', { scopes: words.formatList(choices.impliedScopes) }) : ''} ${withoutConsent ? '' : words.say('new.optional-help')}</p>
${choices.groups.map(({ label, scopes }) => html`<h2>${label}</h2>${scopes.map((scope) => scopeRow(words, view, scope, withoutConsent))}`)}
</div></fieldset>`;
}

/** What is rarely changed. */
function advancedFields(words: Words, view: AppFormView): Html {
  const { draft } = view;
  const { kind } = draft;
  const problem = fieldProblem(view, 'addresses', 'rsaPublicKey', 'pkceOptional', 'tokenAlgorithm');
  return html`<details${problem === null && !draft.pkceOptional ? '' : html` open`}><summary>${words.say('new.more')}</summary>
${kind === 'server' ? checkboxField('actsForItself', words.say('new.acts-for-itself'), draft.actsForItself) : ''}
${
  kind === 'server'
    ? checkboxField('pkceOptional', words.say('field.pkceOptional'), draft.pkceOptional, {
        help: words.say('new.pkce-help'),
        id: 'pkceOptional',
        problem: fieldProblem(view, 'pkceOptional'),
      })
    : ''
}
${
  isOAuth1(kind)
    ? ''
    : selectField({
        name: 'tokenAlgorithm',
        label: words.say('field.tokenAlgorithm'),
        value: draft.tokenAlgorithm,
        options: [
          ['ES256', 'ES256'],
          ['RS256', 'RS256'],
        ],
        problem: fieldProblem(view, 'tokenAlgorithm'),
      })
}
${isOAuth1(kind) ? formField({ name: 'rsaPublicKey', label: words.say('field.rsaPublicKey'), help: words.say('new.rsa-help'), value: draft.rsaPublicKey, rows: 4, problem: fieldProblem(view, 'rsaPublicKey') }) : ''}
${formField({ name: 'addresses', label: words.say('field.restrictions'), help: words.say('new.addresses-help'), value: draft.addresses, rows: 3, problem: fieldProblem(view, 'addresses') })}
</details>`;
}

export interface NewAppView extends AppFormView {
  /** Contact address: the account's. */
  readonly email: string;
  /** The app it is a new version of. */
  readonly copiedFrom: string | null;
  /** The dialect whose address led here: its rules of registration hold. */
  readonly dialect: 'mediawiki' | null;
}

/** The description of a new app. */
export function newAppPage(frame: Frame, view: NewAppView): Html {
  const { words } = frame;
  const { draft, dialect } = view;
  return layout(
    frame,
    words.say('new.title'),
    html`<p>${words.say(`new.kind.${draft.kind}`)} <span class="quiet">(${words.say(`apps.kind.${draft.kind}`)})</span> <a href="/my/apps/new${dialect === null ? '' : `?from=${dialect}`}">${words.say('new.other-kind')}</a></p>
${view.copiedFrom === null ? '' : html`<p class="advice">${messageWithHtml(words, 'new.copied', { app: bidiIsolate(view.copiedFrom) })}</p>`}
<form method="post" action="/my/apps/new">
${csrfField(frame)}<input type="hidden" name="kind" value="${draft.kind}">${dialect === null ? '' : html`<input type="hidden" name="from" value="${dialect}">`}
${ignoreWarningsBox(words, view)}
${nameFields(words, view)}
${formField({ name: 'version', label: words.say('field.version'), help: words.say('new.version-help'), value: draft.version, maxLength: 32, required: true, problem: fieldProblem(view, 'version') })}
${descriptionFields(words, view)}
${scopeFields(words, view)}
${advancedFields(words, view)}
<p class="quiet">${messageWithHtml(words, isOwnerOnly(draft.kind) ? 'new.contact-own' : 'new.contact', { email: bidiIsolate(view.email) })}</p>
${checkboxField('terms', words.say('new.terms', { site: frame.siteName }), draft.terms, { required: true, id: 'terms', problem: fieldProblem(view, 'terms') })}
<div class="buttons"><button name="register" value="1">${words.say(isOwnerOnly(draft.kind) ? 'new.register-own' : 'new.register')}</button><a class="button second" href="/my/apps">${words.say('apps.back')}</a></div>
</form>`,
    { wide: true, problems: controlProblems(view) },
  );
}

export interface ReviseView extends AppFormView {
  readonly appId: string;
  readonly appName: string;
  readonly etag: string;
  /** A change waits already, and would be replaced. */
  readonly replacesOpenRevision: boolean;
}

const reviseFormHead = (frame: Frame, { etag }: Pick<ReviseView, 'etag'>): Html =>
  html`${csrfField(frame)}<input type="hidden" name="change_token" value="${etag}">`;

/** A change of an approved app. */
export function revisePage(frame: Frame, view: ReviseView): Html {
  const { words } = frame;
  const ownerOnly = isOwnerOnly(view.draft.kind);
  return layout(
    frame,
    words.say('revise.title', { app: view.appName }),
    html`<p>${words.say(ownerOnly ? 'revise.intro-own' : 'revise.intro')}</p>
${view.replacesOpenRevision ? html`<p class="advice">${words.say('revise.replaces')}</p>` : ''}
<form method="post" action="/my/apps/${view.appId}/revise">
${reviseFormHead(frame, view)}
${ignoreWarningsBox(words, view)}
${nameFields(words, view)}
${descriptionFields(words, view)}
${scopeFields(words, view)}
${formField({ name: 'reason', label: words.say('frame.reason'), help: words.say('revise.reason-help'), value: view.draft.reason, maxLength: 255, problem: fieldProblem(view, 'reason') })}
<div class="buttons"><button name="look" value="1">${words.say('revise.look')}</button><a class="button second" href="/my/apps/${view.appId}">${words.say('apps.back')}</a></div>
</form>`,
    { wide: true, problems: controlProblems(view) },
  );
}

export interface PreviewView {
  readonly appId: string;
  readonly appName: string;
  readonly etag: string;
  readonly differences: readonly DisplayChange[];
  /** Nobody has to review it. */
  readonly appliesImmediately: boolean;
  readonly replacesOpenRevision: boolean;
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
<p>${words.say(view.appliesImmediately ? 'revise.at-once' : 'revise.waits')}</p>
${view.replacesOpenRevision ? html`<p class="advice">${words.say('revise.replaces')}</p>` : ''}
<form method="post" action="/my/apps/${view.appId}/revise">
${reviseFormHead(frame, view)}
${view.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<div class="buttons"><button name="send" value="1">${words.say(view.appliesImmediately ? 'revise.apply' : 'revise.send')}</button><button name="edit" value="1" class="second">${words.say('revise.edit')}</button></div>
</form>`,
    { wide: true },
  );
}
