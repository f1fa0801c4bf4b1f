import { Socket } from 'node:net';
import pg from 'pg';
import type { Log } from '#platform/log.ts';
import type { Alteration, Memory, Moment } from '../cache/cache.ts';
import { troubleOf } from './errors.ts';

/** The channel on which the database's own triggers tell of changes (migration 5). */
const CHANGES = 'gatehouse';
const PULSE_MS = 300;
/** Without anybody who asks, nothing is sent; the connection stays. */
const IDLE_MS = 5000;
/** No pulse comes back for so long: the connection is thrown away. */
const SILENT_MS = 6000;
/**
 * A pulse waits when a commit somewhere holds the queue, for a standby for instance. It is given up
 * before the connection is.
 */
const LOCK_MS = 2000;
const LOCK_NOT_AVAILABLE = '55P03';
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

export interface EarOptions {
  readonly connectMs: number;
  readonly log: Log | null;
  /** How often it is made sure that everything was heard. */
  readonly pulseMs?: number;
}

/** Hears what other processes change, for as long as somebody wants to know. */
export interface Ear {
  /** Somebody asks the memory: it is to be vouched for in the near future. */
  wanted(): void;
  close(): void;
}

/**
 * Reads what a trigger told. Undefined: it speaks of something this program does not know, and
 * anything may have changed.
 */
function alterationOf(told: string): Alteration | undefined {
  const [, kind, key] = /^(client|account|consent) (.+)$/.exec(told) ?? [];
  if (kind === undefined || key === undefined) return undefined;
  return kind === 'client'
    ? { kind, key }
    : { kind: kind as 'account' | 'consent', key: Number(key) };
}

interface Line {
  readonly client: pg.Client;
  readonly socket: Socket;
  /**
   * Where its pulses come back: named after the server process it talks to, which nobody else talks
   * to.
   */
  readonly channel: string;
}

/** Why it cannot be heard although the database answers. */
class Deaf extends Error {}

const tellers = ['clients', 'client_secrets', 'accounts', 'consents'];
/** Who is at the other end, and how many of the triggers tell. */
const WHO = `
  SELECT pg_backend_pid() AS pid, (
    SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
      AND (tgrelid, tgname) IN (${tellers.map((table) => `(to_regclass('${table}'), '${table}_tell')`).join(', ')})) AS tellers`;

/**
 * Listens on a connection of its own, and proves again and again that it does: it notifies itself.
 * PostgreSQL hands notifications over in the order of the commits, so when a pulse comes back,
 * everything that was committed before it was sent has been heard, and the memory is vouched for as
 * of that moment (ADR 12). Whatever goes wrong ends the vouching by itself; nothing here ever makes
 * a request fail.
 */
export function openEar(
  url: string,
  memory: Memory,
  { connectMs, log, pulseMs = PULSE_MS }: EarOptions,
): Ear {
  let line: Line | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let wantedAt = 0;
  let retryMs = FIRST_RETRY_MS;
  let retryAt = 0;
  /** The pulse that was sent last, and when; `heard`: it came back. */
  let pulse: { number: number; at: Moment; heard: boolean } = {
    number: 0,
    at: memory.moment(),
    heard: true,
  };
  let trouble: string | null = null;

  function deaf(fault: unknown): void {
    line?.socket.destroy();
    line = undefined;
    // What was missed meanwhile is not known.
    memory.forgetAll();
    retryAt = performance.now() + retryMs;
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    const why = fault instanceof Deaf ? fault.message : troubleOf(fault).state;
    if (why !== trouble)
      log?.warn('changes by other nodes are not heard: nothing is answered from memory', { why });
    trouble = why;
  }

  function hear({ channel, payload: told = '' }: pg.Notification): void {
    if (channel === CHANGES) {
      const alteration = alterationOf(told);
      if (alteration) memory.forget(alteration);
      else memory.forgetAll();
    } else if (told === String(pulse.number) && !pulse.heard) {
      pulse.heard = true;
      retryMs = FIRST_RETRY_MS;
      memory.vouch(pulse.at);
      if (trouble !== null) log?.info('changes by other nodes are heard again');
      trouble = null;
    }
  }

  async function connect(): Promise<Line> {
    // Nobody waits for this connection: it keeps no process alive.
    const socket = new Socket().unref();
    const client = new pg.Client({
      ...{
        connectionString: url,
        connectionTimeoutMillis: connectMs,
        query_timeout: connectMs + LOCK_MS,
        lock_timeout: LOCK_MS,
      },
      ...{ keepAlive: true, application_name: 'gatehouse-ear', stream: () => socket },
    });
    const lost = (fault: unknown) => {
      if (line?.client === client) deaf(fault);
    };
    client.on('error', lost).on('end', () => lost(new Error('the connection ended')));
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number; tellers: string }>(WHO);
      const pid = rows[0]?.pid;
      // A connection through a pooler may be another one with each question, and what the server
      // says between two questions is lost there.
      if (pid !== (client as unknown as { readonly processID: number }).processID)
        throw new Deaf('something stands between this process and the database');
      if (Number(rows[0]?.tellers) !== tellers.length)
        throw new Deaf('triggers that tell of changes are missing or switched off');
      const channel = `${CHANGES}_${pid}`;
      await client.query(`LISTEN ${CHANGES}`);
      await client.query(`LISTEN ${channel}`);
      client.on('notification', hear);
      return { client, socket, channel };
    } catch (fault) {
      socket.destroy();
      throw fault;
    }
  }

  function send(to: Line): void {
    pulse = { number: pulse.number + 1, at: memory.moment(), heard: false };
    to.client
      .query('SELECT pg_notify($1, $2)', [to.channel, String(pulse.number)])
      .catch((fault) => {
        if (line !== to) return;
        // Somebody's commit holds the queue: nothing was lost, and the next pulse may get through.
        if (troubleOf(fault).state === LOCK_NOT_AVAILABLE) pulse.heard = true;
        else deaf(fault);
      });
  }

  async function turn(): Promise<void> {
    const now = performance.now();
    if (now - wantedAt > IDLE_MS) {
      clearInterval(timer);
      timer = undefined;
    } else if (line !== undefined) {
      if (pulse.heard) send(line);
      else if (now - pulse.at.run > SILENT_MS) deaf(new Error('no pulse came back'));
    } else if (now >= retryAt) {
      try {
        const made = await connect();
        if (closed) return void made.socket.destroy();
        // From here on every change is heard; what is known from before is not believed.
        memory.forgetAll();
        line = made;
        send(made);
      } catch (fault) {
        if (!closed) deaf(fault);
      }
    }
  }

  let turning = false;
  function take(): void {
    if (turning || closed) return;
    turning = true;
    void turn().finally(() => {
      turning = false;
    });
  }

  return {
    wanted() {
      wantedAt = performance.now();
      if (timer !== undefined || closed) return;
      timer = setInterval(take, pulseMs).unref();
      take();
    },
    close() {
      closed = true;
      clearInterval(timer);
      line?.socket.destroy();
      line = undefined;
    },
  };
}
