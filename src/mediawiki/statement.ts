import type { Account } from '#accounts/account.ts';
import type { Instant } from '#kernel/time.ts';

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

const timestamp14 = (at: Instant) => new Date(at * 1000).toISOString().replace(/\D/g, '').slice(0, 14);

/** The profile of a person (protocols 1.16, 2.17). Real name and e-mail only where the scopes release them. */
export function profileOf({ account, groups, rights, grants, grantRights }: Subject): Readonly<Record<string, unknown>> {
  const confirmed = account.emailConfirmedAt !== null;
  const released = grants.includes('mwoauth-authonlyprivate') || grantRights.has('viewmyprivateinfo');
  return {
    sub: String(account.id),
    username: account.name,
    editcount: 0,
    confirmed_email: confirmed,
    email_verified: confirmed,
    blocked: account.blocked,
    registered: timestamp14(account.createdAt),
    groups,
    rights,
    grants,
    ...(released ? { realname: account.realName, email: confirmed ? (account.email ?? '') : '' } : {}),
  };
}

/** The claims of identify's JWT: good for 100 seconds, for this client, bound to the request's nonce. */
export function identifyClaims(
  subject: Subject,
  context: { readonly issuer: string; readonly audience: string; readonly now: Instant; readonly nonce: string },
): Readonly<Record<string, unknown>> {
  const { sub, ...profile } = profileOf(subject);
  return { iss: context.issuer, aud: context.audience, exp: context.now + 100, iat: context.now, sub, ...profile, nonce: context.nonce };
}
