import { Socket } from 'node:net';
import pg from 'pg';
import type { Log } from '#platform/log.ts';
import type { ClockReading, RowCache, RowChange } from '../cache/cache.ts';
import { classifyFault } from './errors.ts';

/** The channel on which the database's own triggers tell of changes (migration 5). */
const CHANGES_CHANNEL = 'gatehouse';
const HEARTBEAT_MS = 300;
/** Without anybody who asks, nothing is sent; the connection stays. */
const IDLE_MS = 5000;
/** No heartbeat comes back for so long: the connection is thrown away. */
const HEARTBEAT_TIMEOUT_MS = 6000;
/**
 * A heartbeat waits when a commit somewhere holds the queue, for a standby for instance. It is
 * given up before the connection is.
 */
const LOCK_MS = 2000;
const LOCK_NOT_AVAILABLE = '55P03';
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;

export interface ChangeListenerOptions {
  readonly connectMs: number;
  readonly log: Log | null;
  /** How often it is made sure that everything was heard. */
  readonly heartbeatMs?: number;
}

/** Hears which rows other processes change, for as long as somebody reads the cache. */
export interface ChangeListener {
  /** Somebody reads the cache: its lease is to be extended in the near future. */
  keepListening(): void;
  close(): void;
}

/**
 * Reads what a trigger announced. Undefined: it speaks of something this program does not know, and
 * anything may have changed.
 */
function parseRowChange(payload: string): RowChange | undefined {
  const [, kind, key] = /^(client|account|consent) (.+)$/.exec(payload) ?? [];
  if (kind === undefined || key === undefined) return undefined;
  return kind === 'client'
    ? { kind, key }
    : { kind: kind as 'account' | 'consent', key: Number(key) };
}

interface ListenConnection {
  readonly client: pg.Client;
  readonly socket: Socket;
  /**
   * Where its heartbeats come back: named after the server process it talks to, which nobody else
   * talks to.
   */
  readonly channel: string;
}

/** Why it cannot be heard although the database answers. */
class NotListening extends Error {}

const notifyingTables = ['clients', 'client_secrets', 'accounts', 'consents'];
/** Who is at the other end, and how many of the triggers tell. */
const SELECT_BACKEND = `
  SELECT pg_backend_pid() AS pid, (
    SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
      AND (tgrelid, tgname) IN (${notifyingTables.map((table) => `(to_regclass('${table}'), '${table}_tell')`).join(', ')})) AS tellers`;

type Notified = (notification: pg.Notification) => void;

/**
 * Connects, and listens to the triggers and to itself. `onLost` is called once when the connection
 * breaks later.
 */
async function listen(
  url: string,
  connectMs: number,
  { onNotification, onLost }: { onNotification: Notified; onLost: (fault: unknown) => void },
): Promise<ListenConnection> {
  // Nobody waits for this connection: it keeps no process alive.
  const socket = new Socket().unref();
  const client = new pg.Client({
    ...{
      connectionString: url,
      connectionTimeoutMillis: connectMs,
      query_timeout: connectMs + LOCK_MS,
      lock_timeout: LOCK_MS,
    },
    ...{ keepAlive: true, application_name: 'gatehouse-listener', stream: () => socket },
  });
  client.on('error', onLost).on('end', () => onLost(new Error('the connection ended')));
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: number; tellers: string }>(SELECT_BACKEND);
    const pid = rows[0]?.pid;
    // A connection through a pooler may be another one with each question, and what the server says
    // between two questions is lost there.
    if (pid !== (client as unknown as { readonly processID: number }).processID)
      throw new NotListening('something stands between this process and the database');
    if (Number(rows[0]?.tellers) !== notifyingTables.length)
      throw new NotListening('triggers that tell of changes are missing or switched off');
    const channel = `${CHANGES_CHANNEL}_${pid}`;
    await client.query(`LISTEN ${CHANGES_CHANNEL}`);
    await client.query(`LISTEN ${channel}`);
    client.on('notification', onNotification);
    return { client, socket, channel };
  } catch (fault) {
    socket.destroy();
    throw fault;
  }
}

/** See openChangeListener. */
class PostgresChangeListener implements ChangeListener {
  readonly #url: string;
  readonly #cache: RowCache;
  readonly #options: ChangeListenerOptions;
  #connection: ListenConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking = false;
  #closed = false;
  #lastDemandAt = 0;
  #retryMs = MIN_RETRY_MS;
  #retryAt = 0;
  /** The heartbeat that was sent last, and when; `heard`: it came back. */
  #heartbeat: { number: number; at: ClockReading; heard: boolean };
  #reportedProblem: string | null = null;

