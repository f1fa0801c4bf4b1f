import type { Client, Stage } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';

// The words and numbers of the reference's REST management of apps (protocols 3; registry 12).
// Nothing is decided here.

const stageNumbers: Readonly<Record<Stage, number>> = {
  proposed: 0,
  approved: 1,
  rejected: 2,
  expired: 3,
  disabled: 4,
  configured: 5,
};

/** Its names of our fields. */
const fieldNames: Readonly<Record<string, string>> = {
  redirectUri: 'callbackUrl',
  protocol: 'oauthVersion',
  site: 'wiki',
  scopes: 'grants',
  rsaPublicKey: 'rsaKey',
  grantTypes: 'oauth2GrantTypes',
  termsAccepted: 'agreement',
  clientId: 'consumerKey',
};

/** The code that its clients read in `message` when the registry refuses. */
export function submissionErrorCode(refusal: RegistryRefusal): string {
  switch (refusal.kind) {
    case 'missing_field':
      return `missing_field_${fieldNames[refusal.field] ?? refusal.field}`;
    case 'invalid_field': {
      const { kind } = refusal.problem;
      if (kind === 'unknown-scopes') return 'invalid_grants';
      if (kind === 'owner-only-grant-types') return 'unable_to_retrieve_access_token';
      // What a pattern judges there has its field in the code (registry 2.3).
      if (refusal.field === 'reason') return 'invalid_field_reason';
      // Rows 4 and further of its table of callbacks have a code of their own.
      return refusal.field === 'redirectUri' &&
        !['empty', 'too-long', 'not-a-uri', 'not-this-type'].includes(kind)
        ? 'invalid_callback_url'
        : 'invalid_field';
    }
    case 'managed_by_configuration':
    // The reference has no word for what a token cannot give (ADR 17): its clients know this one.
    case 'browser_session_required':
    case 'reauthentication_required':
      return 'permission_denied';
    default:
      return refusal.kind;
  }
}

/** The failure of a submission. */
export const submissionFailure = (refusal: RegistryRefusal) => ({
  message: submissionErrorCode(refusal),
  httpCode: 400,
  httpReason: 'Bad Request',
});

/**
 * The data of a failure: a value that is none of those allowed has a list without members, any
 * other has nothing.
 */
export const failureData = (failureCode: string): readonly never[] | null =>
  failureCode === 'badvalue' ? [] : null;

/** What is wrong with one parameter of the body. */
export const bodyProblem = (
  name: string,
  value: unknown,
  failureCode: string,
  text: string,
  failureData: unknown = null,
) => ({
  error: 'parameter-validation-failed',
  name,
  value,
  failureCode,
  failureData,
  errorKey: 'rest-body-validation-error',
  messageTranslations: { en: text },
  httpCode: 400,
  httpReason: 'Bad Request',
});

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** A time as people read it there: 14:13, 21 September 2026. */
function formatTimestamp(at: number): string {
  const date = new Date(at * 1000);
  return `${date.toISOString().slice(11, 16)}, ${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/**
 * An app of the list. `canSee`: which fields the caller may see; the rest is left out, and
 * restrictions always are. An app for its owner alone has the page as callback that shows verifiers
 * (protocols
 * 3.2).
 */
export function toListedClient(
  client: Client,
  canSee: (field: keyof Client) => boolean,
  origin: string,
): Record<string, unknown> {
  const fields: readonly (readonly [string, keyof Client, unknown])[] = [
    ['email', 'email', client.email],
    ['name', 'name', client.name],
    ['version', 'version', client.version],
    [
      'callback_url',
      'redirectUri',
      client.ownerOnly ? `${origin}/wiki/Special:OAuth/verified` : client.redirectUri,
    ],
    ['description', 'description', client.description],
    ['client_key', 'id', client.id],
    ['owner_only', 'ownerOnly', client.ownerOnly],
    ['stage', 'stage', stageNumbers[client.stage]],
    ['oauth_version', 'protocol', client.protocol === 'oauth1' ? 1 : 2],
    ['registration_formatted', 'registeredAt', formatTimestamp(client.registeredAt)],
    ...(client.protocol === 'oauth2'
      ? ([['allowed_grants', 'grantTypes', client.grantTypes]] as const)
      : []),
    ['scopes', 'scopes', client.scopes],
  ];
  const visibleFields = Object.fromEntries(
    fields.filter(([, field]) => canSee(field)).map(([name, , value]) => [name, value]),
  );
  return client.managed ? { ...visibleFields, configuration_based: true } : visibleFields;
}

const identityOnlyScopes = ['mwoauth-authonlyprivate', 'mwoauth-authonly'];

/**
 * What is registered when these scopes are asked for: one that only tells who somebody is drops the
 * rest.
 */
export const grantsToRegister = (scopes: readonly string[]): readonly string[] => {
  const identityOnlyScope = identityOnlyScopes.find((scope) => scopes.includes(scope));
  return identityOnlyScope === undefined ? scopes : [identityOnlyScope];
};

/**
 * The types of parameters, as its layer reads them from JSON and from a form: `names` is a list of
 * names that have to be known.
 */
export type ParameterType = 'string' | 'boolean' | 'list' | 'names' | readonly string[];

const trueTexts = ['true', 't', 'yes', 'y', 'on', '1'];
const falseTexts = ['false', 'f', 'no', 'n', 'off', '0', ''];

/**
 * Reads a value; `{ failure }` is its word for what is wrong. JSON must have proper types, and a
 * wrong one has a code of its own; a form is coerced (protocols 3).
 */
export function parseParameter(
  type: ParameterType,
  value: unknown,
  fromForm: boolean,
): { readonly value: unknown } | { readonly failure: string } {
  if (type === 'boolean') {
    if (typeof value === 'boolean') return { value };
    const text = fromForm && typeof value === 'string' ? value.toLowerCase() : undefined;
    if (text !== undefined && trueTexts.includes(text)) return { value: true };
    return text !== undefined && falseTexts.includes(text)
      ? { value: false }
      : { failure: fromForm ? 'badbool' : 'badbool-type' };
  }
  if (type === 'list' || type === 'names') {
    const items: unknown =
      fromForm && typeof value === 'string' ? (value === '' ? [] : value.split('|')) : value;
    if (!Array.isArray(items)) return { failure: 'multivalue-must-be-array' };
    if (items.every((item) => typeof item === 'string')) return { value: items };
    return { failure: type === 'names' ? 'badvalue' : 'needstring' };
  }
  if (type === 'string') return typeof value === 'string' ? { value } : { failure: 'needstring' };
  return typeof value === 'string' && type.includes(value) ? { value } : { failure: 'badvalue' };
}
