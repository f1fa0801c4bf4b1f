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
/** No pulse comes back for so long: the connection is thrown away. */
const HEARTBEAT_TIMEOUT_MS = 6000;
/**
 * A pulse waits when a commit somewhere holds the queue, for a standby for instance. It is given up
 * before the connection is.
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

/** Hears what other processes change, for as long as somebody wants to know. */
export interface ChangeListener {
  /** Somebody asks the memory: it is to be vouched for in the near future. */
  keepListening(): void;
  close(): void;
}

/**
 * Reads what a trigger told. Undefined: it speaks of something this program does not know, and
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
   * Where its pulses come back: named after the server process it talks to, which nobody else talks
   * to.
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

/**
 * Listens on a connection of its own, and proves again and again that it does: it notifies itself.
 * PostgreSQL hands notifications over in the order of the commits, so when a pulse comes back,
 * everything that was committed before it was sent has been heard, and the memory is vouched for as
 * of that moment (ADR 12). Whatever goes wrong ends the vouching by itself; nothing here ever makes
 * a request fail.
 */
export function openChangeListener(
  url: string,
  cache: RowCache,
  { connectMs, log, heartbeatMs = HEARTBEAT_MS }: ChangeListenerOptions,
): ChangeListener {
  let connection: ListenConnection | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let lastDemandAt = 0;
  let retryMs = MIN_RETRY_MS;
  let retryAt = 0;
  /** The pulse that was sent last, and when; `heard`: it came back. */
  let heartbeat: { number: number; at: ClockReading; heard: boolean } = {
    number: 0,
    at: cache.readClocks(),
    heard: true,
  };
  let reportedProblem: string | null = null;

  function onNotListening(fault: unknown): void {
    connection?.socket.destroy();
    connection = undefined;
    // What was missed meanwhile is not known.
    cache.invalidateAll();
    retryAt = performance.now() + retryMs;
    retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    const why = fault instanceof NotListening ? fault.message : classifyFault(fault).state;
    if (why !== reportedProblem)
      log?.warn('changes by other nodes are not heard: nothing is answered from memory', { why });
    reportedProblem = why;
  }

  function onNotification({ channel, payload = '' }: pg.Notification): void {
    if (channel === CHANGES_CHANNEL) {
      const rowChange = parseRowChange(payload);
      if (rowChange) cache.invalidate(rowChange);
      else cache.invalidateAll();
    } else if (payload === String(heartbeat.number) && !heartbeat.heard) {
      heartbeat.heard = true;
      retryMs = MIN_RETRY_MS;
      cache.extendLease(heartbeat.at);
      if (reportedProblem !== null) log?.info('changes by other nodes are heard again');
      reportedProblem = null;
    }
  }

  async function connect(): Promise<ListenConnection> {
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
    const onConnectionLost = (fault: unknown) => {
      if (connection?.client === client) onNotListening(fault);
    };
    client
      .on('error', onConnectionLost)
      .on('end', () => onConnectionLost(new Error('the connection ended')));
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number; tellers: string }>(SELECT_BACKEND);
      const pid = rows[0]?.pid;
      // A connection through a pooler may be another one with each question, and what the server
      // says between two questions is lost there.
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

  function sendHeartbeat(target: ListenConnection): void {
    heartbeat = { number: heartbeat.number + 1, at: cache.readClocks(), heard: false };
    target.client
      .query('SELECT pg_notify($1, $2)', [target.channel, String(heartbeat.number)])
      .catch((fault) => {
        if (connection !== target) return;
        // Somebody's commit holds the queue: nothing was lost, and the next pulse may get through.
        if (classifyFault(fault).state === LOCK_NOT_AVAILABLE) heartbeat.heard = true;
        else onNotListening(fault);
      });
  }

  async function tick(): Promise<void> {
    const now = performance.now();
    if (now - lastDemandAt > IDLE_MS) {
      clearInterval(timer);
      timer = undefined;
    } else if (connection !== undefined) {
      if (heartbeat.heard) sendHeartbeat(connection);
      else if (now - heartbeat.at.monotonicMs > HEARTBEAT_TIMEOUT_MS)
        onNotListening(new Error('no pulse came back'));
    } else if (now >= retryAt) {
      try {
        const opened = await connect();
        if (closed) return void opened.socket.destroy();
        // From here on every change is heard; what is known from before is not believed.
        cache.invalidateAll();
        connection = opened;
        sendHeartbeat(opened);
      } catch (fault) {
        if (!closed) onNotListening(fault);
      }
    }
  }

  let ticking = false;
  function startTick(): void {
    if (ticking || closed) return;
    ticking = true;
    void tick().finally(() => {
      ticking = false;
    });
  }

  return {
    keepListening() {
      lastDemandAt = performance.now();
      if (timer !== undefined || closed) return;
      timer = setInterval(startTick, heartbeatMs).unref();
      startTick();
    },
    close() {
      closed = true;
      clearInterval(timer);
      connection?.socket.destroy();
      connection = undefined;
    },
  };
}
