import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldProblem } from '#registry/clients.ts';
import { app, scopes } from '../unit/registry/world.ts';
import { type Case, cases } from './cases.ts';

/** Our field for the reference's; the reference's other fields are not what an owner types here. */
const fields: Readonly<Record<string, string>> = {
  name: 'name',
  version: 'version',
  callbackUrl: 'redirect-uri',
  description: 'description',
  email: 'email',
  grants: 'scope',
  rsaKey: 'rsa-public-key',
  oauth2GrantTypes: 'grant-type',
};

/** Where we differ, and why. */
const different: Readonly<Record<string, string>> = {
  'callback-wmftest-com': 'http for hosts of one operator is not for everybody',
  'callback-wmftest-net': 'as above',
  'grants-bad-json': 'scopes arrive as a list, not as JSON text',
  'callback-own-wiki': 'an advice to the owner, not a refusal',
  'callback-bare-oauth1': 'as above',
  'callback-bare-oauth2': 'as above',
};

function proposalOf({ input }: Case) {
  const { field, value, context } = input;
  const oauth1 = field === 'rsaKey' || context.oauthVersion === 1;
  const base = app({
    protocol: oauth1 ? 'oauth1' : 'oauth2',
    confidential: oauth1 || (context.oauth2IsConfidential ?? true),
    ownerOnly: context.ownerOnly ?? false,
    ...(oauth1 ? { grantTypes: [] } : {}),
  });
  switch (field) {
    case 'callbackUrl':
      return { ...base, redirectUri: value };
    case 'grants':
      return { ...base, scopes: value };
    case 'rsaKey':
      return { ...base, rsaPublicKey: value === '' ? null : value };
    case 'oauth2GrantTypes':
      return { ...base, grantTypes: value };
    default:
      return { ...base, [field]: value };
  }
}

for (const one of cases('consumer-validation')) {
  const field = fields[one.input.field];
  if (field === undefined) continue;
  const why = different[one.name];
  test(`consumer: ${one.name}`, { skip: why ?? false }, () => {
    const problem = fieldProblem(proposalOf(one), scopes);
    // A warning stops the reference's own forms too; we have no way to wave one through.
    if (one.expected.level === 'ok') assert.equal(problem, undefined);
    else assert.equal(problem?.kind === 'invalid-field' ? problem.field : problem?.kind, field);
  });
}
