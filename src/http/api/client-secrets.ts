import * as z from 'zod';
import { clientScope, reason, toRegistryFields } from './client-fields.ts';
import {
  clientParams,
  commonAppRefusals,
  noSuchApp,
  sessionOnlyRefusals,
  submitAction,
} from './common.ts';
import { type ApiRoute, route } from './route.ts';
import { serializeSecrets } from './serializers.ts';
import { issuedSchema, secretSchema } from './shapes.ts';

/** Secrets of an app: who manages it adds and retires them. */
export const secretRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/clients/:client_id/secrets',
    id: 'listSecrets',
    summary: 'Labels and last use of the secrets, for those who manage the app; never the secrets.',
    tag: 'Secrets',
    scope: clientScope,
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
    scope: clientScope,
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
    scope: clientScope,
    params: clientParams.extend({ secret_id: z.coerce.number().int().positive() }),
    answer: { status: 200, schema: issuedSchema },
    refusals: [...commonAppRefusals, 'not_found', 'last_secret'],
    handle: (call) => submitAction(call, 'retire-secret', { secretId: call.params.secret_id }),
  }),
];
