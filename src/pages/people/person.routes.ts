import type { Account } from '#accounts/account.ts';
import type { Accounts } from '#accounts/accounts.ts';
import type { Administrator } from '#accounts/administration.ts';
import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import type { UserId } from '#kernel/ids.ts';
import { administrators, reauthenticatedAdministrators } from '../admin/administrators.ts';
import { notFound, type PageResponse, type PageRouter, type SignedInCall } from '../page.ts';
import { assignableGroups } from './assignable-groups.ts';
import { personPage } from './person.template.ts';
import {
  makePersonView,
  type PersonViewDependencies,
  type RefusedPersonForm,
} from './person.view.ts';

export interface PersonDependencies extends PersonViewDependencies {
  readonly accounts: Pick<Accounts, 'findAccount' | 'setBlocked' | 'setGroups'>;
}

/** One person, for administrators: block, and put into groups. */
export function personRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: PersonDependencies,
): void {
  const { accounts } = dependencies;
  type PersonHandler = (call: SignedInCall, person: Account) => Promise<PageResponse>;
  const withPerson =
    (handler: PersonHandler) =>
    async (call: SignedInCall): Promise<PageResponse> => {
      const person = await findPerson(accounts, call.params.id ?? '');
      return person === undefined ? notFound : handler(call, person);
    };

  getPage(
    '/admin/people/:id',
    withPerson(async (call, person) =>
      personPage(call.frame, await makePersonView(dependencies, call, person)),
    ),
    administrators,
  );
  for (const [action, blocked] of [
    ['block', true],
    ['unblock', false],
  ] as const)
    postForm(
      `/admin/people/:id/${action}`,
      withPerson((call, person) => setBlocked(dependencies, call, person, blocked)),
      reauthenticatedAdministrators,
    );
  postForm(
    '/admin/people/:id/groups',
    withPerson((call, person) => setGroups(dependencies, call, person)),
    reauthenticatedAdministrators,
  );
}

const findPerson = async (
  accounts: Pick<Accounts, 'findAccount'>,
  id: string,
): Promise<Account | undefined> =>
  /^\d{1,15}$/.test(id) ? accounts.findAccount(Number(id) as UserId) : undefined;

const showRefusedForm = async (
  dependencies: PersonDependencies,
  call: SignedInCall,
  person: Account,
  refused: RefusedPersonForm,
): Promise<PageResponse> => ({
  status: 409,
  page: personPage(call.frame, await makePersonView(dependencies, call, person, refused)),
});

/** Who administers, by a page. */
const administratorOf = ({ user, requestOrigin }: SignedInCall): Administrator => ({
  account: user,
  via: 'page',
  address: requestOrigin.address,
});

/** Blocks somebody, or lets them in again. */
async function setBlocked(
  dependencies: PersonDependencies,
  call: SignedInCall,
  person: Account,
  blocked: boolean,
): Promise<PageResponse> {
  const answer = await dependencies.accounts.setBlocked(administratorOf(call), person.id, blocked);
  if (!answer.ok) return showRefusedForm(dependencies, call, person, { refusal: answer.refusal });
  return {
    to: `/admin/people/${person.id}?${blocked ? 'done=admin-blocked' : 'done=admin-unblocked'}`,
  };
}

/** The groups a form was made from. */
function parseSubmittedGroups(text: string): readonly string[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read.map(String) : ['?'];
  } catch {
    return ['?'];
  }
}

async function setGroups(
  dependencies: PersonDependencies,
  call: SignedInCall,
  person: Account,
): Promise<PageResponse> {
  const { accounts, rights } = dependencies;
  const { form, user } = call;
  const selectable = new Set([...assignableGroups(rights), ...person.groups]);
  const chosen = [...selectable].filter((name) => form.get(`group-${name}`) !== undefined);
  const shown = parseSubmittedGroups(form.get('shown') ?? '');
  const answer = await accounts.setGroups(administratorOf(call), person.id, chosen, shown);
  if (!answer.ok)
    return showRefusedForm(dependencies, call, person, { refusal: answer.refusal, chosen });
  // Whoever gave up administration themself cannot see the page any more.
  const keepsAccess = person.id !== user.id || rights.rightsOf(answer.value).has(ADMINISTER_RIGHT);
  return {
    to: keepsAccess ? `/admin/people/${person.id}?done=admin-groups` : '/?done=admin-groups',
  };
}
