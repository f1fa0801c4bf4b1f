import type { Account } from '#accounts/account.ts';
import type { Instant } from '#kernel/time.ts';
import type { ApiCaller } from './api.ts';

/** What the statement says about a person. */
export interface Subject {
  readonly account: Account;
  readonly groups: readonly string[];
  readonly rights: readonly string[];
  /** Scopes of the consent or token. */
  readonly grants: readonly string[];
  /** Rights that the scopes give; `viewmyprivateinfo` among them releases name and address. */
  readonly grantRights: ReadonlySet<string>;
}

/** Nobody edits here. */
const EDITS = 0;

const timestamp14 = (at: Instant) =>
  new Date(at * 1000).toISOString().replace(/\D/g, '').slice(0, 14);

/** Whether real name and e-mail may be told. */
const releases = ({ grants, grantRights }: Subject): boolean =>
  grants.includes('mwoauth-authonlyprivate') || grantRights.has('viewmyprivateinfo');

/** What the action API tells of a person; the same is released as by the profile. */
export function apiPersonOf(subject: Subject): NonNullable<ApiCaller['person']> {
  const { account, groups } = subject;
  const iso = (at: Instant) => new Date(at * 1000).toISOString().replace('.000Z', 'Z');
  const { emailConfirmedAt } = account;
  return {
    id: account.id,
    name: account.name,
    groups,
    editCount: EDITS,
    registered: iso(account.createdAt),
    released: releases(subject)
      ? {
          realName: account.realName,
          email: emailConfirmedAt === null ? '' : (account.email ?? ''),
          emailConfirmed: emailConfirmedAt === null ? null : iso(emailConfirmedAt),
        }
      : null,
  };
}

/**
 * The profile of a person (protocols 1.16, 2.17). Real name and e-mail only where the scopes
 * release them.
 */
export function profileOf(subject: Subject): Readonly<Record<string, unknown>> {
  const { account, groups, rights, grants } = subject;
  const confirmed = account.emailConfirmedAt !== null;
  const released = releases(subject);
  return {
    sub: String(account.id),
    username: account.name,
    editcount: EDITS,
    confirmed_email: confirmed,
    email_verified: confirmed,
    blocked: account.blocked,
    registered: timestamp14(account.createdAt),
    groups,
    rights,
    grants,
    ...(released
      ? { realname: account.realName, email: confirmed ? (account.email ?? '') : '' }
      : {}),
  };
}

/**
 * The claims of identify's JWT: good for 100 seconds, for this client, bound to the request's
 * nonce.
 */
export function identifyClaims(
  subject: Subject,
  context: {
    readonly issuer: string;
    readonly audience: string;
    readonly now: Instant;
    readonly nonce: string;
  },
): Readonly<Record<string, unknown>> {
  const { sub, ...profile } = profileOf(subject);
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
