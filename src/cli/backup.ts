import { type Command, type OptionRule, print, refused, storeOptions } from './command.ts';

type Flags = Readonly<Record<string, string | undefined>>;

/** What a backup holds, or why there is none. */
export type BackupAnswer =
  | {
      readonly made: {
        readonly made_at: string;
        readonly schema: number;
        readonly files: readonly { readonly name: string; readonly bytes: number }[];
        readonly sha256?: string;
      };
      /** Why the keys are not in it, when they are not. */
      readonly withoutKeys: 'asked' | 'GATEHOUSE_MASTER_KEYS' | 'GATEHOUSE_MASTER_KEY' | null;
    }
  | { readonly refused: string };

/** `gatehouse backup`: everything in one file, while the server runs. */
export const backupCommand = (run: (flags: Flags, file: string, withKeys: boolean) => Promise<BackupAnswer>): Command => ({
  words: 'backup',
  summary: 'Copies the SQLite database and the keys into one file. The server may run meanwhile.',
  positionals: ['file'],
  options: {
    'without-keys': {
      type: 'boolean',
      help: 'leave the keys out: keep them elsewhere, without them the secrets in it are lost',
    } satisfies OptionRule,
    ...storeOptions,
  },
  async run(given, io) {
    const file = given.positional(0);
    const answer = await run(given.flags, file, !given.is('without-keys'));
    if ('refused' in answer) {
      return refused(io, given, `no backup was made: ${answer.refused}.`);
    }
    const { made, withoutKeys } = answer;
    if (withoutKeys !== null && withoutKeys !== 'asked')
      io.err(`gatehouse: the master keys come from ${withoutKeys} and are not in the backup: keep a copy of them with it.\n`);
    print(io, given, { file, ...made }, [
      `${file}: ${made.files.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(', ')}`,
      `schema ${made.schema}, SHA-256 ${made.sha256}`,
      ...(withoutKeys === null ? ['The keys are in it: whoever has this file can read every secret.'] : []),
    ]);
    return 0;
  },
});

/** `gatehouse restore`: a backup into an empty data directory. */
export const restoreCommand = (run: (flags: Flags, file: string) => Promise<BackupAnswer>): Command => ({
  words: 'restore',
  summary: 'Puts a backup into an empty data directory. Start the server on it afterwards.',
  positionals: ['file'],
  options: { ...storeOptions },
  async run(given, io) {
    const answer = await run(given.flags, given.positional(0));
    if ('refused' in answer) {
      return refused(io, given, `nothing was restored: ${answer.refused}.`);
    }
    const { made } = answer;
    const keys = made.files.some(({ name }) => name.startsWith('keys/'));
    print(io, given, made, [
      `Restored what was there at ${made.made_at} (schema ${made.schema}): ${made.files.map(({ name }) => name).join(', ')}.`,
      ...(keys ? [] : ['There are no keys in it: put the directory keys, or GATEHOUSE_MASTER_KEYS, in place before the start.']),
    ]);
    return 0;
  },
});
