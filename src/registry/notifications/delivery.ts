import { createHmac, hash } from 'node:crypto';
import type { UserId } from '#kernel/ids.ts';
import { later, type Seconds, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Web } from '#platform/http-client.ts';
import type { Log } from '#platform/log.ts';
import type { Mail } from '#platform/smtp.ts';
import type { Notice, Outbox } from './notification.ts';
import { appPage, type NoticeSender, noticeWords } from './templates.ts';

/** A program that is told, as the configuration describes it. */
export interface Endpoint {
  readonly name: string;
  readonly url: string;
  /** `whsec_` and the key in base64 (Standard Webhooks). */
  readonly secret: string;
  /**
   * The one before it, while it is exchanged: notices carry a signature under each, and a receiver
   * takes either.
   */
  readonly previousSecret?: string;
}

/** How much a worker takes on, and for how long. */
export interface DeliveryLimits {
  /** Notices claimed at once. */
  readonly batch: number;
  readonly claimFor: Seconds;
  /** One attempt, in milliseconds. */
  readonly attemptMs: number;
}

/** What delivery needs. */
export interface DeliveryParts extends NoticeSender {
  readonly outbox: Pick<Outbox, 'claimNotices' | 'closeNotice' | 'retryNotice'>;
  /** Null: no mail server is configured. */
  readonly mail: Mail | null;
  readonly web: Web;
  readonly clock: Clock;
  readonly log: Log;
  /** Confirmed e-mail address of a person; null: none. */
  readonly findAccount: (user: UserId) => Promise<string | null>;
  readonly endpoints: readonly Endpoint[];
  /** Attempts at the same time. */
  readonly concurrency: number;
  readonly limits?: DeliveryLimits;
}

/** Carries notices out of the outbox. */
export interface Delivery {
  /**
   * Tries what is due, and answers how many notices were tried. A call during another one joins it.
   */
  run(): Promise<number>;
  /**
   * Begins nothing more, gives back what was claimed and not begun, and waits `patienceMs` for what
   * is under way. What has not ended then goes out again under the same key when its claim runs
   * out; nothing is written or logged about it any more.
   */
  stop(patienceMs: number): Promise<void>;
}

