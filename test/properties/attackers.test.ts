import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { apiRoutes } from '#http/api/api.ts';
import { actions } from '#registry/registry.ts';
import type { Step } from './attackers-asks.ts';
import { happened, Oracle } from './attackers-oracle.ts';
import { apiRows, otherRows } from './attackers-rows.ts';
import { apiDoors, otherDoors, Play } from './attackers-steps.ts';
import { actionRules, scopeTable } from './attackers-table.ts';
import { AttackWorld, names } from './attackers-world.ts';

// No run of API, protocol and page actions by strangers, apps at every stage, tokens of each scope,
// signed requests, maintainers past and present, reviewers, demoted reviewers and blocked people
// gives a credential, a scope, a decision or a field beyond the table (ADR 15, ADR 17).

/** How many histories; more when GATEHOUSE_PROPERTY_RUNS says so. */
const RUNS = Number(process.env.GATEHOUSE_PROPERTY_RUNS || 5);
/**
 * The same for each start, so that a change of the code is what makes it fail; another plays other
 * histories.
 */
const SEED = Number(process.env.GATEHOUSE_PROPERTY_SEED || 31);
/** Whether a history that failed is made shorter, which takes minutes. */
const SHRINKS = process.env.GATEHOUSE_PROPERTY_SHRINK === 'yes';

const routes = new Set<string>();
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { readonly fastify: FastifyInstance };
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat())
      if (one !== 'HEAD') routes.add(`${one === 'GET' ? 'GET' : 'POST'} ${url}`);
  });
});

test('every action, every route of the API and every other address has a row', async () => {
  assert.deepEqual(Object.keys(actionRules).sort(), Object.keys(actions).sort());
  assert.deepEqual(Object.keys(apiRows).sort(), apiRoutes.map(({ id }) => id).sort());
  await new AttackWorld().close();
  const ofApi = new Set(
    apiRoutes.map(({ method, path }) => `${method === 'GET' ? 'GET' : 'POST'} /api/v1${path}`),
  );
  assert.deepEqual(
    Object.keys(otherRows).sort(),
    [...routes].filter((route) => !ofApi.has(route)).sort(),
  );
});

const scopes = Object.keys(scopeTable).filter((name) => name !== 'basic');
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step['kind']>('api') },
    { weight: 5, arbitrary: fc.constant<Step['kind']>('other') },
    { weight: 2, arbitrary: fc.constant<Step['kind']>('code') },
    {
      weight: 4,
      arbitrary: fc.constantFrom<Step['kind']>(
        'refresh',
        'machine',
        'introspect',
        'revoke',
        'handshake',
        'operator',
      ),
    },
  ),
  nth: fc.nat(apiDoors.length * otherDoors.length - 1),
  who: fc.constantFrom(...names),
  due: fc.boolean(),
  apt: fc.boolean(),
  way: fc.constantFrom<Step['way']>(
    'fresh',
    'fresh',
    'fresh',
    'stale',
    'token',
    'token',
    'token',
    'signature',
    'held',
    'held',
    'app',
    'nothing',
  ),
  lent: fc.nat(8),
  app: fc.nat(30),
  person: fc.nat(names.length - 1),
  variant: fc.nat(59),
  asked: fc.subarray(scopes, { minLength: 1 }),
});

async function play(steps: readonly Step[]): Promise<void> {
  const world = new AttackWorld();
  try {
    await world.open();
    const game = new Play(world, new Oracle(world, await world.picture()));
    try {
      for (const one of steps) {
        await game.run(one);
        for (const lent of world.lent.slice(-2)) await game.oracle.check(lent);
      }
      for (const lent of world.lent) {
        await game.oracle.check(lent);
        await game.oracle.checkForeign(lent);
      }
      for (const [nth, lent] of world.lent.slice(-4).entries())
        await game.readAll(steps[nth] as Step, lent);
    } catch (problem) {
      // The history as it was played reads better than the choices it was made of.
      throw new Error([...game.story, String(problem)].join('\n'), { cause: problem });
    }
  } finally {
    await world.close();
  }
}

test('no run gives more than the table says', async (context) => {
  context.diagnostic(`seed ${SEED}, ${RUNS} histories`);
  const histories = fc.array(step, { minLength: 100, maxLength: 140, size: 'max' });
  await fc.assert(fc.asyncProperty(histories, play), {
    numRuns: RUNS,
    seed: SEED,
    endOnFailure: !SHRINKS,
  });
  const said = [...happened].sort().map((one) => one.join(' '));
  context.diagnostic(said.join(', '));
  // A play in which nobody gets anywhere proves nothing.
  for (const one of ['answered', 'refused', 'approvals', 'stage', 'consents', 'consent'])
    assert.ok(happened.has(one), said.join(', '));
});
