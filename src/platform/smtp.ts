import { createTransport, type NodemailerError } from 'nodemailer';

/** One message to one person. */
export interface OutgoingEmail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /**
   * With angle brackets (RFC 5322 §3.6.4). The same for every attempt, so that a repetition can be
   * recognised.
   */
  readonly messageId: string;
}

/** Letters to people. */
export interface MailTransport {
  /**
   * Sends an email. `refused`: it will never be taken (RFC 5321 §4.2.1, 5yz); the reply and status
   * code alone, as servers repeat the address in their words. Anything that may be better later
   * throws, and the fault's `code` tells what happened.
   */
  send(email: OutgoingEmail): Promise<'sent' | { readonly refused: string }>;
}

/** How long a mail server may take, in milliseconds. */
export interface SmtpTimeouts {
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  /** Between two words of the server. */
  readonly idleTimeoutMs: number;
  /**
   * From the connection to the last answer: a server that says something now and then must not hold
   * an email for ever.
   */
  readonly totalTimeoutMs: number;
}

const defaultSmtpTimeouts: SmtpTimeouts = {
  connectTimeoutMs: 10_000,
  greetingTimeoutMs: 10_000,
  idleTimeoutMs: 15_000,
  totalTimeoutMs: 25_000,
};

/**
 * Letters by SMTP (RFC 5321). `url`: `smtp://` or `smtps://`, with user and password where the
 * server wants them. A 5yz answer about the recipient or the email is a refusal. One to the
 * greeting, the password or the sender is about us, and throws: a wrong password must not throw
 * away the emails of everybody.
 */
export function makeSmtpTransport({
  url,
  from,
  limits = defaultSmtpTimeouts,
}: {
  url: string;
  from: string;
  limits?: SmtpTimeouts;
}): MailTransport {
  const server = new URL(url);
  // A URL may carry settings of nodemailer; its own log would repeat addresses.
  for (const setting of ['logger', 'debug', 'transactionLog']) server.searchParams.delete(setting);
  const transport = createTransport({
    url: server.href,
    connectionTimeout: limits.connectTimeoutMs,
    dnsTimeout: limits.connectTimeoutMs,
    greetingTimeout: limits.greetingTimeoutMs,
    socketTimeout: limits.idleTimeoutMs,
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
          signal: AbortSignal.timeout(limits.totalTimeoutMs),
        });
        return 'sent';
      } catch (fault) {
        const { code, originalCode, permanent, responseCode, response, command } =
          fault as NodemailerError;
        if (permanent && (command === 'RCPT TO' || command === 'DATA'))
          return { refused: smtpStatus(response ?? '') };
        // A fault of our own making: the words of the original have the address in them.
        throw Object.assign(new Error('the mail server did not take a letter'), {
          code: responseCode ? `SMTP_${responseCode}` : (originalCode ?? code),
        });
      }
    },
  };
}

/** Reply and enhanced status code (RFC 3463) of an answer, without its words. */
const smtpStatus = (response: string): string =>
  /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response)?.[0] ?? '5yz';
