import { html } from 'hono/html';
import { type AuditEntryView, auditLogTable } from '../audit-table.ts';
import { paginationLinks } from '../components.ts';
import type { Frame, Html } from '../frame.ts';
import { layout } from '../layout.ts';

export interface HistoryView {
  readonly appId: string;
  readonly appName: string | null;
  readonly entries: readonly AuditEntryView[];
  readonly first: string | null;
  readonly next: string | null;
}

/** Everything that happened to an app. */
export function historyPage(frame: Frame, view: HistoryView): Html {
  const { words } = frame;
  return layout(
    frame,
    words.say('history.title', { app: view.appName ?? words.say('apps.hidden-name') }),
    html`${auditLogTable(words, view.entries, { caption: words.say('history.caption'), showApps: false, openChanges: false })}${paginationLinks(words, view)}<p><a href="/my/apps/${view.appId}">${words.say('apps.back')}</a></p>`,
    { wide: true },
  );
}
