import type { RawRequest } from '#encoding/raw-request.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { CLIENT_SECRET } from '#registry/actions/context.ts';
import { type Client, liveSecrets } from '#registry/model/client.ts';
import { parseSignedRequest, type SignedRequest } from './parse.ts';
import { identifierPattern, type OAuth1Dependencies } from './parts.ts';
import type { OAuth1Refusal } from './refusals.ts';
import { findParameterProblem } from './verify.ts';

/** The client that claims to have signed; undefined: there is none of OAuth 1. */
export async function findSigningClient(
  deps: OAuth1Dependencies,
  signed: SignedRequest,
): Promise<Client | undefined> {
  const { registry } = deps;
  const key = signed.oauth.get('oauth_consumer_key') ?? '';
  const client = identifierPattern.test(key)
    ? await registry.findClient(key as ClientId)
    : undefined;
  return client?.protocol === 'oauth1' ? client : undefined;
}

/** Every secret the client may sign with, oldest first. */
export const decryptedClientSecrets = (
  { clock, secretBox }: Pick<OAuth1Dependencies, 'clock' | 'secretBox'>,
  client: Client | undefined,
) =>
  (client ? liveSecrets(client, clock.now()) : []).flatMap(({ id, encrypted }) =>
    encrypted === null ? [] : [{ id, plain: secretBox.decrypt(encrypted, CLIENT_SECRET) }],
  );

/** The same to check with; for nobody, one that nobody can know. */
export function verificationSecrets(
  deps: OAuth1Dependencies,
  client: Client | undefined,
  tokenSecret: string,
) {
  const { idGenerator } = deps;
  const clientSecrets = decryptedClientSecrets(deps, client);
  // For nobody, a secret made at this moment: a text in this file would be one that everybody
  // has.
  const [first = { id: null, plain: idGenerator.randomHex(20) }, ...others] = clientSecrets;
  const signer = {
    secrets: {
      clientSecret: first.plain,
      tokenSecret,
      publicKeyPem: client?.rsaPublicKey ?? null,
    },
    otherClientSecrets: others.map(({ plain }) => plain),
  };
  return { known: signer, used: (index: number) => [first, ...others][index] ?? first };
}

/**
 * Reads the request and checks what needs no secret; answers it with the client that claims to
 * have signed.
 */
export async function parseAndCheck(
  deps: OAuth1Dependencies,
  rawRequest: RawRequest,
): Promise<Result<{ signed: SignedRequest; client: Client | undefined }, OAuth1Refusal>> {
  const { clock, settings } = deps;
  const { profile } = settings;
  const signed = parseSignedRequest(rawRequest, profile);
  if (!signed.ok) return signed;
  const problem = findParameterProblem(signed.value, settings, clock.now());
  if (problem) return refuse(problem);
  return accept({ signed: signed.value, client: await findSigningClient(deps, signed.value) });
}

/** The nonce of a request was spent before (RFC 5849 §3.3). */
export const nonceAlreadyUsed = (signed: SignedRequest) =>
  refuse({ kind: 'nonce_used', nonce: signed.oauth.get('oauth_nonce') ?? '' } as const);
