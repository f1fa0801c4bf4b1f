import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import { hashPassword, verifyPassword } from '#keys/passwords.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import type { KnownDevices } from './devices.ts';
import {
  combineProblems,
  fieldProblems,
  type InvalidField,
  normalizeEmail,
  normalizeText,
} from './fields.ts';
import type { AccountRecords, NewAccount, PeopleRecords, Sessions } from './records.ts';
import type { RightsTable } from './rights.ts';
import type {
  FindSession,
  OpenedSession,
  OpenSession,
  RequestOrigin,
  SignedIn,
} from './sessions.ts';
import type { SignInGate } from './sign-in-gate.ts';
import { HOUR, type Throttled, throttled, unlessBusy } from './throttle.ts';

/** Ways sign-in says no. The first does not tell whether the name exists. */
export type SignInRefusal =
  | { readonly kind: 'wrong-name-or-password' }
  | { readonly kind: 'blocked' }
  | Throttled;

/** Ways the making of an account says no. */
export type AccountRefusal =
  | InvalidField
  | { readonly kind: 'name-taken' }
  | { readonly kind: 'address-taken' }
  | { readonly kind: 'link-used' };

export interface AccountProposal {
  readonly name: string;
  readonly email: string | null;
  readonly emailConfirmed: boolean;
  readonly realName: string;
  readonly groups: readonly string[];
  readonly password: string;
}

export interface SignInService {
  /**
   * Checks a name, or a confirmed e-mail address, and the password, and opens a session with a
   * secret of its own.
   */
  signIn(
    name: string,
    password: string,
    from: RequestOrigin,
  ): Promise<Result<SignedIn, SignInRefusal>>;
  /** True when what somebody typed to sign in with names this person. */
  isSignInNameOf(account: Account, typed: string): Promise<boolean>;
  /** The person behind a session cookie; undefined when signed out, expired, blocked or gone. */
  sessionOf(secret: string): Promise<OpenedSession | undefined>;
  signOut(secret: string): Promise<void>;
  /**
   * What a browser keeps after this person signed in: it lets them try again while strangers who
   * tried their name have to wait.
   */
  rememberDevice(cookie: string | undefined, account: Account): string;
  createAccount(proposal: AccountProposal): Promise<Result<Account, AccountRefusal>>;
  /**
   * Makes the one-time set-up link, good for an hour, in place of any earlier one. Refused when
   * there is any account.
   */
  issueSetupLink(): Promise<Result<string, { readonly kind: 'accounts-exist' }>>;
  /**
   * Spends the set-up secret, creates the first administrator and signs in. Only while there is no
   * account.
   */
  setUp(
    secret: string,
    proposal: Pick<AccountProposal, 'name' | 'email' | 'password'>,
    from: RequestOrigin,
  ): Promise<Result<SignedIn, AccountRefusal>>;
}

const SETUP_LINK_TTL_SECONDS = HOUR;

/** What is wrong with a proposed account; undefined: nothing. */
function proposalProblem(
  proposal: AccountProposal,
  rights: RightsTable,
): AccountRefusal | undefined {
  const group = proposal.groups.find((candidate) => !rights.hasGroup(candidate));
  const unknown = {
    kind: 'invalid-field',
    field: 'group',
    problem: `${group} is not known`,
  } as const;
  return combineProblems([...fieldProblems(proposal), ...(group === undefined ? [] : [unknown])]);
}

