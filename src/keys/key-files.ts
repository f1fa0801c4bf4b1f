import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { instant } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import { readOrCreateFile } from '#platform/kept-file.ts';
import { MAX_SECRET_FILE_BYTES, readRegularFile } from '#platform/plain-file.ts';
import type { Entropy } from '#platform/random.ts';
import { uniqueName } from '#platform/unique-name.ts';
import {
  formatKeyring,
  type Keyring,
  makeSingleKeyKeyring,
  parseKeyring,
  type StoredKeyring,
} from './keyring.ts';
import { generateSigningKeys } from './signing.ts';
import {
  formatSigningKeySets,
  makeInitialKeySet,
  parseSigningKeySets,
  type SigningKeySource,
} from './signing-key-sets.ts';

/** The directory of the keys, and what making some needs. */
export interface KeyDirectory {
  readonly path: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Files of the key directory that a backup has to hold. */
export const KEY_FILES = ['master.json', 'master.key', 'signing.json'] as const;

const LOCK_MS = 10_000;

const ifExists = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault;
  }
};
const readBytes = (path: string) => readRegularFile(path, MAX_SECRET_FILE_BYTES);
const readTextIfExists = (path: string) => ifExists(() => readBytes(path).toString('utf8'));

/**
 * Runs `work` while no other process does the same. The lock is SQLite's on an empty file: the
 * operating system lets go of it when a process dies, so that none is ever left behind.
 */
function withDirectoryLock<T>(directory: string, work: () => T): T {
  const path = join(directory, 'lock');
  closeSync(openSync(path, 'a', 0o600));
  const lock = new DatabaseSync(path);
  try {
    lock.exec(`PRAGMA busy_timeout = ${LOCK_MS}; BEGIN EXCLUSIVE`);
    return work();
  } finally {
    lock.close();
  }
}

/**
 * Puts a text in the place of a file, at once and for good: whoever reads finds the old one or the
 * new one, whole. Mode 600.
 */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${uniqueName()}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * Tells whether files changed since it was asked last. A replaced file is another inode, should the
 * time be the same.
 */
function makeChangeDetector(paths: readonly string[]): () => boolean {
  let seen = '';
  return () => {
    const now = paths
      .map((path) => ifExists(() => statSync(path, { bigint: true })))
      .map((file) => (file ? `${file.ino} ${file.mtimeNs} ${file.size}` : '-'))
      .join(' ');
    const changed = now !== seen;
    seen = now;
    return changed;
  };
}

const withPathInError = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (fault) {
    throw new Error(`${path}: ${(fault as Error).message}`);
  }
};

const keyringPath = (directory: string) => join(directory, 'master.json');
const singleKeyPath = (directory: string) => join(directory, 'master.key');
const signingPath = (directory: string) => join(directory, 'signing.json');

/** A key in base64, alone in a file, as it was before there was a ring. */
function readSingleKeyFile(path: string): StoredKeyring | undefined {
  const text = readTextIfExists(path);
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32) throw new Error(`${path}: the master key is not 32 bytes in base64`);
  return makeSingleKeyKeyring(key, instant(statSync(path).mtimeMs / 1000));
}

/** The master keys that are kept there; undefined when none were made yet. */
export function readKeyring(directory: string): StoredKeyring | undefined {
  const path = keyringPath(directory);
  const text = readTextIfExists(path);
  return text === undefined
    ? readSingleKeyFile(singleKeyPath(directory))
    : withPathInError(path, () => parseKeyring(text));
}

/**
 * The master keys of a directory, made at the first start. A key that leaves the file opens on in a
 * process that knew it: what that process has in its memory may still be encrypted under it.
 */
export function openKeyring({ path: directory, clock, entropy }: KeyDirectory): Keyring {
  const changed = makeChangeDetector([keyringPath(directory), singleKeyPath(directory)]);
  const knownKeys = new Map<string, Uint8Array>();
  const readOrCreate = (): StoredKeyring => {
    const keyring =
      readKeyring(directory) ??
      parseKeyring(
        readOrCreateFile(keyringPath(directory), uniqueName(), () =>
          formatKeyring(makeSingleKeyKeyring(entropy.bytes(32), clock.now())),
        ),
      );
    for (const { id, key } of keyring.keys) knownKeys.set(id, key);
    return keyring;
  };
  changed();
  let keyring = readOrCreate();
  const findKey = (id: string) =>
    keyring.keys.find((key) => key.id === id) as StoredKeyring['keys'][number];
  const reloadIfChanged = () => {
    // Keys that went away altogether are an operator's mishap: none are made in their place while
    // those in memory still serve.
    if (changed()) keyring = readKeyring(directory) ? readOrCreate() : keyring;
  };
  return {
    current: () => findKey(keyring.current),
    findKey(id) {
      if (!knownKeys.has(id)) reloadIfChanged();
      return knownKeys.get(id);
    },
    oldestKey: () => keyring.keys[0] ?? findKey(keyring.current),
    keyCount: () => keyring.keys.length,
    reloadIfChanged,
  };
}

/**
 * Replaces the ring by what `change` makes of the one that is kept at this moment. Undefined: it
 * stays. Throws when there is none yet.
 */
export function updateKeyring(
  directory: string,
  change: (stored: StoredKeyring) => StoredKeyring | undefined,
): 'changed' | 'unchanged' {
  return withDirectoryLock(directory, () => {
    const stored = readKeyring(directory);
    if (stored === undefined) throw new Error(`there are no master keys in ${directory}`);
    const next = change(stored);
    if (next === undefined) return 'unchanged';
    replaceFile(keyringPath(directory), formatKeyring(next));
    // The ring holds what was in it, and it would be in nobody's eye.
    rmSync(singleKeyPath(directory), { force: true });
    return 'changed';
  });
}

/** The signing keys of a directory, made at the first start. */
export function openSigningKeys({ path: directory, clock }: KeyDirectory): SigningKeySource {
  const path = signingPath(directory);
  const changed = makeChangeDetector([path]);
  const parseFile = (text: string) =>
    withPathInError(path, () => parseSigningKeySets(text, instant(statSync(path).mtimeMs / 1000)));
  changed();
  let keySets = parseFile(
    readOrCreateFile(path, uniqueName(), () =>
      formatSigningKeySets([makeInitialKeySet(generateSigningKeys().keys, clock.now())]),
    ),
  );
  const reloadIfChanged = () => {
    const text = changed() ? readTextIfExists(path) : undefined;
    if (text !== undefined) keySets = parseFile(text);
  };
  return {
    keySets: () => keySets,
    reloadIfChanged,
    update: (change) =>
      withDirectoryLock(directory, () => {
        const next = change(parseFile(readBytes(path).toString('utf8')));
        if (next) replaceFile(path, formatSigningKeySets(next));
        reloadIfChanged();
        return next ? 'changed' : 'unchanged';
      }),
  };
}

/** The texts of the key files that are there, by name. */
export const readKeyFiles = (directory: string): ReadonlyMap<string, Buffer> =>
  new Map(
    KEY_FILES.flatMap((name) => {
      const bytes = ifExists(() => readBytes(join(directory, name)));
      return bytes === undefined ? [] : [[name, bytes] as const];
    }),
  );

/** Makes the directory of the keys, for its owner alone. */
export const createKeyDirectory = (data: string, clock: Clock, entropy: Entropy): KeyDirectory => {
  const path = join(data, 'keys');
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, clock, entropy };
};
