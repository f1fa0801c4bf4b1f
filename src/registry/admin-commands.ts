import type { Account } from '#accounts/account.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { Result } from '#kernel/result.ts';
import type { ActionOutcome } from './actions/context.ts';
import { type Actor, OPERATOR } from './actor.ts';
import type { Client } from './model/client.ts';
import type { RegistryRefusal } from './refusals.ts';
import type { Registry } from './registry.ts';

/** A description of an app, as the operator gives it; what is not said is ordinary. */
export type ClientProposal = Pick<Client, 'name' | 'protocol'> &
  Partial<
    Pick<
      Client,
      | 'version'
      | 'description'
      | 'email'
      | 'ownerOnly'
      | 'confidential'
      | 'redirectUri'
      | 'redirectIsPrefix'
      | 'grantTypes'
      | 'pkceOptional'
      | 'tokenAlgorithm'
      | 'scopes'
      | 'optionalScopes'
      | 'rsaPublicKey'
    >
  > & { readonly site?: string; readonly ignoreWarnings?: boolean };

type Answer = Promise<Result<ActionOutcome, RegistryRefusal>>;

/** What is said with a decision. */
export interface DecisionDetails {
  readonly reason?: string;
  /** Hide the app as well. */
  readonly suppress?: boolean;
}

/** The registry's verbs for whoever holds the data directory. */
export interface AdminCommands {
  /**
   * Proposes an app for its owner, and approves it when asked to: an owner-only one is approved by
   * itself.
   */
  create(proposal: ClientProposal, owner: Account, options: { readonly approve: boolean }): Answer;
  approve(id: ClientId, details?: DecisionDetails): Answer;
  reject(id: ClientId, details?: DecisionDetails): Answer;
  disable(id: ClientId, details?: DecisionDetails): Answer;
  reenable(id: ClientId, details?: DecisionDetails): Answer;
  suspend(id: ClientId, suspension: string, details?: DecisionDetails): Answer;
  resetSecret(id: ClientId, details?: DecisionDetails): Answer;
  /** Whether the app may ask about the access tokens of every app. */
  setIntrospector(id: ClientId, introspector: boolean, details?: DecisionDetails): Answer;
}

/** Makes the operator's commands over the registry. */
export function makeAdminCommands(
  registry: Pick<Registry, 'submit'>,
  operator: Actor = OPERATOR,
): AdminCommands {
  const submitFor = (
    action: string,
    clientId: ClientId,
    { reason = '' }: DecisionDetails = {},
    more: Readonly<Record<string, unknown>> = {},
  ) => registry.submit(operator, action, { clientId, reason, ...more });
  return {
    async create(proposal, owner, { approve }) {
      const ownerOnly = proposal.ownerOnly ?? false;
      const created = await registry.submit(operator, 'propose', {
        version: '1.0',
        description: '',
        email: owner.email ?? undefined,
        redirectUri: '',
        site: '*',
        scopes: [],
        grantTypes: ownerOnly ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
        ...proposal,
        ownerId: owner.id,
        termsAccepted: true,
      });
      if (!created.ok || !approve || created.value.client.stage === 'approved') return created;
      const approved = await submitFor('approve', created.value.client.id);
      return approved.ok
        ? { ok: true, value: { ...created.value, client: approved.value.client } }
        : approved;
    },
    approve: (id, details) => submitFor('approve', id, details),
    reject: (id, details) =>
      submitFor('reject', id, details, { suppress: details?.suppress ?? false }),
    disable: (id, details) =>
      submitFor('disable', id, details, { suppress: details?.suppress ?? false }),
    reenable: (id, details) => submitFor('reenable', id, details),
    suspend: (id, suspension, details) => submitFor('halt', id, details, { suspension }),
    resetSecret: (id, details) => submitFor('update', id, details, { resetSecret: true }),
    setIntrospector: (id, introspector, details) =>
      submitFor('set-introspector', id, details, { introspector }),
  };
}
