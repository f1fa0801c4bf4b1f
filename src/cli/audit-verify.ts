import type { AuditBreak, AuditHead, AuditVerdict } from '#registry/audit.ts';
import { type Command, printResult, storeOptions, UsageError } from './command.ts';
import { describe } from './command-list.ts';

function parseHead(text: string): AuditHead {
  const [, id, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (id === undefined || hash === undefined)
    throw new UsageError(
      `--head ${text.slice(0, 100)} is not a head: give ID:HASH as an export or a backup shows it.`,
    );
  return { id: Number(id), hash };
}

function parseArchivedUntil(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,15}$/.test(text))
    throw new UsageError(`--archived-until ${text.slice(0, 100)} is not the number of an entry.`);
  return Number(text);
}

function describeBreak(found: AuditBreak): string {
  switch (found.kind) {
    case 'changed':
      return `entry ${found.id} is not what was chained: it, or the one before it, was changed or removed`;
    case 'missing':
      return `entry ${found.id} was chained and is not there (if its partition was archived: --archived-until)`;
    case 'twice':
      return `there are two entries ${found.id}`;
    case 'unchained':
      return `entry ${found.id} was not chained: it was added by something else, or out of order`;
    case 'cut':
      return `entries ${found.from} to ${found.to} were at the end, and are gone`;
    case 'other-head':
      return `entry ${found.id} has another hash than the head that was given, or is gone: the chain was made anew`;
    case 'unguarded':
      return `the trigger ${found.name} is gone or switched off: the trail can be changed; restore it from the migrations`;
  }
}

function summaryLines({ entries, head, late }: AuditVerdict): readonly string[] {
  return [
    head === null
      ? 'There are no entries.'
      : `${entries} entries hold, up to ${head.id}:${head.hash}`,
    ...(late === null
      ? []
      : [
          `Entries ${late.from} to ${late.to}, or some of them, were chained later than written: they are from before there was a chain.`,
        ]),
  ];
}

/** `gatehouse audit verify`: checks the chain of hashes over the audit log. */
export const auditVerify: Command = {
  ...describe('audit verify'),
  positionals: [],
  options: {
    head: {
      type: 'string',
      value: 'ID:HASH',
      multiple: true,
      help: 'a head noted earlier (export, backup) that must still be in the chain',
    },
    'archived-until': {
      type: 'string',
      value: 'ID',
      help: 'entries up to this one may be missing: their partition was archived',
    },
    ...storeOptions,
  },
  async run(args, io) {
    const known = args.values('head').map(parseHead);
    const until = parseArchivedUntil(args.value('archived-until'));
    const services = await io.open(args.settings);
    try {
      const verdict = await services.auditLog.verifyAudit({ known, archivedUntil: until });
      if (verdict.breaks.length === 0) {
        printResult(io, args, verdict, summaryLines(verdict));
        return 0;
      }
      if (args.isSet('json')) printResult(io, args, verdict, []);
      for (const found of verdict.breaks) io.err(`gatehouse: ${describeBreak(found)}.\n`);
      if (verdict.more > 0) io.err(`gatehouse: ${verdict.more} more are not listed.\n`);
      return 1;
    } finally {
      await services.close();
    }
  },
};
