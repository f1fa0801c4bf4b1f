import { accept, refuse } from '#kernel/result.ts';
import { fieldChanges } from '../audit.ts';
import type { Client } from '../client.ts';
import { flag } from '../fields.ts';
import { clientAction } from './action.ts';

/**
 * Lets an approved app leave PKCE out, or takes that back. It is a part of the registration, and reviewed with it; the operator alone may
 * give it later, for apps that were in use before every address of the server asked for PKCE (ADR 20).
 */
export const setPkceExemption = clientAction('set-pkce-exemption', {
  fields: [{ name: 'pkceOptional', judge: flag }],
  before: (actor) => (actor.kind === 'operator' ? undefined : { kind: 'permission_denied', right: null }),
  decide(_desk, _actor, client, { pkceOptional }) {
    if (pkceOptional === true && client.stage !== 'approved') return refuse({ kind: 'not_approved', stage: client.stage });
    if (pkceOptional === true && (client.protocol !== 'oauth2' || !client.confidential))
      return refuse({ kind: 'invalid_field', field: 'pkceOptional', problem: { kind: 'needs-pkce' }, ignorable: false });
    if (pkceOptional === client.pkceOptional) return accept({ effects: [], changes: [] });
    const after = { ...client, pkceOptional: pkceOptional === true };
    return accept({ effects: [{ kind: 'save-client', client: after }], changes: fieldChanges(client, after), tell: 'team' });
  },
});

/** True of a confidential app that asks people, may be in use, and has to use PKCE: at the dialect it could leave it out before. */
export const lacksPkceExemption = ({ protocol, ownerOnly, confidential, pkceOptional, grantTypes, stage }: Client): boolean =>
  protocol === 'oauth2' &&
  !ownerOnly &&
  confidential &&
  !pkceOptional &&
  grantTypes.includes('authorization_code') &&
  (stage === 'approved' || stage === 'proposed');
