import { parseScope } from '#encoding/scope.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Client } from '#registry/model/client.ts';
import type { OAuth2Dependencies } from './parts.ts';
import type { InvalidScope } from './refusals.ts';

/** Most characters of a `scope`. */
export const MAX_SCOPE_LENGTH = 4096;

/** The name in a scope value that does not fit the grammar, for whoever has to find it. */
export const findMalformedScope = (requested: string): string =>
  (
    requested.split(' ').find((name) => name !== '' && parseScope(name) === undefined) ?? requested
  ).slice(0, 64);

/**
 * The names of a scope value (RFC 6749 §3.3); more blanks than one count as one. Refuses what is
 * too long or malformed, and says which.
 */
export function parseScopeNames(requested: string): Result<readonly string[], InvalidScope> {
  if (requested.length > MAX_SCOPE_LENGTH)
    return refuse({ kind: 'invalid_scope', scope: requested.slice(0, 64), why: 'too-long' });
  const names = parseScope(requested.trim().replace(/ +/g, ' '));
  return names === undefined
    ? refuse({ kind: 'invalid_scope', scope: findMalformedScope(requested), why: 'malformed' })
    : accept(names);
}

/**
 * The scopes a request asks for (RFC 6749 §3.3): none, or the default scope's name, means all of
 * the client's. Refuses a name this server does not know. One the client is not registered for is
 * refused, or left out, as the profile says.
 */
export function parseRequestedScopes(
  requested: string | undefined,
  client: Client,
  { scopes, profile }: Pick<OAuth2Dependencies, 'scopes' | 'profile'>,
): Result<readonly string[], InvalidScope> {
  if (requested === undefined) return accept(client.scopes);
  const parsed = parseScopeNames(requested);
  if (!parsed.ok) return parsed;
  const names = parsed.value;
  if (profile.allScopesName !== null && names.includes(profile.allScopesName))
    return accept(client.scopes);
  const rejectedName = names.find(
    (name) =>
      !scopes.has(name) ||
      (profile.scopesBeyondRegistration === 'refuse' && !client.scopes.includes(name)),
  );
  if (rejectedName !== undefined)
    return refuse({
      kind: 'invalid_scope',
      scope: rejectedName.slice(0, 64),
      why: scopes.has(rejectedName) ? 'not-registered' : 'unknown',
    });
  return accept(names.filter((name) => client.scopes.includes(name)));
}
