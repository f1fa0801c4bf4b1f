import { html } from 'hono/html';
import {
  type AuditEntryView,
  actionName,
  actorName,
  auditLogTable,
  type DisplayChange,
  differenceTable,
} from '../audit-table.ts';
import {
  bidiIsolate,
  csrfField,
  dateElement,
  formField,
  messageWithHtml,
  timeElement,
} from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import {
  type AppView,
  appBadges,
  appFacts,
  checkboxField,
  isOAuth1,
  isOwnerOnly,
  isService,
  permissionList,
} from './app.template.ts';
import { singleButtonForm } from './single-button-form.template.ts';

/** A secret, without itself. */
export interface SecretView {
  readonly id: number;
  readonly label: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

export interface ManageView {
  readonly app: AppView;
  readonly role: 'owner' | 'maintainer';
  readonly etag: string;
  /** Contact address; null: not this viewer's business. */
  readonly email: string | null;
  readonly redirectUri: string;
  readonly lastDecision: AuditEntryView | null;
  readonly revision: {
    readonly id: number;
    readonly at: number;
    readonly by: string | null;
    readonly differences: readonly DisplayChange[];
  } | null;
  /** Null: there is nothing this person may change now, whatever it is. */
  readonly may: {
    /** Secrets, restrictions. */
    readonly update: boolean;
    readonly revise: boolean;
    readonly copy: boolean;
    readonly test: boolean;
    /** Invite, offer. */
    readonly team: boolean;
  };
  /** Null: the app keeps none. */
  readonly secrets: readonly SecretView[] | null;
  readonly maxSecrets: number;
  readonly userId: number;
  readonly maintainers: readonly {
    readonly id: number;
    readonly name: string | null;
    readonly accepted: boolean;
  }[];
  readonly offeredTo: string | null;
  /** What is typed in the small forms: as it is, or as it was refused. */
  readonly formValues: Readonly<
    Record<'label' | 'expires' | 'addresses' | 'rsaPublicKey' | 'invite' | 'offer', string>
  >;
  /** The form that was refused; null: none. */
  readonly refusedForm: string | null;
  readonly problems: readonly FormProblem[];
  readonly history: readonly AuditEntryView[];
}

const appForm = (
  frame: Frame,
  { app, etag }: ManageView,
  action: string,
  body: Html,
  confirmation?: string,
): Html =>
  html`<form method="post" action="/my/apps/${app.id}/${action}"${confirmation === undefined ? '' : html` data-confirm="${confirmation}"`}>${csrfField(frame)}<input type="hidden" name="change_token" value="${etag}">${body}</form>`;

/** What is said at a field of one of the forms. */
const fieldProblem = (
  { refusedForm, problems }: ManageView,
  form: string,
  field: string,
): string | null => (refusedForm === form ? problemAt(problems, field) : null);

function secretsPart(frame: Frame, view: ManageView): Html {
  const { words } = frame;
  const { app, secrets, may, etag, formValues } = view;
  if (secrets === null)
    return html`<h2 id="secrets">${words.say('field.secrets')}</h2><p>${words.say('issued.no-secret')}</p>`;
  const columns = ['field.label', 'manage.created', 'apps.last-used', 'field.expiresAt'] as const;
  return html`<h2 id="secrets">${words.say('field.secrets')}</h2>
<p class="quiet">${words.say('manage.secrets-help', { most: view.maxSecrets })}</p>
${
  secrets.length === 0
    ? html`<p>${words.say('manage.secrets-none')}</p>`
    : html`<table><caption>${words.say('manage.secrets-live')}</caption><thead><tr>${columns.map((key) => html`<th scope="col">${words.say(key)}</th>`)}${may.update ? html`<th scope="col">${words.say('manage.act')}</th>` : ''}</tr></thead><tbody>${secrets.map(
        ({
          id,
          label,
          createdAt,
          expiresAt,
          lastUsedAt,
        }) => html`<tr><td data-label="${words.say('field.label')}">${bidiIsolate(label)}</td>
<td data-label="${words.say('manage.created')}">${dateElement(words, createdAt)}</td>
<td data-label="${words.say('apps.last-used')}">${lastUsedAt === null ? words.say('frame.never') : dateElement(words, lastUsedAt)}</td>
<td data-label="${words.say('field.expiresAt')}">${expiresAt === null ? words.say('frame.never') : dateElement(words, expiresAt)}</td>
${may.update ? html`<td>${singleButtonForm(frame, { appId: app.id, action: 'retire-secret', etag, id, label: words.say('manage.retire', { label }), tone: 'danger', confirmation: words.say('manage.retire-sure', { label }) })}</td>` : ''}</tr>`,
      )}</tbody></table>`
}
${
  may.update
    ? html`<details${view.refusedForm === 'add-secret' ? html` open` : ''}><summary>${words.say('manage.add-secret')}</summary>${appForm(
        frame,
        view,
        'add-secret',
        html`<div class="filters">${formField({ name: 'label', label: words.say('field.label'), value: formValues.label, problem: fieldProblem(view, 'add-secret', 'label'), maxLength: 64, required: true })}
${formField({ name: 'expires', type: 'date', label: words.say('manage.expires'), value: formValues.expires, problem: fieldProblem(view, 'add-secret', 'expires') })}</div><div class="buttons"><button name="do" value="1">${words.say('manage.add-secret')}</button></div>`,
      )}</details>`
    : ''
}`;
}

const resetPart = (frame: Frame, view: ManageView): Html => {
  const { words } = frame;
  const { app, may, secrets } = view;
  if (!may.update || (secrets === null && !isOwnerOnly(app.kind))) return html``;
  const labelKey = isOwnerOnly(app.kind) ? 'manage.reset-own' : 'manage.reset';
  return html`<details${view.refusedForm === 'reset' ? html` open` : ''}><summary>${words.say(labelKey)}</summary>${appForm(
    frame,
    view,
    'reset',
    html`<p>${words.say(isOwnerOnly(app.kind) ? 'manage.reset-own-help' : 'manage.reset-help')}</p>${checkboxField('sure', words.say('manage.reset-sure'), false, { required: true, id: 'sure', problem: fieldProblem(view, 'reset', 'sure') })}<div class="buttons"><button name="do" value="1" class="danger">${words.say(labelKey)}</button></div>`,
  )}</details>`;
};

const restrictionsPart = (frame: Frame, view: ManageView): Html => {
  const { words } = frame;
  const { app, formValues } = view;
  if (!view.may.update) return html``;
  const hasRsaKey = isOAuth1(app.kind);
  return html`<h2 id="restrictions">${words.say('field.restrictions')}</h2>${appForm(
    frame,
    view,
    'update',
    html`${formField({ name: 'addresses', label: words.say('manage.addresses'), help: words.say('new.addresses-help'), value: formValues.addresses, problem: fieldProblem(view, 'update', 'addresses'), rows: 3 })}
${hasRsaKey ? formField({ name: 'rsaPublicKey', label: words.say('field.rsaPublicKey'), help: words.say('new.rsa-help'), value: formValues.rsaPublicKey, problem: fieldProblem(view, 'update', 'rsaPublicKey'), rows: 4 }) : ''}
<div class="buttons"><button name="do" value="1">${words.say('manage.save')}</button></div>`,
  )}`;
};

function teamPart(frame: Frame, view: ManageView): Html {
  const { words } = frame;
  const { app, maintainers, may, etag, userId, offeredTo, formValues } = view;
  const isOwner = view.role === 'owner';
  if (isOwnerOnly(app.kind) && !may.team) return html``;
  return html`<h2 id="team">${words.say('manage.team')}</h2>
${
  isOwnerOnly(app.kind)
    ? ''
    : html`<p class="quiet">${words.say('manage.team-help')}</p>${
        maintainers.length === 0
          ? html`<p>${words.say('manage.team-none')}</p>`
          : html`<ul class="plain-list">${maintainers.map(
              ({ id, name, accepted }) =>
                html`<li class="buttons"><span>${bidiIsolate(name ?? words.say('frame.nobody'))}${accepted ? '' : html` <span class="badge">${words.say('manage.invited')}</span>`}</span>${
                  isOwner || id === userId
                    ? singleButtonForm(frame, {
                        appId: app.id,
                        action: 'leave',
                        etag,
                        id,
                        label: words.say(id === userId ? 'manage.leave' : 'manage.remove', {
                          name: name ?? '',
                        }),
                        tone: 'danger',
                        confirmation: words.say('manage.leave-sure'),
                      })
                    : ''
                }</li>`,
            )}</ul>`
      }${
        isOwner && may.team
          ? appForm(
              frame,
              view,
              'invite',
              html`<div class="filters">${formField({ name: 'invite', label: words.say('manage.invite-name'), value: formValues.invite, problem: fieldProblem(view, 'invite', 'invite'), maxLength: 255, required: true })}<button name="do" value="1" class="second">${words.say('manage.invite')}</button></div>`,
            )
          : ''
      }`
}
${
  isOwner && (may.team || offeredTo !== null)
    ? html`<h3>${words.say('manage.give')}</h3>${
        offeredTo === null
          ? html`<p class="quiet">${words.say('manage.give-help')}</p>${appForm(frame, view, 'offer', html`<div class="filters">${formField({ name: 'offer', label: words.say('manage.offer-name'), value: formValues.offer, problem: fieldProblem(view, 'offer', 'offer'), maxLength: 255, required: true })}<button name="do" value="1" class="second">${words.say('manage.offer')}</button></div>`)}`
          : html`<p>${messageWithHtml(words, 'manage.offered', { person: bidiIsolate(offeredTo) })}</p>${singleButtonForm(frame, { appId: app.id, action: 'decline-offer', etag, label: words.say('manage.offer-back'), tone: 'second' })}`
      }`
    : ''
}`;
}

/** A decision somebody made about the app. */
const decisionEntry = ({ words }: Frame, entry: AuditEntryView): Html =>
  html`<p>${actionName(words, entry.action)} <span class="quiet">– ${timeElement(words, entry.at)}, ${actorName(words, entry)}</span></p>${
    entry.reason === '' ? '' : html`<blockquote>${bidiIsolate(entry.reason)}</blockquote>`
  }`;

const revisionPart = (frame: Frame, view: ManageView): Html => {
  const { words } = frame;
  const { revision, app } = view;
  if (revision === null) return html``;
  const { id, at, by, differences } = revision;
  return html`<section class="card"><h2>${words.say('field.revision')}</h2>
<p>${messageWithHtml(words, 'manage.revision-by', { person: bidiIsolate(by ?? words.say('frame.operator')), day: dateElement(words, at) })}</p>
${differenceTable(words, differences)}
<div class="buttons">${view.may.revise ? html`<a class="button second" href="/my/apps/${app.id}/revise">${words.say('manage.revise-again')}</a>` : ''}${singleButtonForm(frame, { appId: app.id, action: 'withdraw', etag: view.etag, id, label: words.say('manage.withdraw'), tone: 'danger' })}</div></section>`;
};

/** Everything an owner or maintainer does with an app. */
export function managePage(frame: Frame, view: ManageView): Html {
  const { words } = frame;
  const { app, may } = view;
  const isHidden = app.name === null;
  const actionLinks = [
    may.test ? (['test', 'apps.test'] as const) : null,
    may.revise ? (['revise', 'manage.revise'] as const) : null,
  ].filter((one) => one !== null);
  return layout(
    frame,
    app.name ?? words.say('apps.hidden-name'),
    html`
<p>${appBadges(words, app)} <span class="quiet">${messageWithHtml(words, 'manage.since', { day: dateElement(words, app.stageAt) })}</span></p>
${isHidden ? html`<p class="advice">${words.say('apps.hidden-text')}</p>` : ''}
${app.managed ? html`<p class="advice">${words.say('refusal.managed_by_configuration')}</p>` : html`<p>${words.say(`manage.stage.${app.stage}`)}</p>`}
${app.suspension === 'none' ? '' : html`<p class="advice">${words.say(`manage.suspension.${app.suspension}`)}</p>`}
${view.lastDecision === null ? '' : html`<section class="card"><h2>${words.say('manage.decision')}</h2>${decisionEntry(frame, view.lastDecision)}</section>`}
<div class="buttons">${actionLinks.map(([path, key]) => html`<a class="button second" href="/my/apps/${app.id}/${path}">${words.say(key)}</a>`)}${
      may.copy
        ? html`<a class="button second" href="/my/apps/new?copy=${app.id}">${words.say('manage.copy')}</a>`
        : ''
    }<a href="/apps/${app.id}">${words.say('manage.public')}</a><a href="/my/help?app=${app.id}">${words.say('help.title')}</a></div>
${revisionPart(frame, view)}
<h2>${words.say('manage.facts')}</h2>
${isHidden || app.description === '' ? '' : html`<p>${bidiIsolate(app.description)}</p>`}
${appFacts(words, app, [
  isHidden ? null : [words.say('field.version'), bidiIsolate(app.version)],
  isHidden || isOwnerOnly(app.kind) || (view.redirectUri === '' && isService(app.kind))
    ? null
    : [
        words.say('field.redirectUri'),
        html`<code>${view.redirectUri}</code>${app.redirectIsPrefix ? html` <span class="quiet">${words.say('field.redirectIsPrefix')}</span>` : ''}`,
      ],
  view.email === null ? null : [words.say('field.email'), bidiIsolate(view.email)],
  [
    words.say('apps.last-used'),
    app.lastUsedAt === null ? words.say('frame.never') : dateElement(words, app.lastUsedAt),
  ],
])}
<h2>${words.say('apps.may')}</h2>${permissionList(words, app)}
${app.managed || isHidden ? '' : html`${secretsPart(frame, view)}${resetPart(frame, view)}${restrictionsPart(frame, view)}${teamPart(frame, view)}`}
<h2>${words.say('manage.history')}</h2>
${auditLogTable(words, view.history, { caption: words.say('manage.latest'), showApps: false, openChanges: false })}
<p><a href="/my/apps/${app.id}/history">${words.say('manage.history-all')}</a></p>`,
    { wide: true, problems: view.problems },
  );
}
