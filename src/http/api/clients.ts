import * as z from 'zod';
import { accountOf, hasRight, managerOf, RIGHTS } from '#registry/actor.ts';
import { grantTypes, protocols, stages } from '#registry/model/client.ts';
import { clientScope, ignoreWarningsField, reason, toRegistryFields } from './client-fields.ts';
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
import { type ApiRoute, route } from './route.ts';
import { makeAuditEntrySerializer, serializeClient, serializeOutcome } from './serializers.ts';
import { auditEntrySchema, clientSchema, issuedSchema, pageSchema } from './shapes.ts';

const restrictions = z.strictObject({
  addresses: z.array(z.string()).max(1000),
  pages: z.array(z.string()).max(25).default([]),
});

const proposal = z.strictObject({
  name: z.string(),
  version: z.string().default('1.0'),
  description: z.string(),
  email: z.string().optional().describe('Must be that of the account; taken from it when absent'),
  protocol: z.enum(protocols),
  owner_only: z.boolean().default(false),
  confidential: z.boolean().default(true),
  redirect_uri: z.string().default(''),
  redirect_is_prefix: z.boolean().default(false),
  grant_types: z.array(z.enum(grantTypes)).optional(),
  pkce_optional: z.boolean().default(false),
  token_algorithm: z.enum(['ES256', 'RS256']).default('ES256'),
  site: z.string().default('*'),
  scopes: z.array(z.string()).max(1000),
  optional_scopes: z
    .array(z.string())
    .max(1000)
    .default([])
    .describe('Scopes a person may leave out'),
  rsa_public_key: z.string().nullable().default(null),
  restrictions: restrictions.optional(),
  terms_accepted: z.literal(true).describe('The terms of this server'),
  ...ignoreWarningsField,
});

const defaultGrantTypes = (ownerOnly: boolean) =>
  ownerOnly ? ['client_credentials'] : ['authorization_code', 'refresh_token'];

