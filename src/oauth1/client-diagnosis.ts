import type { Instant } from '#kernel/time.ts';
import { TOKEN_SECRET } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import type { Diagnosis, RequestToDiagnose } from './diagnosis/diagnosis.ts';
import { parseSignedRequest } from './parse.ts';
import { identifierPattern, type OAuth1Dependencies, TEMPORARY_SECRET } from './parts.ts';
import { decryptedClientSecrets } from './signing-client.ts';

/** Explains a request of this client to its developer; nothing is spent. */
export async function diagnoseRequest(
  deps: OAuth1Dependencies,
  request: RequestToDiagnose,
  client: Client,
): Promise<Diagnosis> {
  const { clock, settings } = deps;
  const { profile } = settings;
  const now = clock.now();
  const clientSecrets = decryptedClientSecrets(deps, client).map(({ plain }) => plain);
  const signed = parseSignedRequest(request.rawRequest, profile);
  const token = (signed.ok && signed.value.oauth.get('oauth_token')) || '';
  const secrets = {
    clientSecrets,
    tokenSecret: await tokenSecretOf(deps, client, token, now),
    publicKeyPem: client.rsaPublicKey,
  };
  return diagnose(request, settings, secrets, { now, secretMissing: 'no-secret' });
}

/**
 * The secret of a token that the client holds, permanent or temporary; empty without a token,
 * null for one it does not hold.
 */
async function tokenSecretOf(
  deps: OAuth1Dependencies,
  client: Client,
  token: string,
  now: Instant,
): Promise<string | null> {
  const { temporaryCredentials, tokenCredentials, secretBox } = deps;
  if (token === '') return '';
  if (!identifierPattern.test(token)) return null;
  const pair = await tokenCredentials.findTokenCredentials(token);
  if (pair?.consent.clientId === client.id)
    return secretBox.decrypt(pair.credentials.encryptedSecret, TOKEN_SECRET);
  const temporary = await temporaryCredentials.findTemporaryCredentials(token, now);
  return temporary?.clientId === client.id
    ? secretBox.decrypt(temporary.encryptedSecret, TEMPORARY_SECRET)
    : null;
}
