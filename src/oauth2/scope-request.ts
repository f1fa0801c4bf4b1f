import { parseScope } from '#encoding/scope.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Client } from '#registry/model/client.ts';
import type { OAuth2Parts } from './parts.ts';
import type { InvalidScope } from './refusals.ts';

/** Most characters of a `scope`. */
export const MOST_SCOPE = 4096;

/** The name in a scope value that does not fit the grammar, for whoever has to find it. */
export const malformedPart = (asked: string): string =>
  (asked.split(' ').find((name) => name !== '' && parseScope(name) === undefined) ?? asked).slice(
    0,
    64,
  );

/**
 * The names of a scope value (RFC 6749 §3.3); more blanks than one count as one. Refuses what is
 * too long or malformed, and says which.
 */
export function scopeNames(asked: string): Result<readonly string[], InvalidScope> {
  if (asked.length > MOST_SCOPE)
    return refuse({ kind: 'invalid_scope', scope: asked.slice(0, 64), why: 'too-long' });
  const names = parseScope(asked.trim().replace(/ +/g, ' '));
  return names === undefined
    ? refuse({ kind: 'invalid_scope', scope: malformedPart(asked), why: 'malformed' })
    : accept(names);
}

/**
 * The scopes a request asks for (RFC 6749 §3.3): none, or the default scope's name, means all of
 * the client's. Refuses a name this server does not know. One the client is not registered for is
 * refused, or left out, as the profile says.
 */
export function askedScopes(
  asked: string | undefined,
  client: Client,
  { scopes, reading }: Pick<OAuth2Parts, 'scopes' | 'reading'>,
): Result<readonly string[], InvalidScope> {
  if (asked === undefined) return accept(client.scopes);
  const read = scopeNames(asked);
  if (!read.ok) return read;
  const names = read.value;
  if (reading.defaultScope !== null && names.includes(reading.defaultScope))
    return accept(client.scopes);
  const strange = names.find(
    (name) =>
      !scopes.has(name) ||
      (reading.scopesBeyondRegistration === 'refuse' && !client.scopes.includes(name)),
  );
  if (strange !== undefined)
    return refuse({
      kind: 'invalid_scope',
      scope: strange.slice(0, 64),
      why: scopes.has(strange) ? 'not-registered' : 'unknown',
    });
  return accept(names.filter((name) => client.scopes.includes(name)));
}