const usualLimits: DeliveryLimits = { batch: 20, claimFor: seconds(120), attemptMs: 30_000 };
const HOUR = 3600;
/** Seconds until the next attempt; the last one repeats. */
const pauses = [30, 120, 600, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
const MOST_ATTEMPTS = 14;

type Outcome = 'delivered' | { readonly problem: string; readonly final: boolean };
const never = (problem: string): Outcome => ({ problem, final: true });
const notNow = (problem: string): Outcome => ({ problem, final: false });

/**
 * What went wrong, in a word: the message of a fault may have an address or the URL of an endpoint
 * in it.
 */
function wordOf(fault: unknown): string {
  const { code, cause, name } = Object(fault) as {
    code?: unknown;
    cause?: unknown;
    name?: unknown;
  };
  const words = [code, (Object(cause) as { code?: unknown }).code, name];
  return (
    words.find((word): word is string => typeof word === 'string' && /^\w{1,60}$/.test(word)) ??
    'failed'
  );
}

/** Ends the wait, whether or not the work ends. */
async function within(work: Promise<Outcome>, ms: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve(notNow('took too long')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The keys that an endpoint may check with, the present one first. */
function keysOf({ name, secret, previousSecret }: Endpoint): readonly Buffer[] {
  return [secret, ...(previousSecret === undefined ? [] : [previousSecret])].map((text) => {
    const key = text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : Buffer.alloc(0);
    if (key.length === 0)
      throw new Error(`a secret of the endpoint ${name} is not whsec_ and a key in base64`);
    return key;
  });
}

/** What an endpoint reads; the same bytes at every attempt. */
const bodyOf = (facts: Notice['facts'], issuer: string): string =>
  JSON.stringify({
    type: `app.${facts.event.replaceAll('-', '_')}`,
    timestamp: new Date(facts.at * 1000).toISOString(),
    data: {
      app: { ...facts.client, url: appPage(facts, issuer) },
      actor: facts.actor,
      owner: facts.owner,
      reason: facts.reason,
    },
  });

/**
 * The worker of the outbox. Each notice is tried for about four days and then given up; what it
 * knows to be delivered it never sends again, and what a crash leaves in doubt goes out once more
 * under the same key. Throws when the secret of an endpoint is malformed.
 */
export function makeDelivery(parts: DeliveryParts): Delivery {
  const {
    outbox,
    mail,
    web,
    clock,
    log,
    findAccount,
    issuer,
    concurrency,
    limits = usualLimits,
  } = parts;
  const endpoints = new Map(
    parts.endpoints.map((endpoint) => [
      endpoint.name,
      { url: endpoint.url, keys: keysOf(endpoint) },
    ]),
  );
  /** Delivered, but the store could not be told: to be closed when they are claimed again. */
  const unclosed = new Set<number>();
  let running: Promise<number> | null = null;
  /** Claimed, and not begun. */
  let waiting: Notice[] = [];
  let [stopping, abandoned] = [false, false];

  async function write(userId: UserId, { key, facts }: Notice): Promise<Outcome> {
    if (mail === null) return never('no mail server is configured');
    const to = await findAccount(userId);
    if (to === null) return never('no confirmed e-mail address');
    const messageId = `<${hash('sha256', key, 'hex').slice(0, 40)}@${new URL(issuer).hostname}>`;
    const answer = await mail.send({ to, messageId, ...noticeWords(facts, parts) });
    return answer === 'sent' ? 'delivered' : never(`refused: ${answer.refused}`);
  }

  /**
   * Standard Webhooks 1.0: the key is signed with the time of the attempt, so that a recorded
   * request cannot be played again later.
   */
  async function post(name: string, { key: id, facts }: Notice): Promise<Outcome> {
    const endpoint = endpoints.get(name);
    if (endpoint === undefined) return never('the endpoint is not configured');
    const body = bodyOf(facts, issuer);
    const timestamp = String(clock.now());
    const signed = `${id}.${timestamp}.${body}`;
    // A list with blanks between: a receiver takes any that it can check (Standard Webhooks 1.0,
    // "Signature scheme").
    const signatures = endpoint.keys.map(
      (key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    );
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    };
    const status = await web.post(endpoint.url, headers, body, limits.attemptMs);
    if (status >= 200 && status < 300) return 'delivered';
    // 410: the receiver asks for no more of this.
    return status === 410 ? never('status 410') : notNow(`status ${status}`);
  }

  async function attempt(notice: Notice): Promise<Outcome> {
    if (unclosed.has(notice.id)) return 'delivered';
    try {
      const { target } = notice;
      const work =
        target.kind === 'mail' ? write(target.userId, notice) : post(target.endpoint, notice);
      return await within(work, limits.attemptMs);
    } catch (fault) {
      return notNow(wordOf(fault));
    }
  }

  async function handle(notice: Notice): Promise<void> {
    // The claim counted this attempt, so that one which ends the process counts too.
    const { id, key, target, attempts } = notice;
    const outcome = await attempt(notice);
    if (abandoned) return;
    const about = { key, to: target.kind === 'mail' ? 'mail' : target.endpoint, attempts };
    if (outcome === 'delivered') {
      unclosed.add(id);
      await outbox.closeNotice(id, 'delivered', null);
      unclosed.delete(id);
      log.info('notice delivered', about);
    } else if (outcome.final || attempts >= MOST_ATTEMPTS) {
      await outbox.closeNotice(id, 'given-up', outcome.problem);
      log.warn('notice given up', { ...about, problem: outcome.problem });
    } else {
      const pause = seconds(pauses[Math.min(attempts, pauses.length) - 1] as number);
      await outbox.retryNotice(id, later(clock.now(), pause), outcome.problem);
      log.warn('notice will be tried again', { ...about, problem: outcome.problem });
    }
  }

  async function runOnce(): Promise<number> {
    const claimedUntil = later(clock.now(), limits.claimFor);
    waiting = [...(await outbox.claimNotices(clock.now(), claimedUntil, limits.batch))];
    if (stopping) await giveBack();
    let tried = 0;
    async function work(): Promise<void> {
      // What cannot end before the claim does is left alone: somebody else may have claimed it by
      // then, and it would go out twice.
      while (
        waiting.length > 0 &&
        later(clock.now(), seconds(Math.ceil(limits.attemptMs / 1000))) < claimedUntil
      ) {
        const notice = waiting.shift() as Notice;
        tried += 1;
        // The claim runs out by itself; one notice that cannot be noted down does not keep the
        // others.
        await handle(notice).catch((fault) => {
          if (!abandoned)
            log.error('notice not noted down', { key: notice.key, problem: wordOf(fault) });
        });
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work));
    return tried;
  }

  /** For others, at once, instead of when the claim runs out. */
  async function giveBack(): Promise<void> {
    const back = waiting;
    waiting = [];
    await Promise.allSettled(
      back.map(({ id, problem }) =>
        outbox.retryNotice(id, clock.now(), problem ?? 'the server stopped'),
      ),
    );
  }

  return {
    run() {
      if (stopping) return Promise.resolve(0);
      running ??= runOnce().finally(() => {
        running = null;
      });
      return running;
    },
    async stop(patienceMs) {
      stopping = true;
      await giveBack();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, patienceMs);
      });
      await Promise.race([Promise.resolve(running).catch(() => 0), patience]).finally(() =>
        clearTimeout(timer),
      );
      abandoned = true;
    },
  };
}
