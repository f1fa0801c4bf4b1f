import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fieldProblem } from '#accounts/fields.ts';
import { MAX_AUTH_PARAMS_LENGTH } from '#encoding/auth-params.ts';
import { MAX_BODY_BYTES, MAX_JSON_BYTES } from '#http/request.ts';
import { MAX_PARAMETERS, MAX_SIGNED_FORM_BYTES } from '#oauth1/parse.ts';
import { MAX_PASTED_BYTES } from '#oauth1/pasted-text.ts';
import { findParameterProblem } from '#oauth1/verify.ts';
import { MAX_FORM_BYTES, MAX_STATE_BYTES } from '#oauth2/refusal-texts.ts';
import { MAX_MAINTAINERS } from '#registry/actions/people.ts';
import { MAX_SECRETS } from '#registry/actions/update.ts';
import {
  MAX_TEXT_BYTES,
  reasonText,
  singleLine,
  validators,
} from '#registry/actions/validators.ts';

// A bound that is written down is the one that holds: at it a value is taken, and one more is not.

/** The numbers of the row of a table, by how its first cell begins. */
function written(page: 'endpoints' | 'api', row: string): readonly number[] {
  const rows = readFileSync(`docs/${page}.md`, 'utf8')
    .split('\n')
    .filter((one) => one.startsWith(`| ${row}`));
  assert.equal(rows.length, 1, `${page}: ${row}`);
  return [...(rows[0]?.split(' | ')[1] ?? '').matchAll(/\d{1,3}(?:,\d{3})+|\d+/g)].map(([number]) =>
    Number(number.replaceAll(',', '')),
  );
}

describe('the same number', () => {
  for (const [page, row, bounds] of [
    ['endpoints', 'form at `token`', [MAX_FORM_BYTES]],
    ['endpoints', 'any body', [MAX_BODY_BYTES]],
    ['endpoints', '`state`', [MAX_STATE_BYTES]],
    ['endpoints', 'signed form, or query', [MAX_SIGNED_FORM_BYTES]],
    ['endpoints', 'parameters of a form', [MAX_PARAMETERS]],
    ['endpoints', 'what follows the scheme', [MAX_AUTH_PARAMS_LENGTH]],
    ['endpoints', 'form of a page', [MAX_FORM_BYTES]],
    ['endpoints', 'a request pasted into', [MAX_PASTED_BYTES]],
    ['api', 'JSON body', [MAX_JSON_BYTES]],
    ['api', '`description`', [MAX_TEXT_BYTES]],
    ['api', 'live secrets, maintainers', [MAX_SECRETS, MAX_MAINTAINERS]],
  ] as const)
    test(`${page}: ${row}`, () => assert.deepEqual(written(page, row), bounds));
});

describe('the last value that is taken', () => {
  type Rules = Parameters<typeof validators.name>[2];
  const rules = {
    catalogue: { has: () => true },
    sites: { containsUrl: () => false },
    localSuffixes: [],
  } as unknown as Rules;
  const oauth2 = { protocol: 'oauth2', confidential: true };
  const holds = (
    page: 'endpoints' | 'api',
    row: string,
    at: number,
    taken: (length: number) => boolean,
  ) =>
    test(`${page}: ${row}, number ${at + 1}`, () => {
      const most = written(page, row)[at] ?? assert.fail('no number');
      assert.deepEqual([taken(most), taken(most + 1)], [true, false], String(most));
    });
  const field =
    (judge: typeof validators.name, make: (length: number) => unknown) => (length: number) =>
      judge(make(length), oauth2, rules) === undefined;
  const letters = (length: number) => 'a'.repeat(length);
  holds('api', '`name`, `version`', 0, field(validators.name, letters));
  holds(
    'api',
    '`name`, `version`',
    1,
    field(validators.version as typeof validators.name, (length) => `1.${'0'.repeat(length - 2)}`),
  );
  holds(
    'api',
    '`description`',
    0,
    field(validators.description as typeof validators.name, letters),
  );
  holds(
    'api',
    '`redirect_uri`',
    0,
    field(
      validators.redirectUri as typeof validators.name,
      (length) => `https://app.example/${letters(length - 20)}`,
    ),
  );
  holds(
    'api',
    '`email`',
    0,
    field(
      validators.email as typeof validators.name,
      (length) => `${letters(length - 12)}@example.org`,
    ),
  );
  holds(
    'api',
    '`reason`',
    0,
    field(reasonText as typeof validators.name, (length) => 'ä'.repeat(length)),
  );
  holds('api', 'label of a secret', 0, field(singleLine(64) as typeof validators.name, letters));
  holds(
    'api',
    'pages of `restrictions`',
    0,
    field(validators.restrictions as typeof validators.name, (length) => ({
      addresses: ['0.0.0.0/0'],
      pages: Array(length).fill('A'),
    })),
  );
  holds(
    'endpoints',
    'name of an account',
    0,
    (length) => fieldProblem({ name: letters(length) }) === undefined,
  );
  holds(
    'endpoints',
    'name of an account',
    0,
    (length) => fieldProblem({ realName: letters(length) }) === undefined,
  );
  holds(
    'endpoints',
    'name of an account',
    0,
    (length) => fieldProblem({ email: `${letters(length - 12)}@example.org` }) === undefined,
  );
  holds(
    'endpoints',
    'password',
    1,
    (length) => fieldProblem({ password: letters(length) }) === undefined,
  );
  test('endpoints: the shortest password', () => {
    const least = written('endpoints', 'password')[0] ?? 0;
    const taken = (length: number) => fieldProblem({ password: letters(length) }) === undefined;
    assert.deepEqual([taken(least), taken(least - 1)], [true, false]);
  });
  for (const [at, name] of ['oauth_callback', 'oauth_signature', 'oauth_nonce'].entries())
    holds('endpoints', '`oauth_callback`, `oauth_signature`', at, (length) => {
      const signed = { oauth: new Map([[name, letters(length)]]) } as unknown as Parameters<
        typeof findParameterProblem
      >[0];
      const settings = {
        profile: { signatureMethods: [] },
      } as unknown as Parameters<typeof findParameterProblem>[1];
      return findParameterProblem(signed, settings, 0 as never)?.kind !== 'parameter_rejected';
    });
});