/** Sign-in by password, and the making of accounts. */
export function makeSignIn(deps: {
  readonly records: AccountRecords &
    Pick<PeopleRecords, 'hasConfirmedEmail' | 'findAccountsByEmail'>;
  readonly sessions: Sessions;
  readonly gate: SignInGate;
  readonly knownDevices: KnownDevices;
  readonly rights: RightsTable;
  readonly openSession: OpenSession;
  readonly findSession: FindSession;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly settings: { readonly issuer: string; readonly sharedAddresses: boolean };
}): SignInService {
  const {
    records,
    sessions,
    gate,
    knownDevices,
    rights,
    openSession,
    findSession,
    idGenerator,
    clock,
    entropy,
    settings,
  } = deps;

  async function prepareAccount(
    proposal: AccountProposal,
  ): Promise<Result<NewAccount, AccountRefusal>> {
    const email = proposal.email === null ? null : normalizeEmail(proposal.email);
    const normalized = {
      ...proposal,
      email,
      name: normalizeText(proposal.name),
      realName: normalizeText(proposal.realName),
    };
    const problem = proposalProblem(normalized, rights);
    if (problem) return refuse(problem);
    const createdAt = clock.now();
    return accept({
      name: normalized.name,
      email: normalized.email,
      emailConfirmedAt: normalized.email !== null && normalized.emailConfirmed ? createdAt : null,
      realName: normalized.realName,
      groups: normalized.groups,
      passwordHash: await hashPassword(normalized.password, entropy),
      createdAt,
    });
  }

  /**
   * The account of that name, or the one account whose confirmed address it is; a name comes first,
   * and of several accounts it is none.
   */
  async function findByNameOrEmail(identifier: string) {
    const accountByName = await records.findPassword(identifier);
    if (accountByName !== undefined || !identifier.includes('@')) return accountByName;
    const [only, ...others] = await records.findAccountsByEmail(normalizeEmail(identifier), 2);
    return only === undefined || others.length > 0 ? undefined : records.findPassword(only.name);
  }

  return {
    async signIn(name, password, from) {
      const identifier = normalizeText(name);
      const found =
        identifier.length > 255 || password.length > 512
          ? undefined
          : await findByNameOrEmail(identifier);
      // Counted before the password is checked, and judged by the count itself, so that many tries
      // at once do not slip through together. As it was typed: a count that name and address share
      // would tell strangers that they are one account's.
      const countedName = identifier.includes('@') ? normalizeEmail(identifier) : identifier;
      const wait = await gate.requiredDelay(countedName, from, found?.account.id);
      if (wait !== undefined) return throttled(wait);
      const passwordMatches = await unlessBusy(
        verifyPassword(password.slice(0, 512), found?.passwordHash ?? null),
      );
      if (passwordMatches === undefined) return throttled(seconds(5));
      if (found === undefined || !passwordMatches) {
        await gate.recordFailure(from);
        return refuse({ kind: 'wrong-name-or-password' });
      }
      await gate.recordSuccess(countedName, from, found.account.id);
      if (found.account.blocked) return refuse({ kind: 'blocked' });
      return accept(await openSession(found.account, from, 'password'));
    },
    isSignInNameOf: async (account, typed) =>
      typed.length <= 255 &&
      (await findByNameOrEmail(normalizeText(typed)))?.account.id === account.id,
    async sessionOf(secret) {
      const session = await findSession(secret);
      const account = session && (await records.findAccount(session.userId as UserId));
      return session === undefined || account === undefined || account.blocked
        ? undefined
        : { account, proof: session.proof ?? null };
    },
    rememberDevice: (cookie, account) => knownDevices.rememberUser(cookie, account.id),
    signOut: (secret) => sessions.endSession(digestOf(secret)),
    async createAccount(proposal) {
      const account = await prepareAccount(proposal);
      if (!account.ok) return account;
      const { email, emailConfirmedAt } = account.value;
      if (
        !settings.sharedAddresses &&
        email !== null &&
        emailConfirmedAt !== null &&
        (await records.hasConfirmedEmail(email))
      )
        return refuse({ kind: 'address-taken' });
      const answer = await records.createAccount(account.value);
      return answer.outcome === 'created' ? accept(answer.account) : refuse({ kind: 'name-taken' });
    },
    async issueSetupLink() {
      const secret = idGenerator.secret();
      const saved = await records.saveSetupSecret(
        digestOf(secret),
        addSeconds(clock.now(), SETUP_LINK_TTL_SECONDS),
      );
      return saved === 'saved'
        ? accept(`${settings.issuer}/setup?token=${secret}`)
        : refuse({ kind: saved });
    },
    async setUp(secret, proposal, from) {
      const digest = digestOf(secret.slice(0, 200));
      // Asked first, so that a stranger without the link cannot make the server hash passwords.
      if (!(await records.hasSetupSecret(digest, clock.now())))
        return refuse({ kind: 'link-used' });
      const account = await prepareAccount({
        ...proposal,
        emailConfirmed: true,
        realName: '',
        // The operator's own groups file may lack the last two.
        groups: ['administrator', ...['reviewer', 'developer'].filter(rights.hasGroup)],
      });
      if (!account.ok) return account;
      const answer = await records.consumeSetupSecret(digest, clock.now(), account.value);
      return answer.outcome === 'created'
        ? accept(await openSession(answer.account, from, 'password'))
        : refuse({ kind: 'link-used' });
    },
  };
}