/** Apps: what owners and maintainers do with theirs, and what everybody may read. */
export const appRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/clients',
    id: 'listClients',
    summary:
      'Apps, newest first. Hidden ones are left out, unless they are yours or you may see them.',
    tag: 'Apps',
    scope: 'public',
    query: z.strictObject({
      owner: z.string().max(255).optional().describe('Name of the owner, or "me"'),
      keeper: z.literal('me').optional().describe('Apps you own or maintain'),
      stage: z.enum(stages).optional(),
      protocol: z.enum(protocols).optional(),
      name: z.string().max(128).optional().describe('Exact name'),
      orphaned: z.literal('true').optional().describe('Apps whose owner is gone; for reviewers'),
      ...paginationQuery,
    }),
    answer: { status: 200, schema: pageSchema(clientSchema) },
    refusals: ['permission_denied'],
    async handle(call) {
      const { services, actor, query } = call;
      const registry = services.registry.query(actor);
      const none = { status: 200, body: { items: [], next: null } };
      const own = accountOf(actor)?.id;
      const owner =
        query.owner === 'me' ? own : query.owner && (await registry.userIdOf(query.owner));
      if (query.owner !== undefined && owner === undefined) return none;
      if (query.orphaned && !hasRight(actor, RIGHTS.review))
        return { refusal: { kind: 'permission_denied', right: RIGHTS.review } };
      // To an app that was not lent the person's own apps, they are like anybody's.
      const manager = managerOf(actor)?.id;
      if (query.keeper && manager === undefined) return none;
      const below = parseCursor(query.cursor);
      const clients = await registry.listClients({
        ...(owner === undefined || owner === '' ? {} : { ownerId: owner }),
        ...(query.keeper && manager !== undefined ? { managerId: manager } : {}),
        ...(query.stage ? { stage: query.stage } : {}),
        ...(query.protocol ? { protocol: query.protocol } : {}),
        ...(query.name === undefined ? {} : { name: query.name }),
        ...(query.orphaned ? { orphaned: true } : {}),
        ...(below === undefined ? {} : { below }),
        limit: query.limit,
      });
      const lookUpPerson = registry.personLookup();
      return respondWithPage(call, clients, (client) =>
        serializeClient(services, actor, client, lookUpPerson),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/clients',
    id: 'proposeClient',
    summary:
      'Proposes an app. An owner-only app is approved at once and gets its credential; secrets are shown once.',
    tag: 'Apps',
    scope: clientScope,
    body: proposal,
    answer: { status: 201, schema: issuedSchema },
    refusals: [
      'email_not_confirmed',
      'email_mismatched',
      'consumer_exists',
      ...sessionOnlyRefusals,
    ],
    async handle({ services, actor, body }) {
      const { email, grant_types: requestedGrantTypes, ...rest } = body;
      const ownEmail = actor.kind === 'person' ? actor.account?.email : undefined;
      const answer = await services.registry.submit(actor, 'propose', {
        ...toRegistryFields(rest),
        email: email ?? ownEmail ?? '',
        grantTypes: requestedGrantTypes ?? defaultGrantTypes(body.owner_only),
      });
      if (!answer.ok) return { refusal: answer.refusal };
      const location = `${new URL(services.issuer).pathname.replace(/\/$/, '')}/api/v1/clients/${answer.value.client.id}`;
      return {
        status: 201,
        body: await serializeOutcome(services, actor, answer.value),
        headers: { location },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id',
    id: 'getClient',
    summary: 'One app, as you may see it. The response carries its ETag.',
    tag: 'Apps',
    scope: 'public',
    params: clientParams,
    answer: { status: 200, schema: clientSchema },
    refusals: ['invalid_consumer_key'],
    async handle(call) {
      const registry = call.services.registry.query(call.actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      const body = await serializeClient(call.services, call.actor, client);
      return { status: 200, body, headers: { etag: `"${body.change_token}"` } };
    },
  }),
  route({
    method: 'PATCH',
    path: '/clients/:client_id',
    id: 'updateClient',
    summary:
      'Changes what needs no review: where requests may come from, and the RSA key. Absent fields are kept.',
    tag: 'Apps',
    scope: clientScope,
    params: clientParams,
    body: z.strictObject({
      restrictions: restrictions.optional(),
      rsa_public_key: z.string().nullable().optional(),
      reason,
    }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, ...sessionOnlyRefusals, 'last_secret'],
    handle: (call) =>
      submitAction(call, 'update', { ...toRegistryFields(call.body), resetSecret: false }),
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/reset-secret',
    id: 'resetSecret',
    summary:
      'Replaces every secret by a new one. An owner-only app gets a new credential; the old ones stop at once.',
    tag: 'Secrets',
    scope: clientScope,
    params: clientParams,
    body: z.strictObject({ reason }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, ...sessionOnlyRefusals],
    handle: (call) =>
      submitAction(call, 'update', { ...toRegistryFields(call.body), resetSecret: true }),
  }),
];

/** What happened to one app. */
export const appAuditRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/clients/:client_id/audit',
    id: 'auditOfClient',
    summary: 'What happened to the app, newest first. For those who manage it, and reviewers.',
    tag: 'Audit',
    scope: null,
    params: clientParams,
    query: z.strictObject(paginationQuery),
    answer: { status: 200, schema: pageSchema(auditEntrySchema) },
    refusals: ['invalid_consumer_key', 'permission_denied'],
    async handle(call) {
      const registry = call.services.registry.query(call.actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      const after = parseCursor(call.query.cursor);
      const entries = await registry.auditOf(client, {
        limit: call.query.limit,
        ...(after === undefined ? {} : { after }),
      });
      return entries.ok
        ? respondWithPage(call, entries.value, makeAuditEntrySerializer(registry.personLookup()))
        : { refusal: entries.refusal };
    },
  }),
];
