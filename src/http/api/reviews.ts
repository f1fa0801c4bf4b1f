import * as z from 'zod';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import { suspensions } from '#registry/model/client.ts';
import {
  clientParams,
  commonAppRefusals,
  noSuchApp,
  paginationQuery,
  parseCursor,
  respondWithPage,
  sessionOnlyRefusals,
  submitAction,
} from './common.ts';
import { type ApiRoute, apiScopes, route } from './route.ts';
import { serializeClient, serializeRevision, serializeRisk } from './serializers.ts';
import { clientSchema, issuedSchema, pageSchema, revisionSchema, riskSchema } from './shapes.ts';

// What reviewers do.

const { review: scope } = apiScopes;
const reason = z
  .string()
  .max(1000)
  .default('')
  .describe('Why; the owner is told. At most 255 characters');
const suppress = z.boolean().default(false).describe('Hide the app as well');

const decisions = [
  [
    'approve',
    'Approves an app that waits, was rejected, or expired.',
    z.strictObject({ reason }),
    ['not_proposed', 'needs_another_reviewer'],
  ],
  [
    'reject',
    'Rejects an app that waits for a review.',
    z.strictObject({ reason, suppress }),
    ['not_proposed', 'needs_another_reviewer'],
  ],
  [
    'disable',
    'Switches an app off; of any other stage, hides it or shows it again.',
    z.strictObject({ reason, suppress }),
    ['not_approved', 'needs_another_reviewer'],
  ],
  [
    'reenable',
    'Switches a disabled app on again; its consents and tokens work again.',
    z.strictObject({ reason }),
    ['not_disabled', 'needs_another_reviewer'],
  ],
  [
    'halt',
    'Stops an approved app by degrees: no new consents, or no tokens at all; "none" undoes it.',
    z.strictObject({ reason, suspension: z.enum(suspensions) }),
    ['not_approved', 'needs_another_reviewer'],
  ],
] as const;

const itemSchema = z
  .object({
    client: clientSchema,
    revision: revisionSchema.nullable().describe('Null: the app itself waits'),
    risk: riskSchema,
  })
  .meta({ id: 'ReviewItem' });

export const reviewRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/reviews',
    id: 'listReviews',
    summary:
      'What waits for a review: new apps, or changes of approved ones. Each with the risk rules that hold for it.',
    tag: 'Reviews',
    scope,
    query: z.strictObject({
      kind: z.enum(['apps', 'revisions']).default('apps'),
      ...paginationQuery,
    }),
    answer: { status: 200, schema: pageSchema(itemSchema) },
    refusals: ['not_logged_in', 'permission_denied'],
    async handle(call) {
      const { services, actor, query } = call;
      if (actor.kind === 'person' && actor.account === null)
        return { refusal: { kind: 'not_logged_in' } };
      if (!hasRight(actor, RIGHTS.review))
        return { refusal: { kind: 'permission_denied', right: RIGHTS.review } };
      const below = parseCursor(query.cursor);
      const registry = services.registry.query(actor);
      const clients = await registry.listClients({
        ...(query.kind === 'apps' ? { stage: 'proposed' } : { hasOpenRevision: true }),
        ...(below === undefined ? {} : { below }),
        limit: query.limit,
      });
      const lookUpPerson = registry.personLookup();
      return respondWithPage(call, clients, async (client) => {
        const revision = query.kind === 'apps' ? undefined : await registry.openRevision(client);
        return {
          client: await serializeClient(services, actor, client, lookUpPerson),
          revision: revision ? await serializeRevision(client, revision, lookUpPerson) : null,
          risk: serializeRisk(await services.registry.risk(client, revision?.fields)),
        };
      });
    },
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id/risk',
    id: 'riskOfClient',
    summary:
      'The risk rules that hold for an app, or for its open revision: each with weight and evidence.',
    tag: 'Reviews',
    scope,
    params: clientParams,
    answer: { status: 200, schema: riskSchema },
    refusals: ['invalid_consumer_key', 'permission_denied'],
    async handle(call) {
      const { services, actor } = call;
      const registry = services.registry.query(actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      if (!hasRight(actor, RIGHTS.review))
        return { refusal: { kind: 'permission_denied', right: RIGHTS.review } };
      const revision = await registry.openRevision(client);
      return {
        status: 200,
        body: serializeRisk(await services.registry.risk(client, revision?.fields)),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id/impact',
    id: 'impactOfClient',
    summary:
      'What switching the app off would stop: people with a consent, live tokens, calls in the last day.',
    tag: 'Reviews',
    scope: null,
    params: clientParams,
    answer: {
      status: 200,
      schema: z
        .object({
          users: z.number().int(),
          tokens: z.number().int(),
          calls_last_day: z.number().int(),
        })
        .meta({ id: 'Impact' }),
    },
    refusals: ['invalid_consumer_key', 'permission_denied'],
    async handle(call) {
      const registry = call.services.registry.query(call.actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      if (!(await registry.canManageOrReview(client)))
        return { refusal: { kind: 'permission_denied', right: null } };
      const { users, tokens, calls } = await call.services.registry.impact(client.id);
      return { status: 200, body: { users, tokens, calls_last_day: calls } };
    },
  }),
  ...decisions.map(([action, summary, body, refusals]) =>
    route({
      method: 'POST',
      path: `/clients/:client_id/${action}`,
      id: `${action}Client`,
      summary,
      tag: 'Reviews',
      scope,
      params: clientParams,
      body: body as z.ZodObject,
      answer: { status: 200, schema: issuedSchema },
      refusals: [...commonAppRefusals, ...refusals],
      handle: (call) => submitAction(call, action, call.body),
    }),
  ),
  route({
    method: 'POST',
    path: '/clients/:client_id/pkce-exemption',
    id: 'setPkceExemption',
    summary:
      'Lets an approved confidential app leave PKCE out, or takes that back. In a browser session alone, recently proven.',
    tag: 'Reviews',
    scope,
    params: clientParams,
    body: z.strictObject({ reason, pkce_optional: z.boolean() }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [
      ...commonAppRefusals,
      ...sessionOnlyRefusals,
      'not_approved',
      'needs_another_reviewer',
    ],
    handle: (call) =>
      submitAction(call, 'set-pkce-exemption', {
        reason: call.body.reason,
        pkceOptional: call.body.pkce_optional,
      }),
  }),
  ...(['approve', 'reject'] as const).map((verdict) =>
    route({
      method: 'POST',
      path: `/clients/:client_id/revisions/:revision_id/${verdict}`,
      id: `${verdict}Revision`,
      summary:
        verdict === 'approve'
          ? 'Puts a proposed change in force.'
          : 'Rejects a proposed change; the app stays as it is.',
      tag: 'Reviews',
      scope,
      params: clientParams.extend({ revision_id: z.coerce.number().int().positive() }),
      body: z.strictObject({ reason }),
      answer: { status: 200, schema: issuedSchema },
      refusals: [
        ...commonAppRefusals,
        'not_found',
        ...(verdict === 'approve'
          ? (['not_approved', 'needs_another_reviewer', 'consumer_exists'] as const)
          : []),
      ],
      handle: (call) =>
        submitAction(call, `${verdict}-revision`, {
          reason: call.body.reason,
          revisionId: call.params.revision_id,
        }),
    }),
  ),
];
