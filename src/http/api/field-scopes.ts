import type { Client } from '#registry/model/client.ts';
import { audienceScopes, fieldAudiences } from '#registry/visibility.ts';
import { toSnakeCase } from './problems.ts';
import { apiScopes } from './route.ts';

// Which scope opens which field to a token or a signature (ADR 17). It is necessary, never
// sufficient: what its person may not see stays closed. The answers are cut by these rows, the
// description of the API is made of them, and a field or a route without one is not sent.

/** The scopes of which one is needed. `route`: whatever opened the route. */
type RequiredScopes = 'route' | readonly string[];
/** The fields of an object; a list is judged item by item. */
export interface FieldScopes {
  readonly [field: string]: RequiredScopes | FieldScopes;
}
interface RouteScopes {
  /** `anyone`: no token is needed; `any token`: one of any scope. */
  readonly requiredScopes: 'anyone' | 'any token' | readonly string[];
  /** Null: the answer is empty. */
  readonly fields: FieldScopes | null;
}

/** The dialect's scope for the same management. */
const DIALECT_CLIENTS = 'oauthmanageownclient';
const { clients, review, consents, audit } = apiScopes;
const managementScopes = [clients, DIALECT_CLIENTS];
const managementOrReviewScopes = [...managementScopes, review];
/** Rows of fields that all have the same opening. */
const fieldsRequiring = (required: RequiredScopes, ...fields: readonly string[]): FieldScopes =>
  Object.fromEntries(fields.map((field) => [field, required]));

const clientFieldScopes = (field: keyof Client): RequiredScopes =>
  audienceScopes[fieldAudiences[field]] ?? 'route';
/** Fields of a client that answers write under other names, or not at all. */
const fieldsUnderOtherNames: ReadonlySet<string> = new Set([
  'id',
  'ownerId',
  'secrets',
  'recordVersion',
  'plainPkceUntil',
]);

const client: FieldScopes = {
  ...Object.fromEntries(
    (Object.keys(fieldAudiences) as (keyof Client)[])
      .filter((field) => !fieldsUnderOtherNames.has(field))
      .map((field) => [toSnakeCase(field), clientFieldScopes(field)]),
  ),
  client_id: clientFieldScopes('id'),
  owner: clientFieldScopes('ownerId'),
  redirect_uri_unicode: clientFieldScopes('redirectUri'),
  ...fieldsRequiring('route', 'last_used_on', 'hidden', 'change_token'),
};
const issued: FieldScopes = {
  ...client,
  ...fieldsRequiring(
    [clients],
    'client_secret',
    'access_token',
    'access_token_secret',
    'withheld_scopes',
  ),
  waiting: 'route',
};
const secret = fieldsRequiring(
  [clients],
  'secret_id',
  'label',
  'created_at',
  'expires_at',
  'last_used_on',
);
const revision = fieldsRequiring(
  managementOrReviewScopes,
  'revision_id',
  'client_id',
  'stage',
  'changes',
  'proposed_by',
  'proposed_at',
  'closed_at',
);
const risk = fieldsRequiring([review], 'total', 'findings');
const auditEntry: FieldScopes = {
  ...fieldsRequiring(
    'route',
    'id',
    'at',
    'action',
    'actor',
    'via',
    'client_id',
    'reason',
    'changes',
  ),
  address: [audit],
};
const consent = fieldsRequiring(
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

const managementRoutes = [
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
  .map((id) => [id, { requiredScopes: [clients], fields: issued }] as const);
const reviewRoutes = [
  'approveClient',
  'rejectClient',
  'disableClient',
  'reenableClient',
  'haltClient',
  'setPkceExemption',
  'approveRevision',
  'rejectRevision',
].map((id) => [id, { requiredScopes: [review], fields: issued }] as const);

/** Every route of the API by its `id`. */
export const routeScopes: Readonly<Record<string, RouteScopes>> = {
  ...Object.fromEntries([...managementRoutes, ...reviewRoutes]),
  listClients: { requiredScopes: 'anyone', fields: page(client) },
  getClient: { requiredScopes: 'anyone', fields: client },
  listSecrets: { requiredScopes: [clients], fields: { items: secret } },
  listRevisions: { requiredScopes: managementOrReviewScopes, fields: { items: revision } },
  getTeam: {
    requiredScopes: managementOrReviewScopes,
    fields: fieldsRequiring(managementOrReviewScopes, 'owner', 'maintainers', 'offered_to'),
  },
  listInvitations: {
    requiredScopes: [clients],
    fields: { items: fieldsRequiring([clients], 'client_id', 'kind'), declined: [clients] },
  },
  declineInvitations: { requiredScopes: [clients], fields: fieldsRequiring([clients], 'declined') },
  auditOfClient: { requiredScopes: managementOrReviewScopes, fields: page(auditEntry) },
  listReviews: { requiredScopes: [review], fields: page({ client, revision, risk }) },
  riskOfClient: { requiredScopes: [review], fields: risk },
  impactOfClient: {
    requiredScopes: managementOrReviewScopes,
    fields: fieldsRequiring(managementOrReviewScopes, 'users', 'tokens', 'calls_last_day'),
  },
  listConsents: { requiredScopes: [consents], fields: page(consent) },
  renounceConsent: { requiredScopes: [consents], fields: null },
  listAudit: { requiredScopes: [audit], fields: page(auditEntry) },
  whoAmI: { requiredScopes: 'any token', fields: fieldsRequiring('route', 'id', 'name', 'rights') },
  listScopes: {
    requiredScopes: 'anyone',
    fields: { items: fieldsRequiring('route', 'name', 'description', 'group', 'risk', 'rights') },
  },
  listSites: {
    requiredScopes: 'anyone',
    fields: { items: fieldsRequiring('route', 'id', 'name', 'origin') },
  },
};

const isRequiredScopes = (rule: RequiredScopes | FieldScopes): rule is RequiredScopes =>
  rule === 'route' || Array.isArray(rule);

/** True when one of these scopes opens the route. A route without a row is closed. */
export function canUseRoute(id: string, scopes: readonly string[]): boolean {
  const required = routeScopes[id]?.requiredScopes ?? [];
  return typeof required === 'string' || required.some((scope) => scopes.includes(scope));
}

/**
 * An answer as a token or a signature with these scopes may read it. A closed field of an app is
 * left out and named in `hidden`, as others that cannot be seen; elsewhere it is null. A field
 * without a row is left out.
 */
export function filterFieldsByScope(
  value: unknown,
  fields: FieldScopes,
  scopes: readonly string[],
): unknown {
  if (Array.isArray(value)) return value.map((item) => filterFieldsByScope(item, fields, scopes));
  if (typeof value !== 'object' || value === null) return value;
  const visibleFields: Record<string, unknown> = {};
  const hiddenFields: string[] = [];
  for (const [field, inner] of Object.entries(value)) {
    const rule = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (rule === undefined) continue;
    if (!isRequiredScopes(rule)) visibleFields[field] = filterFieldsByScope(inner, rule, scopes);
    else if (rule === 'route' || rule.some((scope) => scopes.includes(scope)))
      visibleFields[field] = inner;
    else if ('hidden' in value) hiddenFields.push(field);
    else visibleFields[field] = null;
  }
  if (hiddenFields.length > 0)
    visibleFields.hidden = [
      ...new Set([...(visibleFields.hidden as readonly string[]), ...hiddenFields]),
    ];
  return visibleFields;
}
