import type { RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { TOKEN_SECRET } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { handshakeProblem, unprovenClientProblem, userProblem } from './client-rules.ts';
import type { SignedRequest } from './parse.ts';
import {
  type IssuedCredentials,
  identifierPattern,
  type OAuth1Dependencies,
  TEMPORARY_SECRET,
} from './parts.ts';
import type { NonceClaim, TemporaryCredentials, TokenCredentials } from './records.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { nonceAlreadyUsed, parseAndCheck, verificationSecrets } from './signing-client.ts';
import { verifySignature } from './verify.ts';

/** A request for token credentials whose signature and verifier can be exchanged. */
interface VerifiedExchange {
  readonly signed: SignedRequest;
  readonly client: Client;
  readonly pair: TemporaryCredentials;
  readonly nonce: NonceClaim;
  readonly verifier: string;
}

/** Checks who asks, by which pair, before anything of the pair is judged. */
async function verifyExchange(
  deps: OAuth1Dependencies,
  sent: RawRequest,
): Promise<Result<VerifiedExchange, OAuth1Refusal>> {
  const { temporaryCredentials, secretBox, idGenerator, clock, settings } = deps;
  const { profile } = settings;
  const parsed = await parseAndCheck(deps, sent);
  if (!parsed.ok) return parsed;
  const { signed, client } = parsed.value;
  const clientProblem = unprovenClientProblem(deps, client);
  if (clientProblem) return refuse(clientProblem);
  const token = signed.oauth.get('oauth_token') ?? '';
  if (token === '' && profile.missingToken === 'parameter-absent')
    return refuse({ kind: 'parameter_absent', parameter: 'oauth_token' });
  const found = identifierPattern.test(token)
    ? await temporaryCredentials.findTemporaryCredentials(token, clock.now())
    : undefined;
  const pair = found !== undefined && found.clientId === client?.id ? found : undefined;
  const { known: signer } = verificationSecrets(
    deps,
    client,
    pair ? secretBox.decrypt(pair.encryptedSecret, TEMPORARY_SECRET) : idGenerator.randomHex(20),
  );
  const verified = verifySignature(
    signed,
    { client: client ? 'known' : 'unknown', token: pair ? 'known' : 'unknown', ...signer },
    settings,
  );
  if (!verified.ok)
    return verified.refusal.kind === 'token_rejected'
      ? refuse({ kind: 'token_rejected', token: 'temporary' })
      : verified;
  if (client === undefined || pair === undefined)
    return refuse({ kind: 'token_rejected', token: 'temporary' });
  const problem = handshakeProblem(deps, client, sent);
  if (problem) return refuse(problem);
  const verifier = signed.oauth.get('oauth_verifier');
  if (verifier === undefined && profile.missingVerifier === 'parameter-absent')
    return refuse({ kind: 'parameter_absent', parameter: 'oauth_verifier' });
  return accept({ signed, client, pair, nonce: verified.value, verifier: verifier ?? '' });
}

/**
 * The credentials of the consent that a pair is bound to, before the pair is spent: what is refused
 * for another reason can be exchanged when the reason is gone.
 */
async function findBoundCredentials(
  { tokenCredentials, registry, accounts }: OAuth1Dependencies,
  client: Client,
  pair: TemporaryCredentials,
): Promise<Result<TokenCredentials | undefined, OAuth1Refusal>> {
  const boundConsentId = pair.authorized?.consentId ?? null;
  if (boundConsentId === null) return accept(undefined);
  const consent = await registry.findConsentById(boundConsentId);
  const credentials = consent && (await tokenCredentials.findTokenCredentialsByConsent(consent.id));
  const user = consent && (await accounts.findAccount(consent.userId));
  // A pair that was used already is refused for that, whatever else is the matter.
  if (pair.used) return accept(credentials);
  if (!credentials || !user) return refuse({ kind: 'token_rejected', token: 'permanent' });
  const userDenial = userProblem(client, user);
  return userDenial ? refuse(userDenial) : accept(credentials);
}

/** Token credentials (RFC 5849 §2.3). */
export async function issueTokenCredentials(
  deps: OAuth1Dependencies,
  sent: RawRequest,
): Promise<Result<IssuedCredentials & { readonly method: string }, OAuth1Refusal>> {
  const { temporaryCredentials, secretBox, clock, settings } = deps;
  const exchange = await verifyExchange(deps, sent);
  if (!exchange.ok) return exchange;
  const { signed, client, pair, nonce, verifier } = exchange.value;
  const bound = await findBoundCredentials(deps, client, pair);
  if (!bound.ok) return bound;
  const credentials = bound.value;
  const now = clock.now();
  const outcome = await temporaryCredentials.redeemTemporaryCredentials(
    nonce,
    pair.token,
    digestOf(verifier),
    now,
    addSeconds(now, settings.temporaryCredentialsTtlSeconds),
  );
  switch (outcome) {
    case 'nonce-seen':
      return nonceAlreadyUsed(signed);
    case 'already-used':
      return refuse({ kind: 'token_used' });
    case 'not-authorized':
      return refuse({ kind: 'permission_unknown' });
    case 'wrong-verifier':
      return refuse({ kind: 'verifier_invalid' });
    case 'gone':
      return refuse({ kind: 'token_rejected', token: 'temporary' });
    case 'redeemed': {
      if (!credentials) return refuse({ kind: 'token_rejected', token: 'permanent' });
      const secret = secretBox.decrypt(credentials.encryptedSecret, TOKEN_SECRET);
      return accept({
        token: credentials.token,
        secret,
        client,
        method: signed.oauth.get('oauth_signature_method') ?? '',
      });
    }
  }
}
