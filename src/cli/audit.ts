import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import type { AuditFilter } from '#registry/audit.ts';
import { type Command, type Given, refused, storeOptions, UsageError } from './command.ts';

const PAGE = 500;

function time(given: Given, option: string) {
  const text = given.text(option);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(
      `--${option} ${text} is not a time: use one such as 2026-11-21 or 2026-11-21T08:00:00Z.`,
    );
  return instant(at / 1000);
}

/** `gatehouse audit export`: one JSON document a line, oldest first. */
export const auditExport: Command = {
  words: 'audit export',
  summary: 'Writes the audit trail as JSON lines, oldest first.',
  positionals: [],
  options: {
    client: { type: 'string', value: 'CLIENT_ID', help: 'only this app' },
    actor: { type: 'string', value: 'NAME', help: 'only what this account did' },
    from: { type: 'string', value: 'TIME', help: 'not before' },
    until: { type: 'string', value: 'TIME', help: 'before' },
    ...storeOptions,
  },
  async run(given, io) {
    const [from, until] = [time(given, 'from'), time(given, 'until')];
    const verbs = await io.open(given.flags);
    try {
      const name = given.text('actor');
      const actor = name === undefined ? undefined : await verbs.records.findAccountByName(name);
      if (name !== undefined && actor === undefined) {
        return refused(
          io,
          given,
          `there is no account named ${name}. See "gatehouse account list".`,
        );
      }
      const client = given.text('client');
      const filter: AuditFilter = {
        ...(client === undefined ? {} : { clientId: client as ClientId }),
        ...(actor ? { actorId: actor.id } : {}),
        ...(from === undefined ? {} : { from }),
        ...(until === undefined ? {} : { until }),
        order: 'oldest-first',
        mayBeOld: true,
        limit: PAGE,
      };
      for (let after = 0; ; ) {
        const entries = await verbs.records.listAudit({ ...filter, after });
        for (const {
          id,
          at,
          action,
          actorId,
          via,
          address,
          clientId,
          edition,
          reason,
          changes,
        } of entries) {
          const line = {
            id,
            at: new Date(at * 1000).toISOString(),
            action,
            actor_id: actorId,
            via,
            address,
          };
          io.out(`${JSON.stringify({ ...line, client_id: clientId, edition, reason, changes })}\n`);
        }
        const last = entries.at(-1);
        if (last === undefined || entries.length < PAGE) {
          // Whoever keeps the export can show later that nothing before it was changed: gatehouse
          // audit verify --head ID:HASH.
          const head = await verbs.trail.auditHead();
          if (head !== null) io.out(`${JSON.stringify({ head })}\n`);
          return 0;
        }
        after = last.id;
      }
    } finally {
      await verbs.close();
    }
  },
};
