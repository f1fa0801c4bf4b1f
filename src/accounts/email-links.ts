import { skeleton } from '#encoding/confusables.ts';
import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { later, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import { DAY, type LetterBudget, type LetterKind } from './email-budget.ts';
import type { PostOffice } from './emails.ts';
import {
  fieldProblem,
  fieldProblems,
  firstOf,
  type InvalidField,
  tidy,
  tidyAddress,
  withPassword,
} from './fields.ts';
import type { PasswordCheck } from './profile.ts';
import type {
  AccountRecords,
  AccountToken,
  AccountTokenKind,
  AccountTokens,
  PeopleRecords,
  Sessions,
} from './records.ts';
import type { From, OpenSession, SignedIn } from './sessions.ts';
import {
  HOUR,
  hashUnlessBusy,
  networkOf,
  type Pacing,
  type Throttle,
  type Throttled,
  throttled,
  WINDOW,
} from './throttle.ts';

/** A link that was used, replaced, too old, somebody else's, or never ours. */
export interface LinkGone {
  readonly kind: 'link-gone';
}

/** Why nothing can be mailed, or nobody can register. */
export type NotOffered = { readonly kind: 'no-mail' } | { readonly kind: 'closed' };

/** A person's choice for a new account. */
export interface Registration {
  readonly name: string;
  readonly realName: string;
  readonly password: string;
}

/**
 * What goes by a mailed link. Whoever asks for one gets the same answer whether or not there is
 * somebody to write to.
 */
export interface LinkVerbs {
  /** What can be done here without the operator. */
  readonly offers: { readonly registration: boolean; readonly letters: boolean };
  /**
   * Mails a link to register with; to somebody who has an account, a letter that says so. `onward`:
   * a path of ours under a handle, which the link leads on to in whichever browser it is opened;
   * never what a stranger wrote.
   */
  askToRegister(
    email: string,
    language: string | null,
    from: From,
    onward?: string,
  ): Promise<Result<'asked', NotOffered | InvalidField | Throttled>>;
  /** The address a link to register was mailed to. */
  registrationOf(secret: string): Promise<string | undefined>;
  /** Spends the link, creates the account with its address confirmed, and signs in. */
  register(
    secret: string,
    wanted: Registration,
    from: From,
  ): Promise<
    Result<SignedIn, LinkGone | InvalidField | Throttled | { readonly kind: 'name-taken' }>
  >;
  /** Mails a link to set another password to whoever has this name, or this confirmed address. */
  askForPassword(
    nameOrAddress: string,
    language: string | null,
    from: From,
    onward?: string,
  ): Promise<Result<'asked', NotOffered | Throttled>>;
  /** The same link, for the operator to hand over. Earlier ones of this person end. */
  issuePasswordLink(account: Account): Promise<string>;
  /** Whose password a link can set. */
  passwordLinkOf(secret: string): Promise<Account | undefined>;
  /** Spends the link, sets the password, ends every session and signs in. */
  resetPassword(
    secret: string,
    password: string,
    from: From,
  ): Promise<Result<SignedIn, LinkGone | InvalidField | Throttled>>;
  /** Mails a link to an address that shall become the person's. Asks for the password. */
  askForEmail(
    account: Account,
    email: string,
    password: string,
    language: string | null,
    from: From,
  ): Promise<
    Result<'asked', NotOffered | InvalidField | Throttled | { readonly kind: 'wrong-password' }>
  >;
  /** The address that a person's link would confirm. */
  emailLinkOf(user: UserId, secret: string): Promise<string | undefined>;
  /** Spends the link of this person: whoever else opens it could not have asked for it. */
  confirmEmail(account: Account, secret: string): Promise<Result<string, LinkGone>>;
  /** When every letter under way has left. */
  lettersSettled(): Promise<void>;
  /** How many letters have not left. */
  lettersWaiting(): number;
}

const ASKED_PER_ADDRESS = 20;
const ASKED_PER_TARGET = 3;
const TRIES_PER_LINK = 20;
const ACCOUNTS_PER_ADDRESS = 5;

/** A link that leads on to a path of ours afterwards. */
const leading = (link: string, onward: string | undefined): string =>
  onward === undefined
    ? link
    : `${link}${link.includes('?') ? '&' : '?'}returnto=${encodeURIComponent(onward)}`;

const gone = refuse({ kind: 'link-gone' });
const busy = throttled(seconds(5));

/** Everything that goes by a mailed link. */
export function makeLinks(deps: {
  readonly records: AccountRecords & PeopleRecords & AccountTokens;
  readonly sessions: Sessions;
  readonly throttle: Throttle;
  readonly pacing: Pacing;
  readonly openSession: OpenSession;
  readonly checkPassword: PasswordCheck;
  readonly post: PostOffice;
  readonly budget: LetterBudget;
  readonly mint: Mint;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly settings: {
    readonly issuer: string;
    readonly siteName: string;
    readonly registration: 'open' | 'closed';
    /** Several accounts may have one confirmed address. */
    readonly sharedAddresses: boolean;
  };
}): LinkVerbs {
  const {
    records,
    sessions,
    throttle,
    pacing,
    openSession,
    checkPassword,
    post,
    budget,
    mint,
    clock,
    entropy,
    settings,
  } = deps;

  async function issue(
    kind: AccountTokenKind,
    userId: UserId | null,
    data: string,
    lasting: Seconds,
    path: string,
  ): Promise<string> {
    const secret = mint.secret();
    await records.saveAccountToken({
      digest: digestOf(secret),
      kind,
      userId,
      data,
      expiresAt: later(clock.now(), lasting),
    });
    return `${settings.issuer}${path}?token=${secret}`;
  }
  const find = async (secret: string, kind: AccountTokenKind): Promise<AccountToken | undefined> =>
    secret.length > 100 ? undefined : records.findAccountToken(digestOf(secret), kind, clock.now());
  const issuePasswordLink = ({ id }: Account) =>
    issue('reset-password', id, '', HOUR, '/password/new');

  /** Counts who asks, and whom they ask about. */
  const asksTooMuch = async (what: string, target: string, from: From): Promise<boolean> => {
    const network = networkOf(from);
    if (network === null) {
      // Everybody may be behind it: letters go out more slowly, and do not stop.
      const pace = { most: ASKED_PER_ADDRESS, window: HOUR, pause: seconds(10) };
      if ((await pacing.take(`${what} address somewhere`, pace)) !== undefined) return true;
    } else if (await throttle(`${what} address ${network}`, ASKED_PER_ADDRESS, HOUR)) return true;
    return throttle(`${what} target ${digestOf(target.toLowerCase())}`, ASKED_PER_TARGET, HOUR);
  };

  /**
   * What one network, or for an address to be confirmed one account, may ask for in a day; nothing
   * about others shows in the answer.
   */
  const askedEnoughToday = async (kind: LetterKind, sender: string | null): Promise<boolean> =>
    sender !== null && !(await budget.mayCause(kind, sender));

  return {
    offers: { registration: settings.registration === 'open', letters: post.open },
    async askToRegister(email, language, from, onward) {
      if (settings.registration !== 'open') return refuse({ kind: 'closed' });
      if (!post.open) return refuse({ kind: 'no-mail' });
      const address = tidyAddress(email);
      const problem = fieldProblem({ email: address });
      if (problem) return refuse(problem);
      if (await asksTooMuch('register', address, from)) return throttled(HOUR);
      if (await askedEnoughToday('registration', networkOf(from))) return throttled(DAY);
      post.later(async () => {
        const [known] = settings.sharedAddresses
          ? []
          : await records.findAccountsByEmail(address, 1);
        if (known?.email)
          post.send(known.email, known.language ?? language, {
            kind: 'has-account',
            name: known.name,
            link: leading(`${settings.issuer}/password/forgotten`, onward),
          });
        else {
          const link = leading(
            await issue('register', null, address, DAY, '/register/finish'),
            onward,
          );
          post.send(address, language, { kind: 'register', link });
        }
      });
      return accept('asked');
    },
    registrationOf: async (secret) =>
      settings.registration === 'open' ? (await find(secret, 'register'))?.data : undefined,
    async register(secret, wanted, from) {
      const token = settings.registration === 'open' ? await find(secret, 'register') : undefined;
      if (token === undefined) return gone;
      const { name, realName, password } = {
        ...wanted,
        name: tidy(wanted.name),
        realName: tidy(wanted.realName),
      };
      // Nobody who registers by themself is taken for the house.
      const reserved = skeleton(name) !== '' && skeleton(name) === skeleton(settings.siteName);
      const house = {
        kind: 'invalid-field',
        field: 'name',
        problem: 'the name of this server',
      } as const;
      const problem = firstOf([
        ...(reserved ? [house] : []),
        ...fieldProblems({ name, realName, password }),
      ]);
      if (problem) return refuse(problem);
      // Each try costs a hash, and tells whether a name is taken.
      if (await throttle(`register try ${token.digest}`, TRIES_PER_LINK, WINDOW))
        return throttled(WINDOW);
      if (await records.findAccountByName(name)) return refuse({ kind: 'name-taken' });
      const passwordHash = await hashUnlessBusy(password, entropy);
      if (passwordHash === undefined) return busy;
      const now = clock.now();
      const answer = await records.redeemRegistration(
        token.digest,
        now,
        { name, realName, groups: [], passwordHash, createdAt: now },
        settings.sharedAddresses,
      );
      if (answer.outcome === 'created')
        return accept(await openSession(answer.account, from, 'password'));
      return answer.outcome === 'name-taken' ? refuse({ kind: 'name-taken' }) : gone;
    },

    async askForPassword(nameOrAddress, language, from, onward) {
      if (!post.open) return refuse({ kind: 'no-mail' });
      const asked = tidy(nameOrAddress).slice(0, 255);
      const address = tidyAddress(asked);
      if (await asksTooMuch('password', asked, from)) return throttled(HOUR);
      if (await askedEnoughToday('password', networkOf(from))) return throttled(DAY);
      post.later(async () => {
        const named = asked === '' ? undefined : await records.findAccountByName(asked);
        const found =
          named === undefined && asked.includes('@')
            ? await records.findAccountsByEmail(address, ACCOUNTS_PER_ADDRESS)
            : [named];
        for (const account of found) {
          // Only an address that was proven: any other may be a stranger's.
          if (account?.email == null || account.emailConfirmedAt === null || account.blocked)
            continue;
          if (await throttle(`password letter ${account.id}`, ASKED_PER_TARGET, HOUR)) continue;
          const link = leading(await issuePasswordLink(account), onward);
          post.send(account.email, account.language ?? language, {
            kind: 'reset-password',
            name: account.name,
            link,
          });
        }
      });
      return accept('asked');
    },
    issuePasswordLink,
    async passwordLinkOf(secret) {
      const token = await find(secret, 'reset-password');
      const account = token?.userId == null ? undefined : await records.findAccount(token.userId);
      return account?.blocked ? undefined : account;
    },
    async resetPassword(secret, password, from) {
      const token = await find(secret, 'reset-password');
      if (token === undefined) return gone;
      const problem = fieldProblem({ password });
      if (problem) return refuse(problem);
      if (await throttle(`password try ${token.digest}`, TRIES_PER_LINK, WINDOW))
        return throttled(WINDOW);
      const passwordHash = await hashUnlessBusy(password, entropy);
      if (passwordHash === undefined) return busy;
      const answer = await records.redeemReset(token.digest, clock.now(), passwordHash);
      if (answer.outcome !== 'set') return gone;
      const { account } = answer;
      await sessions.endSessionsOf(account.id);
      if (account.email !== null && account.emailConfirmedAt !== null)
        post.send(account.email, account.language, {
          kind: 'password-changed',
          name: account.name,
        });
      return accept(await openSession(account, from, 'password'));
    },

    async askForEmail(account, email, password, language, from) {
      if (!post.open) return refuse({ kind: 'no-mail' });
      const address = tidyAddress(email);
      const problem =
        address === ''
          ? ({ kind: 'invalid-field', field: 'email', problem: 'missing' } as const)
          : fieldProblem({ email: address });
      const checked = await checkPassword(account, password);
      if (problem) return refuse(withPassword(problem, checked));
      if (!checked.ok) return checked;
      if (await asksTooMuch('email', address, from)) return throttled(HOUR);
      if (await askedEnoughToday('e-mail', `account ${account.id}`)) return throttled(DAY);
      const link = await issue('confirm-email', account.id, address, DAY, '/account/email/confirm');
      // Found out in the background: who asks is told nothing about other people's addresses.
      post.later(async () => {
        const known = settings.sharedAddresses
          ? []
          : await records.findAccountsByEmail(address, ACCOUNTS_PER_ADDRESS);
        const other = known.find(({ id }) => id !== account.id);
        if (other?.email)
          post.send(other.email, other.language, {
            kind: 'has-account',
            name: other.name,
            link: `${settings.issuer}/password/forgotten`,
          });
        else post.send(address, account.language ?? language, { kind: 'confirm-email', link });
      });
      return accept('asked');
    },
    async emailLinkOf(user, secret) {
      const token = await find(secret, 'confirm-email');
      return token?.userId === user ? token.data : undefined;
    },
    async confirmEmail(account, secret) {
      const token = await find(secret, 'confirm-email');
      if (token === undefined) return gone;
      const answer = await records.redeemEmail(
        token.digest,
        account.id,
        clock.now(),
        settings.sharedAddresses,
      );
      if (answer.outcome !== 'confirmed') return gone;
      if (
        answer.before !== null &&
        account.emailConfirmedAt !== null &&
        answer.before.toLowerCase() !== token.data.toLowerCase()
      )
        post.send(answer.before, account.language, { kind: 'email-changed', name: account.name });
      return accept(token.data);
    },
    lettersSettled: () => post.settled(),
    lettersWaiting: () => post.waiting(),
  };
}
