import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import { hashPassword } from '#keys/passwords.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import {
  combineProblems,
  fieldProblems,
  type InvalidField,
  normalizeEmail,
  normalizeText,
} from './fields.ts';
import type { AccountRecords, NewAccount, PeopleRecords } from './records.ts';
import type { RightsTable } from './rights.ts';
import type { OpenSession, RequestOrigin, SignedIn } from './sessions.ts';
import { HOUR } from './throttle.ts';

/** Refusals of the making of an account. */
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

/** The making of accounts by the operator, and of the first one. */
export interface AccountCreationService {
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

/** What the making of accounts needs. */
export interface AccountCreationParts {
  readonly records: AccountRecords & Pick<PeopleRecords, 'hasConfirmedEmail'>;
  readonly rights: RightsTable;
  readonly openSession: OpenSession;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly settings: { readonly issuer: string; readonly sharedAddresses: boolean };
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

/** Judges a proposal and makes an account of it; the password is hashed last. */
async function prepareAccount(
  { rights, clock, entropy }: Pick<AccountCreationParts, 'rights' | 'clock' | 'entropy'>,
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

/** Makes the verbs. */
export function makeAccountCreation(parts: AccountCreationParts): AccountCreationService {
  const { records, rights, openSession, idGenerator, clock, settings } = parts;
  return {
    async createAccount(proposal) {
      const account = await prepareAccount(parts, proposal);
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
      const account = await prepareAccount(parts, {
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
