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
import { keptFile } from '#platform/kept-file.ts';
import { MOST_SECRET, readPlainFile } from '#platform/plain-file.ts';
import type { Entropy } from '#platform/random.ts';
import { uniqueName } from '#platform/unique-name.ts';
import { formatRing, type KeyRing, parseRing, type Ring, ringOf } from './keyring.ts';
import { generateSigningKeys } from './signing.ts';
import {
  formatGenerations,
  parseGenerations,
  type SigningSource,
  sinceEver,
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

const ifThere = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault;
  }
};
const bytesOf = (path: string) => readPlainFile(path, MOST_SECRET);
const textOf = (path: string) => ifThere(() => bytesOf(path).toString('utf8'));

/**
 * Runs `work` while no other process does the same. The lock is SQLite's on an empty file: the
 * operating system lets go of it when a process dies, so that none is ever left behind.
 */
function alone<T>(directory: string, work: () => T): T {
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
function watch(paths: readonly string[]): () => boolean {
  let seen = '';
  return () => {
    const now = paths
      .map((path) => ifThere(() => statSync(path, { bigint: true })))
      .map((file) => (file ? `${file.ino} ${file.mtimeNs} ${file.size}` : '-'))
      .join(' ');
    const changed = now !== seen;
    seen = now;
    return changed;
  };
}

const named = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (fault) {
    throw new Error(`${path}: ${(fault as Error).message}`);
  }
};

const ringPath = (directory: string) => join(directory, 'master.json');
const singlePath = (directory: string) => join(directory, 'master.key');
const signingPath = (directory: string) => join(directory, 'signing.json');

/** A key in base64, alone in a file, as it was before there was a ring. */
function singleKey(path: string): Ring | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32) throw new Error(`${path}: the master key is not 32 bytes in base64`);
  return ringOf(key, instant(statSync(path).mtimeMs / 1000));
}

/** The master keys that are kept there; undefined when none were made yet. */
export function readRing(directory: string): Ring | undefined {
  const path = ringPath(directory);
  const text = textOf(path);
  return text === undefined ? singleKey(singlePath(directory)) : named(path, () => parseRing(text));
}

/**
 * The master keys of a directory, made at the first start. A key that leaves the file opens on in a
 * process that knew it: what that process has in its memory may still be sealed under it.
 */
export function openRing({ path: directory, clock, entropy }: KeyDirectory): KeyRing {
  const changed = watch([ringPath(directory), singlePath(directory)]);
  const known = new Map<string, Uint8Array>();
  const read = (): Ring => {
    const ring =
      readRing(directory) ??
      parseRing(
        keptFile(ringPath(directory), uniqueName(), () =>
          formatRing(ringOf(entropy.bytes(32), clock.now())),
        ),
      );
    for (const { id, key } of ring.keys) known.set(id, key);
    return ring;
  };
  changed();
  let ring = read();
  const keyOf = (id: string) => ring.keys.find((key) => key.id === id) as Ring['keys'][number];
  const look = () => {
    // Keys that went away altogether are an operator's mishap: none are made in their place while
    // those in memory still serve.
    if (changed()) ring = readRing(directory) ? read() : ring;
  };
  return {
    current: () => keyOf(ring.current),
    find(id) {
      if (!known.has(id)) look();
      return known.get(id);
    },
    oldest: () => ring.keys[0] ?? keyOf(ring.current),
    size: () => ring.keys.length,
    look,
  };
}

/**
 * Replaces the ring by what `change` makes of the one that is kept at this moment. Undefined: it
 * stays. Throws when there is none yet.
 */
export function changeRing(
  directory: string,
  change: (kept: Ring) => Ring | undefined,
): 'changed' | 'unchanged' {
  return alone(directory, () => {
    const kept = readRing(directory);
    if (kept === undefined) throw new Error(`there are no master keys in ${directory}`);
    const next = change(kept);
    if (next === undefined) return 'unchanged';
    replaceFile(ringPath(directory), formatRing(next));
    // The ring holds what was in it, and it would be in nobody's eye.
    rmSync(singlePath(directory), { force: true });
    return 'changed';
  });
}

/** The signing keys of a directory, made at the first start. */
export function openSigning({ path: directory, clock }: KeyDirectory): SigningSource {
  const path = signingPath(directory);
  const changed = watch([path]);
  const read = (text: string) =>
    named(path, () => parseGenerations(text, instant(statSync(path).mtimeMs / 1000)));
  changed();
  let generations = read(
    keptFile(path, uniqueName(), () =>
      formatGenerations([sinceEver(generateSigningKeys().keys, clock.now())]),
    ),
  );
  const look = () => {
    const text = changed() ? textOf(path) : undefined;
    if (text !== undefined) generations = read(text);
  };
  return {
    generations: () => generations,
    look,
    change: (change) =>
      alone(directory, () => {
        const next = change(read(bytesOf(path).toString('utf8')));
        if (next) replaceFile(path, formatGenerations(next));
        look();
        return next ? 'changed' : 'unchanged';
      }),
  };
}

/** The texts of the key files that are there, by name. */
export const readKeyFiles = (directory: string): ReadonlyMap<string, Buffer> =>
  new Map(
    KEY_FILES.flatMap((name) => {
      const bytes = ifThere(() => bytesOf(join(directory, name)));
      return bytes === undefined ? [] : [[name, bytes] as const];
    }),
  );

/** Makes the directory of the keys, for its owner alone. */
export const keyDirectory = (data: string, clock: Clock, entropy: Entropy): KeyDirectory => {
  const path = join(data, 'keys');
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, clock, entropy };
};
