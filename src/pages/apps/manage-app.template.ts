import { html } from 'hono/html';
import { differenceTable, type ShownChange, type TrailLine, trailTable } from '../audit-table.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import { dayOf, type Frame, field, type Html, layout, named, phrase, proof } from '../layout.ts';
import {
  type AppView,
  appFacts,
  badges,
  isOAuth1,
  isOwn,
  isService,
  permissions,
  tick,
} from './app.template.ts';
import { decisionLine, oneButton } from './my-apps.template.ts';

/** A secret, without itself. */
export interface SecretView {
  readonly id: number;
  readonly label: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsed: number | null;
}

export interface ManageView {
  readonly app: AppView;
  readonly role: 'owner' | 'maintainer';
  readonly changeToken: string;
  /** Contact address; null: not this viewer's business. */
  readonly email: string | null;
  readonly redirectUri: string;
  readonly decision: TrailLine | null;
  readonly revision: {
    readonly id: number;
    readonly at: number;
    readonly by: string | null;
    readonly differences: readonly ShownChange[];
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
  readonly mostSecrets: number;
  readonly userId: number;
  readonly maintainers: readonly {
    readonly id: number;
    readonly name: string | null;
    readonly accepted: boolean;
  }[];
  readonly offeredTo: string | null;
  /** What is typed in the small forms: as it is, or as it was refused. */
  readonly typed: Readonly<
    Record<'label' | 'expires' | 'addresses' | 'rsaPublicKey' | 'invite' | 'offer', string>
  >;
  /** The form that was refused; null: none. */
  readonly refusedForm: string | null;
  readonly problems: readonly FormProblem[];
  readonly history: readonly TrailLine[];
}

const open = (
  frame: Frame,
  { app, changeToken }: ManageView,
  action: string,
  body: Html,
  sure?: string,
): Html =>
  html`<form method="post" action="/my/apps/${app.id}/${action}"${sure === undefined ? '' : html` data-confirm="${sure}"`}>${proof(frame)}<input type="hidden" name="change_token" value="${changeToken}">${body}</form>`;

/** What is said at a field of one of the forms. */
const at = ({ refusedForm, problems }: ManageView, form: string, field: string): string | null =>
  refusedForm === form ? problemAt(problems, field) : null;

function secretsPart(frame: Frame, view: ManageView): Html {
  const { words } = frame;
  const { app, secrets, may, changeToken, typed } = view;
  if (secrets === null)
    return html`<h2 id="secrets">${words.say('field.secrets')}</h2><p>${words.say('issued.no-secret')}</p>`;
  const columns = ['field.label', 'manage.created', 'apps.last-used', 'field.expiresAt'] as const;
  return html`<h2 id="secrets">${words.say('field.secrets')}</h2>
<p class="quiet">${words.say('manage.secrets-help', { most: view.mostSecrets })}</p>
${
  secrets.length === 0
    ? html`<p>${words.say('manage.secrets-none')}</p>`
    : html`<table><caption>${words.say('manage.secrets-live')}</caption><thead><tr>${columns.map((key) => html`<th scope="col">${words.say(key)}</th>`)}${may.update ? html`<th scope="col">${words.say('manage.act')}</th>` : ''}</tr></thead><tbody>${secrets.map(
        ({
          id,
          label,
          createdAt,
          expiresAt,
          lastUsed,
        }) => html`<tr><td data-label="${words.say('field.label')}">${named(label)}</td>
<td data-label="${words.say('manage.created')}">${dayOf(words, createdAt)}</td>
<td data-label="${words.say('apps.last-used')}">${lastUsed === null ? words.say('frame.never') : dayOf(words, lastUsed)}</td>
<td data-label="${words.say('field.expiresAt')}">${expiresAt === null ? words.say('frame.never') : dayOf(words, expiresAt)}</td>
${may.update ? html`<td>${oneButton(frame, { appId: app.id, action: 'retire-secret', changeToken, id, label: words.say('manage.retire', { label }), tone: 'danger', sure: words.say('manage.retire-sure', { label }) })}</td>` : ''}</tr>`,
      )}</tbody></table>`
}
${
  may.update
    ? html`<details${view.refusedForm === 'add-secret' ? html` open` : ''}><summary>${words.say('manage.add-secret')}</summary>${open(
        frame,
        view,
        'add-secret',
        html`<div class="filters">${field({ name: 'label', label: words.say('field.label'), value: typed.label, problem: at(view, 'add-secret', 'label'), most: 64, required: true })}
${field({ name: 'expires', type: 'date', label: words.say('manage.expires'), value: typed.expires, problem: at(view, 'add-secret', 'expires') })}</div><div class="buttons"><button name="do" value="1">${words.say('manage.add-secret')}</button></div>`,
      )}</details>`
    : ''
}`;
}

const resetPart = (frame: Frame, view: ManageView): Html => {
  const { words } = frame;
  const { app, may, secrets } = view;
  if (!may.update || (secrets === null && !isOwn(app.kind))) return html``;
  const what = isOwn(app.kind) ? 'manage.reset-own' : 'manage.reset';
  return html`<details${view.refusedForm === 'reset' ? html` open` : ''}><summary>${words.say(what)}</summary>${open(
    frame,
    view,
    'reset',
    html`<p>${words.say(isOwn(app.kind) ? 'manage.reset-own-help' : 'manage.reset-help')}</p>${tick('sure', words.say('manage.reset-sure'), false, { required: true, id: 'sure', problem: at(view, 'reset', 'sure') })}<div class="buttons"><button name="do" value="1" class="danger">${words.say(what)}</button></div>`,
  )}</details>`;
};

const restrictionsPart = (frame: Frame, view: ManageView): Html => {
  const { words } = frame;
  const { app, typed } = view;
  if (!view.may.update) return html``;
  const rsa = isOAuth1(app.kind);
  return html`<h2 id="restrictions">${words.say('field.restrictions')}</h2>${open(
    frame,
    view,
    'update',
    html`${field({ name: 'addresses', label: words.say('manage.addresses'), help: words.say('new.addresses-help'), value: typed.addresses, problem: at(view, 'update', 'addresses'), rows: 3 })}
${rsa ? field({ name: 'rsaPublicKey', label: words.say('field.rsaPublicKey'), help: words.say('new.rsa-help'), value: typed.rsaPublicKey, problem: at(view, 'update', 'rsaPublicKey'), rows: 4 }) : ''}
<div class="buttons"><button name="do" value="1">${words.say('manage.save')}</button></div>`,
  )}`;
};

function teamPart(frame: Frame, view: ManageView): Html {
  const { words } = frame;
  const { app, maintainers, may, changeToken, userId, offeredTo, typed } = view;
  const owner = view.role === 'owner';
  if (isOwn(app.kind) && !may.team) return html``;
  return html`<h2 id="team">${words.say('manage.team')}</h2>
${
  isOwn(app.kind)
    ? ''
    : html`<p class="quiet">${words.say('manage.team-help')}</p>${
        maintainers.length === 0
          ? html`<p>${words.say('manage.team-none')}</p>`
          : html`<ul class="plain-list">${maintainers.map(
              ({ id, name, accepted }) =>
                html`<li class="buttons"><span>${named(name ?? words.say('frame.nobody'))}${accepted ? '' : html` <span class="badge">${words.say('manage.invited')}</span>`}</span>${
                  owner || id === userId
                    ? oneButton(frame, {
                        appId: app.id,
                        action: 'leave',
                        changeToken,
                        id,
                        label: words.say(id === userId ? 'manage.leave' : 'manage.remove', {
                          name: name ?? '',
                        }),
                        tone: 'danger',
                        sure: words.say('manage.leave-sure'),
                      })
                    : ''
                }</li>`,
            )}</ul>`
      }${
        owner && may.team
          ? open(
              frame,
              view,
              'invite',
              html`<div class="filters">${field({ name: 'invite', label: words.say('manage.invite-name'), value: typed.invite, problem: at(view, 'invite', 'invite'), most: 255, required: true })}<button name="do" value="1" class="second">${words.say('manage.invite')}</button></div>`,
            )
          : ''
      }`
}
${
  owner && (may.team || offeredTo !== null)
    ? html`<h3>${words.say('manage.give')}</h3>${
        offeredTo === null
          ? html`<p class="quiet">${words.say('manage.give-help')}</p>${open(frame, view, 'offer', html`<div class="filters">${field({ name: 'offer', label: words.say('manage.offer-name'), value: typed.offer, problem: at(view, 'offer', 'offer'), most: 255, required: true })}<button name="do" value="1" class="second">${words.say('manage.offer')}</button></div>`)}`
          : html`<p>${phrase(words, 'manage.offered', { person: named(offeredTo) })}</p>${oneButton(frame, { appId: app.id, action: 'decline-offer', changeToken, label: words.say('manage.offer-back'), tone: 'second' })}`
      }`
    : ''
}`;
}

const revisionPart = (frame: Frame, view: ManageView): Html => {
  const { words } = frame;
  const { revision, app } = view;
  if (revision === null) return html``;
  const { id, at, by, differences } = revision;
  return html`<section class="card"><h2>${words.say('field.revision')}</h2>
<p>${phrase(words, 'manage.revision-by', { person: named(by ?? words.say('frame.operator')), day: dayOf(words, at) })}</p>
${differenceTable(words, differences)}
<div class="buttons">${view.may.revise ? html`<a class="button second" href="/my/apps/${app.id}/revise">${words.say('manage.revise-again')}</a>` : ''}${oneButton(frame, { appId: app.id, action: 'withdraw', changeToken: view.changeToken, id, label: words.say('manage.withdraw'), tone: 'danger' })}</div></section>`;
};

/** Everything an owner or maintainer does with an app. */
export function managePage(frame: Frame, view: ManageView): Html {
  const { words } = frame;
  const { app, may } = view;
  const hidden = app.name === null;
  const links = [
    may.test ? (['test', 'apps.test'] as const) : null,
    may.revise ? (['revise', 'manage.revise'] as const) : null,
  ].filter((one) => one !== null);
  return layout(
    frame,
    app.name ?? words.say('apps.hidden-name'),
    html`
<p>${badges(words, app)} <span class="quiet">${phrase(words, 'manage.since', { day: dayOf(words, app.stageAt) })}</span></p>
${hidden ? html`<p class="advice">${words.say('apps.hidden-text')}</p>` : ''}
${app.managed ? html`<p class="advice">${words.say('refusal.managed_by_configuration')}</p>` : html`<p>${words.say(`manage.stage.${app.stage}`)}</p>`}
${app.halted === 'nothing' ? '' : html`<p class="advice">${words.say(`manage.halted.${app.halted}`)}</p>`}
${view.decision === null ? '' : html`<section class="card"><h2>${words.say('manage.decision')}</h2>${decisionLine(frame, view.decision)}</section>`}
<div class="buttons">${links.map(([path, key]) => html`<a class="button second" href="/my/apps/${app.id}/${path}">${words.say(key)}</a>`)}${
      may.copy
        ? html`<a class="button second" href="/my/apps/new?copy=${app.id}">${words.say('manage.copy')}</a>`
        : ''
    }<a href="/apps/${app.id}">${words.say('manage.public')}</a><a href="/my/help?app=${app.id}">${words.say('help.title')}</a></div>
${revisionPart(frame, view)}
<h2>${words.say('manage.facts')}</h2>
${hidden || app.description === '' ? '' : html`<p>${named(app.description)}</p>`}
${appFacts(words, app, [
  hidden ? null : [words.say('field.version'), named(app.version)],
  hidden || isOwn(app.kind) || (view.redirectUri === '' && isService(app.kind))
    ? null
    : [
        words.say('field.redirectUri'),
        html`<code>${view.redirectUri}</code>${app.redirectIsPrefix ? html` <span class="quiet">${words.say('field.redirectIsPrefix')}</span>` : ''}`,
      ],
  view.email === null ? null : [words.say('field.email'), named(view.email)],
  [
    words.say('apps.last-used'),
    app.lastUsed === null ? words.say('frame.never') : dayOf(words, app.lastUsed),
  ],
])}
<h2>${words.say('apps.may')}</h2>${permissions(words, app)}
${app.managed || hidden ? '' : html`${secretsPart(frame, view)}${resetPart(frame, view)}${restrictionsPart(frame, view)}${teamPart(frame, view)}`}
<h2>${words.say('manage.history')}</h2>
${trailTable(words, view.history, { caption: words.say('manage.latest'), apps: false, open: false })}
<p><a href="/my/apps/${app.id}/history">${words.say('manage.history-all')}</a></p>`,
    { wide: true, problems: view.problems },
  );
}
