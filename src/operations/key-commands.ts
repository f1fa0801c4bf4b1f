import { join } from 'node:path';
import type { KeyDesk } from '#cli/keys.ts';
import type { Config } from '#config/config.ts';
import { instant } from '#kernel/time.ts';
import { changeRing, openSigning, readKeyFiles, readRing } from '#keys/key-files.ts';
import { grown, type RetireRefusal, withoutKey } from '#keys/keyring.ts';
import { generateSigningKeysAside, kidOf } from '#keys/signing.ts';
import {
  signingNow,
  statesAt,
  upcomingFrom,
  withAtOnce,
  withNext,
} from '#keys/signing-key-sets.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import { countSealed, type SealedRecords } from '#registry/reencryption.ts';

/**
 * The keys of a data directory, or of variables, in an operator's hands. `withRecords` opens the
 * store for one question.
 */
export function makeKeyDesk(parts: {
  readonly config: Pick<Config, 'data' | 'masterKeys' | 'masterKeysFrom'>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly withRecords: <T>(ask: (records: SealedRecords) => Promise<T>) => Promise<T>;
}): KeyDesk {
  const { config, clock, entropy, withRecords } = parts;
  const directory = join(config.data, 'keys');
  const variable = config.masterKeysFrom;
  const hasSigning = () => readKeyFiles(directory).has('signing.json');
  const signing = () => openSigning({ path: directory, clock, entropy });

  return {
    async overview() {
      const ring = config.masterKeys
        ? {
            current: config.masterKeys[0]?.id,
            keys: config.masterKeys.map(({ id }) => ({ id, createdAt: null })),
          }
        : readRing(directory);
      if (ring === undefined || !hasSigning()) return 'no-keys';
      const counts = await withRecords(countSealed);
      const generations = signing().generations();
      const states = statesAt(generations, clock.now());
      return {
        master: [
          ...ring.keys.map(({ id, createdAt }) => {
            const state = id === ring.current ? ('current' as const) : ('opens' as const);
            return { id, createdAt, state, secrets: counts.get(id) ?? 0 };
          }),
          ...[...counts]
            .filter(([id]) => ring.keys.every((key) => key.id !== id))
            .map(([id, secrets]) => ({ id, createdAt: null, state: 'missing' as const, secrets })),
        ],
        signing: generations.map(({ madeAt, signsFrom, keys }, index) => ({
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
      const seen = readRing(directory);
      if (seen === undefined) return { refused: 'no-keys' };
      const added = grown(seen, entropy.bytes(32), clock.now());
      // Of two who saw the same ring, one adds a key.
      const outcome = changeRing(directory, (kept) =>
        kept.current === seen.current ? added : undefined,
      );
      return outcome === 'changed' ? { rotated: added.current } : { refused: 'meanwhile' };
    },

    async rotateSigning(atOnce) {
      if (!hasSigning()) return { refused: 'no-keys' };
      const source = signing();
      const seen = source.generations();
      const upcoming = upcomingFrom(seen, clock.now());
      if (upcoming !== undefined && !atOnce) return { refused: 'upcoming', signsFrom: upcoming };
      const { keys } = await generateSigningKeysAside();
      let signsFrom = upcoming ?? clock.now();
      const outcome = source.change((kept) => {
        const now = clock.now();
        const changed =
          kept.length !== seen.length ||
          signingNow(kept, now)?.madeAt !== signingNow(seen, now)?.madeAt;
        signsFrom = upcomingFrom(kept, now) ?? signingNow(kept, now)?.signsFrom ?? now;
        if (changed) return undefined;
        const next = atOnce ? withAtOnce(kept, keys, now) : withNext(kept, keys, now);
        signsFrom = next[0]?.signsFrom ?? now;
        return next;
      });
      return outcome === 'changed'
        ? { signsFrom: instant(signsFrom) }
        : { refused: 'upcoming', signsFrom: instant(signsFrom) };
    },

    async retire(id) {
      if (variable !== null) return { refused: { kind: 'variable', variable } };
      const seen = readRing(directory);
      if (seen === undefined) return { refused: { kind: 'no-keys' } };
      // Before the store is asked: how many there are is of no interest when the key has to stay
      // anyway.
      const soonest = withoutKey(seen, id, 0, clock.now());
      if (!soonest.ok && soonest.refusal.kind !== 'too-early') return { refused: soonest.refusal };
      const sealed = (await withRecords(countSealed)).get(id) ?? 0;
      let refusal: RetireRefusal | { readonly kind: 'changed' } = { kind: 'changed' };
      const outcome = changeRing(directory, (kept) => {
        // While the key was counted it may have become the current one, though no command of ours
        // does that.
        if (kept.current !== seen.current) return undefined;
        const without = withoutKey(kept, id, sealed, clock.now());
        if (without.ok) return without.value;
        refusal = without.refusal;
        return undefined;
      });
      return outcome === 'changed' ? { retired: id } : { refused: refusal };
    },
  };
}
