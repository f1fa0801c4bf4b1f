import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { unreadableFormMessage } from '#encoding/form.ts';
import { readJson } from '#encoding/json.ts';
import { credentialAdvice } from '#guard/refusals.ts';
import { actingApp } from '#registry/actions/authority.ts';
import type { Actor } from '#registry/actor.ts';
import { refusalCode } from '#registry/refusals.ts';
import { MAX_JSON_BYTES, parseQuery, rawRequestOf } from '../request.ts';
import type { Services } from '../world.ts';
import { authenticateCaller } from './caller.ts';
import { revisionRoutes } from './client-revisions.ts';
import { secretRoutes } from './client-secrets.ts';
import { teamRoutes } from './client-team.ts';
import { appAuditRoutes, appRoutes } from './clients.ts';
import { filterFieldsByScope, routeScopes } from './field-scopes.ts';
import { buildOpenApi } from './openapi.ts';
import { consentAndAuditRoutes } from './people.ts';
import { type ProblemCode, problemTitles, sendProblem, sendRefusal } from './problems.ts';
import { reviewRoutes } from './reviews.ts';
import type { ApiCall, ApiResponse, ApiRoute } from './route.ts';

/** Every route of the API. */
export const apiRoutes: readonly ApiRoute[] = [
  ...appRoutes,
  ...secretRoutes,
  ...revisionRoutes,
  ...teamRoutes,
  ...appAuditRoutes,
  ...reviewRoutes,
  ...consentAndAuditRoutes,
];

/** True when there is nothing at the path. */
const isAbsent = (value: unknown, path: readonly PropertyKey[]): boolean =>
  path.reduce(
    (inner: unknown, key) =>
      (inner as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[key],
    value,
  ) === undefined;

/**
 * Says what is wrong with a part of the request: the first problem in the shape of the registry's
 * own, and all of them.
 */
function sendValidationProblem(
  reply: FastifyReply,
  part: string,
  input: unknown,
  error: z.ZodError,
): undefined {
  const errors = error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        field: [path, key].filter(Boolean).join('.'),
        detail: 'is not known here',
      }));
    return [{ field: path, detail: issue.message }];
  });
  const [first] = error.issues;
  const [problem] = errors;
  const missing =
    first !== undefined &&
    first.path.length > 0 &&
    first.code !== 'unrecognized_keys' &&
    isAbsent(input, first.path);
  const kind = validationProblemKind(problem?.field, missing);
  const detail = missing
    ? `${problem?.field} is missing.`
    : `${problem?.field || part}: ${problem?.detail ?? 'cannot be read'}.`;
  sendProblem(reply, 400, kind, detail, {
    ...(problem?.field ? { field: problem.field } : {}),
    errors: errors.slice(0, 50),
  });
  return undefined;
}

function validationProblemKind(field: string | undefined, missing: boolean): ProblemCode {
  if (!field) return 'invalid_request';
  return missing ? 'missing_field' : 'invalid_field';
}

/** The JSON in the body; undefined: there was a problem, and it was answered. */
function parseJsonBody(
  request: FastifyRequest,
  reply: FastifyReply,
): { readonly json: unknown } | undefined {
  const { body } = request;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (bytes.length === 0) return { json: {} };
  const refuse = (status: number, detail: string) => {
    sendProblem(reply, status, 'invalid_request', detail);
    return undefined;
  };
  if (!/^(?:identity)?$/i.test(request.headers['content-encoding'] ?? '')) {
    reply.header('accept-encoding', 'identity');
    return refuse(415, 'Send the body without Content-Encoding.');
  }
  if (!/^application\/json[ \t]*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    reply.header('accept', 'application/json');
    return refuse(415, 'Send the body as JSON: Content-Type: application/json.');
  }
  if (bytes.length > MAX_JSON_BYTES)
    return refuse(413, `The body is too large: at most ${MAX_JSON_BYTES} bytes are read.`);
  const read = readJson(bytes);
  return read.ok ? { json: read.value } : refuse(400, read.refusal.words);
}

/** The change token of If-Match: one strong tag, or `*`, which names none. */
function parseIfMatch(request: FastifyRequest): { readonly token: string | undefined } | undefined {
  const value = request.headers['if-match'];
  if (value === undefined || value === '*') return { token: undefined };
  const token = /^"([0-9a-f]{40})"$/.exec(value)?.[1];
  return token === undefined ? undefined : { token };
}

const oauthParameterNames: ReadonlySet<string> = new Set(
  [
    'consumer_key',
    'token',
    'signature_method',
    'signature',
    'timestamp',
    'nonce',
    'version',
    'body_hash',
  ].map((name) => `oauth_${name}`),
);

