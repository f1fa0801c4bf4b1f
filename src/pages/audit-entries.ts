import { toUnicodeUri } from '#encoding/browser-uri.ts';
import type { UserId } from '#kernel/ids.ts';
import { isOneOf } from '#kernel/one-of.ts';
import type { Actor } from '#registry/actor.ts';
import type { ReadableAuditEntry } from '#registry/audit.ts';
import {
  ANYWHERE,
  type Client,
  type Stage,
  type Suspension,
  stages,
  suspensions,
} from '#registry/model/client.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import type { VisibleAuditEntry } from '#registry/queries/audit.ts';
import type { Person } from '#registry/queries/people.ts';
import type { Registry } from '#registry/registry.ts';
import type { AuditEntryView, DisplayItem, DisplayValue } from './audit-table.ts';
import { stageName } from './refusal-texts.ts';
import { scopeWords } from './scopes.ts';
import type { MessageKey, Words } from './words.ts';

// Values of the registry, made ready for pages.

/** What fields are named and explained with. */
export interface FieldDependencies {
  readonly scopes: ScopeCatalogue;
  readonly sites: Pick<Sites, 'nameOf'>;
}

/** One scope in plain words. */
function formatScope(catalogue: ScopeCatalogue, words: Words, name: string): DisplayItem {
  const scopeTexts = scopeWords(words, catalogue);
  const scope = catalogue.get(name);
  if (scope === undefined) return { text: name };
  return {
    text: scopeTexts.description(name),
    code: name,
    risk: scope.risk === 'low' ? null : scopeTexts.risk(scope.risk),
  };
}

/** Makes values of fields readable; people are named. */
export function makeFieldFormatter(
  { scopes: catalogue, sites }: FieldDependencies,
  words: Words,
  lookUpPerson: (id: UserId) => Promise<Person>,
): (field: string, value: unknown) => Promise<DisplayValue> {
  const text = (value: string): DisplayValue =>
    value === '' ? { kind: 'none' } : { kind: 'text', text: value };
  const person = async (id: unknown) =>
    (await lookUpPerson(id as UserId)).name ?? words.say('frame.nobody');
  return async (field, value) => {
    if (value === null || value === undefined) return { kind: 'none' };
    if (typeof value === 'boolean') return { kind: value ? 'yes' : 'no' };
    if (field === 'site')
      return text(sites.nameOf(value as Client['site']) ?? words.say('frame.every-site'));
    if (field === 'protocol') return text(value === 'oauth1' ? 'OAuth 1.0a' : 'OAuth 2');
    if (field === 'restrictions' && JSON.stringify(value) === JSON.stringify(ANYWHERE))
      return text(words.say('review.anywhere'));
    if (field === 'revision' && value === 'withdrawn')
      return text(words.say('trail.withdraw-revision'));
    if ((field === 'stage' || field === 'revision') && isOneOf<Stage>(stages, value))
      return text(stageName(words, value));
    if (field === 'suspension' && isOneOf<Suspension>(suspensions, value))
      return text(words.say(`review.suspension.${value}` satisfies MessageKey));
    if (
      (field === 'ownerId' || field === 'offer' || field === 'account') &&
      typeof value === 'number'
    )
      return text(await person(value));
    if (Array.isArray(value)) {
      if (value.length === 0) return { kind: 'none' };
      const scopes = field === 'scopes' || field === 'optionalScopes';
      return {
        kind: 'list',
        items: value.map((item) =>
          scopes ? formatScope(catalogue, words, String(item)) : { text: String(item) },
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

/** What entries of the audit log are made readable with. */
export interface AuditEntryDependencies extends FieldDependencies {
  readonly registry: Pick<Registry, 'query'>;
}

/**
 * Makes entries of the audit log readable for this viewer: values of fields they may not see stay
 * out, and so do other people's addresses.
 */
export function makeAuditEntryFormatter(
  dependencies: AuditEntryDependencies,
  actor: Actor,
  words: Words,
): (entry: ReadableAuditEntry | VisibleAuditEntry) => Promise<AuditEntryView> {
  const queries = dependencies.registry.query(actor);
  const lookUpPerson = queries.personLookup();
  const formatField = makeFieldFormatter(dependencies, words, lookUpPerson);
  const hidden: DisplayValue = { kind: 'private' };
  return async (found) => {
    const entry = 'clientName' in found ? found : await queries.visibleEntry(found);
    const { id, at, action, actorId, via, address, clientId, clientName, reason } = entry;
    const actorName = actorId === null ? null : (await lookUpPerson(actorId)).name;
    const changes = await Promise.all(
      entry.changes.map(async (change) => ({
        field: change.field,
        before: 'before' in change ? await formatField(change.field, change.before) : hidden,
        after: 'after' in change ? await formatField(change.field, change.after) : hidden,
      })),
    );
    return {
      id,
      at,
      action,
      actor: actorName,
      actorDeleted: actorId !== null && actorName === null,
      via,
      address,
      app: clientId === null ? null : { id: clientId, name: clientName },
      reason,
      changes,
    };
  };
}
