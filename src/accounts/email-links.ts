import type { UserId } from '#kernel/ids.ts';
import { refuse } from '#kernel/result.ts';
import { addSeconds, type Instant, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { EmailBudget, EmailKind } from './email-budget.ts';
import type { AccountToken, AccountTokenKind, AccountTokens } from './records.ts';
import type { RequestOrigin } from './sessions.ts';
import { HOUR, networkOf, type Pacer, type Throttle, throttled } from './throttle.ts';

/** A link that was used, replaced, too old, somebody else's, or never ours. */
export interface InvalidLink {
  readonly kind: 'link-gone';
}

/** Why nothing can be mailed, or nobody can register. */
export type NotOffered = { readonly kind: 'no-mail' } | { readonly kind: 'closed' };

export const invalidLink = refuse({ kind: 'link-gone' });
export const serverBusy = throttled(seconds(5));

/** How often the form behind one link may be sent. */
export const TRIES_PER_LINK = 20;
const REQUESTS_PER_NETWORK = 20;
export const REQUESTS_PER_TARGET = 3;

/** A link that leads on to a path of ours afterwards. */
export const withReturnPath = (link: string, returnPath: string | undefined): string =>
  returnPath === undefined
    ? link
    : `${link}${link.includes('?') ? '&' : '?'}returnto=${encodeURIComponent(returnPath)}`;

/** A link, and the token that it is good for, which is not written yet. */
export interface NewLink {
  readonly url: string;
  readonly token: AccountToken;
}

/** Makes links, and finds what one is good for. */
export interface EmailLinks {
  /** `path`: of the page that the link opens. */
  create(about: {
    readonly kind: AccountTokenKind;
    readonly userId: UserId | null;
    readonly data: string;
    readonly ttlSeconds: Seconds;
    readonly path: string;
  }): NewLink;
  /** Undefined when it was used, replaced, is too old, or never was ours. */
  findToken(secret: string, kind: AccountTokenKind): Promise<AccountToken | undefined>;
}

/** Longer than any secret of ours. */
const MAX_SECRET_LENGTH = 100;

export const makeLinks = ({
  records,
  idGenerator,
  clock,
  settings,
}: {
  readonly records: Pick<AccountTokens, 'findAccountToken'>;
  readonly idGenerator: Pick<IdGenerator, 'secret'>;
  readonly clock: Clock;
  readonly settings: { readonly issuer: string };
}): EmailLinks => ({
  create({ ttlSeconds, path, ...about }) {
    const secret = idGenerator.secret();
    const expiresAt: Instant = addSeconds(clock.now(), ttlSeconds);
    return {
      url: `${settings.issuer}${path}?token=${secret}`,
      token: { ...about, digest: digestOf(secret), expiresAt },
    };
  },
  findToken: async (secret, kind) =>
    secret.length > MAX_SECRET_LENGTH
      ? undefined
      : records.findAccountToken(digestOf(secret), kind, clock.now()),
});

/** Judges whether somebody may ask for another link, by who asks and whom they ask about. */
export interface LinkRequestLimits {
  /** Counts a request; true: it is one too many for this hour. */
  asksTooOften(what: string, target: string, from: RequestOrigin): Promise<boolean>;
  /**
   * Counts what one network, or for an address to be confirmed one account, may ask for in a day;
   * nothing about others shows in the answer. `sender` null: nobody knows whose network it is.
   */
  exceedsDailyQuota(kind: EmailKind, sender: string | null): Promise<boolean>;
}

export const makeLinkRequestLimits = ({
  throttle,
  pacer,
  emailBudget,
}: {
  readonly throttle: Throttle;
  readonly pacer: Pacer;
  readonly emailBudget: EmailBudget;
}): LinkRequestLimits => ({
  async asksTooOften(what, target, from) {
    const network = networkOf(from);
    if (network === null) {
      // Everybody may be behind it: emails go out more slowly, and do not stop.
      const pace = { most: REQUESTS_PER_NETWORK, window: HOUR, pause: seconds(10) };
      if ((await pacer.countAndDelay(`${what} address somewhere`, pace)) !== undefined) return true;
    } else if (await throttle(`${what} address ${network}`, REQUESTS_PER_NETWORK, HOUR))
      return true;
    return throttle(`${what} target ${digestOf(target.toLowerCase())}`, REQUESTS_PER_TARGET, HOUR);
  },
  exceedsDailyQuota: async (kind, sender) =>
    sender !== null && !(await emailBudget.consumeSenderQuota(kind, sender)),
});
