import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import { isOwner } from '../access.ts';
import { type Actor, protocolProfileOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import { type Client, liveSecrets, type Restrictions } from '../model/client.ts';
import type { Effect } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { clientAction, type DecisionResult } from './action.ts';
import { scopesWithin } from './authority.ts';
import { newSecret, ownerGrant, permissionDenied, type RegistryContext } from './context.ts';
import { type Field, readFields, type Values } from './fields.ts';
import { manageProblem, missingRight, secretChange } from './rules.ts';
import { booleanValue, positiveInteger, singleLine, validators } from './validators.ts';

/** As many secrets as may live at once: HMAC verification tries each. */
export const MAX_SECRETS = 5;
const updateRightProblem = (actor: Parameters<typeof missingRight>[0]) =>
  missingRight(actor, RIGHTS.updateOwn);

/**
 * The credential of an owner-only client, made anew, with those of its scopes that the caller can
 * pass on. An OAuth 1 token keeps its identifier, unless it would hold more than before: whoever
 * signs with a key of theirs must not grow with it.
 */
async function regrantCredential(context: RegistryContext, actor: Actor, client: Client) {
  const grantedScopes = scopesWithin(actor, client.scopes);
  const consent =
    client.protocol === 'oauth1'
      ? await context.records.findConsent(client.ownerId, client.id, client.site)
      : undefined;
  const wider =
    consent !== undefined && grantedScopes.some((scope) => !consent.scopes.includes(scope));
  const keptToken =
    consent && !wider ? await context.records.tokenOfConsent(consent.id) : undefined;
  const ownerCredential = ownerGrant(context, client, grantedScopes, {
    profile: protocolProfileOf(actor),
    keptToken: keptToken,
  });
  const effect: Effect = {
    kind: 'regrant',
    grant: ownerCredential.grant,
    ...(wider ? { newToken: true } : {}),
  };
  return {
    ...ownerCredential,
    effect,
    withheldScopes: client.scopes.filter((scope) => !grantedScopes.includes(scope)),
  };
}

/** The RSA key and the restrictions as they would be, judged together and against the app. */
function readOwnerSettings(
  context: RegistryContext,
  client: Client,
  { restrictions, rsaPublicKey }: Values,
): Result<Client, RegistryRefusal> {
  // A form sends back the key that is there: one from before the rules is kept.
  const keepsKey = rsaPublicKey === undefined || rsaPublicKey === client.rsaPublicKey?.trim();
  const fields: readonly Field[] = [
    { name: 'restrictions', optional: true, validate: validators.restrictions },
    {
      name: 'rsaPublicKey',
      optional: true,
      validate: (value) =>
        keepsKey ? undefined : validators.rsaPublicKey(value, { protocol: 'oauth1' }),
    },
  ];
  const read = readFields(fields, { restrictions, rsaPublicKey }, context.rules);
  if (!read.ok) return read;
  const key = keepsKey ? client.rsaPublicKey : (rsaPublicKey as string | null) || null;
  if (key !== null && client.protocol !== 'oauth1')
    return refuse({
      kind: 'invalid_field',
      field: 'rsaPublicKey',
      problem: { kind: 'not-for-this-kind-of-app' },
      ignorable: false,
    });
  if (restrictions === undefined) return accept({ ...client, rsaPublicKey: key });
  const { addresses, pages = [] } = restrictions as Restrictions;
  return accept({ ...client, rsaPublicKey: key, restrictions: { addresses, pages } });
}

/** The new secret, which replaces every other one, and the credential of an owner-only client. */
async function resetCredentials(
  context: RegistryContext,
  actor: Actor,
  client: Client,
): Promise<DecisionResult> {
  const secret = client.confidential ? newSecret(context, client.protocol, 'reset') : null;
  // While its scopes wait for two people, an owner-only app has no credential.
  const ownerCredential =
    client.ownerOnly && client.stage === 'approved'
      ? await regrantCredential(context, actor, client)
      : null;
  const { credentials = null, accessToken = null, withheldScopes = [] } = ownerCredential ?? {};
  if (ownerCredential?.grant.consent.scopes.length === 0 && withheldScopes.length > 0)
    return refuse({ kind: 'browser_session_required', scopes: withheldScopes });
  const effects: Effect[] = [];
  if (secret)
    effects.push(
      { kind: 'remove-secrets', ids: client.secrets.map(({ id }) => id) },
      { kind: 'add-secret', secret: secret.stored },
    );
  if (ownerCredential) effects.push(ownerCredential.effect);
  return accept({
    effects,
    changes: secret ? [secretChange(client, [secret.stored], context)] : [],
    issued: { secret: secret?.plain ?? null, credentials, accessToken, withheldScopes },
    notify: 'team',
  });
}

/**
 * What an owner may change without a review (registry 3.4): restrictions, the RSA key, and the
 * secret, which is replaced together with every other one. A field that is not given is kept. An
 * owner-only client gets a new credential with its new secret.
 */
export const update = clientAction('update', {
  fields: [
    // Both are judged against the app, below, and together.
    { name: 'restrictions', optional: true, validate: () => undefined },
    { name: 'rsaPublicKey', optional: true, validate: () => undefined },
    { name: 'resetSecret', validate: booleanValue },
  ],
  precheck: updateRightProblem,
  async decide(context, actor, client, values) {
    const problem = await manageProblem(context, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    const settings = readOwnerSettings(context, client, values);
    if (!settings.ok) return settings;
    const after = settings.value;
    const changes = fieldChanges(client, after);
    const effects: readonly Effect[] =
      changes.length > 0
        ? [{ kind: 'save-client', client: after }, { kind: 'clear-approvals' }]
        : [];
    if (values.resetSecret === true) {
      const reset = await resetCredentials(context, actor, client);
      if (!reset.ok) return reset;
      return accept({
        ...reset.value,
        effects: [...effects, ...reset.value.effects],
        changes: [...changes, ...reset.value.changes],
      });
    }
    // One of the two an app of OAuth 1 must keep: with neither nobody can sign.
    const losesKey = after.rsaPublicKey === null && client.rsaPublicKey !== null;
    if (losesKey && liveSecrets(client, context.clock.now()).length === 0)
      return refuse({ kind: 'last_secret' });
    return accept({ effects, changes, notify: 'team' });
  },
});

/** Adds a secret beside those that live: the first half of an exchange without an outage. */
export const addSecret = clientAction('add-secret', {
  fields: [
    { name: 'label', validate: singleLine(64) },
    { name: 'expiresAt', optional: true, validate: positiveInteger },
  ],
  precheck: updateRightProblem,
  async decide(context, actor, client, { label, expiresAt }) {
    const problem = await manageProblem(context, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    if (!client.confidential)
      return refuse({
        kind: 'invalid_field',
        field: 'label',
        problem: { kind: 'not-for-this-kind-of-app' },
        ignorable: false,
      });
    if (client.ownerOnly && !isOwner(actor, client)) return permissionDenied();
    const now = context.clock.now();
    if (expiresAt !== undefined && (expiresAt as number) <= now)
      return refuse({
        kind: 'invalid_field',
        field: 'expiresAt',
        problem: { kind: 'in-the-past' },
        ignorable: false,
      });
    const live = liveSecrets(client, now);
    if (live.length >= MAX_SECRETS)
      return refuse({ kind: 'too_many', what: 'secrets', most: MAX_SECRETS });
    const secret = newSecret(
      context,
      client.protocol,
      label as string,
      (expiresAt as Instant | undefined) ?? null,
    );
    return accept({
      effects: [{ kind: 'add-secret', secret: secret.stored }],
      changes: [secretChange(client, [...live, secret.stored], context)],
      issued: { secret: secret.plain },
      notify: 'team',
    });
  },
});

/** Takes a secret away: the second half. The last one of a client that needs one stays. */
export const retireSecret = clientAction('retire-secret', {
  fields: [{ name: 'secretId', validate: positiveInteger }],
  precheck: updateRightProblem,
  async decide(context, actor, client, { secretId }) {
    const problem = await manageProblem(context, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    if (!client.secrets.some(({ id }) => id === secretId))
      return refuse({ kind: 'not_found', what: 'secret' });
    const rest = liveSecrets(client, context.clock.now()).filter(({ id }) => id !== secretId);
    if (rest.length === 0 && client.confidential && client.rsaPublicKey === null)
      return refuse({ kind: 'last_secret' });
    return accept({
      effects: [{ kind: 'remove-secrets', ids: [secretId as number] }],
      changes: [secretChange(client, rest, context)],
      notify: 'team',
    });
  },
});
