import type { Account } from '#accounts/account.ts';
import type { AdministrationRefusal } from '#accounts/administration.ts';
import type { RightsTable } from '#accounts/rights.ts';
import type { Registry } from '#registry/registry.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import type { SignedInCall } from '../page.ts';
import type { Words } from '../words.ts';
import { assignableGroups } from './assignable-groups.ts';
import type { PersonView } from './person.template.ts';

export interface PersonViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
  readonly rights: RightsTable;
}

/** A form about a person that was refused; `chosen`: the groups that were ticked in it. */
export interface RefusedPersonForm {
  readonly refusal: AdministrationRefusal;
  readonly chosen?: readonly string[];
}

const MAX_APPS = 50;

/** Makes the view of one person for an administrator. */
export async function makePersonView(
  { registry, rights }: PersonViewDependencies,
  { actor, user, frame }: SignedInCall,
  person: Account,
  refused: RefusedPersonForm | null = null,
): Promise<PersonView> {
  const query = registry.query(actor);
  const apps = await query.listClients({
    managerId: person.id,
    includeOwnHidden: false,
    limit: MAX_APPS,
  });
  const chosen = refused?.chosen ?? person.groups;
  const unknownGroups = person.groups.filter((name) => !rights.hasGroup(name));
  return {
    person,
    groups: [...assignableGroups(rights), ...unknownGroups].map((name) => ({
      name,
      chosen: chosen.includes(name),
      known: rights.hasGroup(name),
    })),
    rights: [...rights.rightsOf(person)].sort(),
    apps: apps.items.map(({ id, name, stage, ownerId }) => ({
      id,
      name,
      stage,
      isMaintainer: ownerId !== person.id,
    })),
    hasMoreApps: apps.next !== null,
    consentCount: await query.countConsentsOf(person.id),
    isSelf: person.id === user.id,
    problems: refused === null ? noProblems : [personProblem(frame.words, refused)],
  };
}

const personProblem = (words: Words, { refusal, chosen }: RefusedPersonForm): FormProblem => ({
  field: chosen === undefined ? null : 'groups',
  text:
    refusal.kind === 'unknown-group'
      ? words.say('admin.refused.unknown-group', { group: refusal.group })
      : words.say(`admin.refused.${refusal.kind}`),
});
