import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Client } from '#registry/client.ts';
import { parseScope } from '#wire/scope.ts';
import type { OAuth2Parts } from './parts.ts';
import type { InvalidScope } from './refusals.ts';

/** The name in a scope value that does not fit the grammar, for whoever has to find it. */
export const malformedPart = (asked: string): string =>
  (asked.split(' ').find((name) => name !== '' && parseScope(name) === undefined) ?? asked).slice(0, 64);

/**
 * The scopes a request asks for (RFC 6749 §3.3): none, or the default scope's name, means all of the client's. Refuses a name this server does not know.
 * One the client is not registered for is refused, or left out, as the profile says.
 */
export function askedScopes(
  asked: string | undefined,
  client: Client,
  { scopes, reading }: Pick<OAuth2Parts, 'scopes' | 'reading'>,
): Result<readonly string[], InvalidScope> {
  if (asked === undefined) return accept(client.scopes);
  const names = asked.length > 4096 ? undefined : parseScope(asked.trim().replace(/ +/g, ' '));
  if (names === undefined) return refuse({ kind: 'invalid_scope', scope: malformedPart(asked), why: 'malformed' });
  if (reading.defaultScope !== null && names.includes(reading.defaultScope)) return accept(client.scopes);
  const strange = names.find(
    (name) => !scopes.has(name) || (reading.scopesBeyondRegistration === 'refuse' && !client.scopes.includes(name)),
  );
  if (strange !== undefined)
    return refuse({ kind: 'invalid_scope', scope: strange.slice(0, 64), why: scopes.has(strange) ? 'not-registered' : 'unknown' });
  return accept(names.filter((name) => client.scopes.includes(name)));
}
