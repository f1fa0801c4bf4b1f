import type { ClientId } from '#kernel/ids.ts';
import { instant, toIsoTime } from '#kernel/time.ts';
import type { AuditFilter } from '#registry/audit.ts';
import type { VisibleAuditEntry } from '#registry/queries/audit.ts';
import { refusalForTerminal } from '#registry/refusal-texts.ts';
import {
  type Command,
  type ParsedArguments,
  printRefusal,
  storeOptions,
  UsageError,
} from './command.ts';
import { describe } from './command-list.ts';

const PAGE_SIZE = 500;

function timeOption(args: ParsedArguments, option: string) {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(
      `--${option} ${text} is not a time: use one such as 2026-11-21 or 2026-11-21T08:00:00Z.`,
    );
  return instant(at / 1000);
}

/** One entry as it is exported: stable names. */
const toJsonEntry = ({
  id,
  at,
  action,
  actorId,
  via,
  address,
  clientId,
  recordVersion,
  reason,
  changes,
}: VisibleAuditEntry) => ({
  id,
  at: toIsoTime(at),
  action,
  actor_id: actorId,
  via,
  address,
  client_id: clientId,
  version: recordVersion,
  reason,
  changes,
});

/** `gatehouse audit export`: one JSON document a line, oldest first. */
export const auditExport: Command = {
  ...describe('audit export'),
  positionals: [],
  options: {
    client: { type: 'string', value: 'CLIENT_ID', help: 'only this app' },
    actor: { type: 'string', value: 'NAME', help: 'only what this account did' },
    from: { type: 'string', value: 'TIME', help: 'not before' },
    until: { type: 'string', value: 'TIME', help: 'before' },
    ...storeOptions,
  },
  async run(args, io) {
    const [from, until] = [timeOption(args, 'from'), timeOption(args, 'until')];
    const services = await io.open(args.settings);
    try {
      const name = args.value('actor');
      const actor =
        name === undefined ? undefined : await services.accounts.findAccountByName(name);
      if (name !== undefined && actor === undefined) {
        return printRefusal(
          io,
          args,
          `there is no account named ${name}. See "gatehouse account list".`,
        );
      }
      const client = args.value('client');
      const filter: AuditFilter = {
        ...(client === undefined ? {} : { clientId: client as ClientId }),
        ...(actor ? { actorId: actor.id } : {}),
        ...(from === undefined ? {} : { from }),
        ...(until === undefined ? {} : { until }),
        order: 'oldest-first',
        allowStale: true,
        limit: PAGE_SIZE,
      };
      for (let after = 0; ; ) {
        const page = await services.query.auditLog({ ...filter, after });
        if (!page.ok) return printRefusal(io, args, refusalForTerminal(page.refusal));
        const { items, next } = page.value;
        for (const entry of items) io.out(`${JSON.stringify(toJsonEntry(entry))}\n`);
        if (next === null) {
          // Whoever keeps the export can show later that nothing before it was changed: gatehouse
          // audit verify --head ID:HASH.
          const head = await services.auditLog.auditHead();
          if (head !== null) io.out(`${JSON.stringify({ head })}\n`);
          return 0;
        }
        after = next;
      }
    } finally {
      await services.close();
    }
  },
};
