import { pageLinks, parsePageCursor } from '#http/paging.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { type AuditEntryDependencies, makeAuditEntryFormatter } from '../audit-entries.ts';
import { notFound, type PageRouter } from '../page.ts';
import { historyPage } from './history.template.ts';
import { findManageableApp } from './own-app.ts';

const PAGE_SIZE = 50;

/** Everything that happened to an app, for those who manage it. */
export function historyRoutes({ getPage }: PageRouter, dependencies: AuditEntryDependencies): void {
  getPage(
    '/my/apps/:id/history',
    async (call) => {
      const { actor, frame, query } = call;
      const found = await findManageableApp(dependencies, call);
      if (found === undefined) return notFound;
      const { client } = found;
      const after = parsePageCursor(query.get('after'));
      const entries = await dependencies.registry.query(actor).auditOf(client, {
        limit: PAGE_SIZE,
        ...(after === undefined ? {} : { after }),
      });
      if (!entries.ok) return notFound;
      const { items, next } = entries.value;
      const isVisible = hiddenReason('name', client, actor, true) === undefined;
      return historyPage(frame, {
        appId: client.id,
        appName: isVisible ? client.name : null,
        entries: await Promise.all(
          items.map(makeAuditEntryFormatter(dependencies, actor, frame.words)),
        ),
        ...pageLinks(`/my/apps/${client.id}/history`, {}, { isFirst: after === undefined, next }),
      });
    },
    'signed-in',
  );
}
