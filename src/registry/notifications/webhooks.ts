import { createHmac } from 'node:crypto';
import { toIsoTime } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { HttpClient } from '#platform/http-client.ts';
import { finalFailure, type PostWebhook, temporaryFailure } from './attempt.ts';
import { appPageUrl, type NotificationFacts } from './notification.ts';

/** A program that is notified, as the configuration describes it. */
export interface WebhookEndpoint {
  readonly name: string;
  readonly url: string;
  /** `whsec_` and the key in base64 (Standard Webhooks). */
  readonly secret: string;
  /**
   * The one before it, while it is exchanged: notifications carry a signature under each, and a
   * receiver takes either.
   */
  readonly previousSecret?: string;
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
const webhookBody = (facts: NotificationFacts, issuer: string): string =>
  JSON.stringify({
    type: `app.${facts.event.replaceAll('-', '_')}`,
    timestamp: toIsoTime(facts.at),
    data: {
      app: { ...facts.client, url: appPageUrl(facts, issuer) },
      actor: facts.actor,
      owner: facts.owner,
      reason: facts.reason,
    },
  });

/**
 * Standard Webhooks 1.0: the key is signed with the time of the attempt, so that a recorded request
 * cannot be played again later. Throws when the secret of an endpoint is malformed.
 */
export function makePostWebhook({
  endpoints,
  web,
  clock,
  issuer,
  attemptMs,
}: {
  readonly endpoints: readonly WebhookEndpoint[];
  readonly web: HttpClient;
  readonly clock: Clock;
  readonly issuer: string;
  readonly attemptMs: number;
}): PostWebhook {
  const byName = new Map(
    endpoints.map((endpoint) => [endpoint.name, { url: endpoint.url, keys: keysOf(endpoint) }]),
  );
  return async (name, id, facts) => {
    const endpoint = byName.get(name);
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
    const status = await web.post(endpoint.url, headers, body, attemptMs);
    if (status >= 200 && status < 300) return 'delivered';
    // 410: the receiver asks for no more of this.
    return status === 410 ? finalFailure('status 410') : temporaryFailure(`status ${status}`);
  };
}
