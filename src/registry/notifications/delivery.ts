import { createHmac, hash } from 'node:crypto';
import type { UserId } from '#kernel/ids.ts';
import { addSeconds, type Seconds, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { HttpClient } from '#platform/http-client.ts';
import type { Log } from '#platform/log.ts';
import type { MailTransport } from '#platform/smtp.ts';
import type { Notification, Outbox } from './notification.ts';
import { appPageUrl, type NotificationSender, renderNotificationEmail } from './templates.ts';

/** A program that is told, as the configuration describes it. */
export interface WebhookEndpoint {
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
  readonly claimSeconds: Seconds;
  /** One attempt, in milliseconds. */
  readonly attemptMs: number;
}

/** What delivery needs. */
export interface DeliveryParts extends NotificationSender {
  readonly outbox: Pick<Outbox, 'claimNotifications' | 'closeNotification' | 'retryNotification'>;
  /** Null: no mail server is configured. */
  readonly mail: MailTransport | null;
  readonly web: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Confirmed e-mail address of a person; null: none. */
  readonly findConfirmedEmail: (user: UserId) => Promise<string | null>;
  readonly endpoints: readonly WebhookEndpoint[];
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

const defaultLimits: DeliveryLimits = { batch: 20, claimSeconds: seconds(120), attemptMs: 30_000 };
const HOUR = 3600;
/** Seconds until the next attempt; the last one repeats. */
const retryPauses = [30, 120, 600, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];
const MAX_ATTEMPTS = 14;

type AttemptOutcome = 'delivered' | { readonly problem: string; readonly final: boolean };
const finalFailure = (problem: string): AttemptOutcome => ({ problem, final: true });
const temporaryFailure = (problem: string): AttemptOutcome => ({ problem, final: false });

/**
 * What went wrong, in a word: the message of a fault may have an address or the URL of an endpoint
 * in it.
 */
function errorName(fault: unknown): string {
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
async function withTimeout(work: Promise<AttemptOutcome>, ms: number): Promise<AttemptOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<AttemptOutcome>((resolve) => {
    timer = setTimeout(() => resolve(temporaryFailure('took too long')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The keys that an endpoint may check with, the present one first. */
function keysOf({ name, secret, previousSecret }: WebhookEndpoint): readonly Buffer[] {
  return [secret, ...(previousSecret === undefined ? [] : [previousSecret])].map((text) => {
    const key = text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : Buffer.alloc(0);
    if (key.length === 0)
      throw new Error(`a secret of the endpoint ${name} is not whsec_ and a key in base64`);
    return key;
  });
}

/** What an endpoint reads; the same bytes at every attempt. */
const webhookBody = (facts: Notification['facts'], issuer: string): string =>
  JSON.stringify({
    type: `app.${facts.event.replaceAll('-', '_')}`,
    timestamp: new Date(facts.at * 1000).toISOString(),
    data: {
      app: { ...facts.client, url: appPageUrl(facts, issuer) },
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
    findConfirmedEmail,
    issuer,
    concurrency,
    limits = defaultLimits,
  } = parts;
  const endpoints = new Map(
    parts.endpoints.map((endpoint) => [
      endpoint.name,
      { url: endpoint.url, keys: keysOf(endpoint) },
    ]),
  );
  /** Delivered, but the store could not be told: to be closed when they are claimed again. */
  const unclosedIds = new Set<number>();
  let running: Promise<number> | null = null;
  /** Claimed, and not begun. */
  let claimed: Notification[] = [];
  let [stopping, abandoned] = [false, false];

  async function sendEmail(userId: UserId, { key, facts }: Notification): Promise<AttemptOutcome> {
    if (mail === null) return finalFailure('no mail server is configured');
    const to = await findConfirmedEmail(userId);
    if (to === null) return finalFailure('no confirmed e-mail address');
    const messageId = `<${hash('sha256', key, 'hex').slice(0, 40)}@${new URL(issuer).hostname}>`;
    const answer = await mail.send({ to, messageId, ...renderNotificationEmail(facts, parts) });
    return answer === 'sent' ? 'delivered' : finalFailure(`refused: ${answer.refused}`);
  }

  /**
   * Standard Webhooks 1.0: the key is signed with the time of the attempt, so that a recorded
   * request cannot be played again later.
   */
  async function postWebhook(
    name: string,
    { key: id, facts }: Notification,
  ): Promise<AttemptOutcome> {
    const endpoint = endpoints.get(name);
    if (endpoint === undefined) return finalFailure('the endpoint is not configured');
    const body = webhookBody(facts, issuer);
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
    return status === 410 ? finalFailure('status 410') : temporaryFailure(`status ${status}`);
  }

  async function attempt(notification: Notification): Promise<AttemptOutcome> {
    if (unclosedIds.has(notification.id)) return 'delivered';
    try {
      const { target } = notification;
      const work =
        target.kind === 'mail'
          ? sendEmail(target.userId, notification)
          : postWebhook(target.endpoint, notification);
      return await withTimeout(work, limits.attemptMs);
    } catch (fault) {
      return temporaryFailure(errorName(fault));
    }
  }

  async function handle(notification: Notification): Promise<void> {
    // The claim counted this attempt, so that one which ends the process counts too.
    const { id, key, target, attempts } = notification;
    const outcome = await attempt(notification);
    if (abandoned) return;
    const about = { key, to: target.kind === 'mail' ? 'mail' : target.endpoint, attempts };
    if (outcome === 'delivered') {
      unclosedIds.add(id);
      await outbox.closeNotification(id, 'delivered', null);
      unclosedIds.delete(id);
      log.info('notification delivered', about);
    } else if (outcome.final || attempts >= MAX_ATTEMPTS) {
      await outbox.closeNotification(id, 'given-up', outcome.problem);
      log.warn('notification given up', { ...about, problem: outcome.problem });
    } else {
      const pause = seconds(retryPauses[Math.min(attempts, retryPauses.length) - 1] as number);
      await outbox.retryNotification(id, addSeconds(clock.now(), pause), outcome.problem);
      log.warn('notification will be tried again', { ...about, problem: outcome.problem });
    }
  }

  async function runOnce(): Promise<number> {
    const claimedUntil = addSeconds(clock.now(), limits.claimSeconds);
    claimed = [...(await outbox.claimNotifications(clock.now(), claimedUntil, limits.batch))];
    if (stopping) await releaseClaims();
    let attempted = 0;
    async function work(): Promise<void> {
      // What cannot end before the claim does is left alone: somebody else may have claimed it by
      // then, and it would go out twice.
      while (
        claimed.length > 0 &&
        addSeconds(clock.now(), seconds(Math.ceil(limits.attemptMs / 1000))) < claimedUntil
      ) {
        const notification = claimed.shift() as Notification;
        attempted += 1;
        // The claim runs out by itself; one notice that cannot be noted down does not keep the
        // others.
        await handle(notification).catch((fault) => {
          if (!abandoned)
            log.error('notification not noted down', {
              key: notification.key,
              problem: errorName(fault),
            });
        });
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work));
    return attempted;
  }

  /** For others, at once, instead of when the claim runs out. */
  async function releaseClaims(): Promise<void> {
    const released = claimed;
    claimed = [];
    await Promise.allSettled(
      released.map(({ id, problem }) =>
        outbox.retryNotification(id, clock.now(), problem ?? 'the server stopped'),
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
      await releaseClaims();
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
