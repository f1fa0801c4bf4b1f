import { toUnicodeUri } from '#encoding/browser-uri.ts';
import { toIsoTime } from '#kernel/time.ts';
import { rsaKeyLength } from '#keys/rsa.ts';
import type { Client } from '#registry/model/client.ts';
import { type Io, type ParsedArguments, printRefusal } from './command.ts';

/** What every client command shows of a client; never a secret. */
export const clientSummary = (client: Client) => ({
  client_id: client.id,
  name: client.name,
  version: client.version,
  protocol: client.protocol,
  owner_only: client.ownerOnly,
  confidential: client.confidential,
  redirect_uri: client.redirectUri,
  redirect_uri_unicode: toUnicodeUri(client.redirectUri),
  redirect_is_prefix: client.redirectIsPrefix,
  rsa_key_bits: client.rsaPublicKey === null ? null : rsaKeyLength(client.rsaPublicKey),
  grant_types: client.grantTypes,
  pkce_optional: client.pkceOptional,
  introspector: client.introspector,
  site: client.site,
  scopes: client.scopes,
  stage: client.stage,
  suppressed: client.suppressed,
  suspension: client.suspension,
  managed: client.managed,
  secrets: client.secrets.map(({ id, label, createdAt, expiresAt }) => ({
    secret_id: id,
    label,
    created_at: toIsoTime(createdAt),
    expires_at: expiresAt === null ? null : toIsoTime(expiresAt),
  })),
  owner_id: client.ownerId,
  registered_at: toIsoTime(client.registeredAt),
});

/** Says that there is no such app. */
export function printNoSuchClient(args: ParsedArguments, io: Io): 1 {
  return printRefusal(
    io,
    args,
    `there is no app with client_id ${args.positional(0)}. See "gatehouse client list".`,
  );
}
