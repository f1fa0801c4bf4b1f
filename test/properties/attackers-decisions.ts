import { type Difference, isSecurity, type Kept, type Picture } from './attackers-picture.ts';
import { type Aspect, groupRights, type Rule } from './attackers-table.ts';

// Who said yes to what, and who was ever tied to the app: kept from what happened, not read from
// where the registry keeps it.

export interface Request {
  readonly door: string;
  readonly rule: Rule | null;
  /** The app of the address; null: none. */
  readonly app: string | null;
  /** What a yes would be about: yeses to something else do not add up. */
  readonly matter: string;
  /** A page of ours: it knows no tokens. */
  readonly page: boolean;
  /** The person the request names, by number. */
  readonly about: number | null;
}

const suspensionValues = ['none', 'new-consents', 'all'];
/** Whoever said yes to an app that is different by now said yes to something else. */
const voiding: readonly Aspect[] = [
  'stage',
  'suppressed',
  'suspension',
  'wider',
  'narrower',
  'described',
  'owner',
];

export class Decisions {
  /** Everybody who ever had a part in an app, or in one of its revisions. */
  readonly #ties = new Map<string, Set<number>>();
  readonly #yeses = new Map<string, Set<number>>();

  constructor(picture: Picture) {
    this.remember(picture);
  }

  tie(what: string, person: number): void {
    this.#ties.set(what, (this.#ties.get(what) ?? new Set()).add(person));
  }

  /** Remembers who has a part in what. */
  remember({ apps }: Picture): void {
    for (const [id, { client, team, revision }] of apps) {
      this.tie(id, client.ownerId);
      for (const { userId, acceptedAt } of team.maintainers)
        if (acceptedAt !== null) this.tie(id, userId);
      if (revision !== null && revision.proposedBy !== null)
        this.tie(`${id} ${revision.id}`, revision.proposedBy);
    }
  }

  /**
   * Why this was not theirs to decide; undefined: it was. What closes something needs one reviewer,
   * tied or not; the table has that.
   */
  problemOf(
    me: number,
    request: Request,
    aspect: Aspect,
    was: Kept,
    is: Kept,
    before: Picture,
  ): string | undefined {
    const hides = aspect === 'suppressed' && is.client.suppressed;
    const opens =
      (aspect === 'stage' && is.client.stage === 'approved') ||
      (aspect === 'suspension' &&
        suspensionValues.indexOf(is.client.suspension) <
          suspensionValues.indexOf(was.client.suspension)) ||
      (aspect === 'suppressed' && !is.client.suppressed) ||
      (aspect === 'exempted' && is.client.pkceOptional) ||
      aspect === 'wider';
    if (!hides && !opens) return undefined;
    const voices = new Set([...(this.#yeses.get(this.#key(request, before)) ?? []), me]);
    const { id } = was.client;
    const tied = (one: number) =>
      this.#ties.get(id)?.has(one) ||
      (aspect === 'wider' && this.#ties.get(`${id} ${was.revision?.id}`)?.has(one));
    const heard = [...voices].filter((one) => !tied(one) && mayReview(before, one)).length;
    const needed =
      isSecurity([...was.client.scopes, ...is.client.scopes]) && !hides
        ? (request.rule?.yes ?? 1)
        : 1;
    return heard < needed
      ? `${aspect} by ${heard} independent reviewers of ${[...voices]}`
      : undefined;
  }

  #key = ({ app, matter }: Pick<Request, 'app' | 'matter'>, before: Picture): string =>
    `${app} ${matter} ${before.apps.get(app ?? '')?.revision?.id}`;

  /** Remembers a yes, and forgets those for what is different by now. */
  hear(me: number, request: Request, found: readonly Difference[], before: Picture): void {
    this.forget(found);
    if (request.rule?.yes === undefined || !found.some(({ aspect }) => aspect === 'approvals'))
      return;
    this.say(request, me, before);
  }

  say(request: Pick<Request, 'app' | 'matter'>, me: number, before: Picture): void {
    const key = this.#key(request, before);
    this.#yeses.set(key, (this.#yeses.get(key) ?? new Set()).add(me));
  }

  forget(found: readonly Difference[]): void {
    for (const { app, aspect } of found)
      if (voiding.includes(aspect))
        for (const key of this.#yeses.keys())
          if (key.startsWith(`${app} `)) this.#yeses.delete(key);
  }
}

function mayReview({ people }: Picture, id: number): boolean {
  const person = people.get(id);
  const rights = person?.groups.flatMap((group) => groupRights[group] ?? []) ?? [];
  return person !== undefined && !person.blocked && rights.includes('mwoauthmanageconsumer');
}
