import type { Sealed } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { KeyRing } from '#keys/keyring.ts';
import { keyIdOf, type Sealer } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { CLIENT_SECRET, TOKEN_SECRET } from './actions/context.ts';

/** Sealed texts that last. Those of temporary credentials expire before their key may leave. */
export const sealedKinds = ['client secrets', 'token secrets'] as const;
export type SealedKind = (typeof sealedKinds)[number];

/** One of them, under the key of its row. */
export interface SealedValue {
  readonly key: string | number;
  readonly sealed: Sealed;
}

/** What sealing again asks of the store. */
export interface SealedRecords {
  /**
   * Texts in the order of their keys, after one of them (null: from the first), at most `limit`.
   */
  listSealed(
    kind: SealedKind,
    after: string | number | null,
    limit: number,
  ): Promise<readonly SealedValue[]>;
  /** Replaces each text that is still the one given, in one unit of work; answers how many were. */
  replaceSealed(
    kind: SealedKind,
    changes: readonly {
      readonly key: string | number;
      readonly from: Sealed;
      readonly to: Sealed;
    }[],
  ): Promise<number>;
}

const purposes: Readonly<Record<SealedKind, string>> = {
  'client secrets': CLIENT_SECRET,
  'token secrets': TOKEN_SECRET,
};
const PAGE = 200;
const PAGES_OF_ONE_RUN = 25;
/**
 * A pass that found something is followed by another soon: a process that heard late of the new key
 * may have sealed behind our back.
 */
const SOON = 30;
const SELDOM = 3600;

/** Seals again, under the key that is current, whatever is sealed under another. */
export interface Resealing {
  /** Goes on where it stopped, for at most 5000 texts; answers how many it sealed again. */
  run(): Promise<number>;
}

/**
 * Makes the job. It walks through all sealed texts, page by page, while there is more than one key;
 * with one key it asks the store nothing. A text that was changed meanwhile is left alone: whoever
 * changed it sealed it.
 */
export function makeResealing(parts: {
  readonly records: SealedRecords;
  readonly sealer: Sealer;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly log: Log;
}): Resealing {
  const { records, sealer, keys, clock, log } = parts;
  let pass = { under: '', kind: 0, after: null as string | number | null, found: 0, lost: 0 };
  let restsUntil: Instant | null = null;

  async function page(): Promise<number | 'over'> {
    const kind = sealedKinds[pass.kind];
    if (kind === undefined) return 'over';
    const values = await records.listSealed(kind, pass.after, PAGE);
    const changes = values
      .filter(({ sealed }) => keyIdOf(sealed) !== pass.under)
      .flatMap(({ key, sealed }) => {
        try {
          return [
            {
              key,
              from: sealed,
              to: sealer.seal(sealer.open(sealed, purposes[kind]), purposes[kind]),
            },
          ];
        } catch {
          pass.lost += 1;
          return [];
        }
      });
    pass.found += changes.length;
    const done = changes.length === 0 ? 0 : await records.replaceSealed(kind, changes);
    // Only now: a page that faulted is done again.
    if (values.length < PAGE) pass = { ...pass, kind: pass.kind + 1, after: null };
    else pass.after = values.at(-1)?.key ?? null;
    return done;
  }

  return {
    async run() {
      if (keys.size() < 2) return 0;
      const { id } = keys.current();
      if (id !== pass.under || (restsUntil !== null && clock.now() >= restsUntil)) {
        pass = { under: id, kind: 0, after: null, found: 0, lost: 0 };
        restsUntil = null;
      }
      let sealed = 0;
      for (let count = 0; count < PAGES_OF_ONE_RUN && restsUntil === null; count++) {
        const done = await page();
        if (done !== 'over') {
          sealed += done;
          continue;
        }
        if (pass.lost > 0) log.error('sealed secrets that no key opens', { count: pass.lost });
        restsUntil = instant(clock.now() + (pass.found > 0 ? SOON : SELDOM));
      }
      return sealed;
    },
  };
}

const COUNT_PAGE = 5000;

/** How many lasting texts are sealed under each key. */
export async function countSealed(records: SealedRecords): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const kind of sealedKinds) {
    let after: string | number | null = null;
    for (let more = true; more; ) {
      const values: readonly SealedValue[] = await records.listSealed(kind, after, COUNT_PAGE);
      for (const { sealed } of values)
        counts.set(keyIdOf(sealed), (counts.get(keyIdOf(sealed)) ?? 0) + 1);
      after = values.at(-1)?.key ?? null;
      more = values.length === COUNT_PAGE;
    }
  }
  return counts;
}
