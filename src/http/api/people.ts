import * as z from 'zod';
import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { accountOf } from '#registry/actor.ts';
import { NO_USER_ID } from '#registry/queries/people.ts';
import { paginate, paginationQuery, parseCursor, respondWithPage } from './common.ts';
import { type ApiCall, type ApiResponse, type ApiRoute, apiScopes, route } from './route.ts';
import { makeAuditEntrySerializer, serializeConsents } from './serializers.ts';
import { auditEntrySchema, consentSchema, pageSchema } from './shapes.ts';

// What people allowed, what happened, and what this server knows.

const MAX_EXPORTED = 10_000;

const auditQuery = z.strictObject({
  client_id: z.string().max(64).optional(),
  actor: z.string().max(255).optional().describe('Name of an account, or "me"'),
  action: z.string().max(64).optional(),
  from: z.iso.datetime().optional(),
  until: z.iso.datetime().optional().describe('Exclusive'),
  ...paginationQuery,
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_EXPORTED)
    .default(25)
    .describe('At most 100, or 10000 as JSON lines'),
});

const parseInstant = (text: string) => instant(Date.parse(text) / 1000);

/** The audit log as far as this caller may read it. */
async function listAuditEntries(
  call: ApiCall<unknown, z.output<typeof auditQuery>>,
): Promise<ApiResponse> {
  const { services, actor, query, request } = call;
  const registry = services.registry.query(actor);
  // A name that nobody has did nothing.
  const actorId =
    query.actor === 'me'
      ? accountOf(actor)?.id
      : query.actor && ((await registry.userIdOf(query.actor)) ?? NO_USER_ID);
  const asJsonLines = /application\/(?:jsonl|x-ndjson)/.test(request.headers.accept ?? '');
  const limit = asJsonLines ? query.limit : Math.min(query.limit, 100);
  const after = parseCursor(query.cursor);
  const page = await registry.auditLog({
    allowStale: true,
    ...(query.client_id === undefined ? {} : { clientId: query.client_id as ClientId }),
    ...(actorId === undefined || actorId === '' ? {} : { actorId }),
    ...(query.action === undefined ? {} : { action: query.action }),
    ...(query.from === undefined ? {} : { from: parseInstant(query.from) }),
    ...(query.until === undefined ? {} : { until: parseInstant(query.until) }),
    ...(after === undefined ? {} : { after }),
    limit,
  });
  if (!page.ok) return { refusal: page.refusal };
  const response = await respondWithPage(
    { ...call, query: { ...query, limit } },
    page.value,
    makeAuditEntrySerializer(registry.personLookup()),
  );
  if (!asJsonLines || !('status' in response)) return response;
  const { items } = response.body as { readonly items: readonly unknown[] };
  const text = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  return {
    ...response,
    body: text,
    headers: { ...response.headers, 'content-type': 'application/jsonl' },
  };
}

export const consentAndAuditRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/consents',
    id: 'listConsents',
    summary: 'Your consents, newest first.',
    tag: 'Consents',
    scope: apiScopes.consents,
    query: z.strictObject({
      user: z
        .string()
        .max(255)
        .optional()
        .describe('Somebody else; needs the right to see private things'),
      ...paginationQuery,
    }),
    answer: { status: 200, schema: pageSchema(consentSchema) },
    refusals: ['not_logged_in', 'permission_denied', 'not_found'],
    async handle(call) {
      const { services, actor, query } = call;
      const own = accountOf(actor)?.id;
      if (own === undefined) return { refusal: { kind: 'not_logged_in' } };
      const registry = services.registry.query(actor);
      const user = query.user === undefined ? own : await registry.userIdOf(query.user);
      const consents = await registry.consentsOf(user ?? NO_USER_ID);
      if (!consents.ok) return { refusal: consents.refusal };
      if (user === undefined) return { refusal: { kind: 'not_found', what: 'person' } };
      const below = parseCursor(query.cursor) ?? Number.POSITIVE_INFINITY;
      const rows = consents.value.filter(({ id }) => id < below).slice(0, query.limit + 1);
      const serialized = await serializeConsents(services, actor, rows);
      return paginate(
        call,
        rows.map((row, index) => ({ row, shown: serialized[index] })),
        ({ row }) => row.id,
        async (item) => item.shown,
      );
    },
  }),
  route({
    method: 'DELETE',
    path: '/consents/:consent_id',
    id: 'renounceConsent',
    summary: 'Revokes one of your consents, and everything issued under it.',
    tag: 'Consents',
    scope: apiScopes.consents,
    params: z.object({ consent_id: z.coerce.number().int().positive() }),
    answer: { status: 204 },
    refusals: ['invalid_access_token', 'not_found'],
    async handle({ services, actor, params }) {
      const answer = await services.registry.submit(actor, 'renounce', {
        consentId: params.consent_id,
      });
      return answer.ok ? { status: 204 } : { refusal: answer.refusal };
    },
  }),
  route({
    method: 'GET',
    path: '/audit',
    id: 'listAudit',
    summary: 'The audit log, newest first; as JSON lines with Accept: application/jsonl.',
    tag: 'Audit',
    scope: apiScopes.audit,
    query: auditQuery,
    answer: { status: 200, schema: pageSchema(auditEntrySchema) },
    refusals: ['not_logged_in', 'permission_denied'],
    handle: listAuditEntries,
  }),
  route({
    method: 'GET',
    path: '/me',
    id: 'whoAmI',
    summary: 'Who the token or session acts for, and with which rights here.',
    tag: 'This server',
    scope: null,
    answer: {
      status: 200,
      schema: z.object({ id: z.number().int(), name: z.string(), rights: z.array(z.string()) }),
    },
    refusals: ['not_logged_in'],
    async handle({ actor }) {
      if (actor.kind !== 'person' || actor.account === null)
        return { refusal: { kind: 'not_logged_in' } };
      return {
        status: 200,
        body: { id: actor.account.id, name: actor.account.name, rights: [...actor.rights].sort() },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/scopes',
    id: 'listScopes',
    summary: 'Scopes that apps may ask for.',
    tag: 'This server',
    scope: 'public',
    answer: {
      status: 200,
      schema: z.object({
        items: z.array(
          z.object({
            name: z.string(),
            description: z.string(),
            group: z.string(),
            risk: z.string(),
            rights: z.array(z.string()),
          }),
        ),
      }),
    },
    refusals: [],
    async handle({ services }) {
      const items = services.scopes
        .allScopes()
        .map(({ name, description, group, risk, rights }) => ({
          name,
          description,
          group,
          risk,
          rights,
        }));
      return { status: 200, body: { items } };
    },
  }),
  route({
    method: 'GET',
    path: '/sites',
    id: 'listSites',
    summary: 'Sites that apps may act on.',
    tag: 'This server',
    scope: 'public',
    answer: {
      status: 200,
      schema: z.object({
        items: z.array(
          z.object({ id: z.string(), name: z.string(), origin: z.string().nullable() }),
        ),
      }),
    },
    refusals: [],
    async handle({ services }) {
      return {
        status: 200,
        body: { items: services.sites.all.map(({ id, name, origin }) => ({ id, name, origin })) },
      };
    },
  }),
];
