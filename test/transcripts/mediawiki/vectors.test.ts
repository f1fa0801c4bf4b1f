import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { type ClientId, EVERY_SITE, type UserId } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { mediawikiOAuth1Profile } from '#mediawiki/oauth1-profile.ts';
import { makeMediawikiOAuth2Profile } from '#mediawiki/oauth2-profile.ts';
import { identifyClaims, userProfile } from '#mediawiki/statement.ts';
import { parseOAuthHeader } from '#oauth1/header.ts';
import type { Client } from '#registry/model/client.ts';
import { cases } from '../../vectors/cases.ts';

// Errors are the core's: the dialect's reader refuses no list.
for (const { name, input, expected } of cases('oauth1-parse-header', 'mediawiki').filter(
  ({ expected }) => expected.error === undefined || expected.error === null,
))
  test(`header (mediawiki): ${name}`, () => {
    const header = parseOAuthHeader(input.header, mediawikiOAuth1Profile);
    if (!expected.oauthScheme) return assert.equal(header, undefined);
    assert.deepEqual(header?.ok && header.value.params, expected.oauthParams);
  });

for (const { name, input, expected } of cases('user-statement')) {
  test(`statement: ${name}`, () => {
    const { user } = input;
    const account: Account = {
      id: user.centralId as UserId,
      name: user.name,
      email: user.email,
      emailConfirmedAt: user.emailConfirmed ? (1 as Instant) : null,
      realName: user.realName,
      groups: [],
      blocked: user.blocked,
      createdAt: instant(Date.UTC(2020, 0, 1) / 1000),
      language: null,
    };
    const subject = {
      account,
      groups: user.groups,
      rights: user.rights,
      grants: input.grants,
      grantRights: new Set<string>(),
    };
    const claims =
      input.kind === 'profile'
        ? userProfile(subject)
        : identifyClaims(subject, {
            issuer: input.canonicalServer,
            audience: input.consumerKey,
            now: input.now,
            nonce: 'n',
          });
    for (const [claim, value] of Object.entries(expected.claims))
      assert.deepEqual(claims[claim], value, claim);
    for (const claim of expected.absent ?? []) assert.ok(!(claim in claims), claim);
  });
}

for (const { name, input, expected } of cases('bearer-validation').filter(
  ({ input }) => input.kind === 'user-to-subject',
)) {
  test(`subject: ${name}`, () => {
    const site = input.lookupScope.replace('local:', '');
    const profile = makeMediawikiOAuth2Profile({ issuer: 'https://gate.example', site });
    const claims = profile.claims({
      id: 'x' as never,
      client: {
        id: 'k' as ClientId,
        ownerId: input.userId,
        ownerOnly: input.ownerOnly,
        site: EVERY_SITE,
      } as Client,
      userId: input.userId,
      scopes: [],
      grantType: input.ownerOnly ? 'owner-only' : 'authorization_code',
      issuedAt: instant(1),
      expiresAt: instant(2),
      issuedAtMillis: 0,
    }) as { sub: string };
    assert.equal(claims.sub, expected.sub);
  });
}
