import type { Account } from '#accounts/account.ts';
import type { TokenCredentials } from '#oauth1/records.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

/** What is remembered: rows that are asked for with every request and change a few times a year. */
export interface Kinds {
  client: Client;
  account: Account;
  consent: Consent;
  /** Token credentials; they stand and fall with their consent, which is remembered by itself. */
  pair: TokenCredentials;
}
export type Kind = keyof Kinds;
type Key = string | number;

/**
 * A moment on two clocks: one that stands still while the machine is suspended, and one that
 * somebody may set.
 */
export interface Moment {
  readonly run: number;
  readonly wall: number;
}

/** One thing that somebody changed. */
export interface Alteration {
  readonly kind: Kind;
  readonly key: Key;
}

/**
 * Takes what a question answered, unless something was changed since the question was about to be
 * asked.
 */
export type Learn = <K extends Kind>(kind: K, key: Key, value: Kinds[K]) => void;

/**
 * What one process knows of rows it read a moment ago (ADR 12). Only found things are remembered,
 * so a memory can let somebody in for as long as its lease lasts, and never keeps anybody out.
 */
export interface Memory {
  /** Undefined: not known, known for too long, or nobody vouches for it just now. */
  recall<K extends Kind>(kind: K, key: Key): Kinds[K] | undefined;
  /** To be taken before the store is asked. */
  learner(): Learn;
  forget(change: Alteration): void;
  forgetAll(): void;
  /** The present, to be vouched for later. */
  moment(): Moment;
  /**
   * Everything that was changed until then has been forgotten: the memory may be believed until a
   * lease later, by both clocks.
   */
  vouch(at: Moment): void;
  /** False: each question has to be asked. */
  vouched(): boolean;
}

export interface MemoryOptions {
  /** Milliseconds that never go back. */
  readonly now?: () => number;
  /** Milliseconds of the day; without it, suspending the machine goes unnoticed. */
  readonly wall?: () => number;
  /**
   * How long after a proof that every change was heard of the memory is believed: the longest that
   * it can be behind.
   */
  readonly leaseMs?: number;
  /**
   * How long a thing is known before it is asked again, whatever was heard: the bound should a
   * change be told by nobody.
   */
  readonly keepMs?: number;
  /** Things of each kind; the oldest go first. */
  readonly most?: number;
}

/** A revocation has to hold everywhere within a second. */
const LEASE_MS = 700;
const KEEP_MS = 5000;
const MOST = 20_000;

export function makeMemory({
  now = () => performance.now(),
  wall = () => 0,
  leaseMs = LEASE_MS,
  keepMs = KEEP_MS,
  most = MOST,
}: MemoryOptions = {}): Memory {
  const known: {
    readonly [K in Kind]: Map<Key, { readonly value: Kinds[K]; readonly until: number }>;
  } = {
    client: new Map(),
    account: new Map(),
    consent: new Map(),
    pair: new Map(),
  };
  /** Counts what was forgotten: an answer that was under way meanwhile may be from before. */
  let forgotten = 0;
  let vouchedAt: Moment = { run: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };
  const vouched = () => now() < vouchedAt.run + leaseMs && wall() < vouchedAt.wall + leaseMs;

  return {
    recall(kind, key) {
      if (!vouched()) return undefined;
      const found = known[kind].get(key);
      return found !== undefined && now() < found.until ? found.value : undefined;
    },
    learner() {
      const before = forgotten;
      const until = now() + keepMs;
      return (kind, key, value) => {
        if (forgotten !== before) return;
        const things = known[kind];
        things.delete(key);
        const [oldest] = things.size >= most ? things.keys() : [];
        if (oldest !== undefined) things.delete(oldest);
        things.set(key, { value, until });
      };
    },
    forget({ kind, key }) {
      forgotten += 1;
      known[kind].delete(key);
    },
    forgetAll() {
      forgotten += 1;
      for (const things of Object.values(known)) things.clear();
    },
    moment: () => ({ run: now(), wall: wall() }),
    vouch(at) {
      if (at.run > vouchedAt.run) vouchedAt = at;
    },
    vouched,
  };
}
