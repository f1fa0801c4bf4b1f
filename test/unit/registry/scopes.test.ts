import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadScopes } from '#registry/model/scopes.ts';
import { bundled, scopes } from './world.ts';

test('the bundled scopes: names, hidden and identity-only ones', () => {
  assert.equal(scopes.allScopes().length, 33);
  assert.deepEqual(scopes.hidden, ['basic']);
  assert.deepEqual(scopes.identityOnly, ['mwoauth-authonly', 'mwoauth-authonlyprivate']);
  assert.deepEqual(scopes.irrevocable, ['basic', 'mwoauth-authonly', 'mwoauth-authonlyprivate']);
  for (const { name, group, risk, identityOnly, rights } of scopes.allScopes()) {
    assert.notEqual(scopes.groupLabel(group), group, name);
    assert.notEqual(scopes.riskLabel(risk), risk, name);
    assert.equal(rights.length === 0, identityOnly, name);
  }
});

test('rights of scopes are their union; unknown scopes give none', () => {
  assert.ok(scopes.rightsOf(['editpage']).has('edit'));
  assert.ok(!scopes.rightsOf(['basic']).has('edit'));
  assert.deepEqual([...scopes.rightsOf(['nothing', 'toString', '__proto__'])], []);
  assert.equal(scopes.has('constructor'), false);
});

test('every problem of a scopes file is told at once', () => {
  const file = bundled('registry/model/data/scopes.json') as { scopes: Record<string, unknown>[] };
  const [first = {}] = file.scopes;
  const broken = {
    ...file,
    scopes: [
      first,
      { ...first },
      { ...first, name: 'x', group: 'nowhere' },
      { ...first, name: 'y', risk: 'high' },
    ],
  };
  assert.throws(
    () => loadScopes(broken),
    ({ message }: Error) =>
      ['basic is there twice', 'group nowhere', 'risk high'].every((part) =>
        message.includes(part),
      ),
  );
  assert.throws(
    () =>
      loadScopes({
        groups: {},
        scopes: [
          { ...first, name: 'two words' },
          { ...first, rights: 'all' },
        ],
      }),
    ({ message }: Error) =>
      ['risks', 'scopes[0].name', 'scopes[1].rights'].every((part) => message.includes(part)),
  );
});
