import { parseBasicCredentials, splitAuthorization } from '#encoding/authorization.ts';
import type { FormParameters } from '#encoding/form.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf, equalDigests } from '#keys/digest.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import type { OAuth2Dependencies } from './parts.ts';
import type { OAuth2Refusal } from './refusals.ts';

declare const authenticated: unique symbol;

/**
 * A client that showed who it is. Only this file can make one, so no grant can forget the check.
 */
export interface AuthenticatedClient {
  readonly [authenticated]: true;
  readonly client: Client;
}

interface PresentedCredentials {
  readonly id: string;
  readonly secret: string | undefined;
  readonly scheme: 'basic' | 'body' | 'none';
}

/**
 * A digest that no secret has, compared with when there is no client, so that both take the same
 * time.
 */
const dummyDigest = digestOf('no client has this secret');

function parseClientCredentials(
  authorization: string | undefined,
  form: FormParameters,
  profile: OAuth2Dependencies['profile'],
): Result<PresentedCredentials, OAuth2Refusal> {
  const [bodyId, bodySecret] = [form.get('client_id'), form.get('client_secret')];
  const isBasic =
    authorization !== undefined && splitAuthorization(authorization).scheme === 'basic';
  const parsedBasic = isBasic
    ? parseBasicCredentials(authorization, profile.basicCredentialsDecoding)
    : undefined;
  const whenUnusable = isBasic
    ? profile.malformedBasicCredentials
    : profile.otherAuthorizationScheme;
  if (authorization !== undefined && !parsedBasic?.ok && whenUnusable === 'refuse')
    return refuse({
      kind: 'invalid_client',
      problem: isBasic ? 'basic-malformed' : 'other-scheme',
      scheme: 'basic',
    });
  if (!parsedBasic?.ok) {
    if (bodyId === undefined)
      return refuse({ kind: 'invalid_client', problem: 'missing', scheme: 'none' });
    return accept({
      id: bodyId,
      secret: bodySecret,
      scheme: bodySecret === undefined ? 'none' : 'body',
    });
  }
  const { id } = parsedBasic.value;
  // An empty secret is one that was left out (RFC 6749 §2.3.1): that is how a public client names
  // itself by Basic.
  const secret = parsedBasic.value.secret || undefined;
  if (profile.credentialsInHeaderAndBody === 'body-wins')
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
  deps: OAuth2Dependencies,
  authorization: string | undefined,
  form: FormParameters,
): Promise<Result<AuthenticatedClient, OAuth2Refusal>> {
  const credentials = parseClientCredentials(authorization, form, deps.profile);
  if (!credentials.ok) return credentials;
  const { id, secret, scheme } = credentials.value;
  const found = id.length <= 64 ? await deps.registry.findClient(id as ClientId) : undefined;
  const client = found?.protocol === 'oauth2' ? found : undefined;
  const digest = digestOf((secret ?? '').slice(0, 512));
  const activeSecrets = client === undefined ? [] : liveSecrets(client, deps.clock.now());
  // Every live secret is compared, whichever matched; without any, a comparison that decides
  // nothing takes its time.
  const matchingSecrets = activeSecrets.filter((one) => equalDigests(digest, one.digest));
  if (activeSecrets.length === 0) equalDigests(digest, dummyDigest);
  const hasMatch = matchingSecrets.length > 0;
  const isAuthenticated =
    client !== undefined &&
    (client.confidential
      ? secret !== undefined && hasMatch
      : secret === undefined || deps.profile.secretFromPublicClients === 'ignore');
  if (!isAuthenticated) {
    // Told apart for a dialect's hint alone: in the core both read the same, so that nobody learns
    // which clients exist.
    const problem =
      client?.confidential && secret === undefined ? 'secret-missing' : 'unknown-or-wrong';
    return refuse({ kind: 'invalid_client', problem, scheme });
  }
  deps.usage.recordUse({ clientId: client.id, secretId: matchingSecrets[0]?.id ?? null });
  return accept({ client } as AuthenticatedClient);
}
