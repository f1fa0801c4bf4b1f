import type { Account } from '#accounts/account.ts';
import type { RawRequest } from '#encoding/raw-request.ts';
import type { SiteId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { coversSite } from '#registry/access.ts';
import { TOKEN_SECRET } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { userProblem } from './client-rules.ts';
import { identifierPattern, type OAuth1Dependencies } from './parts.ts';
import type { NonceClaim } from './records.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { nonceAlreadyUsed, parseAndCheck, verificationSecrets } from './signing-client.ts';
import { verifySignature } from './verify.ts';

/** A signed API request whose signature, token, consent, person and client all stand. */
export interface AuthenticatedRequest {
  readonly client: Client;
  readonly consent: Consent;
  readonly user: Account;
  readonly token: string;
  readonly nonce: string;
  /**
   * A secret of the client, the one it signed with if it did, for answers signed under it; null: it
   * holds none, and signs with its RSA key alone.
   */
  readonly clientSecret: string | null;
}

/** Checks the signature; what it was made with is known afterwards. */
async function verifyApiRequest(deps: OAuth1Dependencies, sent: RawRequest) {
  const { tokenCredentials, secretBox, idGenerator, settings } = deps;
  const { profile } = settings;
  const parsed = await parseAndCheck(deps, sent);
  if (!parsed.ok) return parsed;
  const { signed, client } = parsed.value;
  const token = signed.oauth.get('oauth_token') ?? '';
  if (token === '' && profile.missingToken === 'parameter-absent')
    return refuse({ kind: 'parameter_absent', parameter: 'oauth_token' });
  const found = identifierPattern.test(token)
    ? await tokenCredentials.findTokenCredentials(token)
    : undefined;
  const pair = found !== undefined && found.consent.clientId === client?.id ? found : undefined;
  const { known: signer, used: secretAt } = verificationSecrets(
    deps,
    client,
    pair
      ? secretBox.decrypt(pair.credentials.encryptedSecret, TOKEN_SECRET)
      : idGenerator.randomHex(20),
  );
  const verified = verifySignature(
    signed,
    { client: client ? 'known' : 'unknown', token: pair ? 'known' : 'unknown', ...signer },
    settings,
  );
  if (!verified.ok) return verified;
  if (client === undefined || pair === undefined)
    return refuse({ kind: 'token_rejected', token: 'permanent' });
  const nonce: NonceClaim = verified.value;
  return accept({
    signed,
    client,
    token,
    nonce,
    consent: pair.consent,
    secret: secretAt(verified.value.secretIndex),
  });
}

/** Checks a signed API request (RFC 5849 §3.2) for a site; null: any the consent covers. */
export async function authenticateRequest(
  deps: OAuth1Dependencies,
  sent: RawRequest,
  site: SiteId | null,
): Promise<Result<AuthenticatedRequest, OAuth1Refusal>> {
  const { temporaryCredentials, accounts, usage } = deps;
  const verified = await verifyApiRequest(deps, sent);
  if (!verified.ok) return verified;
  const { signed, client, token, nonce, consent, secret } = verified.value;
  const user = await accounts.findAccount(consent.userId);
  if (user === undefined) return refuse({ kind: 'user_refused', problem: 'gone' });
  const where = { address: sent.address, ...(site === null ? {} : { site }) };
  const problem = userProblem(client, user, where);
  if (problem) return refuse(problem);
  if (site !== null && !coversSite(consent.site, site)) {
    return refuse({
      kind: 'consumer_key_refused',
      client,
      why: { kind: 'wrong-site', site: consent.site },
    });
  }
  // Last: what is refused for any other reason has spent nothing, and can be judged again (RFC
  // 5849 §3.3).
  if ((await temporaryCredentials.claimNonce(nonce)) !== 'first') return nonceAlreadyUsed(signed);
  const { id: secretId, plain } = secret;
  // What stands in for a secret is known to nobody: what is signed under it could not be
  // checked.
  const clientSecret = secretId === null ? null : plain;
  usage.recordUse({ clientId: client.id, consentId: consent.id, secretId, token }, true);
  return accept({
    client,
    consent,
    user,
    token,
    nonce: signed.oauth.get('oauth_nonce') ?? '',
    clientSecret,
  });
}
