import { join } from 'node:path';
import type { KeyCommands } from '#cli/keys.ts';
import type { Config } from '#config/config.ts';
import { instant } from '#kernel/time.ts';
import { openSigningKeys, readKeyFiles, readKeyring, updateKeyring } from '#keys/key-files.ts';
import { addKey, type RetireRefusal, removeKey } from '#keys/keyring.ts';
import { generateSigningKeysAsync, kidOf } from '#keys/signing.ts';
import {
  addImmediateKeySet,
  addUpcomingKeySet,
  findActiveKeySet,
  keySetStates,
  nextSigningStart,
} from '#keys/signing-key-sets.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import { countEncrypted, type EncryptedRecords } from '#registry/reencryption.ts';

/**
 * The keys of a data directory, or of variables, in an operator's hands. `withRecords` opens the
 * store for one question.
 */
export function makeKeyCommands(parts: {
  readonly config: Pick<Config, 'data' | 'masterKeys' | 'masterKeysVariable'>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly withRecords: <T>(ask: (records: EncryptedRecords) => Promise<T>) => Promise<T>;
}): KeyCommands {
  const { config, clock, entropy, withRecords } = parts;
  const directory = join(config.data, 'keys');
  const variable = config.masterKeysVariable;
  const hasSigningKeys = () => readKeyFiles(directory).has('signing.json');
  const openSigningKeySource = () => openSigningKeys({ path: directory, clock, entropy });

  return {
    async overview() {
      const keyring = config.masterKeys
        ? {
            current: config.masterKeys[0]?.id,
            keys: config.masterKeys.map(({ id }) => ({ id, createdAt: null })),
          }
        : readKeyring(directory);
      if (keyring === undefined || !hasSigningKeys()) return 'no-keys';
      const counts = await withRecords(countEncrypted);
      const keySets = openSigningKeySource().keySets();
      const states = keySetStates(keySets, clock.now());
      return {
        master: [
          ...keyring.keys.map(({ id, createdAt }) => {
            const state = id === keyring.current ? ('current' as const) : ('decrypt-only' as const);
            return { id, createdAt, state, secrets: counts.get(id) ?? 0 };
          }),
          ...[...counts]
            .filter(([id]) => keyring.keys.every((key) => key.id !== id))
            .map(([id, secrets]) => ({ id, createdAt: null, state: 'missing' as const, secrets })),
        ],
        signing: keySets.map(({ madeAt, signsFrom, keys }, index) => ({
          madeAt,
          signsFrom,
          state: states[index] ?? 'retired',
          kids: keys.map(kidOf),
        })),
      };
    },

    async rotate() {
      if (variable !== null)
        return {
          refused: 'variable',
          variable,
          ids: (config.masterKeys ?? []).map(({ id }) => id),
        };
      const before = readKeyring(directory);
      if (before === undefined) return { refused: 'no-keys' };
      const added = addKey(before, entropy.bytes(32), clock.now());
      // Of two who saw the same ring, one adds a key.
      const outcome = updateKeyring(directory, (stored) =>
        stored.current === before.current ? added : undefined,
      );
      return outcome === 'changed' ? { rotated: added.current } : { refused: 'meanwhile' };
    },

    async rotateSigning(atOnce) {
      if (!hasSigningKeys()) return { refused: 'no-keys' };
      const source = openSigningKeySource();
      const before = source.keySets();
      const upcoming = nextSigningStart(before, clock.now());
      if (upcoming !== undefined && !atOnce) return { refused: 'upcoming', signsFrom: upcoming };
      const { keys } = await generateSigningKeysAsync();
      let signsFrom = upcoming ?? clock.now();
      const outcome = source.update((stored) => {
        const now = clock.now();
        const changed =
          stored.length !== before.length ||
          findActiveKeySet(stored, now)?.madeAt !== findActiveKeySet(before, now)?.madeAt;
        signsFrom =
          nextSigningStart(stored, now) ?? findActiveKeySet(stored, now)?.signsFrom ?? now;
        if (changed) return undefined;
        const next = atOnce
          ? addImmediateKeySet(stored, keys, now)
          : addUpcomingKeySet(stored, keys, now);
        signsFrom = next[0]?.signsFrom ?? now;
        return next;
      });
      return outcome === 'changed'
        ? { signsFrom: instant(signsFrom) }
        : { refused: 'upcoming', signsFrom: instant(signsFrom) };
    },

    async retire(id) {
      if (variable !== null) return { refused: { kind: 'variable', variable } };
      const before = readKeyring(directory);
      if (before === undefined) return { refused: { kind: 'no-keys' } };
      // Before the store is asked: how many there are is of no interest when the key has to stay
      // anyway.
      const soonest = removeKey(before, id, 0, clock.now());
      if (!soonest.ok && soonest.refusal.kind !== 'too-early') return { refused: soonest.refusal };
      const encryptedCount = (await withRecords(countEncrypted)).get(id) ?? 0;
      let refusal: RetireRefusal | { readonly kind: 'changed' } = { kind: 'changed' };
      const outcome = updateKeyring(directory, (stored) => {
        // While the key was counted it may have become the current one, though no command of ours
        // does that.
        if (stored.current !== before.current) return undefined;
        const without = removeKey(stored, id, encryptedCount, clock.now());
        if (without.ok) return without.value;
        refusal = without.refusal;
        return undefined;
      });
      return outcome === 'changed' ? { retired: id } : { refused: refusal };
    },
  };
}
