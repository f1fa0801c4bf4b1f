import type { Account } from '#accounts/account.ts';
import { grantedRights } from '#guard/permit.ts';
import type { Services } from '#http/world.ts';
import type { ProfileSubject } from '../statement.ts';

/** What may be told of a person to an app with these scopes. */
export type ProfileSubjectOf = (account: Account, grants: readonly string[]) => ProfileSubject;

/** Makes the function over the groups and rights of this server. */
export const makeProfileSubjectOf =
  ({ rights, scopes }: Pick<Services, 'rights' | 'scopes'>): ProfileSubjectOf =>
  (account, grants) => ({
    account,
    groups: rights.groupsOf(account),
    rights: [...grantedRights(rights.rightsOf(account), grants, scopes)],
    grants,
    grantRights: scopes.rightsOf(grants),
  });