/** One query, each parameter once. */
function parseQueryParameters(
  request: FastifyRequest,
  reply: FastifyReply,
): Record<string, string> | undefined {
  const parameters: Record<string, string> = Object.create(null);
  const query = parseQuery(request);
  if (!query.ok) {
    sendProblem(reply, 400, 'invalid_request', unreadableFormMessage('query'));
    return undefined;
  }
  // A signature may stand in the query (RFC 5849 §3.5.3): then its parameters are no question to
  // the API.
  const signed = query.value.some(([name]) => name === 'oauth_signature');
  for (const [name, value] of query.value) {
    if (signed && oauthParameterNames.has(name)) continue;
    if (name in parameters) {
      sendProblem(reply, 400, 'invalid_field', `${name.slice(0, 64)} was sent twice.`, {
        field: name.slice(0, 64),
      });
      return undefined;
    }
    parameters[name] = value;
  }
  return parameters;
}

/** Tells whoever sent no credentials which are taken, and the scope they have to hold. */
function sendUnauthenticated(
  request: FastifyRequest,
  reply: FastifyReply,
  scope: string | null,
): FastifyReply {
  const advice = credentialAdvice(rawRequestOf(request), undefined);
  const more = {
    reference_code: refusalCode({ kind: 'not_logged_in' }),
    ...(scope === null ? {} : { scope }),
  };
  reply.header('www-authenticate', 'Bearer realm="gatehouse"');
  return sendProblem(
    reply,
    401,
    'not_logged_in',
    scope === null ? advice : `${advice} It needs the scope ${scope}.`,
    more,
  );
}

/** What the schemas of a route made of its request; undefined: it was refused, and answered. */
function parseRequest(
  route: ApiRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Readonly<Record<string, unknown>> | undefined {
  const query = parseQueryParameters(request, reply);
  if (query === undefined) return undefined;
  const body = route.body === undefined ? { json: undefined } : parseJsonBody(request, reply);
  if (body === undefined) return undefined;
  const raw = { params: request.params, query, body: body.json };
  const parsedParts: Record<string, unknown> = {};
  for (const part of ['params', 'query', 'body'] as const) {
    const parsed = route[part]?.safeParse(raw[part]);
    if (parsed === undefined) continue;
    if (!parsed.success) {
      // An address with a number that is none names nothing.
      if (part === 'params')
        sendProblem(reply, 404, 'not_found', 'There is nothing at this address.');
      else sendValidationProblem(reply, part, raw[part], parsed.error);
      return undefined;
    }
    parsedParts[part] = parsed.data;
  }
  return parsedParts;
}

/** Sends what a route answered, with the fields that the caller's scopes lend. */
function sendResponse(
  route: ApiRoute,
  actor: Actor,
  reply: FastifyReply,
  response: ApiResponse,
): FastifyReply {
  if ('refusal' in response) return sendRefusal(reply, response.refusal);
  reply.code(response.status).header('cache-control', 'no-store');
  if (response.body === undefined) return reply.headers(response.headers ?? {}).send();
  reply.header('content-type', 'application/json').headers(response.headers ?? {});
  if (typeof response.body === 'string') return reply.send(response.body);
  const app = actingApp(actor);
  const fields = routeScopes[route.id]?.fields ?? {};
  return reply.send(
    JSON.stringify(
      app === undefined ? response.body : filterFieldsByScope(response.body, fields, app.scopes),
    ),
  );
}

async function handleRequest(
  services: Services,
  route: ApiRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.header('vary', 'Authorization, Cookie');
  const actor = await authenticateCaller(services, request, reply, route);
  if (actor === undefined) return reply;
  if (route.scope !== 'public' && actor.kind === 'person' && actor.account === null)
    return sendUnauthenticated(request, reply, route.scope);
  const ifMatch = parseIfMatch(request);
  if (ifMatch === undefined)
    return sendProblem(reply, 400, 'invalid_request', 'If-Match takes one ETag in quotes.', {
      field: 'If-Match',
    });
  const parsedParts = parseRequest(route, request, reply);
  if (parsedParts === undefined) return reply;
  const call = {
    services,
    request,
    reply,
    actor,
    ifMatch: ifMatch.token,
    ...parsedParts,
  } as unknown as ApiCall<never, never, never>;
  return sendResponse(route, actor, reply, await route.handle(call));
}

/** The versioned JSON API of the registry, its description, and what its problems mean. */
export function registryApi(app: FastifyInstance, services: Services): void {
  for (const route of apiRoutes) {
    app.route({
      method: route.method,
      url: `/api/v1${route.path}`,
      handler: (request, reply) => handleRequest(services, route, request, reply),
    });
  }
  // Made when it is asked for: it costs more than the rest of a start.
  let description: string | undefined;
  app.get('/api/v1/openapi.json', async (_request, reply) => {
    description ??= JSON.stringify(buildOpenApi(apiRoutes, services.issuer));
    return reply
      .header('content-type', 'application/json')
      .header('cache-control', 'public, max-age=300')
      .send(description);
  });
  app.get('/problems/:code', async (request, reply) => {
    const { code } = request.params as { readonly code: string };
    const title = Object.hasOwn(problemTitles, code)
      ? problemTitles[code as ProblemCode]
      : undefined;
    reply.header('content-type', 'text/plain; charset=utf-8');
    return title === undefined
      ? reply.code(404).send('There is no such problem.\n')
      : reply.send(`${code}: ${title}.\n`);
  });
}
