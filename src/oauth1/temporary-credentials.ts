import type { RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds } from '#kernel/time.ts';
import { encodeCallback, needsPercentEncoding } from './callback.ts';
import {
  handshakeProblem,
  isAllowedCallback,
  isMisleadingCallback,
  unprovenClientProblem,
} from './client-rules.ts';
import { type IssuedCredentials, type OAuth1Dependencies, TEMPORARY_SECRET } from './parts.ts';
import { type OAuth1Refusal, rejectParameter } from './refusals.ts';
import { nonceAlreadyUsed, parseAndCheck, verificationSecrets } from './signing-client.ts';
import { verifySignature } from './verify.ts';

/** Temporary credentials (RFC 5849 §2.1). The request is judged first, and its nonce spent last. */
export async function issueTemporaryCredentials(
  deps: OAuth1Dependencies,
  sent: RawRequest,
): Promise<Result<IssuedCredentials, OAuth1Refusal>> {
  const { temporaryCredentials, secretBox, idGenerator, clock, usage, settings } = deps;
  const { profile } = settings;
  const parsed = await parseAndCheck(deps, sent);
  if (!parsed.ok) return parsed;
  const { signed, client } = parsed.value;
  const clientProblem = unprovenClientProblem(deps, client);
  if (clientProblem) return refuse(clientProblem);
  const { known: signer, used: secretAt } = verificationSecrets(deps, client, '');
  const verified = verifySignature(
    signed,
    { client: client ? 'known' : 'unknown', token: 'none', ...signer },
    settings,
  );
  if (!verified.ok || client === undefined)
    return verified.ok ? refuse({ kind: 'consumer_key_unknown' }) : verified;
  const problem = handshakeProblem(deps, client, sent);
  if (problem) return refuse(problem);
  const sentCallback = signed.oauth.get('oauth_callback');
  if (sentCallback === undefined || sentCallback === '') {
    return refuse(
      profile.missingCallback === 'callback-rejected'
        ? { kind: 'callback_rejected', prefix: client.redirectIsPrefix }
        : { kind: 'parameter_absent', parameter: 'oauth_callback' },
    );
  }
  if (profile.unencodedCallback === 'refuse' && needsPercentEncoding(sentCallback))
    return rejectParameter(
      'oauth_callback',
      'malformed',
      ' is a URI: percent-encode blanks and characters beyond ASCII in it, then once more as a parameter.',
    );
  const callback =
    profile.unencodedCallback === 'encode' ? encodeCallback(sentCallback) : sentCallback;
  if (!isAllowedCallback(deps, callback, client))
    return refuse({ kind: 'callback_rejected', prefix: client.redirectIsPrefix });
  if (isMisleadingCallback(deps, callback, client)) return refuse({ kind: 'callback_misleading' });
  const [token, secret] = [idGenerator.hex32(), idGenerator.randomHex(16)];
  const now = clock.now();
  const outcome = await temporaryCredentials.saveTemporaryCredentials(verified.value, {
    token,
    clientId: client.id,
    encryptedSecret: secretBox.encrypt(secret, TEMPORARY_SECRET),
    callback,
    expiresAt: addSeconds(now, settings.temporaryCredentialsTtlSeconds),
    authorized: null,
    used: false,
  });
  if (outcome !== 'saved') return nonceAlreadyUsed(signed);
  usage.recordUse({ clientId: client.id, secretId: secretAt(verified.value.secretIndex).id });
  return accept({ token, secret, client });
}
