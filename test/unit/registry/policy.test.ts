import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import type { ClientId, SiteId, UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { clientAccessDenial, isUsableBy } from '#registry/access.ts';
import { ANYWHERE, type Client, stages } from '#registry/model/client.ts';

const account = (id: number, blocked = false): Account => ({
  id: id as UserId,
  name: `P${id}`,
  email: null,
  emailConfirmedAt: null,
  realName: '',
  groups: [],
  blocked,
  createdAt: instant(0),
  language: null,
});
const client = (changes: Partial<Client>): Client => ({
  id: '0'.repeat(32) as ClientId,
  number: 1,
  name: 'Reader',
  version: '1.0',
  description: '',
  ownerId: 1 as UserId,
  email: '',
  protocol: 'oauth2',
  ownerOnly: false,
  confidential: true,
  redirectUri: 'https://reader.example/cb',
  redirectIsPrefix: false,
  grantTypes: ['authorization_code'],
  pkceOptional: false,
  introspector: false,
  plainPkceUntil: null,
  tokenAlgorithm: 'ES256',
  site: '*' as SiteId,
  scopes: ['basic'],
  optionalScopes: [],
  secrets: [],
  rsaPublicKey: null,
  restrictions: ANYWHERE,
  stage: 'approved',
  stageAt: instant(0),
  suppressed: false,
  suspension: 'none',
  managed: false,
  skipConsent: false,
  recordVersion: 0,
  registeredAt: instant(0),
  ...changes,
});

const people = ['owner', 'other', 'nobody'] as const;
const sites = ['same', 'every', 'wrong'] as const;
const flags = [false, true] as const;

/** Registry 7.1, written out: who may use what. */
const usable: Readonly<Record<string, readonly string[]>> = {
  'approved for all': ['owner', 'other', 'nobody'],
  'approved owner-only': ['owner'],
  'proposed for all': ['owner'],
  // It waits for two people to say what it may do as its owner.
  'proposed owner-only': [],
};

test('the whole truth table: the first hindrance of suppressed, stage, block, site, address', () => {
  let rows = 0;
  for (const stage of stages)
    for (const ownerOnly of flags)
      for (const who of people)
        for (const suppressed of flags)
          for (const blocked of flags)
            for (const site of sites)
              for (const near of flags) {
                const subject = client({
                  stage,
                  ownerOnly,
                  suppressed,
                  site: (site === 'every' ? '*' : site === 'same' ? 'here' : 'there') as SiteId,
                  restrictions: { addresses: ['192.0.2.0/24', '2001:db8::/32'], pages: [] },
                });
                const user = who === 'nobody' ? null : account(who === 'owner' ? 1 : 2, blocked);
                const address = near ? '192.0.2.7' : '198.51.100.7';
                const may =
                  usable[`${stage} ${ownerOnly ? 'owner-only' : 'for all'}`]?.includes(who) ??
                  false;
                const wanted = suppressed
                  ? 'client-suppressed'
                  : !may
                    ? 'client-not-usable'
                    : blocked && user
                      ? 'user-blocked'
                      : site === 'wrong'
                        ? 'wrong-site'
                        : near
                          ? undefined
                          : 'address-not-allowed';
                const row = JSON.stringify({
                  stage,
                  ownerOnly,
                  who,
                  suppressed,
                  blocked,
                  site,
                  near,
                });
                assert.equal(isUsableBy(subject, user), may, row);
                assert.equal(
                  clientAccessDenial(subject, user, { site: 'here' as SiteId, address })?.kind,
                  wanted,
                  row,
                );
                rows += 1;
              }
  assert.equal(rows, stages.length * 2 * 3 * 2 * 2 * 3 * 2);
});

test('what is not asked about does not hinder: no site and no address given', () => {
  const subject = client({ site: 'there' as SiteId, restrictions: { addresses: [], pages: [] } });
  assert.equal(clientAccessDenial(subject, account(2)), undefined);
});

for (const [address, allowed] of [
  ['192.0.2.255', true],
  ['192.0.3.0', false],
  ['::ffff:192.0.2.1', true],
  ['2001:db8::1', true],
  ['2001:db9::1', false],
  ['not an address', false],
  ['', false],
] as const) {
  test(`address ${address || '(empty)'} is ${allowed ? 'in' : 'out'}`, () => {
    const subject = client({
      restrictions: { addresses: ['192.0.2.0/24', '2001:db8::/32'], pages: [] },
    });
    assert.equal(clientAccessDenial(subject, null, { address }) === undefined, allowed);
  });
}

test('a client with no addresses may come from nowhere; the usual one from everywhere that is an address', () => {
  assert.equal(
    clientAccessDenial(client({ restrictions: { addresses: [], pages: [] } }), null, {
      address: '192.0.2.1',
    })?.kind,
    'address-not-allowed',
  );
  assert.equal(clientAccessDenial(client({}), null, { address: '2001:db8::1' }), undefined);
  assert.equal(
    clientAccessDenial(client({}), null, { address: 'unix:' })?.kind,
    'address-not-allowed',
  );
});
