import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permit as ServerPermit } from '#guard/permit.ts';
import manifest from '../../../packages/guard/package.json' with { type: 'json' };
import { type Permit, version } from '../../../packages/guard/src/index.ts';

test('the package tells its version, and a permit of the server is one of the package', () => {
  assert.equal(version, manifest.version);
  // Checked by the compiler: whatever the server grants can be handed on as the package's type.
  const accept = (permit: Permit) => permit.scheme;
  const handOn: (permit: ServerPermit) => string = accept;
  assert.equal(typeof handOn, 'function');
});
