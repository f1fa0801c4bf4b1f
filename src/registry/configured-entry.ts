import * as z from 'zod';
import { isClientId } from '#kernel/ids.ts';
import { grantTypes, protocols } from './model/client.ts';

// What an entry of the configuration may look like, before its values are judged.

/** What is wrong with an entry: a key, and what to write instead. */
export type EntryProblem = readonly [field: string, problem: string];

const text = z.string().max(65_534);
/** The keys of an entry, by kind of app a part of them. */
export const shape = {
  client_id: z.string().refine(isClientId, 'use 32 lower-case hexadecimal digits'),
  name: text,
  version: text,
  description: text,
  owner: z.string().min(1).max(255),
  protocol: z.enum(protocols),
  scopes: z.array(z.string()),
  optional_scopes: z.array(z.string()),
  redirect_uri: text,
  redirect_is_prefix: z.boolean(),
  rsa_public_key: text,
  confidential: z.boolean(),
  grant_types: z.array(z.enum(grantTypes)),
  owner_only: z.boolean(),
  client_secret: z.string().min(32, 'use at least 32 characters').max(255),
  client_secret_file: z.string().min(1).max(4096),
  site: z.string().max(255),
  restrictions: z.strictObject({
    addresses: z.array(z.string()).min(1),
    pages: z.array(z.string()).optional(),
  }),
  skip_consent: z.boolean(),
  pkce_optional: z.boolean(),
  introspector: z.boolean(),
  token_algorithm: z.enum(['ES256', 'RS256']),
} as const;
export type Key = keyof typeof shape;
/** An entry whose keys have the right types. */
export type Entry = { [K in Key]?: z.output<(typeof shape)[K]> };

const requiredKeys: readonly Key[] = [
  'client_id',
  'name',
  'version',
  'description',
  'owner',
  'protocol',
  'scopes',
];
const optionalKeys: readonly Key[] = [
  'client_secret',
  'client_secret_file',
  'site',
  'restrictions',
  'skip_consent',
  'owner_only',
  'optional_scopes',
];

/** Which keys an app of this kind must and may have. */
function keysOf(entry: Entry): {
  readonly required: readonly Key[];
  readonly optional: readonly Key[];
} {
  const isOwnerOnly = entry.owner_only === true;
  if (entry.protocol === 'oauth1') {
    if (isOwnerOnly)
      return { required: requiredKeys, optional: [...optionalKeys, 'rsa_public_key'] };
    return {
      required: [...requiredKeys, 'redirect_uri'],
      optional: [...optionalKeys, 'rsa_public_key', 'redirect_is_prefix'],
    };
  }
  if (isOwnerOnly)
    return {
      required: [...requiredKeys, 'confidential'],
      optional: [...optionalKeys, 'token_algorithm', 'introspector'],
    };
  // Nothing is known of it yet, not even that it is a list; as long as it is none, a redirect URI
  // may be right.
  const hasGrantTypes = Array.isArray(entry.grant_types);
  const code = hasGrantTypes && entry.grant_types?.includes('authorization_code');
  return {
    required: [
      ...requiredKeys,
      'confidential',
      'grant_types',
      ...(code ? (['redirect_uri'] as const) : []),
    ],
    optional: [
      ...optionalKeys,
      'token_algorithm',
      'pkce_optional',
      'introspector',
      ...(hasGrantTypes ? [] : (['redirect_uri'] as const)),
    ],
  };
}

/** What to write, from a message of the checker. */
function expectedValue(message: string): string {
  const expected = message.replace(/^Invalid (?:input|option): expected /, '');
  return expected === message ? message : `use ${expected.split(', received ', 1)[0]}`;
}

/** What is wrong with an entry's keys and types; empty: nothing. */
export function shapeProblems(given: Readonly<Record<string, unknown>>): readonly EntryProblem[] {
  const problems: EntryProblem[] = [];
  if (given.protocol === undefined) return [['protocol', 'is missing: use oauth1 or oauth2']];
  if (!shape.protocol.safeParse(given.protocol).success)
    return [['protocol', 'use oauth1 or oauth2']];
  const { required, optional } = keysOf(given as Entry);
  for (const key of required)
    if (given[key] === undefined || given[key] === null) problems.push([key, 'is missing']);
  for (const [key, value] of Object.entries(given)) {
    if (problems.some(([field]) => field === key)) continue;
    if (!Object.hasOwn(shape, key)) problems.push([key.slice(0, 64), 'is not a key of an app']);
    else if (![...required, ...optional].includes(key as Key))
      problems.push([key, 'is not for an app of this kind']);
    else {
      const read = shape[key as Key].safeParse(value);
      if (!read.success)
        problems.push([
          key,
          read.error.issues.map(({ message }) => expectedValue(message)).join('; '),
        ]);
    }
  }
  return problems;
}
