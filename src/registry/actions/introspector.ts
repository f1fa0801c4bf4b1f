import { accept, refuse } from '#kernel/result.ts';
import { fieldChanges } from '../audit.ts';
import { clientAction } from './action.ts';
import { booleanValue } from './validators.ts';

/**
 * Names an app as one that may ask about the access tokens of every app (RFC 7662 §2.1), or takes
 * that back. The operator's alone: a review judges what an app asks of people, not what it may
 * learn of other apps.
 */
export const setIntrospector = clientAction('set-introspector', {
  fields: [{ name: 'introspector', validate: booleanValue }],
  precheck: (actor) =>
    actor.kind === 'operator' ? undefined : { kind: 'permission_denied', right: null },
  decide(_context, _actor, client, { introspector }) {
    if (introspector === true && client.stage !== 'approved')
      return refuse({ kind: 'not_approved', stage: client.stage });
    if (introspector === true && (client.protocol !== 'oauth2' || !client.confidential))
      return refuse({
        kind: 'invalid_field',
        field: 'introspector',
        problem: { kind: 'not-for-this-kind-of-app' },
        ignorable: false,
      });
    if (introspector === client.introspector) return accept({ effects: [], changes: [] });
    const after = { ...client, introspector: introspector === true };
    return accept({
      effects: [{ kind: 'save-client', client: after }],
      changes: fieldChanges(client, after),
      notify: 'team',
    });
  },
});
