import type { RestoredBackup } from '#operations/restore-backup.ts';
import {
  type Command,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
  UsageError,
} from './command.ts';
import { describe } from './command-list.ts';
import { passphraseOption, passphraseSource } from './passphrase.ts';

function parseChecksum(args: ParsedArguments): string | null {
  const text = args.value('sha256');
  if (text !== undefined && !/^[0-9a-f]{64}$/i.test(text))
    throw new UsageError('--sha256 takes 64 hexadecimal digits, as the backup printed them.');
  return text?.toLowerCase() ?? null;
}

const integrityTexts = {
  passphrase: 'Its passphrase shows that nobody changed it.',
  sha256: 'It is the file whose SHA-256 was given.',
  'available-keys': 'The master keys show that nobody changed it.',
  'included-keys':
    'The keys inside fit it: it is whole, but whoever had the file could have changed it. To be sure give --sha256, or seal backups with a passphrase.',
  pending: 'Whether it was changed is checked by its keys at the first start.',
} as const satisfies Record<RestoredBackup['verifiedBy'], string>;

/** `gatehouse restore`: a backup into an empty data directory. */
export const restoreCommand: Command = {
  ...describe('restore'),
  positionals: ['file'],
  options: {
    sha256: {
      type: 'string',
      value: 'SUM',
      help: 'refuse any other file than the one whose backup printed this sum',
    },
    ...passphraseOption,
    ...storeOptions,
  },
  async run(args, io) {
    const { restoreDataDirectory } = await import('#operations/backup.ts');
    const answer = await restoreDataDirectory(
      await io.loadConfig(args.settings),
      args.positional(0),
      parseChecksum(args),
      await passphraseSource(args, io),
    );
    if ('refused' in answer) {
      return printRefusal(io, args, `nothing was restored: ${answer.refused}.`);
    }
    const { made } = answer;
    const keys = made.files.some(({ name }) => name.startsWith('keys/'));
    printResult(io, args, made, [
      `Restored what was there at ${made.made_at} (schema ${made.schema}): ${made.files.map(({ name }) => name).join(', ')}.`,
      ...(made.verifiedBy === undefined ? [] : [integrityTexts[made.verifiedBy]]),
      ...(keys
        ? []
        : [
            'There are no keys in it: put the directory keys, or GATEHOUSE_MASTER_KEYS, in place before the start.',
          ]),
    ]);
    return 0;
  },
};
