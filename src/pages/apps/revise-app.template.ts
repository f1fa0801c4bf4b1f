import { html } from 'hono/html';
import { type DisplayChange, differenceTable } from '../audit-table.ts';
import { csrfField, formField } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { isOwnerOnly } from './app.template.ts';
import {
  type AppFormView,
  controlProblems,
  descriptionFields,
  fieldProblem,
  ignoreWarningsBox,
  nameFields,
  scopeFields,
} from './app-fields.template.ts';

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