  constructor(url: string, cache: RowCache, options: ChangeListenerOptions) {
    this.#url = url;
    this.#cache = cache;
    this.#options = options;
    this.#heartbeat = { number: 0, at: cache.readClocks(), heard: true };
  }

  keepListening(): void {
    this.#lastDemandAt = performance.now();
    if (this.#timer !== undefined || this.#closed) return;
    const { heartbeatMs = HEARTBEAT_MS } = this.#options;
    this.#timer = setInterval(() => this.#startTick(), heartbeatMs).unref();
    this.#startTick();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#connection?.socket.destroy();
    this.#connection = undefined;
  }

  #onNotListening(fault: unknown): void {
    this.#connection?.socket.destroy();
    this.#connection = undefined;
    // What was missed meanwhile is not known.
    this.#cache.invalidateAll();
    this.#retryAt = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    const why = fault instanceof NotListening ? fault.message : classifyFault(fault).state;
    if (why !== this.#reportedProblem)
      this.#options.log?.warn(
        'changes by other nodes are not heard: nothing is answered from memory',
        { why },
      );
    this.#reportedProblem = why;
  }

  #onNotification({ channel, payload = '' }: pg.Notification): void {
    if (channel === CHANGES_CHANNEL) {
      const rowChange = parseRowChange(payload);
      if (rowChange) this.#cache.invalidate(rowChange);
      else this.#cache.invalidateAll();
    } else if (payload === String(this.#heartbeat.number) && !this.#heartbeat.heard) {
      this.#heartbeat.heard = true;
      this.#retryMs = MIN_RETRY_MS;
      this.#cache.extendLease(this.#heartbeat.at);
      if (this.#reportedProblem !== null)
        this.#options.log?.info('changes by other nodes are heard again');
      this.#reportedProblem = null;
    }
  }

  async #connect(): Promise<void> {
    let opened: ListenConnection | undefined;
    try {
      opened = await listen(this.#url, this.#options.connectMs, {
        onNotification: (notification) => this.#onNotification(notification),
        onLost: (fault) => {
          if (opened !== undefined && this.#connection === opened) this.#onNotListening(fault);
        },
      });
      if (this.#closed) return void opened.socket.destroy();
      // From here on every change is heard; what is known from before is not believed.
      this.#cache.invalidateAll();
      this.#connection = opened;
      this.#sendHeartbeat(opened);
    } catch (fault) {
      if (!this.#closed) this.#onNotListening(fault);
    }
  }

  #sendHeartbeat(target: ListenConnection): void {
    const number = this.#heartbeat.number + 1;
    this.#heartbeat = { number, at: this.#cache.readClocks(), heard: false };
    target.client
      .query('SELECT pg_notify($1, $2)', [target.channel, String(number)])
      .catch((fault) => {
        if (this.#connection !== target) return;
        // Somebody's commit holds the queue: nothing was lost, and the next one may get through.
        if (classifyFault(fault).state === LOCK_NOT_AVAILABLE) this.#heartbeat.heard = true;
        else this.#onNotListening(fault);
      });
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    if (now - this.#lastDemandAt > IDLE_MS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#connection === undefined) {
      if (now >= this.#retryAt) await this.#connect();
      return;
    }
    if (this.#heartbeat.heard) this.#sendHeartbeat(this.#connection);
    else if (now - this.#heartbeat.at.monotonicMs > HEARTBEAT_TIMEOUT_MS)
      this.#onNotListening(new Error('no heartbeat came back'));
  }

  #startTick(): void {
    if (this.#ticking || this.#closed) return;
    this.#ticking = true;
    void this.#tick().finally(() => {
      this.#ticking = false;
    });
  }
}

/**
 * Listens on a connection of its own, and proves again and again that it does, by a heartbeat: it
 * notifies itself. PostgreSQL hands notifications over in the order of the commits, so when a
 * heartbeat comes back, everything that was committed before it was sent has been heard, and the
 * lease of the cache is extended from that moment (ADR 12). Whatever goes wrong lets the lease run
 * out by itself; nothing here ever makes a request fail.
 */
export const openChangeListener = (
  url: string,
  cache: RowCache,
  options: ChangeListenerOptions,
): ChangeListener => new PostgresChangeListener(url, cache, options);
