import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { readConfiguredClients } from '#registry/configured-clients.ts';
import { rules } from '../unit/registry/world.ts';
import { cases } from './cases.ts';

/**
 * Our key for the reference's. Its number and its owner's number are not given here: rows and
 * accounts have them.
 */
const keys: Readonly<Record<string, string | null>> = {
  id: null,
  consumerKey: 'client_id',
  name: 'name',
  userId: 'owner',
  version: 'version',
  description: 'description',
  grants: 'scopes',
  oauthVersion: 'protocol',
  callbackUrl: 'redirect_uri',
  callbackIsPrefix: 'redirect_is_prefix',
  secretKey: 'client_secret',
  rsaKey: 'rsa_public_key',
  ownerOnly: 'owner_only',
  oauth2IsConfidential: 'confidential',
  oauth2GrantTypes: 'grant_types',
  registration: 'registration',
};

const properties: Readonly<Record<string, string>> = {
  callbackIsPrefix: 'redirectIsPrefix',
  ownerOnly: 'ownerOnly',
  oauth2IsConfidential: 'confidential',
  oauth2GrantTypes: 'grantTypes',
};

for (const { name, input, expected } of cases('consumer-config')) {
  test(`app of the configuration: ${name}`, () => {
    const entry: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(input.config as Record<string, unknown>)) {
      const ours = keys[key];
      assert.notEqual(ours, undefined, `a key that is not translated: ${key}`);
      if (ours === 'protocol') entry[ours] = `oauth${value}`;
      else if (ours === 'owner') entry[ours] = 'Olga';
      else if (ours) entry[ours] = value;
    }
    const read = readConfiguredClients([entry], {
      rules,
      ownerOf: () => 1 as UserId,
      readSecret: () => '',
      encryptSecret: (secret) => `sealed ${secret}` as never,
      email: 'no-reply@example.org',
      now: instant(0),
    });
    assert.equal(read.ok, expected.ok, JSON.stringify(read));
    if (!read.ok) return;
    const [client] = read.value.clients;
    for (const [property, value] of Object.entries(expected.includes ?? {})) {
      // An OAuth 1 app has no grant types here: they are OAuth 2's.
      const wanted = property === 'oauth2GrantTypes' && client?.protocol === 'oauth1' ? [] : value;
      assert.deepEqual(client?.[properties[property] as keyof typeof client], wanted);
    }
  });
}
