import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { apiRoutes } from '#http/api/api.ts';
import { problemTitles } from '#http/api/problems.ts';
import { Desk } from './desk.ts';

describe('openapi', () => {
  // The description that programs are written by.

  interface Operation {
    readonly operationId: string;
    readonly security: readonly Readonly<Record<string, readonly string[]>>[];
    readonly parameters: readonly {
      readonly name: string;
      readonly in: string;
      readonly required: boolean;
    }[];
    readonly requestBody?: {
      readonly required: boolean;
      readonly content: Readonly<
        Record<string, { readonly schema: Readonly<Record<string, unknown>> }>
      >;
    };
    readonly responses: Readonly<Record<string, unknown>>;
    readonly 'x-refusals'?: readonly string[];
  }
  interface Description {
    readonly openapi: string;
    readonly servers: readonly { readonly url: string }[];
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: {
      readonly schemas: Readonly<
        Record<
          string,
          { readonly properties?: Readonly<Record<string, { readonly enum?: readonly string[] }>> }
        >
      >;
      readonly securitySchemes: {
        readonly oauth2: {
          readonly flows: { readonly authorizationCode: { readonly scopes: object } };
        };
      };
    };
  }

  let desk: Desk;
  let description: Description;
  before(async () => {
    desk = await Desk.open();
    const answer = await desk.world.app.inject({ url: '/api/v1/openapi.json' });
    assert.equal(answer.statusCode, 200);
    assert.match(String(answer.headers['content-type']), /^application\/json(?:;|$)/);
    description = answer.json();
  });
  after(() => desk.close());

  /** Every value of a key, wherever it stands. */
  function* values(of: unknown, key: string): Generator<unknown> {
    if (typeof of !== 'object' || of === null) return;
    for (const [name, value] of Object.entries(of)) {
      if (name === key) yield value;
      yield* values(value, key);
    }
  }

  test('it is OpenAPI 3.1, and every reference leads somewhere', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(description) as never);
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.1');
    const references = [...values(description, '$ref')];
    assert.ok(references.length > 20);
    for (const reference of references) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(String(reference))?.[1] ?? '';
      assert.ok(Object.hasOwn(description.components.schemas, name), String(reference));
    }
  });

  test('it has every route under its name, with the parameters of its path, its body and its answer', () => {
    const described = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
    );
    assert.equal(described.length, apiRoutes.length);
    assert.equal(new Set(described.map(({ operationId }) => operationId)).size, apiRoutes.length);
    for (const route of apiRoutes) {
      const operation = described.find(({ operationId }) => operationId === route.id);
      assert.ok(operation, route.id);
      assert.deepEqual(
        [operation.path, operation.method],
        [route.path.replace(/:(\w+)/g, '{$1}'), route.method.toLowerCase()],
      );
      const inPath = operation.parameters.filter((one) => one.in === 'path');
      assert.deepEqual(
        inPath.map(({ name }) => name),
        Array.from(route.path.matchAll(/:(\w+)/g), ([, name]) => name),
      );
      assert.ok(inPath.every(({ required }) => required));
      assert.equal(operation.requestBody !== undefined, route.body !== undefined);
      if (operation.requestBody) {
        const { required, content } = operation.requestBody;
        assert.equal(content['application/json']?.schema.additionalProperties, false);
        assert.equal(
          required,
          content['application/json']?.schema.required !== undefined,
          'a body is needed where a field is',
        );
      }
      assert.deepEqual(Object.keys(operation.responses), [String(route.answer.status), 'default']);
      for (const code of operation['x-refusals'] ?? [])
        assert.ok(Object.hasOwn(problemTitles, code), code);
    }
  });

  test('it says which scope opens what, and what is open to all', () => {
    const { scopes } = description.components.securitySchemes.oauth2.flows.authorizationCode;
    for (const route of apiRoutes) {
      const { security = [] } = Object.values(description.paths)
        .flatMap((methods) => Object.values(methods))
        .find(({ operationId }) => operationId === route.id) as Operation;
      const needed = route.scope === null || route.scope === 'public' ? [] : [route.scope];
      assert.deepEqual(security, [
        ...(route.scope === 'public' ? [{}] : []),
        { oauth2: needed },
        { session: [] },
      ]);
      for (const scope of needed)
        assert.ok(Object.hasOwn(scopes, scope) && desk.world.server.services.scopes.has(scope));
    }
  });

  test('it names every code a problem can have', () => {
    assert.deepEqual(
      description.components.schemas.Problem?.properties?.code?.enum,
      Object.keys(problemTitles),
    );
  });

  test('it names this server, wherever it is known', async () => {
    assert.equal(description.servers[0]?.url, 'https://gate.example/api/v1');
    const deep = await Desk.open({ settings: { issuer: 'https://gate.example/auth' } });
    const answer = await deep.world.app.inject({ url: '/api/v1/openapi.json' });
    assert.equal(answer.json().servers[0].url, 'https://gate.example/auth/api/v1');
    await deep.close();
  });
});
