import { z } from 'zod';
import type { ClientId, EncryptedSecret, SiteId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { rsaKeyLength } from '#keys/rsa.ts';
import {
  type FieldRules,
  normalizeRedirectUri,
  type Values,
  validators,
} from './actions/fields.ts';
import { ANYWHERE, type GrantType, grantTypes, type Protocol, protocols } from './model/client.ts';
import { redirectToReview } from './model/redirect-rules.ts';
import { registeredScopes, revocableScopes } from './model/scopes.ts';
import type { NewClient, NewSecret } from './records.ts';

// Apps that the configuration describes (registry 4.6): the operator's own, approved by being
// there, changed only there.

/** One thing wrong with an entry. `app`: its identifier, or its place in the list. */
export interface ConfiguredProblem {
  readonly app: string;
  readonly field: string;
  readonly problem: string;
}

/** What entries are read with. */
export interface ConfiguredContext {
  readonly rules: FieldRules;
  /** The account of a name; undefined: there is none. */
  readonly ownerOf: (name: string) => UserId | undefined;
  readonly readSecret: (path: string) => string;
  readonly encryptSecret: (secret: string) => EncryptedSecret;
  /** Contact address of all of them. */
  readonly email: string;
  readonly now: Instant;
  /**
   * The redirect URI that the app had at the last start; undefined: it is new. An accepted one is
   * not judged again.
   */
  readonly acceptedUriOf?: (id: string) => string | undefined;
}

const text = z.string().max(65_534);
const shape = {
  client_id: z.string().regex(/^[0-9a-f]{32}$/, 'use 32 lower-case hexadecimal digits'),
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
type Key = keyof typeof shape;
type Entry = { [K in Key]?: z.output<(typeof shape)[K]> };

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

/** The keys of a field's judge. */
const validatedFields = {
  name: 'name',
  version: 'version',
  description: 'description',
  site: 'site',
  scopes: 'scopes',
  optional_scopes: 'optionalScopes',
  redirect_uri: 'redirectUri',
  redirect_is_prefix: 'redirectIsPrefix',
  rsa_public_key: 'rsaPublicKey',
  grant_types: 'grantTypes',
  confidential: 'confidential',
  pkce_optional: 'pkceOptional',
  restrictions: 'restrictions',
} as const satisfies Partial<Record<Key, keyof typeof validators>>;

/** What to write, from a message of the checker. */
function expectedValue(message: string): string {
  const expected = message.replace(/^Invalid (?:input|option): expected /, '');
  return expected === message ? message : `use ${expected.split(', received ', 1)[0]}`;
}

/** What is wrong with an entry's keys and types; empty: nothing. */
function shapeProblems(
  given: Readonly<Record<string, unknown>>,
): readonly [field: string, problem: string][] {
  const problems: [string, string][] = [];
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

function secretOf(entry: Entry, { readSecret }: ConfiguredContext): string | null {
  if (entry.client_secret !== undefined) return entry.client_secret;
  return entry.client_secret_file === undefined
    ? null
    : readSecret(entry.client_secret_file).trim();
}

/**
 * True for a redirect URI that the app had before and that only later rules would refuse: it is
 * listed for review instead.
 */
function isAccepted(
  { client_id: id, redirect_uri: uri }: Entry,
  { acceptedUriOf }: ConfiguredContext,
): boolean {
  if (id === undefined || uri === undefined || acceptedUriOf?.(id) !== normalizeRedirectUri(uri))
    return false;
  return redirectToReview({ redirectUri: uri, ownerOnly: false }) !== undefined;
}

function readEntry(
  given: Readonly<Record<string, unknown>>,
  context: ConfiguredContext,
): Result<{ client: NewClient; secret: NewSecret | null }, readonly [string, string][]> {
  const problems = [...shapeProblems(given)];
  const invalidFields = new Set(problems.map(([field]) => field));
  if (invalidFields.has('protocol')) return refuse(problems);
  // What has not even its shape is left out, and the rest judged all the same.
  const entry = Object.fromEntries(
    Object.entries(given).filter(([key]) => !invalidFields.has(key)),
  ) as Entry;
  const protocol = entry.protocol as Protocol;
  const ownerOnly = entry.owner_only ?? false;
  const confidential = protocol === 'oauth1' || (entry.confidential ?? true);
  const types: readonly GrantType[] =
    protocol === 'oauth1' ? [] : ownerOnly ? ['client_credentials'] : (entry.grant_types ?? []);
  let secret: string | null = null;
  try {
    secret = secretOf(entry, context);
  } catch {
    problems.push(['client_secret_file', 'the file cannot be read']);
  }
  if (secret !== null && !shape.client_secret.safeParse(secret).success)
    problems.push(['client_secret_file', 'the secret in the file must have 32 to 255 characters']);
  if (entry.client_secret !== undefined && entry.client_secret_file !== undefined)
    problems.push(['client_secret_file', 'give the secret or the file, not both']);
  const secretFields = ['client_secret', 'client_secret_file', 'rsa_public_key', 'confidential'];
  if (
    confidential &&
    secret === null &&
    !entry.rsa_public_key &&
    !problems.some(([field]) => secretFields.includes(field))
  )
    problems.push([
      'client_secret',
      'is missing: an app that keeps a secret needs one, or an RSA key',
    ]);
  if (entry.introspector && !confidential)
    problems.push(['introspector', 'is for apps that keep a secret']);
  const ownerId = entry.owner === undefined ? undefined : context.ownerOf(entry.owner);
  if (entry.owner !== undefined && ownerId === undefined)
    problems.push([
      'owner',
      `there is no account named ${entry.owner}: create it with "gatehouse account create"`,
    ]);
  const values: Record<string, unknown> = { protocol, ownerOnly, confidential, grantTypes: types };
  for (const [key, field] of Object.entries(validatedFields))
    if (entry[key as Key] !== undefined) values[field] = entry[key as Key];
  for (const [key, field] of Object.entries(validatedFields)) {
    if (values[field] === undefined || (field === 'grantTypes' && entry.grant_types === undefined))
      continue;
    const problem = validators[field](values[field], values as Values, context.rules);
    // A key from before the rule keeps working.
    if (problem?.problem.kind === 'key-too-short' && rsaKeyLength(String(values[field])) >= 1024)
      continue;
    // Advice is for people who fill in forms: an operator means what they wrote.
    if (problem && !problem.ignorable && !(key === 'redirect_uri' && isAccepted(entry, context)))
      problems.push([key, problem.problem.kind.replaceAll('-', ' ')]);
  }
  if (problems.length > 0 || ownerId === undefined) return refuse(problems);
  const client: NewClient = {
    id: entry.client_id as ClientId,
    name: entry.name as string,
    version: entry.version as string,
    description: entry.description as string,
    ownerId,
    email: context.email,
    protocol,
    ownerOnly,
    confidential,
    redirectUri: normalizeRedirectUri(entry.redirect_uri ?? ''),
    redirectIsPrefix: entry.redirect_is_prefix ?? false,
    grantTypes: types,
    pkceOptional: entry.pkce_optional ?? false,
    introspector: entry.introspector ?? false,
    plainPkceUntil: null,
    tokenAlgorithm: entry.token_algorithm ?? 'ES256',
    site: context.rules.sites.resolve(entry.site ?? '*') as SiteId,
    scopes: registeredScopes(entry.scopes as readonly string[], context.rules.catalogue),
    optionalScopes: revocableScopes(entry.optional_scopes ?? [], context.rules.catalogue),
    rsaPublicKey: entry.rsa_public_key || null,
    restrictions: { ...ANYWHERE, ...entry.restrictions, pages: entry.restrictions?.pages ?? [] },
    stage: 'approved',
    stageAt: context.now,
    suppressed: false,
    suspension: 'none',
    registeredAt: context.now,
    managed: true,
    skipConsent: entry.skip_consent ?? false,
  };
  if (secret === null) return accept({ client, secret: null });
  const encrypted = protocol === 'oauth1' ? context.encryptSecret(secret) : null;
  return accept({
    client,
    secret: {
      label: 'configuration',
      digest: digestOf(secret),
      encrypted,
      createdAt: context.now,
      expiresAt: null,
    },
  });
}

/**
 * Reads the entries, expands and judges each. Every problem of every entry is reported at once;
 * with one problem, none is used.
 */
export function readConfiguredClients(
  entries: readonly unknown[],
  context: ConfiguredContext,
): Result<
  { readonly clients: readonly NewClient[]; readonly secrets: ReadonlyMap<ClientId, NewSecret> },
  readonly ConfiguredProblem[]
> {
  const problems: ConfiguredProblem[] = [];
  const clients: NewClient[] = [];
  const secrets = new Map<ClientId, NewSecret>();
  for (const [index, given] of entries.entries()) {
    const place = `clients[${index}]`;
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      problems.push({ app: place, field: '', problem: 'is not a map of keys' });
      continue;
    }
    const id = (given as { client_id?: unknown }).client_id;
    const app = typeof id === 'string' ? `${place} (${id.slice(0, 32)})` : place;
    const read = readEntry(given as Readonly<Record<string, unknown>>, context);
    if (!read.ok) {
      problems.push(...read.refusal.map(([field, problem]) => ({ app, field, problem })));
      continue;
    }
    const { client, secret } = read.value;
    if (clients.some((other) => other.id === client.id))
      problems.push({ app, field: 'client_id', problem: 'is there twice' });
    if (
      clients.some(
        (other) =>
          other.ownerId === client.ownerId &&
          other.name === client.name &&
          other.version === client.version,
      )
    )
      problems.push({
        app,
        field: 'version',
        problem: 'the owner has this app and version already',
      });
    clients.push(client);
    if (secret) secrets.set(client.id, secret);
  }
  return problems.length > 0 ? refuse(problems) : accept({ clients, secrets });
}
