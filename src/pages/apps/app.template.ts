import { html } from 'hono/html';
import type { Client, Stage } from '#registry/model/client.ts';
import { bidiIsolate, dateElement, descriptionList } from '../components.ts';
import type { Html } from '../frame.ts';
import { stageName } from '../refusal-texts.ts';
import type { Words } from '../words.ts';

// What several pages about apps show.

/** Kinds of apps, as people choose them: by where the app runs and whom it is for. */
export const appKinds = ['server', 'device', 'service', 'own', 'oauth1', 'own-oauth1'] as const;
export type AppKind = (typeof appKinds)[number];

export function kindOf({
  protocol,
  ownerOnly,
  confidential,
  grantTypes,
}: Pick<Client, 'protocol' | 'ownerOnly' | 'confidential' | 'grantTypes'>): AppKind {
  if (protocol === 'oauth1') return ownerOnly ? 'own-oauth1' : 'oauth1';
  if (ownerOnly) return 'own';
  if (!confidential) return 'device';
  return grantTypes.includes('authorization_code') ? 'server' : 'service';
}

export const isOwnerOnly = (kind: AppKind): boolean => kind === 'own' || kind === 'own-oauth1';
/** Acts for itself alone: nobody signs in to it, and nobody is sent back to it. */
export const isService = (kind: AppKind): boolean => kind === 'service';
export const isOAuth1 = (kind: AppKind): boolean => kind === 'oauth1' || kind === 'own-oauth1';

/** One permission in plain words. */
export interface Permission {
  readonly name: string;
  readonly description: string;
  /** Null: a low one. */
  readonly risk: string | null;
  /** A person may leave it out. */
  readonly optional: boolean;
}

export interface PermissionGroup {
  readonly label: string;
  readonly scopes: readonly Permission[];
}

/** An app as its viewer may see it. */
export interface AppView {
  readonly id: string;
  /** Null: hidden from this viewer, as its words, owner and address are then. */
  readonly name: string | null;
  readonly version: string;
  readonly description: string;
  /** Null: somebody who left. */
  readonly ownerName: string | null;
  readonly kind: AppKind;
  /** Null: every site. */
  readonly site: string | null;
  readonly destination: string | null;
  readonly redirectIsPrefix: boolean;
  readonly groups: readonly PermissionGroup[];
  /** What an app that only learns who somebody is learns; null: it is none. */
  readonly identityDescription: string | null;
  /** It may ask about the access tokens of every app (RFC 7662). */
  readonly introspector: boolean;
  readonly stage: Stage;
  readonly stageAt: number;
  readonly suppressed: boolean;
  readonly suspension: Client['suspension'];
  /** The operator's own. */
  readonly managed: boolean;
  readonly registeredAt: number;
  /** Unix seconds of the day; null: not yet. */
  readonly lastUsedAt: number | null;
}

const stageTones = {
  approved: 'good',
  proposed: 'warn',
  rejected: 'bad',
  expired: '',
  disabled: 'bad',
  configured: '',
} as const satisfies Record<Stage, string>;

export const stageBadge = (words: Words, stage: Stage): Html =>
  html`<span class="badge ${stageTones[stage]}">${stageName(words, stage)}</span>`;

/** Stage, and what else holds back an app. */
export const appBadges = (
  words: Words,
  app: Pick<AppView, 'stage' | 'suppressed' | 'suspension' | 'managed' | 'kind'>,
): Html =>
  html`${stageBadge(words, app.stage)}${app.managed && app.stage !== 'configured' ? html` <span class="badge">${words.say('stage.configured')}</span>` : ''}${
    isOwnerOnly(app.kind) ? html` <span class="badge">${words.say('apps.own-badge')}</span>` : ''
  }${app.suppressed ? html` <span class="badge bad">${words.say('apps.suppressed-badge')}</span>` : ''}${
    app.suspension === 'none'
      ? ''
      : html` <span class="badge bad">${words.say('apps.suspended-badge')}</span>`
  }`;

