import { html } from 'hono/html';
import { type AuditEntryView, actionName, auditActions, auditLogTable } from '../audit-table.ts';
import { formField, paginationLinks } from '../components.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';
import { adminNav } from './admin-nav.template.ts';
import type { AuditQuery } from './audit-query.ts';

/** Entries of the audit log, searched. */
export interface AuditView {
  readonly query: AuditQuery;
  readonly problems: readonly FormProblem[];
  readonly entries: readonly AuditEntryView[];
  /** People's consents are among the lines. */
  readonly includesConsents: boolean;
  readonly downloadHref: string;
  readonly first: string | null;
  readonly next: string | null;
}

/** Everything that happened, searched. */
export function auditPage(frame: Frame, view: AuditView): Html {
  const { words } = frame;
  const { query } = view;
  const actions = auditActions.filter(
    (action) => view.includesConsents || (action !== 'accept' && action !== 'renounce'),
  );
  return layout(
    frame,
    words.say('admin.audit'),
    html`${adminNav(frame, '/admin/audit')}<p>${words.say(view.includesConsents ? 'admin.audit-about-all' : 'admin.audit-about')}</p>
<form method="get" action="/admin/audit" class="filters" role="search">
${formField({ name: 'app', label: words.say('admin.audit-app'), value: query.app, problem: problemAt(view.problems, 'app'), maxLength: 128, autocomplete: 'off' })}
${formField({ name: 'actor', label: words.say('review.who'), value: query.actor, problem: problemAt(view.problems, 'actor'), maxLength: 255, autocomplete: 'off' })}
<div class="field"><label for="action">${words.say('review.what')}</label><select id="action" name="action"><option value="">${words.say('admin.any')}</option>${actions.map(
      (action) =>
        html`<option value="${action}"${action === query.action ? html` selected` : ''}>${actionName(words, action)}</option>`,
    )}</select></div>
${formField({ name: 'from', label: words.say('admin.from'), type: 'date', value: query.from, problem: problemAt(view.problems, 'from') })}
${formField({ name: 'until', label: words.say('admin.until'), type: 'date', value: query.until, problem: problemAt(view.problems, 'until') })}
<button class="second">${words.say('admin.find')}</button></form>
${
  view.entries.length === 0
    ? html`<p class="quiet">${words.say('admin.audit-none')}</p>`
    : html`${auditLogTable(words, view.entries, { caption: words.say('admin.audit-caption'), showApps: true, openChanges: false })}
${paginationLinks(words, view)}<p><a href="${view.downloadHref}" download>${words.say('admin.download')}</a> <span class="quiet">${words.say('admin.download-about')}</span></p>`
}`,
    { wide: true, problems: view.problems },
  );
}
