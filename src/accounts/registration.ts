import { confusableSkeleton } from '#encoding/confusables.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import { DAY } from './email-budget.ts';
import {
  type EmailLinks,
  type InvalidLink,
  invalidLink,
  type LinkRequestLimits,
  type NotOffered,
  serverBusy,
  TRIES_PER_LINK,
  withReturnPath,
} from './email-links.ts';
import {
  combineProblems,
  fieldProblem,
  fieldProblems,
  type InvalidField,
  normalizeEmail,
  normalizeText,
} from './fields.ts';
import type { Mailer } from './mailer.ts';
import type {
  AccountEmailOutbox,
  AccountRecords,
  AccountTokens,
  PeopleRecords,
} from './records.ts';
import type { OpenSession, RequestOrigin, SignedIn } from './sessions.ts';
import {
  HOUR,
  hashUnlessBusy,
  networkOf,
  THROTTLE_WINDOW,
  type Throttle,
  type Throttled,
  throttled,
} from './throttle.ts';

/** A person's choice for a new account. */
export interface Registration {
  readonly name: string;
  readonly realName: string;
  readonly password: string;
}

/** Making an account by a mailed link. */
export interface RegistrationService {
  /**
   * Mails a link to register with; to somebody who has an account, an email that says so.
   * `returnPath`: a path of ours under a handle, which the link leads on to in whichever browser it
   * is opened; never what a stranger wrote.
   */
  requestRegistration(
    email: string,
    language: string | null,
    from: RequestOrigin,
    returnPath?: string,
  ): Promise<Result<'asked', NotOffered | InvalidField | Throttled>>;
  /** The address a link to register was mailed to. */
  registrationEmail(secret: string): Promise<string | undefined>;
  /** Spends the link, creates the account with its address confirmed, and signs in. */
  register(
    secret: string,
    wanted: Registration,
    from: RequestOrigin,
  ): Promise<
    Result<SignedIn, InvalidLink | InvalidField | Throttled | { readonly kind: 'name-taken' }>
  >;
}

/** What registration needs. */
export interface RegistrationParts {
  readonly records: Pick<AccountRecords, 'findAccountByName'> &
    Pick<PeopleRecords, 'findAccountsByEmail'> &
    AccountTokens &
    AccountEmailOutbox;
  readonly links: EmailLinks;
  readonly linkLimits: LinkRequestLimits;
  readonly throttle: Throttle;
  readonly openSession: OpenSession;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly settings: {
    readonly issuer: string;
    readonly siteName: string;
    readonly registration: 'open' | 'closed';
    /** Several accounts may have one confirmed address. */
    readonly sharedAddresses: boolean;
  };
}

/** Writes the email to an address: a link to register with, or that it has an account. */
async function sendRegistrationEmail(
  { records, links, mailer, clock, settings }: RegistrationParts,
  address: string,
  language: string | null,
  returnPath: string | undefined,
): Promise<void> {
  const [known] = settings.sharedAddresses ? [] : await records.findAccountsByEmail(address, 1);
  if (known?.email) {
    const link = withReturnPath(`${settings.issuer}/password/forgotten`, returnPath);
    const email = await mailer.prepare(
      { to: known.email, language: known.language ?? language },
      { kind: 'has-account', name: known.name, link },
      // As late as the link that it stands for.
      addSeconds(clock.now(), DAY),
    );
    if (email !== null) await records.enqueueAccountEmail(email);
    return mailer.deliverSoon(email);
  }
  const { url, token } = links.create({
    kind: 'register',
    userId: null,
    data: address,
    ttlSeconds: DAY,
    path: '/register/finish',
  });
  const email = await mailer.prepare(
    { to: address, language },
    { kind: 'register', link: withReturnPath(url, returnPath) },
    token.expiresAt,
  );
  if (email === null) return;
  await records.saveAccountToken(token, email);
  mailer.deliverSoon(email);
}

/** What a registration has wrong, all of it; `name` and `realName` are normalized. */
function registrationProblem(
  { name, realName, password }: Registration,
  siteName: string,
): InvalidField | undefined {
  // Nobody who registers by themself is taken for this server.
  const skeleton = confusableSkeleton(name);
  const isReservedName = skeleton !== '' && skeleton === confusableSkeleton(siteName);
  const reservedNameProblem = {
    kind: 'invalid-field',
    field: 'name',
    problem: 'the name of this server',
  } as const;
  return combineProblems([
    ...(isReservedName ? [reservedNameProblem] : []),
    ...fieldProblems({ name, realName, password }),
  ]);
}

/** Makes the verbs. */
export function makeRegistration(parts: RegistrationParts): RegistrationService {
  const { records, links, linkLimits, throttle, openSession, mailer, clock, entropy, settings } =
    parts;
  const findToken = async (secret: string) =>
    settings.registration === 'open' ? links.findToken(secret, 'register') : undefined;

  return {
    async requestRegistration(email, language, from, returnPath) {
      if (settings.registration !== 'open') return refuse({ kind: 'closed' });
      if (!mailer.isConfigured) return refuse({ kind: 'no-mail' });
      const address = normalizeEmail(email);
      const problem = fieldProblem({ email: address });
      if (problem) return refuse(problem);
      if (await linkLimits.asksTooOften('register', address, from)) return throttled(HOUR);
      if (await linkLimits.exceedsDailyQuota('registration', networkOf(from)))
        return throttled(DAY);
      mailer.runInBackground(() => sendRegistrationEmail(parts, address, language, returnPath));
      return accept('asked');
    },
    registrationEmail: async (secret) => (await findToken(secret))?.data,
    async register(secret, wanted, from) {
      const token = await findToken(secret);
      if (token === undefined) return invalidLink;
      const name = normalizeText(wanted.name);
      const realName = normalizeText(wanted.realName);
      const { password } = wanted;
      const problem = registrationProblem({ name, realName, password }, settings.siteName);
      if (problem) return refuse(problem);
      // Each try costs a hash, and tells whether a name is taken.
      if (await throttle(`register try ${token.digest}`, TRIES_PER_LINK, THROTTLE_WINDOW))
        return throttled(THROTTLE_WINDOW);
      if (await records.findAccountByName(name)) return refuse({ kind: 'name-taken' });
      const passwordHash = await hashUnlessBusy(password, entropy);
      if (passwordHash === undefined) return serverBusy;
      const now = clock.now();
      const answer = await records.consumeRegistrationToken(
        token.digest,
        now,
        { name, realName, groups: [], passwordHash, createdAt: now },
        settings.sharedAddresses,
      );
      if (answer.outcome === 'created')
        return accept(await openSession(answer.account, from, 'password'));
      return answer.outcome === 'name-taken' ? refuse({ kind: 'name-taken' }) : invalidLink;
    },
  };
}