/** The name of an app with its version. */
export const appTitle = (words: Words, app: Pick<AppView, 'name' | 'version'>): Html =>
  app.name === null
    ? html`${words.say('apps.hidden-name')}`
    : html`${bidiIsolate(app.name)} <span class="quiet">${bidiIsolate(app.version)}</span>`;

const permissionItem = (words: Words, { description, risk, optional }: Permission): Html =>
  html`<li>${description}${risk === null ? '' : html` <span class="risk">(${risk})</span>`}${
    optional ? html` <span class="quiet">– ${words.say('apps.optional')}</span>` : ''
  }</li>`;

/** What an app may do, in plain words by group. */
export function permissionList(
  words: Words,
  {
    groups,
    identityDescription,
    introspector,
  }: Pick<AppView, 'groups' | 'identityDescription' | 'introspector'>,
): Html {
  const introspectorNotice = introspector
    ? html`<p class="advice">${words.say('apps.introspector')}</p>`
    : html``;
  if (identityDescription !== null) return html`<p>${identityDescription}</p>${introspectorNotice}`;
  if (groups.length === 0)
    return html`<p>${words.say('apps.nothing-more')}</p>${introspectorNotice}`;
  return html`${groups.map(({ label, scopes }) => html`<h3>${label}</h3><ul>${scopes.map((scope) => permissionItem(words, scope))}</ul>`)}${introspectorNotice}`;
}

/** The facts everybody may see. */
export function appFacts(
  words: Words,
  app: AppView,
  extraRows: Parameters<typeof descriptionList>[0] = [],
): Html {
  const isHidden = app.name === null;
  return descriptionList([
    [words.say('apps.id'), html`<code>${app.id}</code>`],
    isHidden
      ? null
      : [
          words.say('field.ownerId'),
          app.managed
            ? words.say('frame.operator')
            : bidiIsolate(app.ownerName ?? words.say('frame.nobody')),
        ],
    [
      words.say('field.site'),
      app.site === null ? words.say('frame.every-site') : bidiIsolate(app.site),
    ],
    [words.say('field.protocol'), words.say(`apps.kind.${app.kind}`)],
    isHidden || isOwnerOnly(app.kind) || app.destination === null
      ? null
      : [words.say('apps.returns-to'), bidiIsolate(app.destination)],
    [words.say('apps.registered'), dateElement(words, app.registeredAt)],
    ...extraRows,
  ]);
}

/** A choice from a list. */
export function selectField(view: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly help?: string;
  readonly problem?: string | null;
}): Html {
  const { name, label, value, options, help, problem } = view;
  const described = [help === undefined ? '' : `${name}-help`, problem ? `${name}-problem` : '']
    .filter((id) => id !== '')
    .join(' ');
  return html`<div class="field"><label for="${name}">${label}</label>
${help === undefined ? '' : html`<p class="help" id="${name}-help">${help}</p>`}
<select id="${name}" name="${name}"${described === '' ? '' : html` aria-describedby="${described}"`}${problem ? html` aria-invalid="true"` : ''}>${options.map(
    ([option, text]) =>
      html`<option value="${option}"${option === value ? html` selected` : ''}>${text}</option>`,
  )}</select>
${problem ? html`<p class="problem" id="${name}-problem">${problem}</p>` : ''}</div>`;
}

/** A box to tick. */
export const checkboxField = (
  name: string,
  label: Html | string,
  checked: boolean,
  options: {
    readonly help?: string;
    readonly required?: boolean;
    readonly id?: string;
    readonly problem?: string | null;
  } = {},
): Html =>
  html`<label class="choice"><input type="checkbox" name="${name}" value="1"${options.id === undefined ? '' : html` id="${options.id}"`}${checked ? html` checked` : ''}${
    options.required ? html` required` : ''
  }${options.problem ? html` aria-invalid="true" aria-describedby="${name}-problem"` : ''}><span>${label}${
    options.help === undefined ? '' : html` <span class="help">${options.help}</span>`
  }</span></label>${options.problem ? html`<p class="problem" id="${name}-problem">${options.problem}</p>` : ''}`;
