import type { Instant } from '#kernel/time.ts';
import type { RetireRefusal } from '#keys/keyring.ts';
import type { GenerationState } from '#keys/signing-key-sets.ts';
import {
  type Command,
  type Given,
  type Io,
  type OptionRule,
  print,
  refused,
  storeOptions,
} from './command.ts';
import { carefully, careOptions, type Foresight } from './confirmation.ts';

/** What the server keeps of keys, without the keys. */
export interface KeyOverview {
  readonly master: readonly {
    readonly id: string;
    /** Null: it came from a variable, or is not here. */
    readonly createdAt: Instant | null;
    /** `missing`: something is sealed under it, and it is not here. */
    readonly state: 'current' | 'opens' | 'missing';
    /** How many lasting secrets are sealed under it. */
    readonly secrets: number;
  }[];
  readonly signing: readonly {
    readonly madeAt: Instant;
    readonly signsFrom: Instant;
    readonly state: GenerationState;
    readonly kids: readonly string[];
  }[];
}

export type RotateAnswer =
  | { readonly rotated: string }
  | { readonly refused: 'variable'; readonly variable: string; readonly ids: readonly string[] }
  | { readonly refused: 'meanwhile' | 'no-keys' };
export type SigningAnswer =
  | { readonly signsFrom: Instant }
  | { readonly refused: 'upcoming'; readonly signsFrom: Instant }
  | { readonly refused: 'no-keys' };
export type RetireAnswer =
  | { readonly retired: string }
  | {
      readonly refused:
        | RetireRefusal
        | { readonly kind: 'variable'; readonly variable: string }
        | { readonly kind: 'no-keys' | 'changed' };
    };

/** What an operator does with keys. */
export interface KeyDesk {
  overview(): Promise<KeyOverview | 'no-keys'>;
  /** Adds a master key and makes it current. */
  rotate(): Promise<RotateAnswer>;
  /** Makes signing keys: they sign in a day, or at once, and then no others are believed. */
  rotateSigning(atOnce: boolean): Promise<SigningAnswer>;
  retire(id: string): Promise<RetireAnswer>;
}
type Open = (flags: Readonly<Record<string, string | undefined>>) => Promise<KeyDesk>;

const iso = (at: Instant) => new Date(at * 1000).toISOString();
const NONE = 'there are no keys yet: they are made when the server starts for the first time';

const refusedWith = (io: Io, given: Given, why: string): 1 => refused(io, given, `${why}.`);

const options = { ...storeOptions } as const satisfies Record<string, OptionRule>;

/** `gatehouse keys list`, `rotate` and `retire`. */
export const keyCommands = (open: Open): readonly Command[] => [
  {
    words: 'keys list',
    summary:
      'Lists master keys and signing keys: their ids and dates, and how many secrets each still opens.',
    positionals: [],
    options,
    async run(given, io) {
      const overview = await (await open(given.flags)).overview();
      if (overview === 'no-keys') return refusedWith(io, given, NONE);
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
      print(io, given, value, [
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
      ...careOptions,
      ...options,
    },
    async run(given, io) {
      const desk = await open(given.flags);
      if (given.is('signing')) {
        if (given.is('at-once')) {
          const care = await carefully(given, io, () => foreseeAtOnce(desk));
          if (care !== 'go on') return care;
        } else if (given.is('dry-run'))
          return refusedWith(
            io,
            given,
            '--dry-run goes with --signing --at-once: nothing else ends here',
          );
        const answer = await desk.rotateSigning(given.is('at-once'));
        if ('refused' in answer)
          return refusedWith(
            io,
            given,
            answer.refused === 'no-keys'
              ? NONE
              : `new signing keys are published already, and sign from ${iso(answer.signsFrom)} on. With --at-once others are made, and sign now`,
          );
        const from = iso(answer.signsFrom);
        print(io, given, { signs_from: from }, [
          given.is('at-once')
            ? 'New signing keys sign from now on; all others have left the JWKS.'
            : `New signing keys are published, and sign from ${from} on.`,
        ]);
        return 0;
      }
      if (given.is('dry-run'))
        return refusedWith(
          io,
          given,
          '--dry-run goes with --signing --at-once: nothing else ends here',
        );
      if (given.is('at-once'))
        return refusedWith(
          io,
          given,
          '--at-once goes with --signing: a new master key seals at once anyway',
        );
      const answer = await desk.rotate();
      if ('rotated' in answer) {
        print(io, given, { current: answer.rotated }, [
          `Secrets are sealed under ${answer.rotated} from now on. A running server seals the others again by itself: see "gatehouse keys list".`,
        ]);
        return 0;
      }
      if (answer.refused === 'variable')
        return refusedWith(io, given, variableAdvice(answer.variable, answer.ids));
      return refusedWith(
        io,
        given,
        answer.refused === 'no-keys'
          ? NONE
          : 'another key was added at this moment: see "gatehouse keys list"',
      );
    },
  },
  {
    words: 'keys retire',
    summary: 'Removes a master key that no secret is sealed under any more.',
    positionals: ['id'],
    options,
    async run(given, io) {
      const id = given.positional(0);
      const answer = await (await open(given.flags)).retire(id);
      if ('retired' in answer) {
        print(io, given, { retired: id }, [
          `The key ${id} is gone. Backups from before open with the keys that are in them.`,
        ]);
        return 0;
      }
      return refusedWith(io, given, retireWords(id, answer.refused));
    },
  },
];

/** States in which a generation is in the JWKS. */
const published: ReadonlySet<GenerationState> = new Set(['upcoming', 'signing', 'published']);

/** What new signing keys at once end. */
async function foreseeAtOnce(desk: KeyDesk): Promise<Foresight> {
  const overview = await desk.overview();
  const leaving =
    overview === 'no-keys'
      ? []
      : overview.signing.flatMap(({ state, kids }) => (published.has(state) ? kids : []));
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

function retireWords(
  id: string,
  refusal: Exclude<RetireAnswer, { readonly retired: string }>['refused'],
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
      return NONE;
  }
}
