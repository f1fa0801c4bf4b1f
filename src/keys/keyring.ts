import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, type Instant, instant, seconds } from '#kernel/time.ts';

/** A master key: 32 bytes, known by its id. */
export interface MasterKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** The master keys of a running process. */
export interface Keyring {
  /** The key that encrypts. */
  current(): MasterKey;
  /**
   * The key of that id. A ring that is kept in a file is read again before the answer is that there
   * is none.
   */
  findKey(id: string): Uint8Array | undefined;
  /** The key that has been there longest. */
  oldestKey(): MasterKey;
  /** How many keys there are: with one alone, nothing can be encrypted under another. */
  keyCount(): number;
  /** Looks whether the keys changed where they are kept. */
  reloadIfChanged(): void;
}

/** A key as it is kept, with its date. */
export interface StoredMasterKey extends MasterKey {
  readonly createdAt: Instant;
}

/** The keys as they are kept, the oldest first: the current one encrypts, all decrypt. */
export interface StoredKeyring {
  readonly current: string;
  readonly keys: readonly StoredMasterKey[];
}

/** A dot would end the id inside an encrypted text. */
export const isKeyId = (text: string): boolean => /^[A-Za-z0-9_-]{1,32}$/.test(text);

const KEY_BYTES = 32;
/**
 * How long a key must have encrypted nothing before it may leave. By then every server has heard of
 * the one after it (seconds), and what was encrypted under it for a short time has expired: a
 * temporary credential lives three times ten minutes at most.
 */
export const IDLE_BEFORE_RETIREMENT_SECONDS = seconds(3600);

/**
 * A keyring that does not change; the first encrypts, all decrypt. Throws when a key is not one.
 */
export function makeFixedKeyring(keys: readonly MasterKey[]): Keyring {
  const [newest] = keys;
  if (newest === undefined || keys.some(({ key }) => key.length !== KEY_BYTES))
    throw new Error('a sealer needs master keys of 32 bytes');
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  return {
    current: () => newest,
    findKey: (id) => byId.get(id),
    oldestKey: () => keys.at(-1) ?? newest,
    keyCount: () => byId.size,
    reloadIfChanged: () => {},
  };
}

interface Written {
  readonly current?: unknown;
  readonly keys?: unknown;
}

/** Reads the text of a ring. Throws when it is none; the message holds no key. */
export function parseKeyring(text: string): StoredKeyring {
  let written: Written | null;
  try {
    written = JSON.parse(text) as Written | null;
  } catch {
    throw new Error('the master keys are not JSON');
  }
  const keys = (Array.isArray(written?.keys) ? written.keys : []).map(
    (entry: Record<string, unknown> | null): StoredMasterKey => {
      const { id, key, createdAt } = entry ?? {};
      if (
        typeof id !== 'string' ||
        !isKeyId(id) ||
        typeof key !== 'string' ||
        typeof createdAt !== 'number'
      )
        throw new Error('a master key needs id, key and createdAt');
      const bytes = Buffer.from(key, 'base64');
      if (bytes.length !== KEY_BYTES)
        throw new Error(`the master key ${id} is not 32 bytes in base64`);
      return { id, key: bytes, createdAt: instant(createdAt) };
    },
  );
  const current = written?.current;
  if (typeof current !== 'string' || !keys.some(({ id }) => id === current))
    throw new Error('the current master key is not among the keys');
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new Error('two master keys have one id');
  return { current, keys };
}

/** The text of a ring, for its file. */
export const formatKeyring = ({ current, keys }: StoredKeyring): string =>
  `${JSON.stringify({ current, keys: keys.map(({ id, key, createdAt }) => ({ id, key: Buffer.from(key).toString('base64'), createdAt })) }, null, 2)}\n`;

/** A ring with one key. */
export const makeSingleKeyKeyring = (key: Uint8Array, createdAt: Instant): StoredKeyring => ({
  current: 'm1',
  keys: [{ id: 'm1', key, createdAt }],
});

/**
 * The keyring with one more key, which encrypts from now on. Ids count upwards and are not used
 * again.
 */
export function addKey(keyring: StoredKeyring, key: Uint8Array, now: Instant): StoredKeyring {
  const numbers = keyring.keys.map(({ id }) => Number(/^m(\d{1,9})$/.exec(id)?.[1] ?? 0));
  const id = `m${Math.max(...numbers) + 1}`;
  return { current: id, keys: [...keyring.keys, { id, key, createdAt: now }] };
}

/** Why a key has to stay. */
export type RetireRefusal =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'current' }
  | { readonly kind: 'too-early'; readonly until: Instant }
  | { readonly kind: 'in-use'; readonly values: number };

/**
 * The keyring without a key. `encryptedCount`: how many values that last are encrypted under it.
 * Refuses what would lose something.
 */
export function removeKey(
  keyring: StoredKeyring,
  id: string,
  encryptedCount: number,
  now: Instant,
): Result<StoredKeyring, RetireRefusal> {
  const current = keyring.keys.find((key) => key.id === keyring.current);
  if (current === undefined || !keyring.keys.some((key) => key.id === id))
    return refuse({ kind: 'unknown' });
  if (id === keyring.current) return refuse({ kind: 'current' });
  if (encryptedCount > 0) return refuse({ kind: 'in-use', values: encryptedCount });
  const until = addSeconds(current.createdAt, IDLE_BEFORE_RETIREMENT_SECONDS);
  if (now < until) return refuse({ kind: 'too-early', until });
  return accept({ current: keyring.current, keys: keyring.keys.filter((key) => key.id !== id) });
}
