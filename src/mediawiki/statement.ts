import type { Account } from '#accounts/account.ts';
import type { Instant } from '#kernel/time.ts';
import type { ApiCaller } from './api.ts';

/** What the statement says about a person. */
export interface ProfileSubject {
  readonly account: Account;
  readonly groups: readonly string[];
  readonly rights: readonly string[];
  /** Scopes of the consent or token. */
  readonly grants: readonly string[];
  /** Rights that the scopes give; `viewmyprivateinfo` among them releases name and address. */
  readonly grantRights: ReadonlySet<string>;
}

/** Nobody edits here. */
const EDIT_COUNT = 0;

const toMediawikiTimestamp = (at: Instant) =>
  new Date(at * 1000).toISOString().replace(/\D/g, '').slice(0, 14);

/** Whether real name and e-mail may be told. */
const mayReleasePrivateDetails = ({ grants, grantRights }: ProfileSubject): boolean =>
  grants.includes('mwoauth-authonlyprivate') || grantRights.has('viewmyprivateinfo');

/** What the action API tells of a person; the same is released as by the profile. */
export function toApiPerson(subject: ProfileSubject): NonNullable<ApiCaller['person']> {
  const { account, groups } = subject;
  const toIsoTimestamp = (at: Instant) => new Date(at * 1000).toISOString().replace('.000Z', 'Z');
  const { emailConfirmedAt } = account;
  return {
    id: account.id,
    name: account.name,
    groups,
    editCount: EDIT_COUNT,
    registeredAt: toIsoTimestamp(account.createdAt),
    privateDetails: mayReleasePrivateDetails(subject)
      ? {
          realName: account.realName,
          email: emailConfirmedAt === null ? '' : (account.email ?? ''),
          emailConfirmed: emailConfirmedAt === null ? null : toIsoTimestamp(emailConfirmedAt),
        }
      : null,
  };
}

/**
 * The profile of a person (protocols 1.16, 2.17). Real name and e-mail only where the scopes
 * release them.
 */
export function userProfile(subject: ProfileSubject): Readonly<Record<string, unknown>> {
  const { account, groups, rights, grants } = subject;
  const confirmed = account.emailConfirmedAt !== null;
  const isReleased = mayReleasePrivateDetails(subject);
  return {
    sub: String(account.id),
    username: account.name,
    editcount: EDIT_COUNT,
    confirmed_email: confirmed,
    email_verified: confirmed,
    blocked: account.blocked,
    registered: toMediawikiTimestamp(account.createdAt),
    groups,
    rights,
    grants,
    ...(isReleased
      ? { realname: account.realName, email: confirmed ? (account.email ?? '') : '' }
      : {}),
  };
}

/**
 * The claims of identify's JWT: good for 100 seconds, for this client, bound to the request's
 * nonce.
 */
export function identifyClaims(
  subject: ProfileSubject,
  context: {
    readonly issuer: string;
    readonly audience: string;
    readonly now: Instant;
    readonly nonce: string;
  },
): Readonly<Record<string, unknown>> {
  const { sub, ...profile } = userProfile(subject);
  return {
    iss: context.issuer,
    aud: context.audience,
    exp: context.now + 100,
    iat: context.now,
    sub,
    ...profile,
    nonce: context.nonce,
  };
}
