import { html } from 'hono/html';
import { formField } from '../components.ts';
import { type FormProblem, mapToControls, problemAt } from '../form-problems.ts';
import type { Html } from '../frame.ts';
import type { MessageKey, Words } from '../words.ts';
import {
  type AppKind,
  checkboxField,
  isOAuth1,
  isOwnerOnly,
  isService,
  type PermissionGroup,
  selectField,
} from './app.template.ts';

// Fields that describe an app, in the forms of a new one and of a change of one.

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

/** A form with what was typed, and what is wrong with it. */
export interface AppFormView {
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

/** The problems, each at the control that it is said at. */
export const controlProblems = ({
  draft: { kind },
  problems,
}: AppFormView): readonly FormProblem[] =>
  mapToControls(
    problems,
    isOwnerOnly(kind) || isService(kind) ? { ...controlIds, redirectUri: null } : controlIds,
  );
/** The problem at one of these fields; null: there is none. */
export const fieldProblem = (view: AppFormView, ...fields: readonly string[]): string | null =>
  problemAt(controlProblems(view), ...fields);

/** Where advice is waved through. */
export const ignoreWarningsBox = (words: Words, { problems }: AppFormView): Html =>
  problems.some(({ ignorable }) => ignorable === true)
    ? html`<div class="advice">${checkboxField('ignore_warnings', words.say('new.ignore'), false)}</div>`
    : html``;

export const nameFields = (words: Words, view: AppFormView): Html =>
  html`${formField({
    name: 'name',
    label: words.say('field.name'),
    help: words.say('new.name-help'),
    value: view.draft.name,
    maxLength: 128,
    required: true,
    problem: fieldProblem(view, 'name'),
  })}`;

function redirectHelp(kind: AppKind): MessageKey {
  if (kind === 'device') return 'new.redirect-help-device';
  return kind === 'oauth1' ? 'new.redirect-help-oauth1' : 'new.redirect-help';
}

export const descriptionFields = (words: Words, view: AppFormView): Html => {
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
        help: words.say(redirectHelp(kind)),
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

function scopesLegend(kind: AppKind): MessageKey {
  if (isService(kind)) return 'new.scopes-service';
  return isOwnerOnly(kind) ? 'new.scopes-own' : 'new.scopes';
}

/** What the app wants to do: only know who somebody is, or things, by group. */
export function scopeFields(words: Words, view: AppFormView): Html {
  const { draft, choices } = view;
  // Nobody is asked: neither its owner, nor anybody by a service.
  const withoutConsent = isOwnerOnly(draft.kind) || isService(draft.kind);
  const problem = fieldProblem(view, 'scopes');
  const accessOption = (value: string, label: string) =>
    html`<label class="choice"><input type="radio" name="access" value="${value}"${draft.access === value ? html` checked` : ''} data-shows><span>${label}</span></label>`;
  return html`<fieldset id="scopes" tabindex="-1"${problem === null ? '' : html` aria-describedby="scopes-problem"`}><legend>${words.say(scopesLegend(draft.kind))}</legend>
${problem === null ? '' : html`<p class="problem" id="scopes-problem">${problem}</p>`}
${withoutConsent ? html`<input type="hidden" name="access" value="scopes">` : html`${choices.identityScopes.map(([name, description]) => accessOption(name, description))}${accessOption('scopes', words.say('new.access-scopes'))}`}
<div${withoutConsent ? '' : html` data-shown-by="access" data-shown-for="scopes"`}>
<p class="help">${choices.impliedScopes.length > 0 ? words.say('new.always', { scopes: words.formatList(choices.impliedScopes) }) : ''} ${withoutConsent ? '' : words.say('new.optional-help')}</p>
${choices.groups.map(({ label, scopes }) => html`<h2>${label}</h2>${scopes.map((scope) => scopeRow(words, view, scope, withoutConsent))}`)}
</div></fieldset>`;
}

/** What is rarely changed. */
export function advancedFields(words: Words, view: AppFormView): Html {
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
