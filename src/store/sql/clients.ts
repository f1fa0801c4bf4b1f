import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { NewClient, NewSecret } from '#registry/records.ts';
import { type ClientRow, findById, findRecordVersion } from './client-cache.ts';
import { execute, fetchOne, sql, type Transaction } from './statement.ts';

const findIdByOwnerNameVersion = sql<{ id: string }>(
  'SELECT id FROM clients WHERE owner_id = :owner AND name = :name AND version = :version',
);

const columns = [
  'id',
  'name',
  'version',
  'description',
  'owner_id',
  'email',
  'protocol',
  'owner_only',
  'confidential',
  'redirect_uri',
  'redirect_is_prefix',
  'grant_types',
  'pkce_optional',
  'introspector',
  'plain_pkce_until',
  'token_algorithm',
  'site',
  'scopes',
  'optional_scopes',
  'rsa_public_key',
  'restrictions',
  'stage',
  'stage_at',
  'suppressed',
  'suspension',
  'registered_at',
];

const insertClientRow = sql<ClientRow>(`
  INSERT INTO clients (${columns.join(', ')})
  VALUES (${columns.map((column) => `:${column}`).join(', ')}) RETURNING *`);

const updateClientRow = sql(
  `UPDATE clients SET ${columns.map((column) => `${column} = :${column}`).join(', ')} WHERE id = :id`,
  ['client', 'id'],
);

/** The one gate of every change: of two that were decided on the same version, one passes. */
const incrementVersion = sql(
  'UPDATE clients SET changes = changes + 1 WHERE id = :id AND changes = :edition',
  ['client', 'id'],
);

const insertSecret = sql(
  `
  INSERT INTO client_secrets (client_id, label, digest, sealed, created_at, expires_at)
  VALUES (:client_id, :label, :digest, :sealed, :created_at, :expires_at)`,
  ['client', 'client_id'],
);

const deleteSecret = sql('DELETE FROM client_secrets WHERE id = :id AND client_id = :client', [
  'client',
  'client',
]);

const toRow = (client: NewClient) => ({
  id: client.id,
  name: client.name,
  version: client.version,
  description: client.description,
  owner_id: client.ownerId,
  email: client.email,
  protocol: client.protocol,
  owner_only: Number(client.ownerOnly),
  confidential: Number(client.confidential),
  redirect_uri: client.redirectUri,
  redirect_is_prefix: Number(client.redirectIsPrefix),
  grant_types: JSON.stringify(client.grantTypes),
  pkce_optional: Number(client.pkceOptional),
  introspector: Number(client.introspector),
  plain_pkce_until: client.plainPkceUntil,
  token_algorithm: client.tokenAlgorithm,
  site: client.site,
  scopes: JSON.stringify(client.scopes),
  optional_scopes: JSON.stringify(client.optionalScopes),
  rsa_public_key: client.rsaPublicKey,
  restrictions: JSON.stringify(client.restrictions),
  stage: client.managed ? 'configured' : client.stage,
  stage_at: client.stageAt,
  suppressed: Number(client.suppressed),
  suspension: client.suspension,
  registered_at: client.registeredAt,
});

/** The row itself, whatever the configuration says. */
export function* clientRowExists(id: ClientId): Transaction<boolean> {
  return (yield* fetchOne(findRecordVersion, { id })) !== undefined;
}

/** True when another client has that owner, name and version. */
export function* isNameTaken(
  id: ClientId,
  { ownerId, name, version }: Pick<Client, 'ownerId' | 'name' | 'version'>,
): Transaction<boolean> {
  const found = yield* fetchOne(findIdByOwnerNameVersion, { owner: ownerId, name, version });
  return found !== undefined && found.id !== id;
}

/** Lets one change of a version pass. */
export function* incrementRecordVersion(id: ClientId, recordVersion: number): Transaction<boolean> {
  return (yield* execute(incrementVersion, { id, edition: recordVersion })) > 0;
}

export function* insertClient(client: NewClient): Transaction<void> {
  yield* fetchOne(insertClientRow, toRow(client));
}

export function* saveClient(client: NewClient): Transaction<void> {
  yield* execute(updateClientRow, toRow(client));
}

export function* insertClientSecret(client: ClientId, secret: NewSecret): Transaction<void> {
  yield* execute(insertSecret, {
    client_id: client,
    label: secret.label,
    digest: secret.digest,
    sealed: secret.encrypted,
    created_at: secret.createdAt,
    expires_at: secret.expiresAt,
  });
}

export function* deleteClientSecret(client: ClientId, id: number): Transaction<void> {
  yield* execute(deleteSecret, { client, id });
}

/**
 * Writes the shadow rows of the configuration's clients; answers the one whose place is taken, if
 * any. Nothing is written then.
 */
export function* saveConfiguredRows(
  clients: readonly NewClient[],
): Transaction<{ readonly taken: ClientId } | { readonly rows: readonly ClientRow[] }> {
  const known = new Map<ClientId, ClientRow>();
  for (const client of clients) {
    const row = yield* fetchOne(findById, { id: client.id });
    if (
      (row !== undefined && row.stage !== 'configured') ||
      (yield* isNameTaken(client.id, client))
    )
      return { taken: client.id };
    if (row) known.set(client.id, row);
  }
  const rows: ClientRow[] = [];
  for (const client of clients) {
    const old = known.get(client.id);
    if (old)
      yield* saveClient({
        ...client,
        registeredAt: old.registered_at as never,
        stageAt: old.stage_at as never,
      });
    else yield* insertClient(client);
    const row = yield* fetchOne(findById, { id: client.id });
    if (row) rows.push(row);
  }
  return { rows };
}
