import { html } from 'hono/html';
import { actionName, type TrailLine, trailActions, trailTable } from '../audit-table.ts';
import { type FormProblem, problemAt } from '../form-problems.ts';
import { type Frame, field, type Html, layout, pager } from '../layout.ts';
import { adminNav } from './admin.template.ts';

/** What was asked for, as it was typed. */
export interface AuditQuery {
  readonly app: string;
  readonly actor: string;
  readonly action: string;
  readonly from: string;
  readonly until: string;
}

export interface AuditView {
  readonly query: AuditQuery;
  readonly problems: readonly FormProblem[];
  readonly lines: readonly TrailLine[];
  /** People's consents are among the lines. */
  readonly consents: boolean;
  readonly download: string;
  readonly first: string | null;
  readonly next: string | null;
}

/** Everything that happened, searched. */
export function auditPage(frame: Frame, view: AuditView): Html {
  const { words } = frame;
  const { query } = view;
  const actions = trailActions.filter(
    (action) => view.consents || (action !== 'accept' && action !== 'renounce'),
  );
  return layout(
    frame,
    words.say('admin.audit'),
    html`${adminNav(frame, '/admin/audit')}<p>${words.say(view.consents ? 'admin.audit-about-all' : 'admin.audit-about')}</p>
<form method="get" action="/admin/audit" class="filters" role="search">
${field({ name: 'app', label: words.say('admin.audit-app'), value: query.app, problem: problemAt(view.problems, 'app'), most: 128, autocomplete: 'off' })}
${field({ name: 'actor', label: words.say('review.who'), value: query.actor, problem: problemAt(view.problems, 'actor'), most: 255, autocomplete: 'off' })}
<div class="field"><label for="action">${words.say('review.what')}</label><select id="action" name="action"><option value="">${words.say('admin.any')}</option>${actions.map(
      (action) =>
        html`<option value="${action}"${action === query.action ? html` selected` : ''}>${actionName(words, action)}</option>`,
    )}</select></div>
${field({ name: 'from', label: words.say('admin.from'), type: 'date', value: query.from, problem: problemAt(view.problems, 'from') })}
${field({ name: 'until', label: words.say('admin.until'), type: 'date', value: query.until, problem: problemAt(view.problems, 'until') })}
<button class="second">${words.say('admin.find')}</button></form>
${
  view.lines.length === 0
    ? html`<p class="quiet">${words.say('admin.audit-none')}</p>`
    : html`${trailTable(words, view.lines, { caption: words.say('admin.audit-caption'), apps: true, open: false })}
${pager(words, view)}<p><a href="${view.download}" download>${words.say('admin.download')}</a> <span class="quiet">${words.say('admin.download-about')}</span></p>`
}`,
    { wide: true, problems: view.problems },
  );
}
