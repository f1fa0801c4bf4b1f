import type { Client } from '#registry/model/client.ts';
import { fieldReaders, openingScopes } from '#registry/visibility.ts';
import { snake } from './problems.ts';
import { apiScopes } from './route.ts';

// Which scope opens which field to a token or a signature (ADR 17). It is necessary, never
// sufficient: what its person may not see stays closed. The answers are cut by these rows, the
// description of the API is made of them, and a field or a route without one is not sent.

/** The scopes of which one is needed. `route`: whatever opened the route. */
type Opening = 'route' | readonly string[];
/** The fields of an object; a list is judged item by item. */
export interface FieldScopes {
  readonly [field: string]: Opening | FieldScopes;
}
interface RouteScopes {
  /** `anyone`: no token is needed; `any token`: one of any scope. */
  readonly opens: 'anyone' | 'any token' | readonly string[];
  /** Null: the answer is empty. */
  readonly fields: FieldScopes | null;
}

/** The dialect's scope for the same management. */
const DIALECT_CLIENTS = 'oauthmanageownclient';
const { clients, review, consents, audit } = apiScopes;
const managing = [clients, DIALECT_CLIENTS];
const insiders = [...managing, review];
/** Rows of fields that all have the same opening. */
const rows = (opening: Opening, ...fields: readonly string[]): FieldScopes =>
  Object.fromEntries(fields.map((field) => [field, opening]));

const ofClient = (field: keyof Client): Opening => openingScopes[fieldReaders[field]] ?? 'route';
/** Fields of a client that answers write under other names, or not at all. */
const renamed: ReadonlySet<string> = new Set([
  'id',
  'ownerId',
  'secrets',
  'edition',
  'plainPkceUntil',
]);

const client: FieldScopes = {
  ...Object.fromEntries(
    (Object.keys(fieldReaders) as (keyof Client)[])
      .filter((field) => !renamed.has(field))
      .map((field) => [snake(field), ofClient(field)]),
  ),
  client_id: ofClient('id'),
  owner: ofClient('ownerId'),
  redirect_uri_unicode: ofClient('redirectUri'),
  ...rows('route', 'last_used_on', 'hidden', 'change_token'),
};
const issued: FieldScopes = {
  ...client,
  ...rows([clients], 'client_secret', 'access_token', 'access_token_secret', 'withheld_scopes'),
  waiting: 'route',
};
const secret = rows([clients], 'secret_id', 'label', 'created_at', 'expires_at', 'last_used_on');
const revision = rows(
  insiders,
  'revision_id',
  'client_id',
  'stage',
  'changes',
  'proposed_by',
  'proposed_at',
  'closed_at',
);
const risk = rows([review], 'total', 'findings');
const auditEntry: FieldScopes = {
  ...rows('route', 'id', 'at', 'action', 'actor', 'via', 'client_id', 'reason', 'changes'),
  address: [audit],
};
const consent = rows(
  [consents],
  'consent_id',
  'client_id',
  'app_name',
  'site',
  'scopes',
  'accepted_at',
  'new_owner',
  'last_used_on',
);
const page = (items: FieldScopes): FieldScopes => ({ items, next: 'route' });

/** The objects that the description of the API has by name. */
export const namedFields: Readonly<Record<string, FieldScopes>> = {
  Client: client,
  Issued: issued,
  Secret: secret,
  Revision: revision,
  Risk: risk,
  AuditEntry: auditEntry,
  Consent: consent,
};

const managed = [
  'proposeClient',
  'updateClient',
  'resetSecret',
  'addSecret',
  'retireSecret',
  'revise',
  'withdrawRevision',
  'inviteMaintainer',
]
  .concat(['removeMaintainer', 'join', 'acceptOffer', 'declineOffer', 'offerClient'])
  .map((id) => [id, { opens: [clients], fields: issued }] as const);
const reviewed = [
  'approveClient',
  'rejectClient',
  'disableClient',
  'reenableClient',
  'haltClient',
  'setPkceExemption',
  'approveRevision',
  'rejectRevision',
].map((id) => [id, { opens: [review], fields: issued }] as const);

/** Every route of the API by its `id`. */
export const routeScopes: Readonly<Record<string, RouteScopes>> = {
  ...Object.fromEntries([...managed, ...reviewed]),
  listClients: { opens: 'anyone', fields: page(client) },
  getClient: { opens: 'anyone', fields: client },
  listSecrets: { opens: [clients], fields: { items: secret } },
  listRevisions: { opens: insiders, fields: { items: revision } },
  getTeam: { opens: insiders, fields: rows(insiders, 'owner', 'maintainers', 'offered_to') },
  listInvitations: {
    opens: [clients],
    fields: { items: rows([clients], 'client_id', 'kind'), declined: [clients] },
  },
  declineInvitations: { opens: [clients], fields: rows([clients], 'declined') },
  auditOfClient: { opens: insiders, fields: page(auditEntry) },
  listReviews: { opens: [review], fields: page({ client, revision, risk }) },
  riskOfClient: { opens: [review], fields: risk },
  impactOfClient: { opens: insiders, fields: rows(insiders, 'users', 'tokens', 'calls_last_day') },
  listConsents: { opens: [consents], fields: page(consent) },
  renounceConsent: { opens: [consents], fields: null },
  listAudit: { opens: [audit], fields: page(auditEntry) },
  whoAmI: { opens: 'any token', fields: rows('route', 'id', 'name', 'rights') },
  listScopes: {
    opens: 'anyone',
    fields: { items: rows('route', 'name', 'description', 'group', 'risk', 'rights') },
  },
  listSites: { opens: 'anyone', fields: { items: rows('route', 'id', 'name', 'origin') } },
};

const isOpening = (rule: Opening | FieldScopes): rule is Opening =>
  rule === 'route' || Array.isArray(rule);

/** True when one of these scopes opens the route. A route without a row is closed. */
export function opensRoute(id: string, scopes: readonly string[]): boolean {
  const opens = routeScopes[id]?.opens ?? [];
  return typeof opens === 'string' || opens.some((scope) => scopes.includes(scope));
}

/**
 * An answer as a token or a signature with these scopes may read it. A closed field of an app is
 * left out and named in `hidden`, as others that cannot be seen; elsewhere it is null. A field
 * without a row is left out.
 */
export function openedFields(
  value: unknown,
  fields: FieldScopes,
  scopes: readonly string[],
): unknown {
  if (Array.isArray(value)) return value.map((item) => openedFields(item, fields, scopes));
  if (typeof value !== 'object' || value === null) return value;
  const shown: Record<string, unknown> = {};
  const closed: string[] = [];
  for (const [field, inner] of Object.entries(value)) {
    const rule = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (rule === undefined) continue;
    if (!isOpening(rule)) shown[field] = openedFields(inner, rule, scopes);
    else if (rule === 'route' || rule.some((scope) => scopes.includes(scope))) shown[field] = inner;
    else if ('hidden' in value) closed.push(field);
    else shown[field] = null;
  }
  if (closed.length > 0)
    shown.hidden = [...new Set([...(shown.hidden as readonly string[]), ...closed])];
  return shown;
}
