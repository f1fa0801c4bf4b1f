import type { Account } from '#accounts/account.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Revision } from '#registry/model/revision.ts';
import type { Team } from '#registry/model/team.ts';
import { type Aspect, scopeTable } from './attackers-table.ts';

// What is stored, before a request and after it, and in which aspects the two differ.

/** What is stored of an app, as far as the property judges it. */
export interface Kept {
  readonly client: Client;
  readonly team: Team;
  readonly revision: Revision | null;
  readonly approvals: readonly number[];
}
export interface Picture {
  readonly apps: ReadonlyMap<string, Kept>;
  readonly consents: ReadonlyMap<number, Consent>;
  readonly people: ReadonlyMap<number, Account>;
}

/** One difference: of which app (or account), in what, and whose consent it was. */
export interface Difference {
  readonly app: string;
  readonly aspect: Aspect;
  readonly person?: number;
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
const beyond = (got: readonly string[], most: readonly string[]) =>
  got.filter((one) => !most.includes(one));

function appDifferences(before: Kept, after: Kept): readonly Aspect[] {
  const [a, b] = [before.client, after.client];
  const found: [Aspect, boolean][] = [
    ['owner', a.ownerId !== b.ownerId || a.email !== b.email],
    ['team', !same(before.team.maintainers, after.team.maintainers)],
    ['offer', !same(before.team.offer, after.team.offer)],
    ['stage', a.stage !== b.stage],
    ['suppressed', a.suppressed !== b.suppressed],
    ['suspension', a.suspension !== b.suspension],
    ['approvals', !same(before.approvals, after.approvals)],
    ['revision', !same(before.revision, after.revision)],
    [
      'wider',
      beyond(b.scopes, a.scopes).length > 0 ||
        a.redirectUri !== b.redirectUri ||
        a.redirectIsPrefix !== b.redirectIsPrefix,
    ],
    [
      'wider',
      a.site !== b.site ||
        !same(a.grantTypes, b.grantTypes) ||
        a.confidential !== b.confidential ||
        a.ownerOnly !== b.ownerOnly,
    ],
    [
      'narrower',
      beyond(a.scopes, b.scopes).length > 0 || !same(a.optionalScopes, b.optionalScopes),
    ],
    ['described', a.name !== b.name || a.description !== b.description || a.version !== b.version],
    [
      'exempted',
      a.pkceOptional !== b.pkceOptional ||
        a.introspector !== b.introspector ||
        a.skipConsent !== b.skipConsent,
    ],
    [
      'exempted',
      a.plainPkceUntil !== b.plainPkceUntil || a.managed !== b.managed || a.protocol !== b.protocol,
    ],
    [
      'opened',
      b.secrets.some(({ id }) => !a.secrets.some((one) => one.id === id)) ||
        (b.rsaPublicKey !== null && a.rsaPublicKey !== b.rsaPublicKey) ||
        (!a.restrictions.addresses.includes('0.0.0.0/0') &&
          beyond(b.restrictions.addresses, a.restrictions.addresses).length > 0),
    ],
    [
      'closed',
      a.secrets.some(({ id }) => !b.secrets.some((one) => one.id === id)) ||
        beyond(a.restrictions.addresses, b.restrictions.addresses).length > 0,
    ],
  ];
  return found.filter(([, holds]) => holds).map(([aspect]) => aspect);
}

/** Everything that is not as it was. */
export function differences(before: Picture, after: Picture): readonly Difference[] {
  const found: Difference[] = [];
  for (const [app, kept] of after.apps) {
    const was = before.apps.get(app);
    if (was === undefined) found.push({ app, aspect: 'created' });
    else found.push(...appDifferences(was, kept).map((aspect) => ({ app, aspect })));
  }
  for (const id of new Set([...before.consents.keys(), ...after.consents.keys()])) {
    const [was, is] = [before.consents.get(id), after.consents.get(id)];
    const { clientId, userId } = (was ?? is) as Consent;
    if (
      was === undefined ||
      is === undefined ||
      !same(was.scopes, is.scopes) ||
      was.site !== is.site
    )
      found.push({ app: clientId, aspect: 'consents', person: userId });
  }
  for (const [id, person] of after.people) {
    const was = before.people.get(id);
    if (!same([was?.groups, was?.blocked], [person.groups, person.blocked]))
      found.push({ app: '', aspect: 'account', person: id });
    const profile = (one: Account | undefined) => [
      one?.name,
      one?.realName,
      one?.email,
      one?.emailConfirmedAt,
      one?.language,
    ];
    if (!same(profile(was), profile(person)))
      found.push({ app: '', aspect: 'profile', person: id });
  }
  return found;
}

export const isSecurity = (scopes: readonly string[]): boolean =>
  scopes.some((scope) => scopeTable[scope]?.security ?? true);
export { beyond };
