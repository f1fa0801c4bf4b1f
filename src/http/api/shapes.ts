import * as z from 'zod';
import { toUnicodeUri } from '#encoding/browser-uri.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Actor } from '#registry/actor.ts';
import {
  type Client,
  grantTypes,
  liveSecrets,
  protocols,
  stages,
  suspensions,
} from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { type Revision, revisionStages } from '#registry/model/revision.ts';
import type { VisibleAuditEntry } from '#registry/queries/audit.ts';
import type { PersonLookup } from '#registry/queries/people.ts';
import type { Risk } from '#registry/review/risk.ts';
import type { Services } from '../world.ts';
import { formatTimestamp, toSnakeCase } from './problems.ts';

// What goes over the wire, as schemas: the documentation is made of them, and what comes in is
// checked by them.

export const timestamp = z.iso.datetime().describe('UTC');
const day = z.iso.date().nullable().describe('Day of the last use, UTC; null: not yet');
const person = z.object({ id: z.number().int(), name: z.string().nullable() });
const restrictions = z.object({ addresses: z.array(z.string()), pages: z.array(z.string()) });

export const clientSchema = z
  .object({
    client_id: z.string(),
    number: z.number().int(),
    name: z.string(),
    version: z.string(),
    description: z.string(),
    owner: person,
    email: z.string(),
    protocol: z.enum(protocols),
    owner_only: z.boolean(),
    confidential: z.boolean(),
    redirect_uri: z.string(),
    redirect_uri_unicode: z
      .string()
      .nullable()
      .describe('The same with its host in Unicode; null: there is no other spelling'),
    redirect_is_prefix: z.boolean(),
    grant_types: z.array(z.enum(grantTypes)),
    pkce_optional: z.boolean(),
    introspector: z
      .boolean()
      .describe('It may ask about the access tokens of every app (RFC 7662)'),
    token_algorithm: z.enum(['ES256', 'RS256']),
    site: z.string(),
    scopes: z.array(z.string()),
    optional_scopes: z.array(z.string()).describe('Scopes a person may leave out'),
    rsa_public_key: z.string().nullable(),
    restrictions,
    stage: z.enum(stages),
    stage_at: timestamp,
    suppressed: z.boolean(),
    suspension: z.enum(suspensions),
    registered_at: timestamp,
    managed: z.boolean(),
    skip_consent: z.boolean(),
  })
  .partial()
  .required({ client_id: true, number: true, stage: true, suppressed: true })
  .extend({
    last_used_on: day,
    hidden: z.array(z.string()).describe('Fields that this caller may not see'),
    change_token: z
      .string()
      .describe('Send it as If-Match, in quotes, to act on exactly this version'),
  })
  .meta({ id: 'Client' });

export const issuedSchema = clientSchema
  .extend({
    client_secret: z.string().optional().describe('Shown once'),
    access_token: z.string().optional().describe('Owner-only apps: shown once'),
    access_token_secret: z.string().optional().describe('Owner-only OAuth 1 apps: shown once'),
    withheld_scopes: z
      .array(z.string())
      .optional()
      .describe(
        'Scopes that the new credential lacks because the caller’s token or signature does not hold them',
      ),
    waiting: z
      .boolean()
      .describe('A first approval was recorded; a second reviewer must approve too'),
  })
  .meta({ id: 'Issued' });

export const secretSchema = z
  .object({
    secret_id: z.number().int(),
    label: z.string(),
    created_at: timestamp,
    expires_at: timestamp.nullable(),
    last_used_on: day,
  })
  .meta({ id: 'Secret' });

const change = z
  .object({ field: z.string(), before: z.unknown().optional(), after: z.unknown().optional() })
  .describe('Without its values: you may not see that field');
export const revisionSchema = z
  .object({
    revision_id: z.number().int(),
    client_id: z.string(),
    stage: z.enum(revisionStages),
    changes: z.array(change).describe('The difference to the live app'),
    proposed_by: person.nullable(),
    proposed_at: timestamp,
    closed_at: timestamp.nullable(),
  })
  .meta({ id: 'Revision' });

export const riskSchema = z
  .object({
    total: z.number().int(),
    findings: z.array(
      z.object({ rule: z.string(), weight: z.number().int(), evidence: z.string() }),
    ),
  })
  .meta({ id: 'Risk' });

export const auditEntrySchema = z
  .object({
    id: z.number().int(),
    at: timestamp,
    action: z.string(),
    actor: person.nullable().describe('Null: the operator, or scheduled work'),
    via: z.enum(['page', 'api', 'cli', 'config', 'job']),
    address: z.string().nullable(),
    client_id: z.string().nullable().describe('Null: it is about the account that `changes` names'),
    reason: z.string(),
    changes: z.array(change),
  })
  .meta({ id: 'AuditEntry' });

export const consentSchema = z
  .object({
    consent_id: z.number().int(),
    client_id: z.string(),
    app_name: z.string().nullable(),
    site: z.string(),
    scopes: z.array(z.string()),
    accepted_at: timestamp,
    new_owner: z
      .object({ name: z.string(), since: timestamp })
      .nullable()
      .describe('Who owns the app by now, when it had another owner at the time of the consent'),
    last_used_on: day,
  })
  .meta({ id: 'Consent' });

export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable() });

const formatDay = (days: number | undefined): string | null =>
  days === undefined ? null : new Date(days * 86_400_000).toISOString().slice(0, 10);

/** What a field is called and how it is written. */
const serializedFields: readonly (readonly [keyof Client, (client: Client) => unknown])[] = (
  [
    'name',
    'version',
    'description',
    'email',
    'protocol',
    'ownerOnly',
    'confidential',
    'redirectUri',
    'redirectIsPrefix',
    'grantTypes',
    'pkceOptional',
    'introspector',
    'tokenAlgorithm',
    'site',
    'scopes',
    'optionalScopes',
    'rsaPublicKey',
    'restrictions',
    'stage',
    'suppressed',
    'suspension',
    'managed',
    'skipConsent',
  ] as const
).map((field) => [field, (client: Client) => client[field]]);

