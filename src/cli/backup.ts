import {
  type Command,
  type Io,
  type OptionDefinition,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
  UsageError,
} from './command.ts';

type Flags = Readonly<Record<string, string | undefined>>;

/** What a backup holds, or why there is none. */
export type BackupResult =
  | {
      readonly made: {
        readonly made_at: string;
        readonly schema: number;
        readonly files: readonly { readonly name: string; readonly bytes: number }[];
        readonly sha256?: string;
        readonly verifiedBy?: keyof typeof integrityTexts;
      };
      /** Why the keys are not in it, when they are not. */
      readonly withoutKeys: 'requested' | 'GATEHOUSE_MASTER_KEYS' | 'GATEHOUSE_MASTER_KEY' | null;
    }
  | { readonly refused: string };

const passphraseOption = {
  'passphrase-stdin': {
    type: 'boolean',
    help: 'read the passphrase that seals it from standard input (or GATEHOUSE_BACKUP_PASSPHRASE, …_FILE)',
  },
} as const satisfies Record<string, OptionDefinition>;

const readPassphrase = async (args: ParsedArguments, io: Io): Promise<string | null> =>
  args.isSet('passphrase-stdin') ? io.stdin() : null;

function parseChecksum(args: ParsedArguments): string | null {
  const text = args.value('sha256');
  if (text !== undefined && !/^[0-9a-f]{64}$/i.test(text))
    throw new UsageError('--sha256 takes 64 hexadecimal digits, as the backup printed them.');
  return text?.toLowerCase() ?? null;
}

/** `gatehouse backup`: everything in one file, while the server runs. */
export const backupCommand = (
  run: (
    flags: Flags,
    file: string,
    withKeys: boolean,
    passphrase: string | null,
  ) => Promise<BackupResult>,
): Command => ({
  words: 'backup',
  summary: 'Copies the SQLite database and the keys into one file. The server may run meanwhile.',
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
    const answer = await run(
      args.settings,
      file,
      !args.isSet('without-keys'),
      await readPassphrase(args, io),
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
});

const integrityTexts = {
  passphrase: 'Its passphrase shows that nobody changed it.',
  sha256: 'It is the file whose SHA-256 was given.',
  'available-keys': 'The master keys show that nobody changed it.',
  'included-keys':
    'The keys inside fit it: it is whole, but whoever had the file could have changed it. To be sure give --sha256, or seal backups with a passphrase.',
  pending: 'Whether it was changed is checked by its keys at the first start.',
} as const;

/** `gatehouse restore`: a backup into an empty data directory. */
export const restoreCommand = (
  run: (
    flags: Flags,
    file: string,
    sha256: string | null,
    passphrase: string | null,
  ) => Promise<BackupResult>,
): Command => ({
  words: 'restore',
  summary: 'Puts a backup into an empty data directory. Start the server on it afterwards.',
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
    const answer = await run(
      args.settings,
      args.positional(0),
      parseChecksum(args),
      await readPassphrase(args, io),
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
});
