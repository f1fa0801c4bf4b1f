import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Config } from '#config/config.ts';
import { instant } from '#kernel/time.ts';
import type { Clock, Steady } from './clock.ts';
import type { Log } from './log.ts';
import type { Entropy } from './random.ts';

/** The real clock. */
export const systemClock: Clock = {
  now: () => instant(Date.now() / 1000),
  millis: () => Date.now(),
};

function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() || null;
  } catch {
    return null;
  }
}

/**
 * The time since the machine started. `performance` alone stands still while it sleeps: when the
 * clock moved against it, the machine is asked.
 */
function machineSteady(): Steady {
  const SEEN_MS = 200;
  const started = () => uptime() * 1000 - performance.now();
  let base = started();
  let wall = Date.now() - performance.now();
  return {
    boot: bootId(),
    millis() {
      const run = performance.now();
      if (Math.abs(Date.now() - run - wall) > SEEN_MS) {
        wall = Date.now() - run;
        // Never back: both are told in fractions of their own.
        base = Math.max(base, started());
      }
      return base + run;
    },
  };
}

/** The real steady time. */
export const systemSteady: Steady = machineSteady();

const POOL = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Chance from the operating system, drawn 4 KiB at a time; what was handed out is wiped. */
export const systemEntropy: Entropy = {
  bytes: (count) => {
    if (count > POOL / 4) return randomBytes(count);
    if (used + count > pool.length) {
      pool = randomBytes(POOL);
      used = 0;
    }
    const handed = Uint8Array.prototype.slice.call(pool, used, used + count);
    pool.fill(0, used, used + count);
    used += count;
    return handed;
  },
};

/** One JSON line for each event, on standard error. */
export function jsonLog(level: Config['logLevel'], clock: Clock): Log {
  const ranks = { info: 0, warn: 1, error: 2, silent: 3 } as const;
  const at =
    (own: 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (ranks[own] >= ranks[level])
        process.stderr.write(
          `${JSON.stringify({ at: new Date(clock.millis()).toISOString(), level: own, event, ...fields })}\n`,
        );
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

import { createTransport, type NodemailerError } from 'nodemailer';
import type { Web } from './http-client.ts';
import type { Mail } from './smtp.ts';

/** How long a mail server may take, in milliseconds. */
export interface MailLimits {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** Between two words of the server. */
  readonly silenceMs: number;
  /**
   * From the connection to the last answer: a server that says something now and then must not hold
   * a letter for ever.
   */
  readonly wholeMs: number;
}

const usualLimits: MailLimits = {
  connectMs: 10_000,
  greetingMs: 10_000,
  silenceMs: 15_000,
  wholeMs: 25_000,
};

/**
 * Letters by SMTP (RFC 5321). `url`: `smtp://` or `smtps://`, with user and password where the
 * server wants them. A 5yz answer about the recipient or the letter is a refusal. One to the
 * greeting, the password or the sender is about us, and throws: a wrong password must not throw
 * away the letters of everybody.
 */
export function smtpMail({
  url,
  from,
  limits = usualLimits,
}: {
  url: string;
  from: string;
  limits?: MailLimits;
}): Mail {
  const server = new URL(url);
  // A URL may carry settings of nodemailer; its own log would repeat addresses.
  for (const setting of ['logger', 'debug', 'transactionLog']) server.searchParams.delete(setting);
  const transport = createTransport({
    url: server.href,
    connectionTimeout: limits.connectMs,
    dnsTimeout: limits.connectMs,
    greetingTimeout: limits.greetingMs,
    socketTimeout: limits.silenceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text, messageId }) {
      try {
        await transport.sendMail({
          from,
          // As a value: a text would be read as a list of addresses.
          to: { name: '', address: to },
          // An encoded word in what we write ourselves would be decoded by whoever reads it (RFC
          // 2047 §6.1).
          subject: subject.replaceAll('=?', '= ?'),
          text,
          messageId,
          // Keeps holiday answers away (RFC 3834 §5).
          headers: { 'Auto-Submitted': 'auto-generated' },
          xMailer: false,
          signal: AbortSignal.timeout(limits.wholeMs),
        });
        return 'sent';
      } catch (fault) {
        const { code, originalCode, permanent, responseCode, response, command } =
          fault as NodemailerError;
        if (permanent && (command === 'RCPT TO' || command === 'DATA'))
          return { refused: statusOf(response ?? '') };
        // A fault of our own making: the words of the original have the address in them.
        throw Object.assign(new Error('the mail server did not take a letter'), {
          code: responseCode ? `SMTP_${responseCode}` : (originalCode ?? code),
        });
      }
    },
  };
}

/** Reply and enhanced status code (RFC 3463) of an answer, without its words. */
const statusOf = (response: string): string =>
  /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response)?.[0] ?? '5yz';

/** Requests over the global fetch. */
export function fetchWeb(): Web {
  return {
    async post(url, headers, body, timeoutMs) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers },
        body,
        // Only the address that the operator wrote down gets to see what is posted.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      // Nobody reads it: an endless body would otherwise hold the connection.
      await answer.body?.cancel();
      return answer.status;
    },
  };
}
