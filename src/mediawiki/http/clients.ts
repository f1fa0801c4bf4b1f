import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseForm, unreadableFormMessage } from '#encoding/form.ts';
import { readJson } from '#encoding/json.ts';
import type { Guard } from '#guard/permit.ts';
import { csrfProblem, csrfTokenInHeader } from '#http/csrf.ts';
import { hasOAuthCredentials, parseQuery, rawRequestOf } from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import { appActor, personActor, sessionOf } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import { accept } from '#kernel/result.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import { type Actor, managerOf } from '#registry/actor.ts';
import { hiddenReason } from '#registry/visibility.ts';
import {
  bodyProblem,
  failureData,
  grantsToRegister,
  type ParameterType,
  parseParameter,
  submissionFailure,
  toListedClient,
} from '../client-management.ts';
import { guardToApiError } from '../messages.ts';
import { MEDIAWIKI } from '../oauth1-profile.ts';
import { restLayerError } from '../oauth2-errors.ts';

interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly required?: boolean;
  readonly fallback?: unknown;
}

const registrationParameters: readonly Parameter[] = [
  { name: 'name', type: 'string', required: true },
  { name: 'version', type: ['1.0', '2.0'], fallback: '1.0' },
  { name: 'description', type: 'string', required: true },
  { name: 'wiki', type: 'string', fallback: '*' },
  { name: 'owner_only', type: 'boolean' },
  { name: 'callback_url', type: 'string', fallback: '' },
  { name: 'callback_is_prefix', type: 'boolean', fallback: false },
  { name: 'email', type: 'string', required: true },
  { name: 'is_confidential', type: 'boolean', required: true },
  { name: 'grant_types', type: 'list', required: true },
  { name: 'scopes', type: 'names', required: true },
];
const resetParameters: readonly Parameter[] = [{ name: 'reason', type: 'string', fallback: '' }];
const MAX_LISTED = 500;
/** What is repeated of a value that does not fit. */
const echoValue = (value: unknown): string | number | boolean =>
  typeof value === 'number' || typeof value === 'boolean'
    ? value
    : typeof value === 'string'
      ? value.slice(0, 200)
      : '';
/**
 * All scopes of an app: its layer knows the word, and what is registered is refused for it
 * (protocols 2.11).
 */
const DEFAULT_SCOPE = '#default';

/**
 * Management of apps over REST (protocols 3): registration, list of one's own, reset of the secret.
 */
