import { toUnicodeUri } from '#encoding/browser-uri.ts';
import { makePersonLookup } from '#http/account-names.ts';
import { makeChangeRedactor } from '#http/app-access.ts';
import type { Services } from '#http/world.ts';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import {
  ANYWHERE,
  type Client,
  type Stage,
  type Suspension,
  stages,
  suspensions,
} from '#registry/model/client.ts';
import { hiddenReason } from '#registry/visibility.ts';
import type { AuditEntryView, DisplayItem, DisplayValue } from './audit-table.ts';
import { stageName } from './refusal-texts.ts';
import { scopeWords } from './scopes.ts';
import type { MessageKey, Words } from './words.ts';

// Values of the registry, made ready for pages.

/** One scope in plain words. */
export function formatScope(services: Services, words: Words, name: string): DisplayItem {
  const scopeTexts = scopeWords(words, services.scopes);
  const scope = services.scopes.get(name);
  if (scope === undefined) return { text: name };
  return {
    text: scopeTexts.description(name),
    code: name,
    risk: scope.risk === 'low' ? null : scopeTexts.risk(scope.risk),
  };
}

const isOneOf = <T extends string>(list: readonly T[], value: unknown): value is T =>
  list.some((known) => known === value);

/** Makes values of fields readable; people are named, each looked up once. */
export function makeFieldFormatter(
  services: Services,
  words: Words,
  lookUpPerson = makePersonLookup(services),
): (field: string, value: unknown) => Promise<DisplayValue> {
  const text = (value: string): DisplayValue =>
    value === '' ? { kind: 'none' } : { kind: 'text', text: value };
  const person = async (id: unknown) =>
    (await lookUpPerson(id as UserId)).name ?? words.say('frame.nobody');
  return async (field, value) => {
    if (value === null || value === undefined) return { kind: 'none' };
    if (typeof value === 'boolean') return { kind: value ? 'yes' : 'no' };
    if (field === 'site')
      return text(services.sites.nameOf(value as Client['site']) ?? words.say('frame.every-site'));
    if (field === 'protocol') return text(value === 'oauth1' ? 'OAuth 1.0a' : 'OAuth 2');
    if (field === 'restrictions' && JSON.stringify(value) === JSON.stringify(ANYWHERE))
      return text(words.say('review.anywhere'));
    if (field === 'revision' && value === 'withdrawn')
      return text(words.say('trail.withdraw-revision'));
    if ((field === 'stage' || field === 'revision') && isOneOf<Stage>(stages, value))
      return text(stageName(words, value));
    if (field === 'suspension' && isOneOf<Suspension>(suspensions, value))
      return text(words.say(`review.suspension.${value}` satisfies MessageKey));
    if ((field === 'ownerId' || field === 'offer') && typeof value === 'number')
      return text(await person(value));
    if (Array.isArray(value)) {
      if (value.length === 0) return { kind: 'none' };
      const scopes = field === 'scopes' || field === 'optionalScopes';
      return {
        kind: 'list',
        items: value.map((item) =>
          scopes ? formatScope(services, words, String(item)) : { text: String(item) },
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
      const unicodeUri = toUnicodeUri(value);
      if (unicodeUri !== null) return { kind: 'list', items: [{ text: unicodeUri, code: value }] };
    }
    const code = field === 'redirectUri' || field === 'rsaPublicKey';
    return code && value !== '' ? { kind: 'code', text: String(value) } : text(String(value));
  };
}

/**
 * Makes lines of the trail readable for this viewer: values of fields they may not see stay out,
 * and so do other people's addresses.
 */
export function makeAuditEntryFormatter(
  services: Services,
  actor: Actor,
  words: Words,
): (entry: AuditEntry) => Promise<AuditEntryView> {
  const lookUpPerson = makePersonLookup(services);
  const [formatField, redactChanges] = [
    makeFieldFormatter(services, words, lookUpPerson),
    makeChangeRedactor(services, actor),
  ];
  const apps = new Map<ClientId, Promise<string | null>>();
  async function appName(id: ClientId): Promise<string | null> {
    const client = await services.records.findClient(id);
    return client === undefined || hiddenReason('name', client, actor, false) !== undefined
      ? null
      : client.name;
  }
  return async (entry) => {
    const { id, at, action, actorId, via, clientId, reason } = entry;
    const name = apps.get(clientId) ?? appName(clientId);
    apps.set(clientId, name);
    const actorName = actorId === null ? null : (await lookUpPerson(actorId)).name;
    const isOwnEntry = actorId !== null && actorId === accountOf(actor)?.id;
    const changes = await Promise.all(
      (await redactChanges(entry)).map(async (change) => {
        const formatSide = (side: 'before' | 'after'): Promise<DisplayValue> =>
          side in change
            ? formatField(change.field, change[side])
            : Promise.resolve({ kind: 'private' });
        return {
          field: change.field,
          before: await formatSide('before'),
          after: await formatSide('after'),
        };
      }),
    );
    return {
      id,
      at,
      action,
      actor: actorName,
      actorDeleted: actorId !== null && actorName === null,
      via,
      address: isOwnEntry || hasRight(actor, RIGHTS.viewPrivate) ? entry.address : null,
      app: { id: clientId, name: await name },
      // A reason may be the description of an app: it is hidden with it.
      reason: (await name) === null ? '' : reason,
      changes,
    };
  };
}
