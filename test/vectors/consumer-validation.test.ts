import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SiteId } from '#kernel/ids.ts';
import type { FieldRules } from '#registry/actions/fields.ts';
import { validators } from '#registry/actions/validators.ts';
import { grantTypes } from '#registry/model/client.ts';
import { loadScopes } from '#registry/model/scopes.ts';
import { makeSites } from '#registry/model/sites.ts';
import { bundled } from '../unit/registry/world.ts';
import { type Case, cases } from './cases.ts';

/** Our field for the reference's. */
const fields: Readonly<Record<string, keyof typeof validators>> = {
  name: 'name',
  version: 'version',
  callbackUrl: 'redirectUri',
  description: 'description',
  email: 'email',
  oauthVersion: 'protocol',
  wiki: 'site',
  grants: 'scopes',
  rsaKey: 'rsaPublicKey',
  restrictions: 'restrictions',
  oauth2GrantTypes: 'grantTypes',
  agreement: 'termsAccepted',
  developerAgreement: 'termsAccepted',
};

/** Where we differ, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  'always-valid-id': 'a number of the reference, which is never given here',
  'always-valid-consumerKey': 'an identifier is made here, never given',
  'always-valid-ownerOnly': 'a flag is true or false here',
  'userId-existing':
    'an owner is an account that is looked up (test/unit/registry/configured.test.ts)',
  'userId-zero': 'as above',
  'rsa-x509-certificate':
    'its key has 1024 bits, and new apps need 2048: a longer certificate is read in test/security/rsa-apps.test.ts',
};

/** Scopes of the reference's test, where it names its own. */
function rulesOf({
  wikis,
  wikiHosts,
  validGrants,
  authOnlyGrants,
}: Case['input']['context']): FieldRules {
  const file = bundled('registry/model/data/scopes.json') as { scopes: { name: string }[] };
  const known = validGrants && [...validGrants, ...authOnlyGrants];
  return {
    sites: makeSites([
      ...(wikis ?? []).map((id: string) => ({ id: id as SiteId, name: id, origin: null })),
      ...(wikiHosts ?? []).map((host: string) => ({
        id: host as SiteId,
        name: host,
        origin: `https://${host}`,
      })),
    ]),
    // These are the cases of the dialect.
    dialect: true,
    catalogue: loadScopes(
      known ? { ...file, scopes: file.scopes.filter(({ name }) => known.includes(name)) } : file,
    ),
    grantTypes,
    localSuffixes: ['.localhost', '.local.wmftest.com', '.local.wmftest.net', '.local.wmftest.org'],
  };
}

const translated = (field: string, value: unknown): unknown => {
  if (field === 'oauthVersion') return { 1: 'oauth1', 2: 'oauth2' }[Number(value)] ?? String(value);
  if (field !== 'restrictions') return value;
  const { IPAddresses: addresses, Pages: pages } = JSON.parse(value as string) as {
    IPAddresses: unknown;
    Pages?: unknown;
  };
  return { addresses, ...(pages === undefined ? {} : { pages }) };
};

for (const one of cases('consumer-validation')) {
  const { field, value, context } = one.input;
  const name = fields[field];
  test(`consumer: ${one.name}`, { skip: elsewhere[one.name] ?? false }, () => {
    assert.ok(name, `a field that is not translated: ${field}`);
    const all = {
      protocol: field === 'rsaKey' || context.oauthVersion === 1 ? 'oauth1' : 'oauth2',
      confidential: context.oauth2IsConfidential ?? true,
      ownerOnly: context.ownerOnly ?? false,
      redirectIsPrefix: context.callbackIsPrefix ?? false,
    };
    // What an owner typed is trimmed before it is judged.
    const judged = validators[name](translated(field, value), all, rulesOf(context));
    const level = judged === undefined ? 'ok' : judged.ignorable ? 'warning' : 'error';
    assert.equal(level, one.expected.level, JSON.stringify(judged));
  });
}
