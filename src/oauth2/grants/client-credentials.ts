import type { FormValues } from '#encoding/form.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { hindrance } from '#registry/access.ts';
import { makeAccessToken, type TokenAnswer, tokenAnswer } from '../access-token.ts';
import type { ProvenClient } from '../client-authentication.ts';
import type { OAuth2Parts } from '../parts.ts';
import type { OAuth2Refusal } from '../refusals.ts';
import { askedScopes } from '../scope-request.ts';

/**
 * A client acts for itself (RFC 6749 §4.4); an owner-only one for its owner, under the owner's
 * consent. No refresh token (§4.4.3).
 */
export async function clientCredentialsGrant(
  parts: OAuth2Parts,
  { client }: ProvenClient,
  form: FormValues,
  address: string,
): Promise<Result<TokenAnswer, OAuth2Refusal>> {
  if (!client.confidential) return refuse({ kind: 'unauthorized_client', problem: 'public' });
  const owner = client.ownerOnly
    ? ((await parts.accounts.findAccount(client.ownerId)) ?? null)
    : null;
  const why = hindrance(client, owner, { address });
  if (why) return refuse({ kind: 'access_denied', problem: why.kind });
  const scopes = askedScopes(form.get('scope'), client, parts);
  if (!scopes.ok) return scopes;
  const consent = owner
    ? await parts.registry.findConsent(owner.id, client.id, client.site)
    : undefined;
  if (owner && consent === undefined)
    return refuse({ kind: 'invalid_grant', problem: 'no-consent' });
  const { row, jwt } = makeAccessToken(parts, {
    client,
    userId: owner?.id ?? null,
    consentId: consent?.id ?? null,
    familyId: null,
    // An owner may have narrowed what they accept.
    scopes: consent ? scopes.value.filter((scope) => consent.scopes.includes(scope)) : scopes.value,
    grantType: 'client_credentials',
  });
  // What a memory took for proof may prove nothing any more, and the token would outlive it by far.
  const stored = await parts.records.saveAccessToken(
    row,
    parts.fromMemory ? client.edition : undefined,
  );
  if (stored === 'changed')
    return refuse({ kind: 'invalid_client', problem: 'unknown-or-wrong', scheme: 'body' });
  return accept(tokenAnswer(parts, row, jwt));
}
