import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autoApproves } from '#registry/review/auto-approval.ts';
import { cases } from './cases.ts';

for (const { name, input, expected } of cases('auto-approval')) {
  test(`auto-approval: ${name}`, () => {
    const conditions = (input.rules as readonly Record<string, unknown>[]).map(
      ({ grants, ...rest }) => (grants === undefined ? rest : { scopes: grants, ...rest }),
    );
    const {
      grants: scopes,
      callbackUrl: redirectUri,
      callbackIsPrefix: redirectIsPrefix,
    } = input.consumer;
    assert.equal(
      autoApproves(conditions, { scopes, redirectUri, redirectIsPrefix, risk: 0 }),
      expected.autoApproved,
    );
  });
}
