import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseForm, unreadableForm } from '#encoding/form.ts';
import { readJson } from '#encoding/json.ts';
import type { Guard } from '#guard/permit.ts';
import { hasOAuthCredentials, queryOf, sentRequest } from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import { appActor, personActor, sessionOf } from '#http/session.ts';
import type { World } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept } from '#kernel/result.ts';
import type { Outcome } from '#registry/actions/context.ts';
import { type Actor, managerOf } from '#registry/actor.ts';
import { unseen } from '#registry/visibility.ts';
import {
  askedGrants,
  bodyProblem,
  failureDataOf,
  listedClient,
  type ParameterType,
  readParameter,
  submitFailure,
} from '../client-management.ts';
import { guardErrorOf } from '../messages.ts';
import { restError } from '../oauth2-errors.ts';

interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly required?: boolean;
  readonly fallback?: unknown;
}

const registration: readonly Parameter[] = [
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
const resetting: readonly Parameter[] = [{ name: 'reason', type: 'string', fallback: '' }];
const MOST_LISTED = 500;
/** What is repeated of a value that does not fit. */
const shownValue = (value: unknown): string | number | boolean =>
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
export function mediawikiClientRoutes(app: FastifyInstance, world: World, guard: Guard): void {
  const root = '/w/rest.php/oauth2/client';

  const atDialect = (actor: Actor): Actor =>
    actor.kind === 'person' ? { ...actor, dialect: true } : actor;

  /**
   * Any session will do: a cookie, or either version of OAuth. Undefined: refused, and answered.
   */
  async function callerOf(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<(Actor & { readonly byCookie: boolean }) | undefined> {
    if (hasOAuthCredentials(request)) {
      const permit = await guard.permit(sentRequest(request), world.site);
      if (permit.ok) return { ...atDialect(appActor(request, permit.value)), byCookie: false };
      const { key, text } = guardErrorOf(permit.refusal);
      sendJson(reply, 403, restError(403, key, text));
      return undefined;
    }
    const session = (await sessionOf(world, request)) ?? null;
    return {
      ...atDialect(personActor(world, request, session, 'api')),
      byCookie: session !== null,
    };
  }

  /** The body, by the rules of its parameters, or undefined when it was refused and answered. */
  function bodyOf(
    request: FastifyRequest,
    reply: FastifyReply,
    rules: readonly Parameter[],
    byCookie: boolean,
  ): Record<string, unknown> | undefined {
    const no = (status: number, key: string, text: string) => {
      sendJson(reply, status, restError(status, key, text));
      return undefined;
    };
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (bytes.length === 0)
      return no(411, 'rest-request-body-expected', 'A request body is needed.');
    const type =
      (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const fromForm = type === 'application/x-www-form-urlencoded';
    if (!fromForm && type !== 'application/json')
      return no(
        415,
        'rest-unsupported-content-type',
        'Use application/json or application/x-www-form-urlencoded.',
      );
    const { origin, 'sec-fetch-site': site } = request.headers;
    const foreign =
      (origin !== undefined && origin !== world.origin) ||
      (site !== undefined && site !== 'same-origin' && site !== 'none');
    // A page of another site can send a form with a person's cookies, but not JSON (protocols 3.2).
    if (byCookie && (fromForm || foreign))
      return no(403, 'rest-badtoken', 'A browser session sends JSON, from a page of this server.');
    // A description may be longer than the forms of our own endpoints.
    const form = fromForm ? parseForm(bytes) : undefined;
    const content =
      form === undefined
        ? readJson(bytes)
        : form.ok
          ? accept(Object.fromEntries(form.value))
          : form;
    if (!content.ok)
      return no(
        400,
        'rest-json-body-parse-error',
        content.refusal.kind === 'malformed-json' ? content.refusal.words : unreadableForm('body'),
      );
    const given = content.value;
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      return no(
        400,
        'rest-json-body-parse-error',
        'The body is an object with the fields by name.',
      );
    const values: Record<string, unknown> = Object.assign(Object.create(null), given);
    const strange = Object.keys(values).filter((name) => !rules.some((rule) => rule.name === name));
    if (strange.length > 0) {
      const shape = bodyProblem(
        '*',
        '',
        'extraneous-body-fields',
        'The body has fields that are not known here.',
        {
          bodyParameters: strange.map((name) => name.slice(0, 64)).slice(0, 20),
        },
      );
      sendJson(reply, 400, { ...shape, errorKey: 'rest-extraneous-body-fields' });
      return undefined;
    }
    const read: Record<string, unknown> = {};
    for (const { name, type: wanted, required, fallback } of rules) {
      const value = values[name] ?? undefined;
      if (value === undefined) {
        if (required) {
          sendJson(reply, 400, bodyProblem(name, '', 'missingparam', `${name} is missing.`));
          return undefined;
        }
        read[name] = fallback;
        continue;
      }
      const parsed = readParameter(wanted, value, fromForm);
      const unknown =
        name === 'scopes' && 'value' in parsed
          ? (parsed.value as readonly string[]).find(
              (scope) => scope !== DEFAULT_SCOPE && !world.scopes.has(scope),
            )
          : undefined;
      if ('failure' in parsed || unknown !== undefined) {
        const failure = 'failure' in parsed ? parsed.failure : 'badvalue';
        const shown = unknown ?? shownValue(value);
        sendJson(
          reply,
          400,
          bodyProblem(
            name,
            shown,
            failure,
            `${name} has a value that does not fit.`,
            failureDataOf(failure),
          ),
        );
        return undefined;
      }
      read[name] = parsed.value;
    }
    return read;
  }

  const sendIssued = (reply: FastifyReply, { client, secret, accessToken, credentials }: Outcome) =>
    sendJson(reply, 200, {
      name: client.name,
      client_key: client.id,
      // A public app has none. A client of the reference expects a text and may send it, which is
      // not looked at: this one is kept nowhere.
      secret: secret ?? (client.confidential ? null : world.mint.randomHex(20)),
      ...(accessToken === null ? {} : { access_token: accessToken }),
      // The reference keeps the new one to itself, which leaves the owner with nothing that works.
      ...(credentials === null
        ? {}
        : { access_token: credentials.token, access_token_secret: credentials.secret }),
    });

  /** Who may read nothing here is told so before anything else. */
  const mayRead = (actor: Actor, reply: FastifyReply): boolean => {
    if (actor.kind === 'operator' || actor.rights.has('read')) return true;
    sendJson(reply, 403, {
      error: 'rest-read-denied',
      ...restError(403, 'rest-read-denied', 'You may not read here.'),
    });
    return false;
  };

  app.post(root, async (request, reply) => {
    const actor = await callerOf(request, reply);
    if (actor === undefined || !mayRead(actor, reply)) return reply;
    const body = bodyOf(request, reply, registration, actor.byCookie);
    if (body === undefined) return reply;
    if (body.owner_only === false && body.callback_url === '') {
      const text = 'An app for other people needs a callback URL.';
      return sendJson(
        reply,
        400,
        restError(400, 'mwoauth-error-missing-callback-url-non-owner', text),
      );
    }
    const confidential = body.is_confidential === true;
    const answer = await world.registry.submit(actor, 'propose', {
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
      scopes: askedGrants(body.scopes as readonly string[]),
      termsAccepted: true,
    });
    return answer.ok
      ? sendIssued(reply, answer.value)
      : sendJson(reply, 400, submitFailure(answer.refusal));
  });

  app.get(root, async (request, reply) => {
    const actor = await callerOf(request, reply);
    if (actor === undefined || !mayRead(actor, reply)) return reply;
    const me = actor.kind === 'person' ? actor.account : null;
    if (me === null)
      return sendJson(
        reply,
        404,
        restError(404, 'rest-nonexistent-user', 'There is no account behind this request.'),
      );
    const query = Object.fromEntries(
      (queryOf(request) as { value?: readonly (readonly [string, string])[] }).value ?? [],
    );
    const whole = (name: 'limit' | 'offset', fallback: number) => {
      const text = query[name] ?? String(fallback);
      return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
    };
    const [limit, offset, version] = [
      whole('limit', 25),
      whole('offset', 0),
      query.oauth_version ?? '2',
    ];
    for (const [name, fits, code] of [
      ['limit', limit !== undefined, 'badinteger'],
      ['offset', offset !== undefined, 'badinteger'],
      ['oauth_version', version === '1' || version === '2', 'badvalue'],
    ] as const) {
      if (fits) continue;
      const shape = bodyProblem(
        name,
        (query[name] ?? '').slice(0, 64),
        code,
        `${name} has a value that does not fit.`,
        failureDataOf(code),
      );
      return sendJson(reply, 400, { ...shape, errorKey: 'rest-parameter-validation-error' });
    }
    // A token without the scope for managing apps sees what a stranger would: no hidden ones, no
    // contact address.
    const manages = managerOf(actor) !== null;
    const shown = manages ? {} : ({ suppressed: false } as const);
    const filter = {
      ownerId: me.id,
      protocol: version === '1' ? 'oauth1' : 'oauth2',
      ...shown,
    } as const;
    const wanted = Math.min(limit ?? 0, MOST_LISTED);
    const clients =
      wanted === 0
        ? []
        : await world.records.listClients({ ...filter, limit: (offset ?? 0) + wanted });
    return sendJson(reply, 200, {
      clients: clients
        .slice(offset)
        .map((client) =>
          listedClient(
            client,
            (field) => unseen(field, client, actor, manages) === undefined,
            world.origin,
          ),
        ),
      total: await world.records.countClients(filter),
    });
  });

  app.post(`${root}/:key/reset_secret`, async (request, reply) => {
    const actor = await callerOf(request, reply);
    if (actor === undefined || !mayRead(actor, reply)) return reply;
    const body = bodyOf(request, reply, resetting, actor.byCookie);
    if (body === undefined) return reply;
    const { key } = request.params as { readonly key: string };
    const client = /^[0-9a-f]{32}$/.test(key)
      ? await world.records.findClient(key as ClientId)
      : undefined;
    if (client === undefined)
      return sendJson(
        reply,
        400,
        restError(400, 'mwoauth-invalid-consumer-key', 'There is no such app.'),
      );
    if (client.suppressed)
      return sendJson(
        reply,
        401,
        restError(401, 'mwoauth-consumer-deleted-error', 'The app was hidden.'),
      );
    if (actor.kind === 'person' && actor.account?.id !== client.ownerId)
      return sendJson(
        reply,
        400,
        restError(400, 'mwoauth-consumer-user-mismatch', 'The app is not yours.'),
      );
    const answer = await world.registry.submit(actor, 'update', {
      clientId: key,
      reason: body.reason,
      resetSecret: true,
    });
    return answer.ok
      ? sendIssued(reply, answer.value)
      : sendJson(reply, 400, submitFailure(answer.refusal));
  });

  const only = (
    url: string,
    allowed: readonly string[],
    others: readonly ('GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS')[],
  ) =>
    app.route({
      method: [...others],
      url,
      handler: async (_request, reply) =>
        sendJson(
          reply.header('allow', allowed.join(', ')),
          405,
          restError(405, 'rest-wrong-method', `Use ${allowed.join(' or ')}.`),
        ),
    });
  only(root, ['GET', 'POST'], ['PUT', 'DELETE', 'PATCH', 'OPTIONS']);
  only(`${root}/:key/reset_secret`, ['POST'], ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);
}
