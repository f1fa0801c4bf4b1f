import type { Account } from '#accounts/account.ts';
import { isUsableBy } from '#registry/access.ts';
import { ANYWHERE, type Client, needsRedirectUri } from '#registry/model/client.ts';
import type { Registry } from '#registry/registry.ts';
import type { SignedInCall } from '../page.ts';

// What the pages of developers have in common.

export interface ManageableApp {
  readonly client: Client;
  readonly role: 'owner' | 'maintainer';
}

/** The app of the address, for those who manage it; to others there is nothing here. */
export async function findManageableApp(
  { registry }: { readonly registry: Pick<Registry, 'query'> },
  { actor, user, params }: SignedInCall,
): Promise<ManageableApp | undefined> {
  const queries = registry.query(actor);
  const client = await queries.findClient(params.id ?? '');
  if (client === undefined || !(await queries.canManage(client))) return undefined;
  return { client, role: client.ownerId === user.id ? 'owner' : 'maintainer' };
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

/**
 * Whether this person can try the app now. A service is usable by nobody before its review: no
 * person is there to try it with.
 */
export const isTestable = (client: Client, user: Account): boolean =>
  !client.suppressed &&
  isUsableBy(client, user) &&
  (client.stage === 'approved' || needsRedirectUri(client));
