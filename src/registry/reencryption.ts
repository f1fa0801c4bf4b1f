import { ACCOUNT_EMAIL } from '#accounts/account-emails.ts';
import type { EncryptedSecret } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { Keyring } from '#keys/keyring.ts';
import { masterKeyIdOf, type SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { CLIENT_SECRET, TOKEN_SECRET } from './actions/context.ts';

/** Encrypted texts that last. Those of temporary credentials expire before their key may leave. */
export const encryptedKinds = ['client secrets', 'token secrets', 'account emails'] as const;
export type EncryptedKind = (typeof encryptedKinds)[number];

/** One of them, under the key of its row. */
export interface EncryptedValue {
  readonly key: string | number;
  readonly encrypted: EncryptedSecret;
}

/** What encrypting again asks of the store. */
export interface EncryptedRecords {
  /**
   * Texts in the order of their keys, after one of them (null: from the first), at most `limit`.
   */
  listEncrypted(
    kind: EncryptedKind,
    after: string | number | null,
    limit: number,
  ): Promise<readonly EncryptedValue[]>;
  /** Replaces each text that is still the one given, in one unit of work; answers how many were. */
  replaceEncrypted(
    kind: EncryptedKind,
    changes: readonly {
      readonly key: string | number;
      readonly from: EncryptedSecret;
      readonly to: EncryptedSecret;
    }[],
  ): Promise<number>;
}

const purposes: Readonly<Record<EncryptedKind, string>> = {
  'client secrets': CLIENT_SECRET,
  'token secrets': TOKEN_SECRET,
  'account emails': ACCOUNT_EMAIL,
};
const PAGE = 200;
const PAGES_PER_RUN = 25;
/**
 * A pass that found something is followed by another soon: a process that heard late of the new key
 * may have encrypted with the old one meanwhile.
 */
const SHORT_REST_SECONDS = 30;
const LONG_REST_SECONDS = 3600;

/** Encrypts again, under the current key, whatever is encrypted under another. */
export interface Reencryption {
  /** Goes on where it stopped, for at most 5000 texts; answers how many it encrypted again. */
  run(): Promise<number>;
}

/** The text under the current key; null: no key decrypts it. */
function reencrypt(
  secretBox: SecretBox,
  kind: EncryptedKind,
  { key, encrypted }: EncryptedValue,
): { key: EncryptedValue['key']; from: EncryptedSecret; to: EncryptedSecret } | null {
  try {
    const plain = secretBox.decrypt(encrypted, purposes[kind]);
    return { key, from: encrypted, to: secretBox.encrypt(plain, purposes[kind]) };
  } catch {
    return null;
  }
}

/**
 * Makes the job. It walks through all encrypted texts, page by page, while there is more than one
 * key; with one key it asks the store nothing. A text that was changed meanwhile is left alone:
 * whoever changed it encrypted it.
 */
export function makeReencryption(parts: {
  readonly records: EncryptedRecords;
  readonly secretBox: SecretBox;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly log: Log;
}): Reencryption {
  const { records, secretBox, keyring, clock, log } = parts;
  let progress = {
    under: '',
    kind: 0,
    after: null as string | number | null,
    found: 0,
    undecryptable: 0,
  };
  let restsUntil: Instant | null = null;

  async function processPage(): Promise<number | 'over'> {
    const kind = encryptedKinds[progress.kind];
    if (kind === undefined) return 'over';
    const values = await records.listEncrypted(kind, progress.after, PAGE);
    const outdated = values.filter(({ encrypted }) => masterKeyIdOf(encrypted) !== progress.under);
    const changes = outdated
      .map((value) => reencrypt(secretBox, kind, value))
      .filter((one) => one !== null);
    progress.undecryptable += outdated.length - changes.length;
    progress.found += changes.length;
    const replaced = changes.length === 0 ? 0 : await records.replaceEncrypted(kind, changes);
    // Only now: a page that faulted is done again.
    if (values.length < PAGE) progress = { ...progress, kind: progress.kind + 1, after: null };
    else progress.after = values.at(-1)?.key ?? null;
    return replaced;
  }

  return {
    async run() {
      if (keyring.keyCount() < 2) return 0;
      const { id } = keyring.current();
      if (id !== progress.under || (restsUntil !== null && clock.now() >= restsUntil)) {
        progress = { under: id, kind: 0, after: null, found: 0, undecryptable: 0 };
        restsUntil = null;
      }
      let reencrypted = 0;
      for (let count = 0; count < PAGES_PER_RUN && restsUntil === null; count++) {
        const replaced = await processPage();
        if (replaced !== 'over') {
          reencrypted += replaced;
          continue;
        }
        if (progress.undecryptable > 0)
          log.error('encrypted secrets that no key decrypts', { count: progress.undecryptable });
        restsUntil = instant(
          clock.now() + (progress.found > 0 ? SHORT_REST_SECONDS : LONG_REST_SECONDS),
        );
      }
      return reencrypted;
    },
  };
}

const COUNT_PAGE = 5000;

/** How many lasting texts are encrypted under each key. */
export async function countEncrypted(
  records: EncryptedRecords,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const kind of encryptedKinds) {
    let after: string | number | null = null;
    for (let more = true; more; ) {
      const values: readonly EncryptedValue[] = await records.listEncrypted(
        kind,
        after,
        COUNT_PAGE,
      );
      for (const { encrypted } of values)
        counts.set(masterKeyIdOf(encrypted), (counts.get(masterKeyIdOf(encrypted)) ?? 0) + 1);
      after = values.at(-1)?.key ?? null;
      more = values.length === COUNT_PAGE;
    }
  }
  return counts;
}
