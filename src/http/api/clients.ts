import * as z from 'zod';
import { accountOf, hasRight, managerOf, RIGHTS } from '#registry/actor.ts';
import { grantTypes, protocols, stages } from '#registry/model/client.ts';
import { NO_USER_ID } from '#registry/queries/people.ts';
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
import {
  auditEntrySchema,
  clientSchema,
  issuedSchema,
  makeAuditEntrySerializer,
  pageSchema,
  revisionSchema,
  secretSchema,
  serializeClient,
  serializeOutcome,
  serializeRevision,
  serializeSecrets,
} from './shapes.ts';

// What owners and maintainers do with their apps, and what everybody may read.

const { clients: scope } = apiScopes;
const reason = z.string().max(1000).default('').describe('Why; at most 255 characters');
const restrictions = z.strictObject({
  addresses: z.array(z.string()).max(1000),
  pages: z.array(z.string()).max(25).default([]),
});
const ignoreWarningsField = {
  ignore_warnings: z.boolean().default(false).describe('Wave advice through'),
};
const userReference = z
  .union([z.number().int().positive(), z.string().min(1).max(255)])
  .describe('Number or name of an account');

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

/** Values under the names of the registry's fields; absent ones stay absent. */
const toRegistryFields = (body: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
        value,
      ]),
  );

const invitationsSchema = z.object({
  items: z.array(z.object({ client_id: z.string(), kind: z.enum(['maintain', 'own']) })),
  declined: z.boolean().describe('Nobody may invite you, or offer you an app'),
});

