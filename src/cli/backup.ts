import {
  type Command,
  type OptionDefinition,
  printRefusal,
  printResult,
  storeOptions,
} from './command.ts';
import { describe } from './command-list.ts';
import { passphraseOption, passphraseSource } from './passphrase.ts';

/** `gatehouse backup`: everything in one file, while the server runs. */
export const backupCommand: Command = {
  ...describe('backup'),
  positionals: ['file'],
  options: {
    'without-keys': {
      type: 'boolean',
      help: 'leave the keys out: keep them elsewhere, without them the secrets in it are lost',
    } satisfies OptionDefinition,
    ...passphraseOption,
    ...storeOptions,
  },
  async run(args, io) {
    const file = args.positional(0);
    const { createBackup } = await import('#operations/backup.ts');
    const answer = await createBackup(
      await io.loadConfig(args.settings),
      file,
      !args.isSet('without-keys'),
      await passphraseSource(args, io),
    );
    if ('refused' in answer) {
      return printRefusal(io, args, `no backup was made: ${answer.refused}.`);
    }
    const { made, withoutKeys } = answer;
    if (withoutKeys !== null && withoutKeys !== 'requested')
      io.err(
        `gatehouse: the master keys come from ${withoutKeys} and are not in the backup: keep a copy of them with it.\n`,
      );
    printResult(io, args, { file, ...made }, [
      `${file}: ${made.files.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(', ')}`,
      `schema ${made.schema}, SHA-256 ${made.sha256}`,
      ...(withoutKeys === null
        ? ['The keys are in it: whoever has this file can read every secret.']
        : []),
    ]);
    return 0;
  },
};
