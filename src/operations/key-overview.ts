import type { Instant } from '#kernel/time.ts';
import { openSigningKeys, readKeyring } from '#keys/key-files.ts';
import { kidOf } from '#keys/signing.ts';
import { keySetStates, type SigningKeySetState } from '#keys/signing-key-sets.ts';
import { countEncrypted } from '#registry/reencryption.ts';
import { hasSigningKeys, type KeyContext } from './key-context.ts';

/** What the server keeps of keys, without the keys. */
export interface KeyOverview {
  readonly master: readonly MasterKeyOverview[];
  readonly signing: readonly {
    readonly madeAt: Instant;
    readonly signsFrom: Instant;
    readonly state: SigningKeySetState;
    readonly kids: readonly string[];
  }[];
}

/** One master key as an operator sees it. */
export interface MasterKeyOverview {
  readonly id: string;
  /** Null: it came from a variable, or is not here. */
  readonly createdAt: Instant | null;
  /** `missing`: something is encrypted under it, and it is not here. */
  readonly state: 'current' | 'decrypt-only' | 'missing';
  /** How many lasting secrets are encrypted under it. */
  readonly secrets: number;
}

interface KnownKeys {
  readonly current: string | undefined;
  readonly keys: readonly { readonly id: string; readonly createdAt: Instant | null }[];
}

function knownMasterKeys({ config: { masterKeys }, directory }: KeyContext): KnownKeys | undefined {
  if (!masterKeys) return readKeyring(directory);
  return {
    current: masterKeys[0]?.id,
    keys: masterKeys.map(({ id }) => ({ id, createdAt: null })),
  };
}

function masterKeyOverview(
  { current, keys }: KnownKeys,
  counts: ReadonlyMap<string, number>,
): readonly MasterKeyOverview[] {
  const known = keys.map(({ id, createdAt }) => ({
    id,
    createdAt,
    state: id === current ? ('current' as const) : ('decrypt-only' as const),
    secrets: counts.get(id) ?? 0,
  }));
  const missing = [...counts]
    .filter(([id]) => keys.every((key) => key.id !== id))
    .map(([id, secrets]) => ({ id, createdAt: null, state: 'missing' as const, secrets }));
  return [...known, ...missing];
}

/** Master keys and signing keys, and how many secrets need each. */
export async function keyOverview(context: KeyContext): Promise<KeyOverview | 'no-keys'> {
  const known = knownMasterKeys(context);
  if (known === undefined || !hasSigningKeys(context)) return 'no-keys';
  const { clock, entropy, directory, withRecords } = context;
  const counts = await withRecords(countEncrypted);
  const keySets = openSigningKeys({ path: directory, clock, entropy }).keySets();
  const states = keySetStates(keySets, clock.now());
  return {
    master: masterKeyOverview(known, counts),
    signing: keySets.map(({ madeAt, signsFrom, keys }, index) => ({
      madeAt,
      signsFrom,
      state: states[index] ?? 'retired',
      kids: keys.map(kidOf),
    })),
  };
}
