import { z } from 'zod';
import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { mayDo, RIGHTS } from '#registry/actor.ts';
import type { AuditFilter } from '#registry/audit.ts';
import { personNamed, signedIn } from '../app-access.ts';
import { page, paging, readCursor } from './common.ts';
import { type ApiRoute, apiScopes, type Call, route, type Said } from './route.ts';
import { auditSchema, consentSchema, makeAuditView, pageOf, showConsents } from './shapes.ts';

// What people allowed, what happened, and what this server knows.

const MOST_EXPORTED = 10_000;

const auditQuery = z.strictObject({
  client_id: z.string().max(64).optional(),
  actor: z.string().max(255).optional().describe('Name of an account, or "me"'),
  action: z.string().max(64).optional(),
  from: z.iso.datetime().optional(),
  until: z.iso.datetime().optional().describe('Exclusive'),
  ...paging,
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST_EXPORTED)
    .default(25)
    .describe('At most 100, or 10000 as JSON lines'),
});

const seconds = (text: string) => instant(Date.parse(text) / 1000);

/**
 * Lines this caller may read: everything about apps for reviewers, consents of others with the
 * right to see private things, one's own always.
 */
async function auditFor(call: Call<unknown, z.output<typeof auditQuery>>): Promise<Said> {
  const { world, actor, query, request } = call;
  const me = signedIn(actor);
  if (me === undefined) return { refusal: { kind: 'not_logged_in' } };
  const actorId =
    query.actor === 'me'
      ? me
      : query.actor === undefined
        ? undefined
        : await personNamed(world, query.actor);
  // The scope was lent for just this: what the person may read here, the app may.
  const own = world.rights.rightsOf(actor.kind === 'person' ? actor.account : null);
  const [reviewer, privately] = [own.has(RIGHTS.review), mayDo(actor, RIGHTS.viewPrivate)];
  if (actorId !== me && !reviewer && !privately)
    return { refusal: { kind: 'permission_denied', right: RIGHTS.review } };
  const lines = /application\/(?:jsonl|x-ndjson)/.test(request.headers.accept ?? '');
  const limit = lines ? query.limit : Math.min(query.limit, 100);
  const after = readCursor(query.cursor);
  const filter: AuditFilter = {
    mayBeOld: true,
    ...(query.client_id === undefined ? {} : { clientId: query.client_id as ClientId }),
    ...(actorId === undefined ? {} : { actorId }),
    ...(query.action === undefined ? {} : { action: query.action }),
    ...(query.from === undefined ? {} : { from: seconds(query.from) }),
    ...(query.until === undefined ? {} : { until: seconds(query.until) }),
    ...(actorId === me || privately ? {} : { about: 'clients' as const }),
    ...(after === undefined ? {} : { after }),
    limit: limit + 1,
  };
  // Nobody of that name did anything.
  const entries =
    query.actor !== undefined && actorId === undefined ? [] : await world.records.listAudit(filter);
  const said = await page(
    { ...call, query: { ...query, limit } },
    entries,
    ({ id }) => id,
    makeAuditView(world, actor),
  );
  if (!lines || !('status' in said)) return said;
  const { items } = said.body as { readonly items: readonly unknown[] };
  const text = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  return { ...said, body: text, headers: { ...said.headers, 'content-type': 'application/jsonl' } };
}

export const peopleRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/consents',
    id: 'listConsents',
    summary: 'What you allowed apps to do, newest first.',
    tag: 'Consents',
    scope: apiScopes.consents,
    query: z.strictObject({
      user: z
        .string()
        .max(255)
        .optional()
        .describe('Somebody else; needs the right to see private things'),
      ...paging,
    }),
    answer: { status: 200, schema: pageOf(consentSchema) },
    refusals: ['not_logged_in', 'permission_denied', 'not_found'],
    async handle(call) {
      const { world, actor, query } = call;
      const me = signedIn(actor);
      if (me === undefined) return { refusal: { kind: 'not_logged_in' } };
      const user = query.user === undefined ? me : await personNamed(world, query.user);
      if (user !== me && !mayDo(actor, RIGHTS.viewPrivate))
        return { refusal: { kind: 'permission_denied', right: RIGHTS.viewPrivate } };
      if (user === undefined) return { refusal: { kind: 'not_found', what: 'person' } };
      const below = readCursor(query.cursor) ?? Number.POSITIVE_INFINITY;
      const rows = (await world.records.listConsents(user))
        .filter(({ id }) => id < below)
        .slice(0, query.limit + 1);
      const shown = await showConsents(world, rows);
      return page(
        call,
        rows.map((row, index) => ({ row, shown: shown[index] })),
        ({ row }) => row.id,
        async (item) => item.shown,
      );
    },
  }),
  route({
    method: 'DELETE',
    path: '/consents/:consent_id',
    id: 'renounceConsent',
    summary: 'Ends one of your consents. All that was issued under it stops at once.',
    tag: 'Consents',
    scope: apiScopes.consents,
    params: z.object({ consent_id: z.coerce.number().int().positive() }),
    answer: { status: 204 },
    refusals: ['invalid_access_token', 'not_found'],
    async handle({ world, actor, params }) {
      const answer = await world.registry.submit(actor, 'renounce', {
        consentId: params.consent_id,
      });
      return answer.ok ? { status: 204 } : { refusal: answer.refusal };
    },
  }),
  route({
    method: 'GET',
    path: '/audit',
    id: 'listAudit',
    summary: 'The audit trail, newest first; as JSON lines with Accept: application/jsonl.',
    tag: 'Audit',
    scope: apiScopes.audit,
    query: auditQuery,
    answer: { status: 200, schema: pageOf(auditSchema) },
    refusals: ['not_logged_in', 'permission_denied'],
    handle: auditFor,
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
    scope: 'nobody',
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
    async handle({ world }) {
      const items = world.scopes.all().map(({ name, description, group, risk, rights }) => ({
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
    scope: 'nobody',
    answer: {
      status: 200,
      schema: z.object({
        items: z.array(
          z.object({ id: z.string(), name: z.string(), origin: z.string().nullable() }),
        ),
      }),
    },
    refusals: [],
    async handle({ world }) {
      return {
        status: 200,
        body: { items: world.sites.all.map(({ id, name, origin }) => ({ id, name, origin })) },
      };
    },
  }),
];
