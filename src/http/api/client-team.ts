import * as z from 'zod';
import { accountOf } from '#registry/actor.ts';
import { NO_USER_ID } from '#registry/queries/people.ts';
import { clientScope, reason, toRegistryFields } from './client-fields.ts';
import {
  clientParams,
  commonAppRefusals,
  noSuchApp,
  sessionOnlyRefusals,
  submitAction,
} from './common.ts';
import { type ApiResponse, type ApiRoute, route } from './route.ts';
import { issuedSchema } from './shapes.ts';

const userReference = z
  .union([z.number().int().positive(), z.string().min(1).max(255)])
  .describe('Number or name of an account');

const invitationsSchema = z.object({
  items: z.array(z.object({ client_id: z.string(), kind: z.enum(['maintain', 'own']) })),
  declined: z.boolean().describe('Nobody may invite you, or offer you an app'),
});

/** Submits an action that is about somebody, whom the body names by number or by name. */
async function submitForPerson(
  call: Parameters<typeof submitAction>[0] & {
    readonly body: { readonly user: z.output<typeof userReference>; readonly reason: string };
  },
  action: 'invite' | 'offer',
): Promise<ApiResponse> {
  const people = call.services.registry.query(call.actor);
  const userId = (await people.userIdOf(call.body.user)) ?? NO_USER_ID;
  return submitAction(call, action, { userId, reason: call.body.reason }, 201);
}

/** Who looks after an app: maintainers, offers, and the invitations of whoever asks. */
export const teamRoutes: readonly ApiRoute[] = [
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
    scope: clientScope,
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
    handle: (call) => submitForPerson(call, 'invite'),
  }),
  route({
    method: 'DELETE',
    path: '/clients/:client_id/maintainers/:user_id',
    id: 'removeMaintainer',
    summary: 'A maintainer goes, or an invitation ends.',
    tag: 'Team',
    scope: clientScope,
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
      scope: clientScope,
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
    scope: clientScope,
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
    handle: (call) => submitForPerson(call, 'offer'),
  }),
  route({
    method: 'GET',
    path: '/invitations',
    id: 'listInvitations',
    summary: 'Invitations and offers that wait for your answer.',
    tag: 'Team',
    scope: clientScope,
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
    scope: clientScope,
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
];
