import { addSeconds, instant, type Seconds, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { HttpClient } from '#platform/http-client.ts';
import type { Log } from '#platform/log.ts';
import { type AttemptOutcome, type EmailParts, errorName, makeAttempt } from './attempt.ts';
import type { ClaimedEntry, Outbox } from './notification.ts';
import { makePostWebhook, type WebhookEndpoint } from './webhooks.ts';

/** How much a worker takes on, and for how long. */
export interface DeliveryLimits {
  /** Entries claimed at once. */
  readonly batch: number;
  readonly claimSeconds: Seconds;
  /** One attempt, in milliseconds. */
  readonly attemptMs: number;
}

/** What delivery needs. */
export interface DeliveryParts extends EmailParts {
  readonly outbox: Pick<Outbox, 'claimNotifications' | 'closeNotification' | 'retryNotification'>;
  readonly web: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly endpoints: readonly WebhookEndpoint[];
  /** Attempts at the same time. */
  readonly concurrency: number;
  readonly limits?: DeliveryLimits;
}

/** Carries emails and webhooks out of the outbox. */
export interface Delivery {
  /**
   * Tries what is due, and answers how many entries were tried. A call during another one joins it.
   */
  run(): Promise<number>;
  /** The same, but never joins a run that began earlier: what is written by now is tried. */
  runAgain(): Promise<number>;
  /**
   * Begins nothing more, gives back what was claimed and not begun, and waits `patienceMs` for what
   * is under way. What has not ended then goes out again under the same key when its claim runs
   * out; nothing is written or logged about it any more.
   */
  stop(patienceMs: number): Promise<void>;
}

const defaultLimits: DeliveryLimits = { batch: 20, claimSeconds: seconds(120), attemptMs: 30_000 };
const HOUR = 3600;
/** Seconds until the next attempt; the last one repeats. */
const retryPauses = [30, 120, 600, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
const MAX_ATTEMPTS = 14;

/** When to try again: an email whose link ends before is looked at when it ends, to be dropped. */
function nextAttemptAt(entry: ClaimedEntry, clock: Clock) {
  const pause = retryPauses[Math.min(entry.attempts, retryPauses.length) - 1] as number;
  const due = addSeconds(clock.now(), seconds(pause));
  const expiresAt = 'facts' in entry ? null : entry.expiresAt;
  return expiresAt === null ? due : instant(Math.min(due, expiresAt));
}

/** Where an entry goes, for the log. */
const targetName = (entry: ClaimedEntry): string =>
  'facts' in entry && entry.target.kind === 'webhook' ? entry.target.endpoint : 'mail';

/** Makes what writes down how an attempt ended. */
function makeRecordOutcome({
  outbox,
  clock,
  log,
}: Pick<DeliveryParts, 'outbox' | 'clock' | 'log'>) {
  /** Delivered, but the store could not be told: to be closed when they are claimed again. */
  const unclosedIds = new Set<number>();
  return {
    isDelivered: ({ id }: ClaimedEntry) => unclosedIds.has(id),
    async record(entry: ClaimedEntry, outcome: AttemptOutcome): Promise<void> {
      const { id, key, attempts } = entry;
      const about = { key, to: targetName(entry), attempts };
      if (outcome === 'delivered') {
        unclosedIds.add(id);
        await outbox.closeNotification(id, 'delivered', null);
        unclosedIds.delete(id);
        log.info('notification delivered', about);
      } else if (outcome.final || attempts >= MAX_ATTEMPTS) {
        await outbox.closeNotification(id, 'given-up', outcome.problem);
        log.warn('notification given up', { ...about, problem: outcome.problem });
      } else {
        await outbox.retryNotification(id, nextAttemptAt(entry, clock), outcome.problem);
        log.warn('notification will be tried again', { ...about, problem: outcome.problem });
      }
    },
  };
}

/** Resolves when the work has ended, well or not, and after `patienceMs` at the latest. */
async function waitAtMost(work: Promise<unknown> | null, patienceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  const ended = Promise.resolve(work).then(
    () => {},
    () => {},
  );
  await Promise.race([ended, patience]).finally(() => clearTimeout(timer));
}

/** Entries claimed by this worker and not begun, and whether it still begins any. */
interface WorkerState {
  claimed: ClaimedEntry[];
  stopping: boolean;
  /** Nobody waits for it any more: nothing is written or logged about what ends now. */
  abandoned: boolean;
}

/** Gives back what was claimed for others to take, at once, instead of when the claim runs out. */
async function releaseClaims(
  state: WorkerState,
  { outbox, clock }: Pick<DeliveryParts, 'outbox' | 'clock'>,
): Promise<void> {
  const released = state.claimed;
  state.claimed = [];
  await Promise.allSettled(
    released.map(({ id, problem }) =>
      outbox.retryNotification(id, clock.now(), problem ?? 'the server stopped'),
    ),
  );
}

/** Makes one turn of the worker: it claims what is due, tries it, and answers how many it tried. */
function makeTurn(parts: DeliveryParts, state: WorkerState): () => Promise<number> {
  const { outbox, clock, log, concurrency, limits = defaultLimits } = parts;
  const { attemptMs } = limits;
  const attempt = makeAttempt({
    ...parts,
    attemptMs,
    postWebhook: makePostWebhook({ ...parts, attemptMs }),
  });
  const outcomes = makeRecordOutcome(parts);

  async function handle(entry: ClaimedEntry): Promise<void> {
    // The claim counted this attempt, so that one which ends the process counts too.
    const outcome = outcomes.isDelivered(entry) ? 'delivered' : await attempt(entry);
    if (!state.abandoned) await outcomes.record(entry, outcome);
  }

  return async () => {
    const claimedUntil = addSeconds(clock.now(), limits.claimSeconds);
    state.claimed = [...(await outbox.claimNotifications(clock.now(), claimedUntil, limits.batch))];
    if (state.stopping) await releaseClaims(state, parts);
    let attempted = 0;
    // What cannot end before the claim does is left alone: somebody else may have claimed it by
    // then, and it would go out twice.
    const hasTimeLeft = () =>
      addSeconds(clock.now(), seconds(Math.ceil(attemptMs / 1000))) < claimedUntil;
    async function work(): Promise<void> {
      for (
        let entry = hasTimeLeft() ? state.claimed.shift() : undefined;
        entry !== undefined;
        entry = hasTimeLeft() ? state.claimed.shift() : undefined
      ) {
        attempted += 1;
        const { key } = entry;
        // The claim runs out by itself; an outcome that cannot be written down does not keep the
        // other entries.
        await handle(entry).catch((fault) => {
          if (!state.abandoned)
            log.error('notification not noted down', { key, problem: errorName(fault) });
        });
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work));
    return attempted;
  };
}

/**
 * The worker of the outbox. Each entry is tried for about four days, or until its link expires, and
 * then given up; what it knows to be delivered it never sends again, and what a crash leaves in
 * doubt goes out once more under the same key. Throws when the secret of an endpoint is malformed.
 */
export function makeDelivery(parts: DeliveryParts): Delivery {
  const state: WorkerState = { claimed: [], stopping: false, abandoned: false };
  const turn = makeTurn(parts, state);
  let running: Promise<number> | null = null;

  function run(): Promise<number> {
    if (state.stopping) return Promise.resolve(0);
    running ??= turn().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    run,
    async runAgain() {
      await Promise.resolve(running).catch(() => 0);
      return run();
    },
    async stop(patienceMs) {
      state.stopping = true;
      await releaseClaims(state, parts);
      await waitAtMost(running, patienceMs);
      state.abandoned = true;
    },
  };
}
