import type { ClientId, EncryptedSecret, SiteId, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { rsaKeyLength } from '#keys/rsa.ts';
import type { FieldRules, Values } from './actions/fields.ts';
import { normalizeRedirectUri } from './actions/proposal-fields.ts';
import { validators } from './actions/validators.ts';
import {
  type Entry,
  type EntryProblem,
  type Key,
  shape,
  shapeProblems,
} from './configured-entry.ts';
import { ANYWHERE, type GrantType, type Protocol } from './model/client.ts';
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

/** The field of a proposal by whose rules a key is judged. */
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

/** An entry, and what follows from the kind of app it describes. */
interface EntryDetails {
  readonly entry: Entry;
  readonly protocol: Protocol;
  readonly ownerOnly: boolean;
  readonly confidential: boolean;
  readonly grantTypes: readonly GrantType[];
}

function detailsOf(entry: Entry): EntryDetails {
  const protocol = entry.protocol as Protocol;
  const ownerOnly = entry.owner_only ?? false;
  const confidential = protocol === 'oauth1' || (entry.confidential ?? true);
  const ofOAuth2 = ownerOnly ? (['client_credentials'] as const) : (entry.grant_types ?? []);
  return {
    entry,
    protocol,
    ownerOnly,
    confidential,
    grantTypes: protocol === 'oauth1' ? [] : ofOAuth2,
  };
}

/** The secret of an entry, null for none, and what is wrong with it. */
function readSecret(
  { entry, confidential }: EntryDetails,
  invalidFields: ReadonlySet<string>,
  context: ConfiguredContext,
): { readonly secret: string | null; readonly problems: readonly EntryProblem[] } {
  const problems: EntryProblem[] = [];
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
  const isReported =
    problems.length > 0 ||
    ['client_secret', 'client_secret_file', 'rsa_public_key', 'confidential'].some((field) =>
      invalidFields.has(field),
    );
  if (confidential && secret === null && !entry.rsa_public_key && !isReported)
    problems.push([
      'client_secret',
      'is missing: an app that keeps a secret needs one, or an RSA key',
    ]);
  return { secret, problems };
}

/** What the rules of registration say against the values of an entry. */
function valueProblems(
  { entry, protocol, ownerOnly, confidential, grantTypes: types }: EntryDetails,
  context: ConfiguredContext,
): readonly EntryProblem[] {
  const given = Object.entries(validatedFields).filter(
    ([key]) => entry[key as Key] !== undefined,
  ) as readonly [Key, keyof typeof validators][];
  const values: Values = {
    ...{ protocol, ownerOnly, confidential, grantTypes: types },
    ...Object.fromEntries(given.map(([key, field]) => [field, entry[key]])),
  };
  return given.flatMap(([key, field]): readonly EntryProblem[] => {
    const issue = validators[field](values[field], values, context.rules);
    // Advice is for people who fill in forms: an operator means what they wrote.
    if (issue === undefined || issue.ignorable) return [];
    // A key from before the rule keeps working.
    if (issue.problem.kind === 'key-too-short' && rsaKeyLength(String(values[field])) >= 1024)
      return [];
    if (key === 'redirect_uri' && isAccepted(entry, context)) return [];
    return [[key, issue.problem.kind.replaceAll('-', ' ')]];
  });
}

/** The client of an entry in which nothing is wrong. */
const clientOf = (
  { entry, protocol, ownerOnly, confidential, grantTypes: types }: EntryDetails,
  ownerId: UserId,
  { rules, email, now }: ConfiguredContext,
): NewClient => ({
  id: entry.client_id as ClientId,
  name: entry.name as string,
  version: entry.version as string,
  description: entry.description as string,
  ownerId,
  email,
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
  site: rules.sites.resolve(entry.site ?? '*') as SiteId,
  scopes: registeredScopes(entry.scopes as readonly string[], rules.catalogue),
  optionalScopes: revocableScopes(entry.optional_scopes ?? [], rules.catalogue),
  rsaPublicKey: entry.rsa_public_key || null,
  restrictions: { ...ANYWHERE, ...entry.restrictions, pages: entry.restrictions?.pages ?? [] },
  stage: 'approved',
  stageAt: now,
  suppressed: false,
  suspension: 'none',
  registeredAt: now,
  managed: true,
  skipConsent: entry.skip_consent ?? false,
});

function readEntry(
  given: Readonly<Record<string, unknown>>,
  context: ConfiguredContext,
): Result<{ client: NewClient; secret: NewSecret | null }, readonly EntryProblem[]> {
  const problems = [...shapeProblems(given)];
  const invalidFields = new Set(problems.map(([field]) => field));
  if (invalidFields.has('protocol')) return refuse(problems);
  // What has not even its shape is left out, and the rest judged all the same.
  const details = detailsOf(
    Object.fromEntries(Object.entries(given).filter(([key]) => !invalidFields.has(key))) as Entry,
  );
  const { entry, protocol, confidential } = details;
  const { secret, problems: secretProblems } = readSecret(details, invalidFields, context);
  problems.push(...secretProblems);
  if (entry.introspector && !confidential)
    problems.push(['introspector', 'is for apps that keep a secret']);
  const ownerId = entry.owner === undefined ? undefined : context.ownerOf(entry.owner);
  if (entry.owner !== undefined && ownerId === undefined)
    problems.push([
      'owner',
      `there is no account named ${entry.owner}: create it with "gatehouse account create"`,
    ]);
  problems.push(...valueProblems(details, context));
  if (problems.length > 0 || ownerId === undefined) return refuse(problems);
  const client = clientOf(details, ownerId, context);
  if (secret === null) return accept({ client, secret: null });
  return accept({
    client,
    secret: {
      label: 'configuration',
      digest: digestOf(secret),
      encrypted: protocol === 'oauth1' ? context.encryptSecret(secret) : null,
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