export const clientRoutes: readonly ApiRoute[] = [
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
    scope,
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
    scope,
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
    scope,
    params: clientParams,
    body: z.strictObject({ reason }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, ...sessionOnlyRefusals],
    handle: (call) =>
      submitAction(call, 'update', { ...toRegistryFields(call.body), resetSecret: true }),
  }),
  route({
    method: 'GET',
    path: '/clients/:client_id/secrets',
    id: 'listSecrets',
    summary: 'Labels and last use of the secrets, for those who manage the app; never the secrets.',
    tag: 'Secrets',
    scope,
    params: clientParams,
    answer: { status: 200, schema: z.object({ items: z.array(secretSchema) }) },
    refusals: ['invalid_consumer_key', 'permission_denied'],
    async handle(call) {
      const registry = call.services.registry.query(call.actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      const reasonHidden = await registry.fieldVisibility(client);
      if (reasonHidden('secrets')) return { refusal: { kind: 'permission_denied', right: null } };
      return {
        status: 200,
        body: { items: await serializeSecrets(call.services, call.actor, client) },
      };
    },
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/secrets',
    id: 'addSecret',
    summary: 'Adds a secret beside those that live: add, then retire the old one.',
    tag: 'Secrets',
    scope,
    params: clientParams,
    body: z.strictObject({ label: z.string(), expires_at: z.iso.datetime().optional(), reason }),
    answer: { status: 201, schema: issuedSchema },
    refusals: [...commonAppRefusals, ...sessionOnlyRefusals, 'too_many'],
    handle: (call) => {
      const { expires_at: expiresAt, ...rest } = call.body;
      const expiry =
        expiresAt === undefined
          ? {}
          : { expiresAt: Math.max(1, Math.floor(Date.parse(expiresAt) / 1000)) };
      return submitAction(call, 'add-secret', { ...toRegistryFields(rest), ...expiry }, 201);
    },
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id/secrets/:secret_id',
    id: 'retireSecret',
    summary: 'Takes a secret away.',
    tag: 'Secrets',
    scope,
    params: clientParams.extend({ secret_id: z.coerce.number().int().positive() }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, 'not_found', 'last_secret'],
    handle: (call) => submitAction(call, 'retire-secret', { secretId: call.params.secret_id }),
  }),
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
    scope,
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
    scope,
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
  route({
    method: 'GET',
    path: '/clients/:client_id/team',
    id: 'getTeam',
    summary: 'Owner, maintainers, and a pending offer of the app.',
    tag: 'Team',
    scope: null,
    params: clientParams,
    answer: {
      status: 200,
      schema: z.object({
        owner: z.object({ id: z.number(), name: z.string().nullable() }),
        maintainers: z.array(
          z.object({ id: z.number(), name: z.string().nullable(), accepted: z.boolean() }),
        ),
        offered_to: z.object({ id: z.number(), name: z.string().nullable() }).nullable(),
      }),
    },
    refusals: ['invalid_consumer_key', 'permission_denied'],
    async handle(call) {
      const registry = call.services.registry.query(call.actor);
      const client = await registry.findClient(call.params.client_id);
      if (client === undefined) return { refusal: noSuchApp };
      const team = await registry.teamOf(client);
      if (team === undefined) return { refusal: { kind: 'permission_denied', right: null } };
      const lookUpPerson = registry.personLookup();
      return {
        status: 200,
        body: {
          owner: await lookUpPerson(client.ownerId),
          maintainers: await Promise.all(
            team.maintainers.map(async ({ userId, acceptedAt }) => ({
              ...(await lookUpPerson(userId)),
              accepted: acceptedAt !== null,
            })),
          ),
          offered_to: team.offer === null ? null : await lookUpPerson(team.offer.toId),
        },
      };
    },
  }),
  route({
    method: 'POST',
    path: '/clients/:client_id/maintainers',
    id: 'inviteMaintainer',
    summary: 'Invites somebody to maintain the app.',
    tag: 'Team',
    scope,
    params: clientParams,
    body: z.strictObject({ user: userReference, reason }),
    answer: { status: 201, schema: issuedSchema },
    refusals: [
      ...commonAppRefusals,
      ...sessionOnlyRefusals,
      'not_found',
      'nothing_to_do',
      'too_many',
      'too_many_invitations',
      'invitations_declined',
    ],
    handle: async (call) => {
      const registry = call.services.registry.query(call.actor);
      const userId = (await registry.userIdOf(call.body.user)) ?? NO_USER_ID;
      return submitAction(call, 'invite', { userId, reason: call.body.reason }, 201);
    },
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id/maintainers/:user_id',
    id: 'removeMaintainer',
    summary: 'A maintainer goes, or an invitation ends.',
    tag: 'Team',
    scope,
    params: clientParams.extend({ user_id: z.coerce.number().int().positive() }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, 'not_found'],
    handle: (call) => submitAction(call, 'leave', { userId: call.params.user_id }),
  }),
  ...(
    [
      ['join', 'join', 'Accepts an invitation.', ['not_found', 'nothing_to_do']],
      [
        'accept-offer',
        'acceptOffer',
        'Takes over an app that was offered.',
        ['not_found', 'email_not_confirmed', 'consumer_exists'],
      ],
      ['decline-offer', 'declineOffer', 'Declines an offer, or withdraws it.', ['not_found']],
    ] as const
  ).map(([action, id, summary, refusals]) =>
    route({
      method: 'POST',
      path: `/clients/:client_id/${action}`,
      id,
      summary,
      tag: 'Team',
      scope,
      params: clientParams,
      body: z.strictObject({ reason }),
      answer: { status: 200, schema: issuedSchema },
      refusals: [
        ...commonAppRefusals,
        ...(action === 'accept-offer' ? sessionOnlyRefusals : []),
        ...refusals,
      ],
      handle: (call) => submitAction(call, action, toRegistryFields(call.body)),
    }),
  ),
  route({
    method: 'POST',
    path: '/clients/:client_id/offer',
    id: 'offerClient',
    summary:
      'Offers the app to somebody, who becomes its owner on accepting. Reviewers offer apps whose owner is gone.',
    tag: 'Team',
    scope,
    params: clientParams,
    body: z.strictObject({ user: userReference, reason }),
    answer: { status: 201, schema: issuedSchema },
    refusals: [
      ...commonAppRefusals,
      ...sessionOnlyRefusals,
      'not_found',
      'nothing_to_do',
      'needs_another_reviewer',
      'too_many_invitations',
      'invitations_declined',
    ],
    handle: async (call) => {
      const registry = call.services.registry.query(call.actor);
      const userId = (await registry.userIdOf(call.body.user)) ?? NO_USER_ID;
      return submitAction(call, 'offer', { userId, reason: call.body.reason }, 201);
    },
  }),
  route({
    method: 'GET',
    path: '/invitations',
    id: 'listInvitations',
    summary: 'Invitations and offers that wait for your answer.',
    tag: 'Team',
    scope,
    answer: { status: 200, schema: invitationsSchema },
    refusals: ['not_logged_in'],
    async handle({ services, actor }) {
      if (accountOf(actor) === null) return { refusal: { kind: 'not_logged_in' } };
      const registry = services.registry.query(actor);
      const items = (await registry.listInvitations()).map(({ clientId, kind }) => ({
        client_id: clientId,
        kind,
      }));
      return {
        status: 200,
        body: { items, declined: await registry.declinesInvitations() },
      };
    },
  }),
  route({
    method: 'PATCH',
    path: '/invitations',
    id: 'declineInvitations',
    summary: 'Whether others may invite you, or offer you their apps.',
    tag: 'Team',
    scope,
    body: z.strictObject({ declined: z.boolean() }),
    answer: { status: 200, schema: z.object({ declined: z.boolean() }) },
    refusals: ['not_logged_in'],
    async handle({ services, actor, body }) {
      const answer = await services.registry.setInvitationsDeclined(actor, body.declined);
      return answer.ok
        ? { status: 200, body: { declined: answer.value } }
        : { refusal: answer.refusal };
    },
  }),
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
