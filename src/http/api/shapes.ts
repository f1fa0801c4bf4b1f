import { z } from 'zod';
import { unicodeSpelling } from '#encoding/browser-uri.ts';
import { newOwnerSince } from '#pages/consent/new-owner.ts';
import { isKeeper } from '#registry/actions/action.ts';
import type { Outcome } from '#registry/actions/context.ts';
import { type Actor, AUDIT_SCOPE, actsWith, mayDo, personOf, RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import {
  type Client,
  grantTypes,
  halts,
  liveSecrets,
  protocols,
  stages,
} from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { type Revision, revisionStages } from '#registry/model/revision.ts';
import type { Team } from '#registry/model/team.ts';
import type { Risk } from '#registry/review/risk.ts';
import { unseen } from '#registry/visibility.ts';
import { makeNames } from '../account-names.ts';
import { makeChangeView, makeTextsHidden } from '../app-access.ts';
import type { World } from '../world.ts';
import { iso, snake } from './problems.ts';

// What goes over the wire, as schemas: the documentation is made of them, and what comes in is
// checked by them.

export const when = z.iso.datetime().describe('UTC');
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
    stage_at: when,
    suppressed: z.boolean(),
    halted: z.enum(halts),
    registered_at: when,
    managed: z.boolean(),
    skip_consent: z.boolean(),
  })
  .partial()
  .required({ client_id: true, number: true, stage: true, suppressed: true })
  .extend({
    last_used_on: day,
    hidden: z.array(z.string()).describe('Fields that this caller may not see'),
    change_token: z.string().describe('Send it as If-Match to decide on exactly this'),
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
      .describe('A first yes was written down; a second reviewer has to say theirs'),
  })
  .meta({ id: 'Issued' });

export const secretSchema = z
  .object({
    secret_id: z.number().int(),
    label: z.string(),
    created_at: when,
    expires_at: when.nullable(),
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
    proposed_at: when,
    closed_at: when.nullable(),
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

export const auditSchema = z
  .object({
    id: z.number().int(),
    at: when,
    action: z.string(),
    actor: person.nullable().describe('Null: the operator, or scheduled work'),
    via: z.enum(['page', 'api', 'cli', 'config', 'job']),
    address: z.string().nullable(),
    client_id: z.string(),
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
    accepted_at: when,
    new_owner: z
      .object({ name: z.string(), since: when })
      .nullable()
      .describe('Who owns the app by now, when it had another owner at the time of the consent'),
    last_used_on: day,
  })
  .meta({ id: 'Consent' });

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable() });

const isoDay = (days: number | undefined): string | null =>
  days === undefined ? null : new Date(days * 86_400_000).toISOString().slice(0, 10);

/** What a field is called and how it is written. */
const written: readonly (readonly [keyof Client, (client: Client) => unknown])[] = (
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
    'halted',
    'managed',
    'skipConsent',
  ] as const
).map((field) => [field, (client: Client) => client[field]]);

/**
 * A client as this caller may see it: fields they may not see are absent, and named in `hidden`.
 */
export async function showClient(
  world: World,
  actor: Actor,
  client: Client,
  names = makeNames(world),
): Promise<Record<string, unknown>> {
  const team: Team =
    actor.kind === 'person' && actor.account
      ? await world.records.teamOf(client.id)
      : { maintainers: [], offer: null };
  const keeper = isKeeper(actor, client, team);
  const shown: Record<string, unknown> = { client_id: client.id, number: client.number };
  const hidden: string[] = [];
  for (const [field, read] of written) {
    if (unseen(field, client, actor, keeper) === undefined) shown[snake(field)] = read(client);
    else hidden.push(snake(field));
  }
  if (unseen('redirectUri', client, actor, keeper) === undefined)
    shown.redirect_uri_unicode = unicodeSpelling(client.redirectUri);
  else hidden.push('redirect_uri_unicode');
  if (unseen('ownerId', client, actor, keeper) === undefined)
    shown.owner = await names(client.ownerId);
  else hidden.push('owner');
  const used = await world.records.lastUsed('client', [client.id]);
  return {
    ...shown,
    stage_at: iso(client.stageAt),
    registered_at: iso(client.registeredAt),
    last_used_on: isoDay(used.get(client.id)),
    hidden,
    change_token: world.registry.changeToken(actor, client),
  };
}

