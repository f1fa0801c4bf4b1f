import type { Instant } from '#kernel/time.ts';
import type { RetireRefusal } from '#keys/keyring.ts';
import type { SigningKeySetState } from '#keys/signing-key-sets.ts';
import {
  type Command,
  type Io,
  type OptionDefinition,
  type ParsedArguments,
  printRefusal,
  printResult,
  storeOptions,
} from './command.ts';
import { type ChangePreview, confirmationOptions, confirmChange } from './confirmation.ts';

/** What the server keeps of keys, without the keys. */
export interface KeyOverview {
  readonly master: readonly {
    readonly id: string;
    /** Null: it came from a variable, or is not here. */
    readonly createdAt: Instant | null;
    /** `missing`: something is sealed under it, and it is not here. */
    readonly state: 'current' | 'decrypt-only' | 'missing';
    /** How many lasting secrets are sealed under it. */
    readonly secrets: number;
  }[];
  readonly signing: readonly {
    readonly madeAt: Instant;
    readonly signsFrom: Instant;
    readonly state: SigningKeySetState;
    readonly kids: readonly string[];
  }[];
}

export type RotateResult =
  | { readonly rotated: string }
  | { readonly refused: 'variable'; readonly variable: string; readonly ids: readonly string[] }
  | { readonly refused: 'meanwhile' | 'no-keys' };
export type RotateSigningResult =
  | { readonly signsFrom: Instant }
  | { readonly refused: 'upcoming'; readonly signsFrom: Instant }
  | { readonly refused: 'no-keys' };
export type RetireResult =
  | { readonly retired: string }
  | {
      readonly refused:
        | RetireRefusal
        | { readonly kind: 'variable'; readonly variable: string }
        | { readonly kind: 'no-keys' | 'changed' };
    };

/** What an operator does with keys. */
export interface KeyCommands {
  overview(): Promise<KeyOverview | 'no-keys'>;
  /** Adds a master key and makes it current. */
  rotate(): Promise<RotateResult>;
  /** Makes signing keys: they sign in a day, or at once, and then no others are believed. */
  rotateSigning(immediately: boolean): Promise<RotateSigningResult>;
  retire(id: string): Promise<RetireResult>;
}
type OpenKeyCommands = (
  flags: Readonly<Record<string, string | undefined>>,
) => Promise<KeyCommands>;

const iso = (at: Instant) => new Date(at * 1000).toISOString();
const NO_KEYS_YET =
  'there are no keys yet: they are made when the server starts for the first time';

const refuseBecause = (io: Io, args: ParsedArguments, reason: string): 1 =>
  printRefusal(io, args, `${reason}.`);

const options = { ...storeOptions } as const satisfies Record<string, OptionDefinition>;