/**
 * A client as this caller may see it: fields they may not see are absent, and named in `hidden`.
 */
export async function serializeClient(
  services: Services,
  actor: Actor,
  client: Client,
  lookUpPerson: PersonLookup = services.registry.query(actor).personLookup(),
): Promise<Record<string, unknown>> {
  const query = services.registry.query(actor);
  const reasonHidden = await query.fieldVisibility(client);
  const visibleFields: Record<string, unknown> = { client_id: client.id, number: client.number };
  const hidden: string[] = [];
  for (const [field, readField] of serializedFields) {
    if (reasonHidden(field) === undefined) visibleFields[toSnakeCase(field)] = readField(client);
    else hidden.push(toSnakeCase(field));
  }
  if (reasonHidden('redirectUri') === undefined)
    visibleFields.redirect_uri_unicode = toUnicodeUri(client.redirectUri);
  else hidden.push('redirect_uri_unicode');
  if (reasonHidden('ownerId') === undefined)
    visibleFields.owner = await lookUpPerson(client.ownerId);
  else hidden.push('owner');
  const lastUsedDays = await query.lastUsed('client', [client.id]);
  return {
    ...visibleFields,
    stage_at: formatTimestamp(client.stageAt),
    registered_at: formatTimestamp(client.registeredAt),
    last_used_on: formatDay(lastUsedDays.get(client.id)),
    hidden,
    change_token: services.registry.etagFor(actor, client),
  };
}

/** What an action issued, beside the client. */
export async function serializeOutcome(
  services: Services,
  actor: Actor,
  outcome: ActionOutcome,
): Promise<Record<string, unknown>> {
  const {
    secret,
    credentials,
    accessToken,
    withheldScopes,
    awaitsSecondApproval: waiting,
  } = outcome;
  return {
    ...(await serializeClient(services, actor, outcome.client)),
    ...(secret === null ? {} : { client_secret: secret }),
    ...(credentials === null
      ? {}
      : { access_token: credentials.token, access_token_secret: credentials.secret }),
    ...(accessToken === null ? {} : { access_token: accessToken }),
    ...(withheldScopes.length === 0 ? {} : { withheld_scopes: withheldScopes }),
    waiting,
  };
}

export async function serializeSecrets(
  services: Services,
  actor: Actor,
  client: Client,
): Promise<readonly unknown[]> {
  const activeSecrets = liveSecrets(client, services.clock.now());
  const lastUsedDays = await services.registry.query(actor).lastUsed(
    'secret',
    activeSecrets.map(({ id }) => String(id)),
  );
  return activeSecrets.map(({ id, label, createdAt, expiresAt }) => ({
    secret_id: id,
    label,
    created_at: formatTimestamp(createdAt),
    expires_at: expiresAt === null ? null : formatTimestamp(expiresAt),
    last_used_on: formatDay(lastUsedDays.get(String(id))),
  }));
}

/** A revision beside the client as it is. Of a closed one the difference is to what is live now. */
export async function serializeRevision(
  client: Client,
  revision: Revision,
  lookUpPerson: PersonLookup,
): Promise<unknown> {
  const changes = Object.entries(revision.fields)
    .map(([field, after]) => ({
      field: toSnakeCase(field),
      before: client[field as keyof Client] as unknown,
      after: after as unknown,
    }))
    .filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  return {
    revision_id: revision.id,
    client_id: revision.clientId,
    stage: revision.stage,
    changes,
    proposed_by: revision.proposedBy === null ? null : await lookUpPerson(revision.proposedBy),
    proposed_at: formatTimestamp(revision.proposedAt),
    closed_at: revision.closedAt === null ? null : formatTimestamp(revision.closedAt),
  };
}

export const serializeRisk = ({ total, findings }: Risk): unknown => ({ total, findings });

/** Makes entries of the audit log, as their reader may see them, into JSON. */
export const makeAuditEntrySerializer =
  (lookUpPerson: PersonLookup) =>
  async (entry: VisibleAuditEntry): Promise<unknown> => ({
    id: entry.id,
    at: formatTimestamp(entry.at),
    action: entry.action,
    actor: entry.actorId === null ? null : await lookUpPerson(entry.actorId),
    via: entry.via,
    address: entry.address,
    client_id: entry.clientId,
    reason: entry.reason,
    changes: entry.changes.map((change) => ({ ...change, field: toSnakeCase(change.field) })),
  });

/** Consents of a person, for the actor who lists them. */
export async function serializeConsents(
  services: Services,
  actor: Actor,
  consents: readonly Consent[],
): Promise<readonly unknown[]> {
  const query = services.registry.query(actor);
  const lastUsedDays = await query.lastUsed(
    'consent',
    consents.map(({ id }) => String(id)),
  );
  return Promise.all(
    consents.map(async ({ id, clientId, site, scopes, acceptedAt }) => {
      const client = await query.findRequestingClient(clientId);
      const newOwner =
        client === undefined || client.suppressed
          ? null
          : await query.newOwnerSince(client, acceptedAt);
      return {
        consent_id: id,
        client_id: clientId,
        app_name: client === undefined || client.suppressed ? null : client.name,
        site,
        scopes,
        accepted_at: formatTimestamp(acceptedAt),
        new_owner: newOwner && { name: newOwner.name, since: formatTimestamp(newOwner.since) },
        last_used_on: formatDay(lastUsedDays.get(String(id))),
      };
    }),
  );
}
