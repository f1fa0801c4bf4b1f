import { accept, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import { type Actor, profileOf, RIGHTS } from '../actor.ts';
import { fieldChanges } from '../audit.ts';
import { type Client, liveSecrets, type Restrictions } from '../model/client.ts';
import type { Effect } from '../records.ts';
import { clientAction, isOwner, keeperProblem, lacking, secretChange } from './action.ts';
import { scopesWithin } from './authority.ts';
import { type Desk, denied, newSecret, ownerGrant } from './context.ts';
import { flag, judges, line, readFields, wholeNumber } from './fields.ts';

/** As many secrets as may live at once: HMAC verification tries each. */
export const MOST_SECRETS = 5;
const mayUpdate = (actor: Parameters<typeof lacking>[0]) => lacking(actor, RIGHTS.updateOwn);

/**
 * The credential of an owner-only client, made anew, with those of its scopes that the caller can
 * pass on. An OAuth 1 token keeps its identifier, unless it would hold more than before: whoever
 * signs with a key of theirs must not grow with it.
 */
async function regranted(desk: Desk, actor: Actor, client: Client) {
  const given = scopesWithin(actor, client.scopes);
  const consent =
    client.protocol === 'oauth1'
      ? await desk.records.findConsent(client.ownerId, client.id, client.site)
      : undefined;
  const wider = consent !== undefined && given.some((scope) => !consent.scopes.includes(scope));
  const kept = consent && !wider ? await desk.records.tokenOfConsent(consent.id) : undefined;
  const made = ownerGrant(desk, client, given, { profile: profileOf(actor), keptToken: kept });
  const effect: Effect = {
    kind: 'regrant',
    grant: made.grant,
    ...(wider ? { newToken: true } : {}),
  };
  return {
    ...made,
    effect,
    withheldScopes: client.scopes.filter((scope) => !given.includes(scope)),
  };
}

/**
 * What an owner may change without a review (registry 3.4): restrictions, the RSA key, and the
 * secret, which is replaced together with every other one. A field that is not given is kept. An
 * owner-only client gets a new credential with its new secret.
 */
export const update = clientAction('update', {
  fields: [
    // Both are judged against the app, below, and together.
    { name: 'restrictions', optional: true, judge: () => undefined },
    { name: 'rsaPublicKey', optional: true, judge: () => undefined },
    { name: 'resetSecret', judge: flag },
  ],
  before: mayUpdate,
  async decide(desk, actor, client, { restrictions, rsaPublicKey, resetSecret }) {
    const problem = await keeperProblem(desk, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    // A form sends back the key that is there: one from before the rules is kept.
    const kept = rsaPublicKey === undefined || rsaPublicKey === client.rsaPublicKey?.trim();
    const read = readFields(
      [
        { name: 'restrictions', optional: true, judge: judges.restrictions },
        {
          name: 'rsaPublicKey',
          optional: true,
          judge: (value) => (kept ? undefined : judges.rsaPublicKey(value, { protocol: 'oauth1' })),
        },
      ],
      { restrictions, rsaPublicKey },
      desk.rules,
    );
    if (!read.ok) return read;
    const key = kept ? client.rsaPublicKey : (rsaPublicKey as string | null) || null;
    if (key !== null && client.protocol !== 'oauth1')
      return refuse({
        kind: 'invalid_field',
        field: 'rsaPublicKey',
        problem: { kind: 'not-for-this-kind-of-app' },
        ignorable: false,
      });
    const given = restrictions as Restrictions | undefined;
    const after = {
      ...client,
      rsaPublicKey: key,
      restrictions: given
        ? { addresses: given.addresses, pages: given.pages ?? [] }
        : client.restrictions,
    };
    const changes = [...fieldChanges(client, after)];
    const effects: Effect[] =
      changes.length > 0
        ? [{ kind: 'save-client', client: after }, { kind: 'clear-approvals' }]
        : [];
    if (resetSecret !== true) {
      // One of the two an app of OAuth 1 must keep: with neither nobody can sign.
      if (
        key === null &&
        client.rsaPublicKey !== null &&
        liveSecrets(client, desk.clock.now()).length === 0
      )
        return refuse({ kind: 'last_secret' });
      return accept({ effects, changes, tell: 'team' });
    }
    const secret = client.confidential ? newSecret(desk, client.protocol, 'reset') : null;
    // While its scopes wait for two people, an owner-only app has no credential.
    const owned =
      client.ownerOnly && client.stage === 'approved' ? await regranted(desk, actor, client) : null;
    if (secret) {
      effects.push(
        { kind: 'remove-secrets', ids: client.secrets.map(({ id }) => id) },
        { kind: 'add-secret', secret: secret.kept },
      );
      changes.push(secretChange(client, [secret.kept], desk));
    }
    if (owned && owned.grant.consent.scopes.length === 0 && owned.withheldScopes.length > 0)
      return refuse({ kind: 'browser_session_required', scopes: owned.withheldScopes });
    if (owned) effects.push(owned.effect);
    const { credentials = null, accessToken = null, withheldScopes = [] } = owned ?? {};
    const issued = { secret: secret?.plain ?? null, credentials, accessToken, withheldScopes };
    return accept({ effects, changes, issued, tell: 'team' });
  },
});

/** Adds a secret beside those that live: the first half of an exchange without an outage. */
export const addSecret = clientAction('add-secret', {
  fields: [
    { name: 'label', judge: line(64) },
    { name: 'expiresAt', optional: true, judge: wholeNumber },
  ],
  before: mayUpdate,
  async decide(desk, actor, client, { label, expiresAt }) {
    const problem = await keeperProblem(desk, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    if (!client.confidential)
      return refuse({
        kind: 'invalid_field',
        field: 'label',
        problem: { kind: 'not-for-this-kind-of-app' },
        ignorable: false,
      });
    if (client.ownerOnly && !isOwner(actor, client)) return denied();
    const now = desk.clock.now();
    if (expiresAt !== undefined && (expiresAt as number) <= now)
      return refuse({
        kind: 'invalid_field',
        field: 'expiresAt',
        problem: { kind: 'in-the-past' },
        ignorable: false,
      });
    const live = liveSecrets(client, now);
    if (live.length >= MOST_SECRETS)
      return refuse({ kind: 'too_many', what: 'secrets', most: MOST_SECRETS });
    const secret = newSecret(
      desk,
      client.protocol,
      label as string,
      (expiresAt as Instant | undefined) ?? null,
    );
    return accept({
      effects: [{ kind: 'add-secret', secret: secret.kept }],
      changes: [secretChange(client, [...live, secret.kept], desk)],
      issued: { secret: secret.plain },
      tell: 'team',
    });
  },
});

/** Takes a secret away: the second half. The last one of a client that needs one stays. */
export const retireSecret = clientAction('retire-secret', {
  fields: [{ name: 'secretId', judge: wholeNumber }],
  before: mayUpdate,
  async decide(desk, actor, client, { secretId }) {
    const problem = await keeperProblem(desk, actor, client, ['approved', 'proposed']);
    if (problem) return problem;
    if (!client.secrets.some(({ id }) => id === secretId))
      return refuse({ kind: 'not_found', what: 'secret' });
    const rest = liveSecrets(client, desk.clock.now()).filter(({ id }) => id !== secretId);
    if (rest.length === 0 && client.confidential && client.rsaPublicKey === null)
      return refuse({ kind: 'last_secret' });
    return accept({
      effects: [{ kind: 'remove-secrets', ids: [secretId as number] }],
      changes: [secretChange(client, rest, desk)],
      tell: 'team',
    });
  },
});
