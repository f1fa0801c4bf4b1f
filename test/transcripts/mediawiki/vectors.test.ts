import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediawikiOAuth1Profile } from '#mediawiki/oauth1-profile.ts';
import { parseOAuthHeader } from '#oauth1/header.ts';
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