/** `gatehouse keys list`, `rotate` and `retire`. */
export const keyCliCommands = (open: OpenKeyCommands): readonly Command[] => [
  {
    words: 'keys list',
    summary:
      'Lists master keys and signing keys: their ids and dates, and how many secrets each still opens.',
    positionals: [],
    options,
    async run(args, io) {
      const overview = await (await open(args.settings)).overview();
      if (overview === 'no-keys') return refuseBecause(io, args, NO_KEYS_YET);
      const { master, signing } = overview;
      const value = {
        master: master.map(({ id, createdAt, state, secrets }) => ({
          id,
          created_at: createdAt && iso(createdAt),
          state,
          secrets,
        })),
        signing: signing.map(({ madeAt, signsFrom, state, kids }) => ({
          made_at: iso(madeAt),
          signs_from: iso(signsFrom),
          state,
          kids,
        })),
      };
      printResult(io, args, value, [
        'Master keys',
        ...value.master.map(({ id, created_at, state, secrets }) =>
          [id, created_at ?? '-', state, `${secrets} secrets`].join('\t'),
        ),
        '',
        'Signing keys',
        ...value.signing.map(({ signs_from, state, kids }) =>
          [state, `from ${signs_from}`, kids.join(' ')].join('\t'),
        ),
      ]);
      return 0;
    },
  },
  {
    words: 'keys rotate',
    summary:
      'Adds a master key, under which secrets are sealed from now on; or, with --signing, signing keys.',
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
      ...options,
    },
    async run(args, io) {
      const keys = await open(args.settings);
      if (args.isSet('signing')) {
        if (args.isSet('at-once')) {
          const outcome = await confirmChange(args, io, () => previewImmediateRotation(keys));
          if (outcome !== 'proceed') return outcome;
        } else if (args.isSet('dry-run'))
          return refuseBecause(
            io,
            args,
            '--dry-run goes with --signing --at-once: nothing else ends here',
          );
        const answer = await keys.rotateSigning(args.isSet('at-once'));
        if ('refused' in answer)
          return refuseBecause(
            io,
            args,
            answer.refused === 'no-keys'
              ? NO_KEYS_YET
              : `new signing keys are published already, and sign from ${iso(answer.signsFrom)} on. With --at-once others are made, and sign now`,
          );
        const from = iso(answer.signsFrom);
        printResult(io, args, { signs_from: from }, [
          args.isSet('at-once')
            ? 'New signing keys sign from now on; all others have left the JWKS.'
            : `New signing keys are published, and sign from ${from} on.`,
        ]);
        return 0;
      }
      if (args.isSet('dry-run'))
        return refuseBecause(
          io,
          args,
          '--dry-run goes with --signing --at-once: nothing else ends here',
        );
      if (args.isSet('at-once'))
        return refuseBecause(
          io,
          args,
          '--at-once goes with --signing: a new master key seals at once anyway',
        );
      const answer = await keys.rotate();
      if ('rotated' in answer) {
        printResult(io, args, { current: answer.rotated }, [
          `Secrets are sealed under ${answer.rotated} from now on. A running server seals the others again by itself: see "gatehouse keys list".`,
        ]);
        return 0;
      }
      if (answer.refused === 'variable')
        return refuseBecause(io, args, variableAdvice(answer.variable, answer.ids));
      return refuseBecause(
        io,
        args,
        answer.refused === 'no-keys'
          ? NO_KEYS_YET
          : 'another key was added at this moment: see "gatehouse keys list"',
      );
    },
  },
  {
    words: 'keys retire',
    summary: 'Removes a master key that no secret is sealed under any more.',
    positionals: ['id'],
    options,
    async run(args, io) {
      const id = args.positional(0);
      const answer = await (await open(args.settings)).retire(id);
      if ('retired' in answer) {
        printResult(io, args, { retired: id }, [
          `The key ${id} is gone. Backups from before open with the keys that are in them.`,
        ]);
        return 0;
      }
      return refuseBecause(io, args, retireRefusalText(id, answer.refused));
    },
  },
];

/** States in which a generation is in the JWKS. */
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

function retireRefusalText(
  id: string,
  refusal: Exclude<RetireResult, { readonly retired: string }>['refused'],
): string {
  switch (refusal.kind) {
    case 'unknown':
      return `there is no master key ${JSON.stringify(id)}: see "gatehouse keys list"`;
    case 'current':
      return `${id} is the current key: "gatehouse keys rotate" adds another one first`;
    case 'in-use':
      return `${refusal.values} secrets are still sealed under ${id}: a running server seals them again by itself, see "gatehouse keys list"`;
    case 'too-early':
      return `${id} may go from ${iso(refusal.until)} on: until then, what was sealed for a short time may still need it`;
    case 'variable':
      return `the master keys come from ${refusal.variable}: when "gatehouse keys list" says that ${id} opens nothing, and an hour after it last sealed, remove its line and restart`;
    case 'changed':
      return 'the keys changed at this moment: try again';
    case 'no-keys':
      return NO_KEYS_YET;
  }
}
