import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cachedOAuth1, cachedOAuth2 } from '#server/cached-protocols.ts';

/** A face whose verbs write down that they were asked, and answer what they are told to. */
function face(name: string, answers: Readonly<Record<string, unknown>>, asked: string[]) {
  return new Proxy(
    {},
    {
      get: (_face, verb) => async () => {
        asked.push(`${name} ${String(verb)}`);
        return answers[String(verb)] ?? { ok: true, value: { active: true } };
      },
      ownKeys: () => verbs,
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    },
  );
}
const oauth1Verbs = [
  'issueTemporaryCredentials',
  'findClientToAuthorize',
  'authorizeUnderConsent',
  'issueTokenCredentials',
  'authenticateRequest',
  'diagnoseRequest',
];
const oauth2Verbs = [
  'validateAuthorizationRequest',
  'issueCode',
  'denialRedirect',
  'redirectUriWith',
  'issueTokens',
  'revokeToken',
  'introspectToken',
  'authenticateToken',
  'serverMetadata',
];
const verbs = [...new Set([...oauth1Verbs, ...oauth2Verbs])];

const no = { ok: false, refusal: { kind: 'no' } };
const all = (answer: unknown) => Object.fromEntries(verbs.map((verb) => [verb, answer]));

for (const [room, make, names, quickly] of [
  ['OAuth 1', cachedOAuth1, oauth1Verbs, ['issueTemporaryCredentials', 'authenticateRequest']],
  ['OAuth 2', cachedOAuth2, oauth2Verbs, ['introspectToken', 'authenticateToken']],
] as const) {
  test(`${room}: from memory only what lasts no longer than a memory`, async () => {
    for (const verb of names) {
      const asked: string[] = [];
      const both = make(
        face('quick', {}, asked) as never,
        face('sure', {}, asked) as never,
      ) as unknown as Record<string, (request: unknown) => unknown>;
      await both[verb]?.({ form: new Map([['grant_type', 'authorization_code']]) });
      assert.deepEqual(asked, [
        `${(quickly as readonly string[]).includes(verb) ? 'quick' : 'sure'} ${verb}`,
      ]);
    }
  });

  test(`${room}: a memory lets in, and what it refuses is asked of the store`, async () => {
    for (const verb of quickly)
      for (const refused of [
        no,
        ...(verb === 'introspectToken' ? [{ ok: true, value: { active: false } }] : []),
      ]) {
        const asked: string[] = [];
        const both = make(
          face('quick', all(refused), asked) as never,
          face('sure', {}, asked) as never,
        ) as unknown as Record<string, () => unknown>;
        assert.deepEqual(await both[verb]?.(), { ok: true, value: { active: true } });
        assert.deepEqual(asked, [`quick ${verb}`, `sure ${verb}`]);
      }
  });
}

test('OAuth 2: of token requests those for an app itself, and what a memory refuses is asked of the store', async () => {
  for (const [type, answer, expected] of [
    ['client_credentials', undefined, ['quick issueTokens']],
    ['client_credentials', no, ['quick issueTokens', 'sure issueTokens']],
    ['refresh_token', undefined, ['sure issueTokens']],
    ['authorization_code', undefined, ['sure issueTokens']],
  ] as const) {
    const asked: string[] = [];
    const both = cachedOAuth2(
      face('quick', answer ? { issueTokens: answer } : {}, asked) as never,
      face('sure', {}, asked) as never,
    );
    await both.issueTokens({ form: new Map([['grant_type', type]]) } as never);
    assert.deepEqual(asked, expected);
  }
});
