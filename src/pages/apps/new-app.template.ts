import { html } from 'hono/html';
import { bidiIsolate, csrfField, formField, messageWithHtml } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { appKinds, checkboxField, isOwnerOnly } from './app.template.ts';
import {
  type AppFormView,
  advancedFields,
  controlProblems,
  descriptionFields,
  fieldProblem,
  ignoreWarningsBox,
  nameFields,
  scopeFields,
} from './app-fields.template.ts';

/** The question that chooses the protocol. `from`: the dialect whose address led here. */
export function chooseAppKindPage(
  frame: Frame,
  {
    mayRegister,
    from: dialect,
  }: { readonly mayRegister: 'yes' | 'no-email'; readonly from: string | null },
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

export interface NewAppView extends AppFormView {
  /** Contact address: the account's. */
  readonly email: string;
  /** The app it is a new version of. */
  readonly copiedFrom: string | null;
  /** The dialect whose address led here: its rules of registration hold. */
  readonly dialect: string | null;
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