export function mediawikiClientRoutes(
  app: FastifyInstance,
  services: Services,
  guard: Guard,
): void {
  const root = '/w/rest.php/oauth2/client';

  const viaDialect = (actor: Actor): Actor =>
    actor.kind === 'person' ? { ...actor, dialect: MEDIAWIKI } : actor;

  /**
   * Any session will do: a cookie, or either version of OAuth. Undefined: refused, and answered.
   */
  async function authenticateCaller(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<(Actor & { readonly sessionSecret: string | null }) | undefined> {
    if (hasOAuthCredentials(request)) {
      const permit = await guard.permit(rawRequestOf(request), services.site);
      if (permit.ok) return { ...viaDialect(appActor(request, permit.value)), sessionSecret: null };
      const { key, text } = guardToApiError(permit.refusal);
      sendJson(reply, 403, restLayerError(403, key, text));
      return undefined;
    }
    const session = (await sessionOf(services, request)) ?? null;
    return {
      ...viaDialect(personActor(services, request, session, 'api')),
      sessionSecret: session?.secret ?? null,
    };
  }

  /** The body, by the rules of its parameters, or undefined when it was refused and answered. */
  function parseBody(
    request: FastifyRequest,
    reply: FastifyReply,
    rules: readonly Parameter[],
    sessionSecret: string | null,
  ): Record<string, unknown> | undefined {
    const refuse = (status: number, key: string, text: string) => {
      sendJson(reply, status, restLayerError(status, key, text));
      return undefined;
    };
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (bytes.length === 0)
      return refuse(411, 'rest-request-body-expected', 'A request body is needed.');
    const type =
      (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const isForm = type === 'application/x-www-form-urlencoded';
    if (!isForm && type !== 'application/json')
      return refuse(
        415,
        'rest-unsupported-content-type',
        'Use application/json or application/x-www-form-urlencoded.',
      );
    // A page of another site can send a form with a person's cookies, but not JSON (protocols 3.2).
    if (
      sessionSecret !== null &&
      (isForm ||
        csrfProblem(services.origin, request, sessionSecret, csrfTokenInHeader(request)) !== null)
    )
      return refuse(
        403,
        'rest-badtoken',
        'A browser session sends JSON, from a page of this server, with its token in X-CSRF-Token.',
      );
    // A description may be longer than the forms of our own endpoints.
    const form = isForm ? parseForm(bytes) : undefined;
    const content =
      form === undefined
        ? readJson(bytes)
        : form.ok
          ? accept(Object.fromEntries(form.value))
          : form;
    if (!content.ok)
      return refuse(
        400,
        'rest-json-body-parse-error',
        content.refusal.kind === 'malformed-json'
          ? content.refusal.words
          : unreadableFormMessage('body'),
      );
    const fields = content.value;
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
      return refuse(
        400,
        'rest-json-body-parse-error',
        'The body is an object with the fields by name.',
      );
    const values: Record<string, unknown> = Object.assign(Object.create(null), fields);
    const unknownFields = Object.keys(values).filter(
      (name) => !rules.some((rule) => rule.name === name),
    );
    if (unknownFields.length > 0) {
      const shape = bodyProblem(
        '*',
        '',
        'extraneous-body-fields',
        'The body has fields that are not known here.',
        {
          bodyParameters: unknownFields.map((name) => name.slice(0, 64)).slice(0, 20),
        },
      );
      sendJson(reply, 400, { ...shape, errorKey: 'rest-extraneous-body-fields' });
      return undefined;
    }
    const read: Record<string, unknown> = {};
    for (const { name, type: parameterType, required, fallback } of rules) {
      const value = values[name] ?? undefined;
      if (value === undefined) {
        if (required) {
          sendJson(reply, 400, bodyProblem(name, '', 'missingparam', `${name} is missing.`));
          return undefined;
        }
        read[name] = fallback;
        continue;
      }
      const parsed = parseParameter(parameterType, value, isForm);
      const unknown =
        name === 'scopes' && 'value' in parsed
          ? (parsed.value as readonly string[]).find(
              (scope) => scope !== DEFAULT_SCOPE && !services.scopes.has(scope),
            )
          : undefined;
      if ('failure' in parsed || unknown !== undefined) {
        const failure = 'failure' in parsed ? parsed.failure : 'badvalue';
        const echoedValue = unknown ?? echoValue(value);
        sendJson(
          reply,
          400,
          bodyProblem(
            name,
            echoedValue,
            failure,
            `${name} has a value that does not fit.`,
            failureData(failure),
          ),
        );
        return undefined;
      }
      read[name] = parsed.value;
    }
    return read;
  }

  const sendIssued = (
    reply: FastifyReply,
    { client, secret, accessToken, credentials }: ActionOutcome,
  ) =>
    sendJson(reply, 200, {
      name: client.name,
      client_key: client.id,
      // A public app has none. A client of the reference expects a text and may send it, which is
      // not looked at: this one is kept nowhere.
      secret: secret ?? (client.confidential ? null : services.idGenerator.randomHex(20)),
      ...(accessToken === null ? {} : { access_token: accessToken }),
      // The reference keeps the new one to itself, which leaves the owner with nothing that works.
      ...(credentials === null
        ? {}
        : { access_token: credentials.token, access_token_secret: credentials.secret }),
    });

  /** Who may read nothing here is told so before anything else. */
  const checkReadRight = (actor: Actor, reply: FastifyReply): boolean => {
    if (actor.kind === 'operator' || actor.rights.has('read')) return true;
    sendJson(reply, 403, {
      error: 'rest-read-denied',
      ...restLayerError(403, 'rest-read-denied', 'You may not read here.'),
    });
    return false;
  };

  app.post(root, async (request, reply) => {
    const actor = await authenticateCaller(request, reply);
    if (actor === undefined || !checkReadRight(actor, reply)) return reply;
    const body = parseBody(request, reply, registrationParameters, actor.sessionSecret);
    if (body === undefined) return reply;
    if (body.owner_only === false && body.callback_url === '') {
      const text = 'An app for other people needs a callback URL.';
      return sendJson(
        reply,
        400,
        restLayerError(400, 'mwoauth-error-missing-callback-url-non-owner', text),
      );
    }
    const confidential = body.is_confidential === true;
    const answer = await services.registry.submit(actor, 'propose', {
      name: body.name,
      version: body.version,
      description: body.description,
      email: body.email,
      protocol: 'oauth2',
      ownerOnly: body.owner_only === true,
      confidential,
      redirectUri: String(body.callback_url).trim(),
      grantTypes: body.grant_types,
      // Clients of the reference know no PKCE for apps that keep a secret.
      pkceOptional: confidential,
      tokenAlgorithm: 'RS256',
      site: body.wiki,
      scopes: grantsToRegister(body.scopes as readonly string[]),
      termsAccepted: true,
    });
    return answer.ok
      ? sendIssued(reply, answer.value)
      : sendJson(reply, 400, submissionFailure(answer.refusal));
  });

  app.get(root, async (request, reply) => {
    const actor = await authenticateCaller(request, reply);
    if (actor === undefined || !checkReadRight(actor, reply)) return reply;
    const me = actor.kind === 'person' ? actor.account : null;
    if (me === null)
      return sendJson(
        reply,
        404,
        restLayerError(404, 'rest-nonexistent-user', 'There is no account behind this request.'),
      );
    const query = Object.fromEntries(
      (parseQuery(request) as { value?: readonly (readonly [string, string])[] }).value ?? [],
    );
    const parseInteger = (name: 'limit' | 'offset', fallback: number) => {
      const text = query[name] ?? String(fallback);
      return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
    };
    const [limit, offset, version] = [
      parseInteger('limit', 25),
      parseInteger('offset', 0),
      query.oauth_version ?? '2',
    ];
    for (const [name, isValid, code] of [
      ['limit', limit !== undefined, 'badinteger'],
      ['offset', offset !== undefined, 'badinteger'],
      ['oauth_version', version === '1' || version === '2', 'badvalue'],
    ] as const) {
      if (isValid) continue;
      const shape = bodyProblem(
        name,
        (query[name] ?? '').slice(0, 64),
        code,
        `${name} has a value that does not fit.`,
        failureData(code),
      );
      return sendJson(reply, 400, { ...shape, errorKey: 'rest-parameter-validation-error' });
    }
    // A token without the scope for managing apps sees what a stranger would: no hidden ones, no
    // contact address.
    const canManageApps = managerOf(actor) !== null;
    const registry = services.registry.query(actor);
    const filter = { ownerId: me.id, protocol: version === '1' ? 'oauth1' : 'oauth2' } as const;
    const limitedCount = Math.min(limit ?? 0, MAX_LISTED);
    const { items: clients } =
      limitedCount === 0
        ? { items: [] }
        : await registry.listClients({ ...filter, limit: (offset ?? 0) + limitedCount });
    return sendJson(reply, 200, {
      clients: clients
        .slice(offset)
        .map((client) =>
          toListedClient(
            client,
            (field) => hiddenReason(field, client, actor, canManageApps) === undefined,
            services.origin,
          ),
        ),
      total: await registry.countClients(filter),
    });
  });

  app.post(`${root}/:key/reset_secret`, async (request, reply) => {
    const actor = await authenticateCaller(request, reply);
    if (actor === undefined || !checkReadRight(actor, reply)) return reply;
    const body = parseBody(request, reply, resetParameters, actor.sessionSecret);
    if (body === undefined) return reply;
    const { key } = request.params as { readonly key: string };
    const registry = services.registry.query(actor);
    const client = await registry.findClient(key);
    if (client === undefined && !(await registry.isRegistered(key)))
      return sendJson(
        reply,
        400,
        restLayerError(400, 'mwoauth-invalid-consumer-key', 'There is no such app.'),
      );
    if (client === undefined || client.suppressed)
      return sendJson(
        reply,
        401,
        restLayerError(401, 'mwoauth-consumer-deleted-error', 'The app was hidden.'),
      );
    if (actor.kind === 'person' && actor.account?.id !== client.ownerId)
      return sendJson(
        reply,
        400,
        restLayerError(400, 'mwoauth-consumer-user-mismatch', 'The app is not yours.'),
      );
    const answer = await services.registry.submit(actor, 'update', {
      clientId: key,
      reason: body.reason,
      resetSecret: true,
    });
    return answer.ok
      ? sendIssued(reply, answer.value)
      : sendJson(reply, 400, submissionFailure(answer.refusal));
  });

  const rejectOtherMethods = (
    url: string,
    allowed: readonly string[],
    rejected: readonly ('GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS')[],
  ) =>
    app.route({
      method: [...rejected],
      url,
      handler: async (_request, reply) =>
        sendJson(
          reply.header('allow', allowed.join(', ')),
          405,
          restLayerError(405, 'rest-wrong-method', `Use ${allowed.join(' or ')}.`),
        ),
    });
  rejectOtherMethods(root, ['GET', 'POST'], ['PUT', 'DELETE', 'PATCH', 'OPTIONS']);
  rejectOtherMethods(
    `${root}/:key/reset_secret`,
    ['POST'],
    ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
  );
}
