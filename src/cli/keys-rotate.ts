import { toIsoTime } from '#kernel/time.ts';
import type { SigningKeySetState } from '#keys/signing-key-sets.ts';
import type { KeyCommands } from '#operations/key-commands.ts';
import {
  type Command,
  type ExitCode,
  type Io,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
} from './command.ts';
import { describe } from './command-list.ts';
import { type ChangePreview, confirmationOptions, confirmChange } from './confirmation.ts';
import { NO_KEYS_YET } from './key-texts.ts';

/** `gatehouse keys rotate`: a master key, or with `--signing` signing keys. */
export const keysRotate: Command = {
  ...describe('keys rotate'),
  positionals: [],
  options: {
    signing: {
      type: 'boolean',
      help: 'signing keys instead: published now, and signing in a day',
    },
    'at-once': {
      type: 'boolean',
      help: 'with --signing, when a key leaked: the new ones sign now, and all others leave the JWKS',
    },
    ...confirmationOptions,
    ...storeOptions,
  },
  async run(args, io) {
    const isImmediate = args.isSet('signing') && args.isSet('at-once');
    if (args.isSet('dry-run') && !isImmediate)
      return printRefusal(
        io,
        args,
        '--dry-run goes with --signing --at-once: nothing else ends here.',
      );
    if (args.isSet('at-once') && !isImmediate)
      return printRefusal(
        io,
        args,
        '--at-once goes with --signing: a new master key encrypts at once anyway.',
      );
    const keys = await io.openKeys(args.settings);
    return args.isSet('signing')
      ? rotateSigningKeys(args, io, keys, isImmediate)
      : rotateMasterKey(args, io, keys);
  },
};

async function rotateSigningKeys(
  args: ParsedArguments,
  io: Io,
  keys: KeyCommands,
  immediately: boolean,
): Promise<ExitCode> {
  if (immediately) {
    const outcome = await confirmChange(args, io, () => previewImmediateRotation(keys));
    if (outcome !== 'proceed') return outcome;
  }
  const answer = await keys.rotateSigning(immediately);
  if ('refused' in answer)
    return printRefusal(
      io,
      args,
      answer.refused === 'no-keys'
        ? `${NO_KEYS_YET}.`
        : `new signing keys are published already, and sign from ${toIsoTime(answer.signsFrom)} on. With --at-once others are made, and sign now.`,
    );
  const from = toIsoTime(answer.signsFrom);
  printResult(io, args, { signs_from: from }, [
    immediately
      ? 'New signing keys sign from now on; all others have left the JWKS.'
      : `New signing keys are published, and sign from ${from} on.`,
  ]);
  return 0;
}

async function rotateMasterKey(
  args: ParsedArguments,
  io: Io,
  keys: KeyCommands,
): Promise<ExitCode> {
  const answer = await keys.rotate();
  if ('rotated' in answer) {
    printResult(io, args, { current: answer.rotated }, [
      `Secrets are encrypted under ${answer.rotated} from now on. A running server re-encrypts the others by itself: see "gatehouse keys list".`,
    ]);
    return 0;
  }
  if (answer.refused === 'variable')
    return printRefusal(io, args, `${variableAdvice(answer.variable, answer.ids)}.`);
  return printRefusal(
    io,
    args,
    answer.refused === 'no-keys'
      ? `${NO_KEYS_YET}.`
      : 'another key was added at this moment: see "gatehouse keys list".',
  );
}

/** States in which a set of keys is in the JWKS. */
const publishedStates: ReadonlySet<SigningKeySetState> = new Set([
  'upcoming',
  'signing',
  'published',
]);

/** What new signing keys at once end. */
async function previewImmediateRotation(keys: KeyCommands): Promise<ChangePreview> {
  const overview = await keys.overview();
  const leaving =
    overview === 'no-keys'
      ? []
      : overview.signing.flatMap(({ state, kids }) => (publishedStates.has(state) ? kids : []));
  return {
    facts: { leaving },
    lines: [
      `Signing keys that leave the JWKS: ${leaving.join(' ') || 'none'}.`,
      'APIs that verify by the JWKS alone refuse every access token they signed; apps refresh theirs.',
    ],
  };
}

function variableAdvice(variable: string, ids: readonly string[]): string {
  const numbers = ids.map((id) => Number(/^m(\d{1,9})$/.exec(id)?.[1] ?? 0));
  const line = `m${Math.max(...numbers) + 1}:$(openssl rand -base64 32)`;
  const rest = ids
    .map((id) => (variable === 'GATEHOUSE_MASTER_KEY' ? `${id}:(the present key)` : id))
    .join(', ');
  const where =
    variable === 'GATEHOUSE_MASTER_KEY'
      ? 'GATEHOUSE_MASTER_KEYS, in place of GATEHOUSE_MASTER_KEY,'
      : variable;
  return `the master keys come from ${variable}, which this command cannot change: make a key, "${line}", put it as the last line of ${where} behind ${rest}, and restart every node; then make it the first line, and restart them again`;
}
