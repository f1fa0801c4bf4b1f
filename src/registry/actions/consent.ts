import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { clientAccessDenial } from '../access.ts';
import { type Actor, accountOf } from '../actor.ts';
import { acceptedScopes, currentConsent } from '../consent-policy.ts';
import type { Client } from '../model/client.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { type Action, clientIdField } from './action.ts';
import { makeAuditEntry } from './commit.ts';
import {
  type ActionResult,
  noIssuedSecrets,
  permissionDenied,
  type RegistryContext,
  TOKEN_SECRET,
} from './context.ts';
import type { FieldValidator, Values } from './fields.ts';
import { positiveInteger } from './validators.ts';

// A person's own consents (registry 6). Both answer to the person alone: there is nothing here that
// anybody could do for another.

const scopeList: FieldValidator = (value) =>
  Array.isArray(value) && value.length <= 1000 && value.every((scope) => typeof scope === 'string')
    ? undefined
    : { problem: { kind: 'not-this-type', wanted: 'list of texts' }, ignorable: false };

/**
 * A person's approval. It adds to what they allowed the app before (ADR 25): OAuth 1 apps get all
 * of theirs, OAuth 2 apps what was asked for. `withdrawn` is what they were shown as allowed
 * before, and left out; of these only what the app declared optional is taken away.
 */
export const acceptConsent: Action = {
  base: 'consents',
  fields: [
    clientIdField,
    { name: 'scopes', validate: scopeList },
    { name: 'withdrawn', optional: true, validate: scopeList },
  ],
  async run(context, actor, values) {
    const user = accountOf(actor);
    if (user === null) return permissionDenied();
    for (let attempt = 1; ; attempt++) {
      const answer = await storeApproval(context, actor, user, values);
      if (answer !== 'stale') return answer;
      // The app was changed, or the consent ended, between the look and the approval: looked at
      // again.
      if (attempt === MAX_TRIES) return permissionDenied();
    }
  },
};

const MAX_TRIES = 3;

interface EvaluatedApproval {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly withdrawn: readonly string[];
  readonly onlyExisting: boolean;
}

async function evaluateApproval(
  context: RegistryContext,
  user: Account,
  values: Values,
): Promise<Result<EvaluatedApproval, RegistryRefusal>> {
  const client = await context.records.findClient(values.clientId as ClientId);
  if (client === undefined) return refuse({ kind: 'invalid_consumer_key' });
  if (client.ownerOnly || clientAccessDenial(client, user) !== undefined) return permissionDenied();
  const requestedScopes = values.scopes as readonly string[];
  // OAuth 1 has no word for scopes in a request: all are asked for, and the optional ones may be
  // left out.
  const wantedScopes =
    client.protocol === 'oauth1'
      ? client.scopes.filter(
          (scope) => !client.optionalScopes.includes(scope) || requestedScopes.includes(scope),
        )
      : requestedScopes;
  const scopes = acceptedScopes(wantedScopes, client, context.rules.catalogue);
  const withdrawn = ((values.withdrawn as readonly string[] | undefined) ?? []).filter(
    (scope) => client.optionalScopes.includes(scope) && !scopes.includes(scope),
  );
  const onlyExisting = clientAccessDenial(client, user, { newConsent: true }) !== undefined;
  if (onlyExisting) {
    const currentGrant = await currentConsent(context.records, client, user, client.site);
    if (!scopes.every((scope) => currentGrant?.scopes.includes(scope))) return permissionDenied();
  }
  return accept({ client, scopes, withdrawn, onlyExisting });
}

/**
 * What an approval would be refused with, as things are now; undefined: nothing. Nothing is
 * written.
 */
export async function approvalProblem(
  context: RegistryContext,
  actor: Actor,
  values: Values,
): Promise<RegistryRefusal | undefined> {
  const user = accountOf(actor);
  const answer = user === null ? permissionDenied() : await evaluateApproval(context, user, values);
  return answer.ok ? undefined : answer.refusal;
}

async function storeApproval(
  context: RegistryContext,
  actor: Actor,
  user: Account,
  values: Values,
): Promise<Awaited<ActionResult> | 'stale'> {
  const evaluated = await evaluateApproval(context, user, values);
  if (!evaluated.ok) return evaluated;
  const { client, scopes, withdrawn, onlyExisting } = evaluated.value;
  const credentials =
    client.protocol === 'oauth1'
      ? {
          token: context.idGenerator.hex32(),
          encryptedSecret: context.secretBox.encrypt(
            context.idGenerator.randomHex(20),
            TOKEN_SECRET,
          ),
        }
      : null;
  const consent = await context.records.acceptConsent(
    {
      userId: user.id,
      clientId: client.id,
      site: client.site,
      scopes,
      acceptedAt: context.clock.now(),
    },
    credentials,
    makeAuditEntry(context, actor, 'accept', client.id, '', []),
    {
      recordVersion: client.recordVersion,
      existingConsentOnly: onlyExisting,
      allowedScopes: client.scopes,
      withdrawnScopes: withdrawn,
    },
  );
  return consent === 'stale'
    ? consent
    : accept({ ...noIssuedSecrets, client, consent, awaitsSecondApproval: false });
}

/**
 * A person takes their yes back. All that was issued under it stops at once, also when the app is
 * no more (registry 6.3).
 */
export const revokeConsent: Action = {
  base: 'consents',
  fields: [{ name: 'consentId', validate: positiveInteger }],
  async run(context, actor, values) {
    const user = accountOf(actor);
    const id = values.consentId as ConsentId;
    const consent = user === null ? undefined : await context.records.findConsentById(id);
    if (user === null || consent?.userId !== user.id)
      return refuse({ kind: 'invalid_access_token' });
    const client = await context.records.findClient(consent.clientId);
    const audit = makeAuditEntry(context, actor, 'renounce', consent.clientId, '', []);
    const revoked = await context.records.revokeConsent(id, user.id, audit);
    if (revoked === 'unknown' || client === undefined)
      return refuse({ kind: 'invalid_access_token' });
    return accept({ ...noIssuedSecrets, client, consent, awaitsSecondApproval: false });
  },
};