/** What an action issued, beside the client. */
export async function showOutcome(
  world: World,
  actor: Actor,
  outcome: Outcome,
): Promise<Record<string, unknown>> {
  const { secret, credentials, accessToken, withheldScopes, waiting } = outcome;
  return {
    ...(await showClient(world, actor, outcome.client)),
    ...(secret === null ? {} : { client_secret: secret }),
    ...(credentials === null
      ? {}
      : { access_token: credentials.token, access_token_secret: credentials.secret }),
    ...(accessToken === null ? {} : { access_token: accessToken }),
    ...(withheldScopes.length === 0 ? {} : { withheld_scopes: withheldScopes }),
    waiting,
  };
}

export async function showSecrets(world: World, client: Client): Promise<readonly unknown[]> {
  const live = liveSecrets(client, world.clock.now());
  const used = await world.records.lastUsed(
    'secret',
    live.map(({ id }) => String(id)),
  );
  return live.map(({ id, label, createdAt, expiresAt }) => ({
    secret_id: id,
    label,
    created_at: iso(createdAt),
    expires_at: expiresAt === null ? null : iso(expiresAt),
    last_used_on: isoDay(used.get(String(id))),
  }));
}

/** A revision beside the client as it is. Of a closed one the difference is to what is live now. */
export async function showRevision(
  client: Client,
  revision: Revision,
  names: ReturnType<typeof makeNames>,
): Promise<unknown> {
  const changes = Object.entries(revision.fields)
    .map(([field, after]) => ({
      field: snake(field),
      before: client[field as keyof Client] as unknown,
      after: after as unknown,
    }))
    .filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  return {
    revision_id: revision.id,
    client_id: revision.clientId,
    stage: revision.stage,
    changes,
    proposed_by: revision.proposedBy === null ? null : await names(revision.proposedBy),
    proposed_at: iso(revision.proposedAt),
    closed_at: revision.closedAt === null ? null : iso(revision.closedAt),
  };
}

export const showRisk = ({ total, findings }: Risk): unknown => ({ total, findings });

/**
 * Lines of the trail. Where a request came from is shown to those who may see private things, and
 * to the one it was.
 */
export function makeAuditView(world: World, actor: Actor): (entry: AuditEntry) => Promise<unknown> {
  const [names, changesOf, hidesTexts] = [
    makeNames(world),
    makeChangeView(world, actor),
    makeTextsHidden(world, actor),
  ];
  const addresses = mayDo(actor, RIGHTS.viewPrivate);
  const viewer = actsWith(actor, [AUDIT_SCOPE]) ? personOf(actor)?.id : undefined;
  return async (entry) => ({
    id: entry.id,
    at: iso(entry.at),
    action: entry.action,
    actor: entry.actorId === null ? null : await names(entry.actorId),
    via: entry.via,
    address: addresses || (viewer !== undefined && viewer === entry.actorId) ? entry.address : null,
    client_id: entry.clientId,
    // A reason may be the description of an app: it is hidden with it.
    reason: (await hidesTexts(entry.clientId)) ? '' : entry.reason,
    changes: (await changesOf(entry)).map((one) => ({ ...one, field: snake(one.field) })),
  });
}

export async function showConsents(
  world: World,
  consents: readonly Consent[],
): Promise<readonly unknown[]> {
  const used = await world.records.lastUsed(
    'consent',
    consents.map(({ id }) => String(id)),
  );
  return Promise.all(
    consents.map(async ({ id, clientId, site, scopes, acceptedAt }) => {
      const client = await world.records.findClient(clientId);
      const newOwner =
        client === undefined || client.suppressed
          ? null
          : await newOwnerSince(world.records, client, acceptedAt);
      return {
        consent_id: id,
        client_id: clientId,
        app_name: client === undefined || client.suppressed ? null : client.name,
        site,
        scopes,
        accepted_at: iso(acceptedAt),
        new_owner: newOwner && { name: newOwner.name, since: iso(newOwner.since) },
        last_used_on: isoDay(used.get(String(id))),
      };
    }),
  );
}
