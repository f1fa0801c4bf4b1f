import * as z from 'zod';
import { namedFields, routeScopes } from './field-scopes.ts';
import { problemTitles } from './problems.ts';
import { type ApiRoute, apiScopes } from './route.ts';

const problem = {
  type: 'object',
  description: 'A problem document (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problemTitles) },
    field: { type: 'string', description: 'The field it is about' },
    ignorable: { type: 'boolean', description: 'Advice: send ignore_warnings to wave it through' },
    since: {
      type: 'array',
      items: {},
      description: 'What happened since that ETag',
    },
  },
} as const;

type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema whose named parts are references into `components`, which gathers them. */
const jsonSchema = (
  schema: z.ZodType,
  direction: 'input' | 'output',
  components: Record<string, unknown>,
): JsonSchema => {
  const json = JSON.stringify(
    z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io: direction,
      unrepresentable: 'any',
      reused: 'inline',
    }),
  );
  const {
    $schema: _dialect,
    $defs,
    ...rest
  } = JSON.parse(json.replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
  Object.assign(components, $defs);
  return rest;
};

const parameters = (location: 'path' | 'query', schema: z.ZodType | undefined) => {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input', {}) as {
    properties?: Record<string, { description?: string }>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, rule]) => ({
    name,
    in: location,
    required: location === 'path' || required.includes(name),
    ...(rule.description === undefined ? {} : { description: rule.description }),
    schema: rule,
  }));
};

function operation(route: ApiRoute, components: Record<string, unknown>) {
  const { schema, status, media = 'application/json' } = route.answer;
  const errorResponse = {
    description: 'Refused',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.tag],
    security: [
      ...(route.scope === 'public' ? [{}] : []),
      { oauth2: route.scope === null || route.scope === 'public' ? [] : [route.scope] },
      { session: [] },
    ],
    parameters: [
      ...parameters('path', route.params),
      ...parameters('query', route.query),
      ...(route.method !== 'GET' && route.path.startsWith('/clients/')
        ? [
            {
              name: 'If-Match',
              in: 'header',
              required: false,
              description: 'The ETag, in quotes: 412 when the app changed since',
              schema: { type: 'string' },
            },
          ]
        : []),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse({}).success,
            content: {
              'application/json': { schema: jsonSchema(route.body, 'input', components) },
            },
          },
        }),
    responses: {
      [status]: {
        description: 'Done',
        ...(schema
          ? { content: { [media]: { schema: jsonSchema(schema, 'output', components) } } }
          : {}),
      },
      default: errorResponse,
    },
    ...(route.refusals.length > 0 ? { 'x-refusals': route.refusals } : {}),
    // One of them opens the route to a token.
    ...(Array.isArray(routeScopes[route.id]?.requiredScopes)
      ? { 'x-scopes': routeScopes[route.id]?.requiredScopes }
      : {}),
  };
}

/**
 * Says at each field which scopes open it to a token, where having reached the route is not enough.
 */
function annotateScopes(schemas: Record<string, unknown>): void {
  for (const [name, fields] of Object.entries(namedFields)) {
    const { properties = {} } = (schemas[name] ?? {}) as {
      properties?: Record<string, Record<string, unknown>>;
    };
    for (const [field, scopes] of Object.entries(fields)) {
      const property = properties[field];
      if (Array.isArray(scopes) && property) property['x-scopes'] = scopes;
    }
  }
}

/** The description of the API (OpenAPI 3.1), made of the very schemas that check it. */
export function buildOpenApi(routes: readonly ApiRoute[], issuer: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  const schemas: Record<string, unknown> = { Problem: problem };
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  annotateScopes(schemas);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version: '1',
      description: 'The registry of apps: propose, review, revise, allow, and what happened.',
    },
    servers: [{ url: `${issuer}/api/v1` }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        oauth2: {
          type: 'oauth2',
          flows: {
            authorizationCode: {
              authorizationUrl: `${issuer}/oauth2/authorize`,
              tokenUrl: `${issuer}/oauth2/token`,
              scopes: Object.fromEntries(Object.values(apiScopes).map((scope) => [scope, scope])),
            },
          },
        },
        session: {
          type: 'apiKey',
          in: 'header',
          name: 'X-CSRF-Token',
          description: 'With the session cookie of a browser',
        },
      },
    },
  };
}
