import * as z from 'zod';
import { grantTypes, protocols, stages, suspensions } from '#registry/model/client.ts';
import { revisionStages } from '#registry/model/revision.ts';

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
