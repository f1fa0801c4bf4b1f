import { accept, refuse } from '#kernel/result.ts';
import { RIGHTS } from '../actor.ts';
import type { Client } from '../model/client.ts';
import { recordApproval } from '../review/independence.ts';
import { clientAction } from './action.ts';
import { hiddenProblem, missingRight, saveDecision } from './rules.ts';
import { booleanValue } from './validators.ts';

/**
 * True of a client that can have the exemption: only one that keeps a secret may leave PKCE out
 * (ADR 20).
 */
export const canSkipPkce = ({
  protocol,
  confidential,
  stage,
}: Pick<Client, 'protocol' | 'confidential' | 'stage'>): boolean =>
  stage === 'approved' && protocol === 'oauth2' && confidential;

/**
 * Lets an approved app leave PKCE out, or takes that back. It is a part of the registration, and
 * reviewed with it. Later it is given by the operator, or by a reviewer who is independent of the
 * app and has just proven who they are: it weakens what was reviewed (ADR 20). Any reviewer may
 * take it back.
 */
export const setPkceExemption = clientAction('set-pkce-exemption', {
  fields: [{ name: 'pkceOptional', validate: booleanValue }],
  precheck: (actor) => missingRight(actor, RIGHTS.review),
  async decide(context, actor, client, values) {
    const pkceOptional = values.pkceOptional === true;
    const hiddenRefusal = hiddenProblem(actor, client);
    if (hiddenRefusal) return refuse(hiddenRefusal);
    if (pkceOptional && client.stage !== 'approved')
      return refuse({ kind: 'not_approved', stage: client.stage });
    if (pkceOptional && !canSkipPkce(client))
      return refuse({
        kind: 'invalid_field',
        field: 'pkceOptional',
        problem: { kind: 'needs-pkce' },
        ignorable: false,
      });
    if (pkceOptional === client.pkceOptional) return accept({ effects: [], changes: [] });
    if (pkceOptional) {
      const approval = await recordApproval(context, actor, client, { kind: 'exempt-from-pkce' });
      if (approval !== 'decided') return approval;
    }
    return saveDecision(client, { ...client, pkceOptional });
  },
});

/**
 * True of a confidential app that asks people, may be in use, and has to use PKCE: at the dialect
 * it could leave it out before.
 */
export const lacksPkceExemption = ({
  protocol,
  ownerOnly,
  confidential,
  pkceOptional,
  grantTypes,
  stage,
}: Client): boolean =>
  protocol === 'oauth2' &&
  !ownerOnly &&
  confidential &&
  !pkceOptional &&
  grantTypes.includes('authorization_code') &&
  (stage === 'approved' || stage === 'proposed');
