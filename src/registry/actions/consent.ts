import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { hindrance } from '../access.ts';
import { type Actor, personOf } from '../actor.ts';
import { acceptedScopes, currentConsent } from '../consent-policy.ts';
import type { Client } from '../model/client.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { type Action, auditLine, clientIdField } from './action.ts';
import { type Desk, denied, nothingIssued, type Ran, TOKEN_SECRET } from './context.ts';
import { type Judge, type Values, wholeNumber } from './fields.ts';

// A person's own consents (registry 6). Both answer to the person alone: there is nothing here that
// anybody could do for another.

const scopeList: Judge = (value) =>
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
    { name: 'scopes', judge: scopeList },
    { name: 'withdrawn', optional: true, judge: scopeList },
  ],
  async run(desk, actor, values) {
    const user = personOf(actor);
    if (user === null) return denied();
    for (let tried = 1; ; tried++) {
      const answer = await accepted(desk, actor, user, values);
      if (answer !== 'stale') return answer;
      // The app was changed, or the consent ended, between the look and the yes: looked at again.
      if (tried === TRIES) return denied();
    }
  },
};

const TRIES = 3;

interface Approvable {
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly withdrawn: readonly string[];
  readonly onlyExisting: boolean;
}

async function judged(
  desk: Desk,
  user: Account,
  values: Values,
): Promise<Result<Approvable, RegistryRefusal>> {
  const client = await desk.records.findClient(values.clientId as ClientId);
  if (client === undefined) return refuse({ kind: 'invalid_consumer_key' });
  if (client.ownerOnly || hindrance(client, user) !== undefined) return denied();
  const given = values.scopes as readonly string[];
  // OAuth 1 has no word for scopes in a request: all are asked for, and the optional ones may be
  // left out.
  const asked =
    client.protocol === 'oauth1'
      ? client.scopes.filter(
          (scope) => !client.optionalScopes.includes(scope) || given.includes(scope),
        )
      : given;
  const scopes = acceptedScopes(asked, client, desk.rules.catalogue);
  const withdrawn = ((values.withdrawn as readonly string[] | undefined) ?? []).filter(
    (scope) => client.optionalScopes.includes(scope) && !scopes.includes(scope),
  );
  const onlyExisting = hindrance(client, user, { newConsent: true }) !== undefined;
  if (onlyExisting) {
    const standing = await currentConsent(desk.records, client, user, client.site);
    if (!scopes.every((scope) => standing?.scopes.includes(scope))) return denied();
  }
  return accept({ client, scopes, withdrawn, onlyExisting });
}

/**
 * What an approval would be refused with, as things are now; undefined: nothing. Nothing is
 * written.
 */
export async function approvalProblem(
  desk: Desk,
  actor: Actor,
  values: Values,
): Promise<RegistryRefusal | undefined> {
  const user = personOf(actor);
  const answer = user === null ? denied() : await judged(desk, user, values);
  return answer.ok ? undefined : answer.refusal;
}

async function accepted(
  desk: Desk,
  actor: Actor,
  user: Account,
  values: Values,
): Promise<Awaited<Ran> | 'stale'> {
  const judgement = await judged(desk, user, values);
  if (!judgement.ok) return judgement;
  const { client, scopes, withdrawn, onlyExisting } = judgement.value;
  const credentials =
    client.protocol === 'oauth1'
      ? {
          token: desk.mint.hex32(),
          secretSealed: desk.sealer.seal(desk.mint.randomHex(20), TOKEN_SECRET),
        }
      : null;
  const consent = await desk.records.acceptConsent(
    {
      userId: user.id,
      clientId: client.id,
      site: client.site,
      scopes,
      acceptedAt: desk.clock.now(),
    },
    credentials,
    auditLine(desk, actor, 'accept', client.id, '', []),
    { edition: client.edition, onlyExisting, within: client.scopes, withdrawn },
  );
  return consent === 'stale'
    ? consent
    : accept({ ...nothingIssued, client, consent, waiting: false });
}

/**
 * A person takes their yes back. All that was issued under it stops at once, also when the app is
 * no more (registry 6.3).
 */
export const renounceConsent: Action = {
  base: 'consents',
  fields: [{ name: 'consentId', judge: wholeNumber }],
  async run(desk, actor, values) {
    const user = personOf(actor);
    const id = values.consentId as ConsentId;
    const consent = user === null ? undefined : await desk.records.findConsentById(id);
    if (user === null || consent?.userId !== user.id)
      return refuse({ kind: 'invalid_access_token' });
    const client = await desk.records.findClient(consent.clientId);
    const audit = auditLine(desk, actor, 'renounce', consent.clientId, '', []);
    const ended = await desk.records.renounceConsent(id, user.id, audit);
    if (ended === 'unknown' || client === undefined)
      return refuse({ kind: 'invalid_access_token' });
    return accept({ ...nothingIssued, client, consent, waiting: false });
  },
};
