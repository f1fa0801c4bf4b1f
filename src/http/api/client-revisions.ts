import * as z from 'zod';
import { clientScope, ignoreWarningsField, reason, toRegistryFields } from './client-fields.ts';
import {
  clientParams,
  commonAppRefusals,
  noSuchApp,
  sessionOnlyRefusals,
  submitAction,
} from './common.ts';
import { type ApiRoute, route } from './route.ts';
import { serializeRevision } from './serializers.ts';
import { issuedSchema, revisionSchema } from './shapes.ts';

/** Changes of an approved app that wait for a review. */
export const revisionRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/clients/:client_id/revisions',
    id: 'listRevisions',
    summary: 'Changes that were proposed of an approved app, newest first.',
    tag: 'Revisions',
    scope: null,
    params: clientParams,
    answer: { status: 200, schema: z.object({ items: z.array(revisionSchema) }) },
    refusals: ['invalid_consumer_key', 'permission_denied'],
    async handle(call) {
      const registry = call.services.registry.query(call.actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      const revisions = await registry.listRevisions(client);
      if (revisions === undefined) return { refusal: { kind: 'permission_denied', right: null } };
      const lookUpPerson = registry.personLookup();
      const items = await Promise.all(
        revisions.map((revision) => serializeRevision(client, revision, lookUpPerson)),
      );
      return { status: 200, body: { items } };
    },
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/revisions',
    id: 'revise',
    summary:
      'Proposes a change of an approved app, which keeps working as it is until a review. Only taking scopes away needs none.',
    tag: 'Revisions',
    scope: clientScope,
    params: clientParams,
    body: z.strictObject({
      name: z.string().optional(),
      description: z.string().optional(),
      redirect_uri: z.string().optional(),
      redirect_is_prefix: z.boolean().optional(),
      site: z.string().optional(),
      scopes: z.array(z.string()).max(1000).optional(),
      optional_scopes: z.array(z.string()).max(1000).optional(),
      reason,
      ...ignoreWarningsField,
    }),
    answer: { status: 201, schema: issuedSchema },
    refusals: [
      ...commonAppRefusals,
      ...sessionOnlyRefusals,
      'not_approved',
      'nothing_to_do',
      'consumer_exists',
    ],
    handle: (call) => submitAction(call, 'revise', toRegistryFields(call.body), 201),
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/revisions/:revision_id/withdraw',
    id: 'withdrawRevision',
    summary: 'Takes a proposed change back.',
    tag: 'Revisions',
    scope: clientScope,
    params: clientParams.extend({ revision_id: z.coerce.number().int().positive() }),
    body: z.strictObject({ reason }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, 'not_found'],
    handle: (call) =>
      submitAction(call, 'withdraw-revision', {
        ...toRegistryFields(call.body),
        revisionId: call.params.revision_id,
      }),
  }),
];
