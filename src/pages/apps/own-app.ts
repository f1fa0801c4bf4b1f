import type { Account } from '#accounts/account.ts';
import { canManage, findVisibleClient } from '#http/app-access.ts';
import type { UserId } from '#kernel/ids.ts';
import { ANYWHERE, type Client, needsRedirectUri } from '#registry/model/client.ts';
import type { PageCall } from '../page.ts';

// What the pages of developers have in common.

export type SignedInCall = PageCall<Account>;
export const notFound = { status: 404, note: 'not-found' } as const;

export interface ManageableApp {
  readonly client: Client;
  readonly role: 'owner' | 'maintainer';
}

/** The app of the address, for those who look after it; to others there is nothing here. */
export async function findManageableApp(call: SignedInCall): Promise<ManageableApp | undefined> {
  const client = await findVisibleClient(call, call.params.id ?? '');
  if (
    client === undefined ||
    !canManage(call.actor, client, await call.services.records.teamOf(client.id))
  )
    return undefined;
  return { client, role: client.ownerId === call.user.id ? 'owner' : 'maintainer' };
}

/**
 * Where requests may come from: a line each. Nothing typed is everywhere, since nowhere helps
 * nobody.
 */
export function parseAddresses(text: string | undefined): readonly string[] {
  const lines = (text ?? '')
    .split(/[\r\n,]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? ANYWHERE.addresses : lines;
}

/** What was typed for these addresses. */
export const formatAddresses = ({ restrictions }: Client): string =>
  JSON.stringify(restrictions.addresses) === JSON.stringify(ANYWHERE.addresses)
    ? ''
    : restrictions.addresses.join('\n');

/** Whether an app can be tried by this person now. */
export const isTestable = (client: Client, user: UserId | undefined): boolean =>
  !client.suppressed &&
  (client.stage === 'approved'
    ? !client.ownerOnly || client.ownerId === user
    : // A service is usable by nobody before its review: no person is there to try it with.
      client.stage === 'proposed' && needsRedirectUri(client) && client.ownerId === user);
