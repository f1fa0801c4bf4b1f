import { toUnicodeUri } from '#encoding/browser-uri.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Actor } from '#registry/actor.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Revision } from '#registry/model/revision.ts';
import type { VisibleAuditEntry } from '#registry/queries/audit.ts';
import type { PersonLookup } from '#registry/queries/people.ts';
import type { Risk } from '#registry/review/risk.ts';
import type { Services } from '../world.ts';
import { formatTimestamp, toSnakeCase } from './problems.ts';

// The registry's values as the schemas of the API have them.

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

/** Labels and last use of the secrets that live. */
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
