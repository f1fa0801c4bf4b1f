import { unicodeSpelling } from '#encoding/browser-uri.ts';
import { makeNames } from '#http/account-names.ts';
import { makeChangeView } from '#http/app-access.ts';
import type { World } from '#http/world.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { type Actor, mayDo, personOf, RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import {
  ANYWHERE,
  type Client,
  type Halt,
  halts,
  type Stage,
  stages,
} from '#registry/model/client.ts';
import { unseen } from '#registry/visibility.ts';
import type { Shown, ShownItem, TrailLine } from './audit-table.ts';
import { stageName } from './refusal-texts.ts';
import { scopeWords } from './scopes.ts';
import type { MessageKey, Words } from './words.ts';

// Values of the registry, made ready for pages.

/** One scope in plain words. */
export function scopeItem(world: World, words: Words, name: string): ShownItem {
  const said = scopeWords(words, world.scopes);
  const scope = world.scopes.get(name);
  if (scope === undefined) return { text: name };
  return {
    text: said.description(name),
    code: name,
    risk: scope.risk === 'low' ? null : said.risk(scope.risk),
  };
}

const oneOf = <T extends string>(list: readonly T[], value: unknown): value is T =>
  list.some((known) => known === value);

/** Makes values of fields readable; people are named, each looked up once. */
export function makeShown(
  world: World,
  words: Words,
  names = makeNames(world),
): (field: string, value: unknown) => Promise<Shown> {
  const text = (said: string): Shown =>
    said === '' ? { kind: 'none' } : { kind: 'text', text: said };
  const person = async (id: unknown) =>
    (await names(id as UserId)).name ?? words.say('frame.nobody');
  return async (field, value) => {
    if (value === null || value === undefined) return { kind: 'none' };
    if (typeof value === 'boolean') return { kind: value ? 'yes' : 'no' };
    if (field === 'site')
      return text(world.sites.nameOf(value as Client['site']) ?? words.say('frame.every-site'));
    if (field === 'protocol') return text(value === 'oauth1' ? 'OAuth 1.0a' : 'OAuth 2');
    if (field === 'restrictions' && JSON.stringify(value) === JSON.stringify(ANYWHERE))
      return text(words.say('review.anywhere'));
    if (field === 'revision' && value === 'withdrawn')
      return text(words.say('trail.withdraw-revision'));
    if ((field === 'stage' || field === 'revision') && oneOf<Stage>(stages, value))
      return text(stageName(words, value));
    if (field === 'halted' && oneOf<Halt>(halts, value))
      return text(words.say(`review.halted.${value}` satisfies MessageKey));
    if ((field === 'ownerId' || field === 'offer') && typeof value === 'number')
      return text(await person(value));
    if (Array.isArray(value)) {
      if (value.length === 0) return { kind: 'none' };
      const scopes = field === 'scopes' || field === 'optionalScopes';
      return {
        kind: 'list',
        items: value.map((item) =>
          scopes ? scopeItem(world, words, String(item)) : { text: String(item) },
        ),
      };
    }
    if (typeof value === 'object') {
      const { addresses, pages, accepted, invited } = value as Readonly<Record<string, unknown>>;
      if (field === 'maintainers' && typeof (accepted ?? invited) === 'number')
        return text(await person(accepted ?? invited));
      if (Array.isArray(addresses))
        return {
          kind: 'list',
          items: [...addresses, ...(Array.isArray(pages) ? pages : [])].map((item) => ({
            text: String(item),
          })),
        };
      return { kind: 'code', text: JSON.stringify(value) };
    }
    if (field === 'redirectUri' && typeof value === 'string') {
      const shown = unicodeSpelling(value);
      if (shown !== null) return { kind: 'list', items: [{ text: shown, code: value }] };
    }
    const code = field === 'redirectUri' || field === 'rsaPublicKey';
    return code && value !== '' ? { kind: 'code', text: String(value) } : text(String(value));
  };
}

/**
 * Makes lines of the trail readable for this viewer: values of fields they may not see stay out,
 * and so do other people's addresses.
 */
export function makeLines(
  world: World,
  actor: Actor,
  words: Words,
): (entry: AuditEntry) => Promise<TrailLine> {
  const names = makeNames(world);
  const [shown, changesOf] = [makeShown(world, words, names), makeChangeView(world, actor)];
  const apps = new Map<ClientId, Promise<string | null>>();
  async function appName(id: ClientId): Promise<string | null> {
    const client = await world.records.findClient(id);
    return client === undefined || unseen('name', client, actor, false) !== undefined
      ? null
      : client.name;
  }
  return async (entry) => {
    const { id, at, action, actorId, via, clientId, reason } = entry;
    const name = apps.get(clientId) ?? appName(clientId);
    apps.set(clientId, name);
    const who = actorId === null ? null : (await names(actorId)).name;
    const mine = actorId !== null && actorId === personOf(actor)?.id;
    const changes = await Promise.all(
      (await changesOf(entry)).map(async (change) => {
        const side = (which: 'before' | 'after'): Promise<Shown> =>
          which in change
            ? shown(change.field, change[which])
            : Promise.resolve({ kind: 'private' });
        return { field: change.field, before: await side('before'), after: await side('after') };
      }),
    );
    return {
      id,
      at,
      action,
      actor: who,
      gone: actorId !== null && who === null,
      via,
      address: mine || mayDo(actor, RIGHTS.viewPrivate) ? entry.address : null,
      app: { id: clientId, name: await name },
      // A reason may be the description of an app: it is hidden with it.
      reason: (await name) === null ? '' : reason,
      changes,
    };
  };
}
