import { parseBasic, splitScheme } from '#encoding/authorization.ts';
import type { FormValues } from '#encoding/form.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf, equalDigests } from '#keys/digest.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { OAuth2Parts } from './parts.ts';
import type { OAuth2Refusal } from './refusals.ts';

declare const proven: unique symbol;

/**
 * A client that showed who it is. Only this file can make one, so no grant can forget the check.
 */
export interface ProvenClient {
  readonly [proven]: true;
  readonly client: Client;
}

interface Shown {
  readonly id: string;
  readonly secret: string | undefined;
  readonly scheme: 'basic' | 'body' | 'none';
}

/**
 * A digest that no secret has, compared with when there is no client, so that both take the same
 * time.
 */
const nobody = digestOf('no client has this secret');

function shown(
  authorization: string | undefined,
  form: FormValues,
  reading: OAuth2Parts['reading'],
): Result<Shown, OAuth2Refusal> {
  const [bodyId, bodySecret] = [form.get('client_id'), form.get('client_secret')];
  const isBasic = authorization !== undefined && splitScheme(authorization).scheme === 'basic';
  const basic = isBasic ? parseBasic(authorization, reading.basicDecoding) : undefined;
  const strange = authorization !== undefined && !basic?.ok;
  if (strange && reading.otherAuthorization === 'refuse')
    return refuse({
      kind: 'invalid_client',
      problem: isBasic ? 'basic-malformed' : 'other-scheme',
      scheme: 'basic',
    });
  if (!basic?.ok) {
    if (bodyId === undefined)
      return refuse({ kind: 'invalid_client', problem: 'missing', scheme: 'none' });
    return accept({
      id: bodyId,
      secret: bodySecret,
      scheme: bodySecret === undefined ? 'none' : 'body',
    });
  }
  const { id } = basic.value;
  // An empty secret is one that was left out (RFC 6749 §2.3.1): that is how a public client names
  // itself by Basic.
  const secret = basic.value.secret || undefined;
  if (reading.twoCredentials === 'body-wins')
    return accept({ id: bodyId ?? id, secret: bodySecret ?? secret, scheme: 'basic' });
  // A client must not use more than one method in a request (RFC 6749 §2.3); naming itself twice
  // alike is harmless.
  if (bodySecret !== undefined || (bodyId !== undefined && bodyId !== id))
    return refuse({ kind: 'invalid_client', problem: 'twice', scheme: 'basic' });
  return accept({ id, secret, scheme: 'basic' });
}

/**
 * Authenticates the client of a token, revocation or introspection request (RFC 6749 §2.3). A
 * confidential client proves itself with its secret; a public one names itself. An unknown client
 * and a wrong secret get the same refusal.
 */
export async function authenticateClient(
  parts: OAuth2Parts,
  authorization: string | undefined,
  form: FormValues,
): Promise<Result<ProvenClient, OAuth2Refusal>> {
  const given = shown(authorization, form, parts.reading);
  if (!given.ok) return given;
  const { id, secret, scheme } = given.value;
  const found = id.length <= 64 ? await parts.registry.findClient(id as ClientId) : undefined;
  const client = found?.protocol === 'oauth2' ? found : undefined;
  const digest = digestOf((secret ?? '').slice(0, 512));
  const held = client === undefined ? [] : liveSecrets(client, parts.clock.now());
  // Every live secret is compared, whichever matched; without any, a comparison that decides
  // nothing takes its time.
  const matched = held.filter((one) => equalDigests(digest, one.digest));
  if (held.length === 0) equalDigests(digest, nobody);
  const matches = matched.length > 0;
  const fine =
    client !== undefined &&
    (client.confidential
      ? secret !== undefined && matches
      : secret === undefined || parts.reading.twoCredentials === 'body-wins');
  if (!fine) {
    // Told apart for a dialect's hint alone: in the core both read the same, so that nobody learns
    // which clients exist.
    const problem =
      client?.confidential && secret === undefined ? 'secret-missing' : 'unknown-or-wrong';
    return refuse({ kind: 'invalid_client', problem, scheme });
  }
  parts.usage.note({ clientId: client.id, secretId: matched[0]?.id ?? null });
  return accept({ client } as ProvenClient);
}
