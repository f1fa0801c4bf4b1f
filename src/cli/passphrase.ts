import type { PassphraseSource } from '#operations/backup.ts';
import type { Io, OptionDefinition, ParsedArguments } from './command.ts';

/** For commands that write or read an encrypted backup. */
export const passphraseOption = {
  'passphrase-stdin': {
    type: 'boolean',
    help: 'read the passphrase that encrypts it from standard input (or GATEHOUSE_BACKUP_PASSPHRASE, …_FILE)',
  },
} as const satisfies Record<string, OptionDefinition>;

/** Where the passphrase of a backup comes from. */
export const passphraseSource = async (
  args: ParsedArguments,
  io: Io,
): Promise<PassphraseSource> => ({
  stdin: args.isSet('passphrase-stdin') ? await io.stdin() : null,
  environment: io.env,
  cost: io.passphraseCost,
});
