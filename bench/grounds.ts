// The stores a benchmark runs on: servers of its own, set up as docs/operations/scaling.md says,
// and taken away again.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SharedInstallation } from '#harness/inhabitants.ts';
import { findPostgres, type Postgres } from '#harness/postgres.ts';
import { NO_REDIS, RedisServer } from '#harness/redis.ts';

export const stores = ['sqlite', 'postgres', 'postgres+redis'] as const;
export type StoreName = (typeof stores)[number];

/**
 * The stores that were asked for: several times `--store`, or several with commas between; none is
 * all of them.
 */
export function readStores(asked: readonly string[] = ['all']): readonly StoreName[] {
  const names = asked.flatMap((text) => text.split(','));
  if (names.includes('all')) return stores;
  for (const name of names)
    if (!(stores as readonly string[]).includes(name))
      throw new Error(`there is no store "${name}": use ${stores.join(', ')} or all`);
  return names as StoreName[];
}

/** Homes on the stores that were asked for. Servers are started when the first home needs them. */
export class Grounds {
  #postgres: Postgres | undefined;
  #redis: RedisServer | undefined;
  readonly #directories: string[] = [];

  async home(
    store: StoreName,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<SharedInstallation> {
    const data = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
    this.#directories.push(data);
    const environment: Record<string, string> = { ...settings };
    if (store !== 'sqlite') environment.GATEHOUSE_DATABASE = await this.#database();
    // Each home has a number of its own: what one leaves behind is not another's.
    if (store === 'postgres+redis')
      environment.GATEHOUSE_EPHEMERAL = `${await this.#cache()}/${this.#directories.length}`;
    return { data, issuer: 'http://gate.localhost', environment };
  }

  async remove(): Promise<void> {
    await this.#redis?.remove();
    await this.#postgres?.close();
    for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true });
  }

  async #database(): Promise<string> {
    if (this.#postgres === undefined) {
      const found = await findPostgres();
      if (typeof found === 'string') throw new Error(found);
      this.#postgres = found;
    }
    return this.#postgres.database();
  }

  async #cache(): Promise<string> {
    if (!RedisServer.here) throw new Error(NO_REDIS);
    this.#redis ??= await RedisServer.start('--appendonly', 'yes');
    return this.#redis.url;
  }
}

/**
 * Processor time, in seconds, that these processes and all they started have used, with those that
 * ended since. Linux alone; NaN elsewhere.
 */
export function cpuOf(roots: readonly number[]): number {
  const [children, ticks] = [new Map<number, number[]>(), new Map<number, number>()];
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      let text: string;
      try {
        text = readFileSync(`/proc/${entry}/stat`, 'utf8');
      } catch {
        continue;
      }
      // After the name, which may hold anything: state, parent, …, and from the 12th on user,
      // system, and the same of children that ended.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const [pid, parent] = [Number(entry), Number(fields[1])];
      children.set(parent, [...(children.get(parent) ?? []), pid]);
      ticks.set(
        pid,
        fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
      );
    }
  } catch {
    return Number.NaN;
  }
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), ticks.get(pid) ?? 0);
  return roots.reduce((total, pid) => total + sum(pid), 0) / 100;
}

/** Processes this one started, without those named: the servers, when the nodes are named. */
export function othersThan(pids: readonly number[]): readonly number[] {
  try {
    return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
      .split(' ')
      .filter((text) => text.trim() !== '')
      .map(Number)
      .filter((pid) => !pids.includes(pid));
  } catch {
    return [];
  }
}

/** The value below which that part of them lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
