import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { apiRoutes } from '#http/api/api.ts';
import { problemTitles } from '#http/api/problems.ts';
import { csrfToken } from '#http/csrf.ts';
import { instant } from '#kernel/time.ts';
import {
  type Answer,
  anywhere,
  Desk,
  type Ids,
  inBrowser,
  type Part,
  refused,
  routeOf,
  type Way,
} from './desk.ts';
import {
  approved,
  bodyOf,
  disabled,
  hidden,
  invited,
  maintained,
  offered,
  plain,
  proposed,
  type Row,
  rejected,
  revised,
  rows,
} from './rows.ts';

describe('refusals', () => {
  // Every way each route says no.

  const portal = 'ab'.repeat(16);
  const file = `
review:
  two_person_risks: [vandalism]
clients:
  - client_id: ${portal}
    name: Portal
    version: '1.0'
    description: The portal
    owner: Ada
    protocol: oauth2
    confidential: true
    grant_types: [authorization_code]
    redirect_uri: https://portal.example/cb
    scopes: [editpage]
    client_secret: ${'s'.repeat(32)}
`;

  let desk: Desk;
  before(async () => {
    desk = await Desk.open({ file });
  });
  after(() => desk.close());

  const pem = (type: 'rsa' | 'ec', modulusLength = 2048) =>
    (type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    ).publicKey
      .export({ type: 'spki', format: 'pem' })
      .toString();

  // Scenes of refusals alone.

  const ownerOnly = {
    ownerOnly: true,
    redirectUri: '',
    grantTypes: ['client_credentials'],
  } as const;
  const owned = (desk: Desk) => desk.app(ownerOnly);
  const publicApp = (desk: Desk) => desk.app({ confidential: false });
  const risky = (desk: Desk) => desk.app({ scopes: ['delete'] }, false);
  /** Signed with a key alone. */
  async function keyOnly(desk: Desk): Promise<Ids> {
    const ids = await desk.app({ protocol: 'oauth1', grantTypes: [], rsaPublicKey: pem('rsa') });
    const [secret] = (await desk.client(ids)).secrets;
    assert.ok(secret);
    await desk.act('ada', 'retire-secret', ids, { secretId: secret.id });
    return ids;
  }
  async function fullOfSecrets(desk: Desk): Promise<Ids> {
    const ids = await approved(desk);
    for (const label of ['2', '3', '4', '5']) await desk.act('ada', 'add-secret', ids, { label });
    return ids;
  }
  async function fullOfPeople(desk: Desk): Promise<Ids> {
    const ids = await approved(desk);
    for (let made = 0; made < 20; made++)
      await desk.act('ada', 'invite', ids, {
        userId: (await desk.world.createPerson(desk.fresh('Helper'))).id,
      });
    return ids;
  }
  const withSecret = async (desk: Desk): Promise<Ids> => {
    const ids = await approved(desk);
    return { ...ids, secret_id: (await desk.client(ids)).secrets[0]?.id ?? 0 };
  };
  async function firstYes(desk: Desk): Promise<Ids> {
    const ids = await risky(desk);
    await desk.act('rex', 'approve', ids);
    return ids;
  }
  /** A first yes of Rex's to undo what the operator did. */
  async function stopped(desk: Desk, stop: 'halt' | 'disable'): Promise<Ids> {
    const ids = await desk.app({ scopes: ['delete'] });
    const { clients } = desk.world;
    const id = (await desk.client(ids)).id;
    await (stop === 'halt' ? clients.suspend(id, 'all') : clients.disable(id));
    await desk.act(
      'rex',
      stop === 'halt' ? 'halt' : 'reenable',
      ids,
      stop === 'halt' ? { suspension: 'none' } : {},
    );
    return ids;
  }
  const suspendedOnce = (desk: Desk) => stopped(desk, 'halt');
  const disabledOnce = (desk: Desk) => stopped(desk, 'disable');
  /** Rex helps look after it. */
  async function ofRex(desk: Desk, live: boolean): Promise<Ids> {
    const ids = await desk.app({}, live);
    await desk.act('ada', 'invite', ids, { userId: desk.people.rex.id });
    await desk.act('rex', 'join', ids);
    return ids;
  }
  const keptByReviewer = (desk: Desk) => ofRex(desk, true);
  const proposedByReviewer = (desk: Desk) => ofRex(desk, false);
  /** Its owner is blocked. */
  async function orphan(desk: Desk): Promise<Ids> {
    const owner = await desk.world.createPerson(desk.fresh('Gone').replace(' ', '-'), [
      'developer',
    ]);
    const { client } = await desk.world.createClient(owner, { name: desk.fresh() });
    await desk.world.server.store.setBlocked(owner.id, true);
    return { client_id: client.id };
  }
  async function firstYesToRevision(desk: Desk): Promise<Ids> {
    const ids = await revised(desk, { scopes: ['editpage', 'delete'] });
    await desk.act('rex', 'approve-revision', ids, { revisionId: ids.revision_id });
    return ids;
  }
  /** A revision that would take a name which is taken meanwhile. */
  async function lateRevision(desk: Desk): Promise<Ids> {
    const name = desk.fresh('wanted');
    const ids = await revised(desk, { name });
    await desk.app({ name });
    return ids;
  }
  async function disabledMeanwhile(desk: Desk): Promise<Ids> {
    const ids = await revised(desk);
    await desk.act('operator', 'disable', ids, { suppress: false });
    return ids;
  }
  /** Offered to somebody who has an app of that name and version. */
  async function offeredNamesake(desk: Desk): Promise<Ids> {
    const ids = await offered(desk);
    const { name } = await desk.client(ids);
    await desk.world.createClient(desk.people.dan, { name });
    return ids;
  }

  interface Case extends Omit<Partial<Row>, 'body'> {
    readonly by?: Way;
    readonly body?: object | ((desk: Desk) => object | Promise<object>);
  }
  type Facts = Readonly<Record<string, unknown>>;
  /** Route, what is the matter, what differs from its success, and the answer. */
  type Refused = readonly [
    id: string,
    what: string,
    over: Case,
    status: number,
    code: string,
    facts?: Facts,
  ];

  const proposal = (over: object): Case => ({ body: (desk) => ({ ...plain(desk), ...over }) });
  const without = (name: string): Case => ({
    body: (desk) =>
      Object.fromEntries(Object.entries(plain(desk)).filter(([field]) => field !== name)),
  });
  const invalid = (field: string, problem: string, ignorable = false, more: Facts = {}) => ({
    field,
    problem,
    ignorable,
    ...more,
  });

  const missingFields: readonly Refused[] = [
    'name',
    'description',
    'protocol',
    'scopes',
    'terms_accepted',
  ].map((field) => [
    ...([
      'proposeClient',
      `without ${field}`,
      without(field),
      400,
      'missing_field',
      { field },
    ] as const),
  ]);

  const proposals: readonly Refused[] = (
    [
      ['an empty name', { name: ' ' }, 'name', 'empty'],
      ['a name that is too long', { name: 'x'.repeat(129) }, 'name', 'too_long', { most: 128 }],
      [
        'a name that turns the direction of text',
        { name: 'a\u202eb' },
        'name',
        'deceptive_characters',
      ],
      ['a version that is none', { version: 'foo' }, 'version', 'not_a_version'],
      ['no redirect URI', { redirect_uri: undefined }, 'redirect_uri', 'empty'],
      ['a redirect URI that is none', { redirect_uri: 'reader' }, 'redirect_uri', 'not_a_uri'],
      ['plain http', { redirect_uri: 'http://reader.example/cb' }, 'redirect_uri', 'not_https'],
      [
        'a scheme that runs script',
        { redirect_uri: 'javascript:1', confidential: false },
        'redirect_uri',
        'scheme_not_allowed',
      ],
      [
        'a password in the redirect URI',
        { redirect_uri: 'https://a:b@reader.example/' },
        'redirect_uri',
        'credentials_in_uri',
      ],
      [
        'a fragment',
        { redirect_uri: 'https://reader.example/cb#x' },
        'redirect_uri',
        'fragment_in_uri',
      ],
      [
        'a scheme without a dot',
        { redirect_uri: 'reader:/cb', confidential: false },
        'redirect_uri',
        'own_scheme_without_dot',
      ],
      [
        'an own scheme for an app with a secret',
        { redirect_uri: 'org.example:/cb' },
        'redirect_uri',
        'own_scheme_confidential',
      ],
      [
        'a prefix for OAuth 2',
        { redirect_is_prefix: true },
        'redirect_is_prefix',
        'not_for_this_kind_of_app',
      ],
      ['an address that is none', { email: 'ada' }, 'email', 'not_an_address'],
      ['a site that is none', { site: 'nowhere' }, 'site', 'not_a_site'],
      [
        'an unknown scope',
        { scopes: ['editpage', 'fly'] },
        'scopes',
        'unknown_scopes',
        { scopes: ['fly'] },
      ],
      [
        'an identity scope with others',
        { scopes: ['editpage', 'mwoauth-authonly'] },
        'scopes',
        'identity_scope_not_alone',
      ],
      [
        'an optional scope beside its scopes',
        { optional_scopes: ['sendemail'] },
        'optional_scopes',
        'unknown_scopes',
      ],
      [
        'a key for OAuth 2',
        { rsa_public_key: pem('rsa') },
        'rsa_public_key',
        'not_for_this_kind_of_app',
      ],
      [
        'a key that is none',
        { protocol: 'oauth1', rsa_public_key: 'key' },
        'rsa_public_key',
        'not_a_key',
      ],
      [
        'a key of another kind',
        { protocol: 'oauth1', rsa_public_key: pem('ec') },
        'rsa_public_key',
        'not_an_rsa_key',
      ],
      [
        'a short key',
        { protocol: 'oauth1', rsa_public_key: pem('rsa', 1024) },
        'rsa_public_key',
        'key_too_short',
        { bits: 2048 },
      ],
      [
        'a range that is none',
        { restrictions: { addresses: ['here'] } },
        'restrictions',
        'not_a_range',
        { entry: 'here' },
      ],
      ['no grant type', { grant_types: [] }, 'grant_types', 'empty'],
      [
        ...([
          'an owner-only app with codes',
          { owner_only: true, grant_types: ['authorization_code'] },
        ] as const),
        ...(['grant_types', 'owner_only_grant_types'] as const),
      ],
      [
        'a public app that acts for itself',
        { confidential: false, grant_types: ['client_credentials'] },
        'grant_types',
        'needs_a_secret',
      ],
      [
        'a public app of OAuth 1',
        { protocol: 'oauth1', confidential: false },
        'confidential',
        'not_for_this_kind_of_app',
      ],
      [
        'a public app without PKCE',
        { confidential: false, pkce_optional: true },
        'pkce_optional',
        'needs_pkce',
      ],
    ] as const
  ).map(([what, over, field, problem, more]) => [
    'proposeClient',
    what,
    proposal(over),
    400,
    'invalid_field',
    invalid(field, problem, false, more),
  ]);

  const advice: readonly Refused[] = (
    [
      ['a bare domain', { redirect_uri: 'https://reader.example/' }, 'bare_domain'],
      ['our own site', { redirect_uri: 'https://gate.example/cb' }, 'our_own_site'],
    ] as const
  ).map(([what, over, problem]) => [
    ...([
      'proposeClient',
      `${what} is advice`,
      proposal(over),
      400,
      'invalid_field',
      invalid('redirect_uri', problem, true),
    ] as const),
  ]);

  const forKeepers = { as: 'dan', ready: approved } as const;
  const lacksUpdate = { as: 'ben', scopes: ['gatehouse:clients'] } as const;
  const updateRight = { right: 'mwoauthupdateownconsumer' };
  const reviewRight = { right: 'mwoauthmanageconsumer' };
  const nobody = { user: 'Nobody at all' };
  const person = { what: 'person' };

  const refusals: readonly Refused[] = [
    ...missingFields,
    ...proposals,
    ...advice,
    [
      'proposeClient',
      'another address',
      proposal({ email: 'eve@example.org' }),
      400,
      'email_mismatched',
    ],
    [
      'proposeClient',
      'by one who may not',
      { as: 'ben' },
      403,
      'permission_denied',
      { right: 'mwoauthproposeconsumer' },
    ],
    [
      ...(['proposeClient', 'an app that is there'] as const),
      {
        body: async (desk: Desk) => ({
          ...plain(desk),
          name: (await desk.client(await approved(desk))).name,
        }),
      },
      ...([409, 'consumer_exists', { version: undefined }] as const),
    ],
    [
      ...(['proposeClient', 'a version before the latest'] as const),
      {
        body: async (desk: Desk) => ({
          ...plain(desk),
          version: '0.9',
          name: (await desk.client(await approved(desk))).name,
        }),
      },
      ...([409, 'consumer_exists', { version: '1.0' }] as const),
    ],

    [
      'listClients',
      'orphans, for a developer',
      { query: '?orphaned=true' },
      403,
      'permission_denied',
      reviewRight,
    ],

    [
      'updateClient',
      'by somebody else',
      forKeepers,
      403,
      'permission_denied',
      { right: undefined },
    ],
    ['updateClient', 'without the right', lacksUpdate, 403, 'permission_denied', updateRight],
    ['updateClient', 'of a rejected app', { ready: rejected }, 403, 'permission_denied'],
    [
      'updateClient',
      'a range that is none',
      { body: { restrictions: { addresses: ['x'] } } },
      400,
      'invalid_field',
      invalid('restrictions', 'not_a_range'),
    ],
    [
      'updateClient',
      'a key for OAuth 2',
      { body: { rsa_public_key: pem('rsa') } },
      400,
      'invalid_field',
      invalid('rsa_public_key', 'not_for_this_kind_of_app'),
    ],
    [
      'updateClient',
      'the key that alone is left',
      { ready: keyOnly, body: { rsa_public_key: null } },
      409,
      'last_secret',
    ],
    [
      'updateClient',
      'a reason that is too long',
      { body: { reason: 'x'.repeat(256) } },
      400,
      'invalid_field',
      invalid('reason', 'too_long'),
    ],
    [
      'updateClient',
      'a reason of two lines',
      { body: { reason: 'a\nb' } },
      400,
      'invalid_field',
      invalid('reason', 'deceptive_characters'),
    ],

    ['resetSecret', 'by somebody else', forKeepers, 403, 'permission_denied'],
    ['resetSecret', 'of a disabled app', { ready: disabled }, 403, 'permission_denied'],
    ['listSecrets', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],
    ['listSecrets', 'by a reviewer', { as: 'rex', by: 'session' }, 403, 'permission_denied'],
    [
      'addSecret',
      'by one who was only invited',
      { as: 'mia', ready: invited },
      403,
      'permission_denied',
    ],
    [
      'addSecret',
      'a sixth',
      { as: 'ada', ready: fullOfSecrets },
      409,
      'too_many',
      { what: 'secrets' },
    ],
    ['addSecret', 'without a label', { body: {} }, 400, 'missing_field', { field: 'label' }],
    [
      'addSecret',
      'an empty label',
      { body: { label: ' ' } },
      400,
      'invalid_field',
      invalid('label', 'empty'),
    ],
    [
      'addSecret',
      'that has expired',
      { body: { label: 'a', expires_at: '2020-01-01T00:00:00Z' } },
      400,
      'invalid_field',
      invalid('expires_at', 'in_the_past'),
    ],
    [
      'addSecret',
      'with a time that is none',
      { body: { label: 'a', expires_at: 'tomorrow' } },
      400,
      'invalid_field',
      { field: 'expires_at' },
    ],
    [
      'addSecret',
      'to a public app',
      { as: 'ada', ready: publicApp },
      400,
      'invalid_field',
      invalid('label', 'not_for_this_kind_of_app'),
    ],
    ['retireSecret', 'the last', { ready: withSecret }, 409, 'last_secret'],
    [
      'retireSecret',
      'of another app',
      { ready: async (desk) => ({ ...(await withSecret(desk)), secret_id: 9999 }) },
      404,
      'not_found',
      { what: 'secret' },
    ],
    [
      'retireSecret',
      'that is no number',
      { ready: async (desk) => ({ ...(await withSecret(desk)), secret_id: 'x' }) },
      404,
      'not_found',
    ],
    ['retireSecret', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],

    ['listRevisions', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],
    ['revise', 'by somebody else', forKeepers, 403, 'permission_denied'],
    ['revise', 'without the right', lacksUpdate, 403, 'permission_denied', updateRight],
    ['revise', 'a proposal', { ready: proposed }, 409, 'not_approved', { stage: 'proposed' }],
    ['revise', 'nothing', { body: {} }, 409, 'nothing_to_do'],
    ['revise', 'what already is so', { body: { scopes: ['editpage'] } }, 409, 'nothing_to_do'],
    [
      'revise',
      'plain http',
      { body: { redirect_uri: 'http://a.example/cb' } },
      400,
      'invalid_field',
      invalid('redirect_uri', 'not_https'),
    ],
    [
      'revise',
      'a bare domain is advice',
      { body: { redirect_uri: 'https://a.example' } },
      400,
      'invalid_field',
      invalid('redirect_uri', 'bare_domain', true),
    ],
    [
      'revise',
      'an unknown scope',
      { body: { scopes: ['fly'] } },
      400,
      'invalid_field',
      invalid('scopes', 'unknown_scopes'),
    ],
    [
      ...(['revise', 'the name of another app of the same owner'] as const),
      {
        ready: owned,
        body: async (desk: Desk) => ({ name: (await desk.client(await approved(desk))).name }),
      },
      ...([409, 'consumer_exists'] as const),
    ],
    [
      'withdrawRevision',
      'that is closed',
      { ready: async (desk) => ({ ...(await revised(desk)), revision_id: 9999 }) },
      404,
      'not_found',
      { what: 'revision' },
    ],
    ['withdrawRevision', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],

    ['getTeam', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],
    ['inviteMaintainer', 'nobody', { body: nobody }, 404, 'not_found', person],
    [
      'inviteMaintainer',
      'a number that is nobody’s',
      { body: { user: 9999 } },
      404,
      'not_found',
      person,
    ],
    ['inviteMaintainer', 'without a person', { body: {} }, 400, 'missing_field', { field: 'user' }],
    ['inviteMaintainer', 'the owner', { body: { user: 'Ada' } }, 409, 'nothing_to_do'],
    ['inviteMaintainer', 'somebody twice', { ready: invited }, 409, 'nothing_to_do'],
    [
      'inviteMaintainer',
      'a twenty-first',
      { ready: fullOfPeople },
      409,
      'too_many',
      { what: 'maintainers' },
    ],
    ['inviteMaintainer', 'to an owner-only app', { ready: owned }, 403, 'permission_denied'],
    [
      'inviteMaintainer',
      'by a maintainer',
      { as: 'mia', ready: maintained },
      403,
      'permission_denied',
    ],
    [
      'inviteMaintainer',
      'nobody, by somebody else, who learns nothing',
      { as: 'dan', body: nobody },
      403,
      'permission_denied',
    ],
    [
      'removeMaintainer',
      'who is none',
      { as: 'ada', ready: async (desk) => ({ ...(await approved(desk)), user_id: 9999 }) },
      404,
      'not_found',
      { what: 'maintainer' },
    ],
    ['removeMaintainer', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],
    ['join', 'uninvited', { as: 'dan' }, 404, 'not_found', { what: 'offer' }],
    ['join', 'twice', { ready: maintained }, 409, 'nothing_to_do'],
    [
      'acceptOffer',
      'that was made to somebody else',
      { as: 'mia' },
      404,
      'not_found',
      { what: 'offer' },
    ],
    [
      'acceptOffer',
      'without the right',
      { as: 'ben' },
      403,
      'permission_denied',
      { right: 'mwoauthproposeconsumer' },
    ],
    ['acceptOffer', 'of what they have', { ready: offeredNamesake }, 409, 'consumer_exists'],
    [
      'declineOffer',
      'when there is none',
      { ready: approved },
      404,
      'not_found',
      { what: 'offer' },
    ],
    ['declineOffer', 'that is not theirs', { as: 'mia' }, 403, 'permission_denied'],
    ['offerClient', 'to nobody', { body: nobody }, 404, 'not_found', person],
    ['offerClient', 'to the owner', { body: { user: 'Ada' } }, 409, 'nothing_to_do'],
    ['offerClient', 'by a maintainer', { as: 'mia', ready: maintained }, 403, 'permission_denied'],
    [
      'offerClient',
      'without an owner, to the reviewer who gives it',
      { as: 'rex', ready: orphan, body: { user: 'Rex' } },
      409,
      'needs_another_reviewer',
      { why: 'handed_over' },
    ],
    ['offerClient', 'of a rejected app', { ready: rejected }, 403, 'permission_denied'],
    ['auditOfClient', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],

    ['listReviews', 'by a developer', { as: 'dan' }, 403, 'permission_denied', reviewRight],
    ['riskOfClient', 'by its owner', { as: 'ada' }, 403, 'permission_denied', reviewRight],
    ['impactOfClient', 'by somebody else', { as: 'dan' }, 403, 'permission_denied'],
    ...(
      [
        'approveClient',
        'rejectClient',
        'disableClient',
        'reenableClient',
        'haltClient',
        'approveRevision',
        'rejectRevision',
      ] as const
    ).map(
      (id): Refused => [id, 'by its owner', { as: 'ada' }, 403, 'permission_denied', reviewRight],
    ),
    [
      'approveClient',
      'that is approved',
      { ready: approved },
      409,
      'not_proposed',
      { stage: 'approved' },
    ],
    [
      'approveClient',
      'by the same reviewer twice',
      { ready: firstYes },
      409,
      'needs_another_reviewer',
    ],
    [
      'rejectClient',
      'and hiding it, by a maintainer',
      { ready: proposedByReviewer, body: { suppress: true } },
      409,
      'needs_another_reviewer',
      { why: 'maintainer' },
    ],
    [
      'disableClient',
      'and hiding it, by a maintainer',
      { ready: keptByReviewer, body: { suppress: true } },
      409,
      'needs_another_reviewer',
      { why: 'maintainer' },
    ],
    [
      'reenableClient',
      'by the same reviewer twice',
      { ready: disabledOnce },
      409,
      'needs_another_reviewer',
      { why: 'approved_before' },
    ],
    [
      'haltClient',
      'less, by the same reviewer twice',
      { ready: suspendedOnce, body: { suspension: 'none' } },
      409,
      'needs_another_reviewer',
      { why: 'approved_before' },
    ],
    [
      'rejectClient',
      'that is approved',
      { ready: approved },
      409,
      'not_proposed',
      { stage: 'approved' },
    ],
    [
      'disableClient',
      'that waits',
      { ready: proposed },
      409,
      'not_approved',
      { stage: 'proposed' },
    ],
    [
      'reenableClient',
      'that is approved',
      { ready: approved },
      409,
      'not_disabled',
      { stage: 'approved' },
    ],
    ['haltClient', 'that waits', { ready: proposed }, 409, 'not_approved', { stage: 'proposed' }],
    [
      'setPkceExemption',
      'by its owner',
      { as: 'ada', body: { pkce_optional: true } },
      403,
      'permission_denied',
      reviewRight,
    ],
    [
      'setPkceExemption',
      'that waits',
      { ready: proposed, body: { pkce_optional: true } },
      409,
      'not_approved',
      { stage: 'proposed' },
    ],
    [
      'setPkceExemption',
      'by its maintainer, who reviews',
      { ready: keptByReviewer, body: { pkce_optional: true } },
      409,
      'needs_another_reviewer',
      { why: 'maintainer' },
    ],
    [
      'setPkceExemption',
      'without a word',
      { body: {} },
      400,
      'missing_field',
      { field: 'pkce_optional' },
    ],
    ['haltClient', 'without a grade', { body: {} }, 400, 'missing_field', { field: 'suspension' }],
    [
      'haltClient',
      'by a grade that is none',
      { body: { suspension: 'tokens' } },
      400,
      'invalid_field',
      { field: 'suspension' },
    ],
    [
      'approveRevision',
      'that is closed',
      { ready: async (desk) => ({ ...(await revised(desk)), revision_id: 9999 }) },
      404,
      'not_found',
      { what: 'revision' },
    ],
    [
      'approveRevision',
      'of a disabled app',
      { ready: disabledMeanwhile },
      409,
      'not_approved',
      { stage: 'disabled' },
    ],
    [
      'approveRevision',
      'by the same reviewer twice',
      { ready: firstYesToRevision },
      409,
      'needs_another_reviewer',
    ],
    ['approveRevision', 'whose name is taken', { ready: lateRevision }, 409, 'consumer_exists'],
    [
      'rejectRevision',
      'that is closed',
      { ready: async (desk) => ({ ...(await revised(desk)), revision_id: 9999 }) },
      404,
      'not_found',
      { what: 'revision' },
    ],

    [
      'listConsents',
      'of somebody else',
      { query: '?user=Ada' },
      403,
      'permission_denied',
      { right: 'mwoauthviewprivate' },
    ],
    [
      'listConsents',
      'of nobody, for one who may not look',
      { query: '?user=Nobody' },
      403,
      'permission_denied',
    ],
    [
      'listConsents',
      'of nobody',
      { as: 'root', by: 'session', query: '?user=Nobody' },
      404,
      'not_found',
      person,
    ],
    ['renounceConsent', 'of somebody else', { as: 'dan' }, 404, 'invalid_access_token'],
    [
      'renounceConsent',
      'that is none',
      { ready: async () => ({ consent_id: 9999 }) },
      404,
      'invalid_access_token',
    ],
    [
      'renounceConsent',
      'that is no number',
      { ready: async () => ({ consent_id: 'mine' }) },
      404,
      'not_found',
    ],
    ['listAudit', 'of all, by a developer', { as: 'dan' }, 403, 'permission_denied', reviewRight],
    [
      'listAudit',
      'of somebody else, by a developer',
      { as: 'dan', query: '?actor=Ada' },
      403,
      'permission_denied',
    ],
  ];

  /** The success of a route with what makes it fail. */
  async function tried(id: string, over: Case, ids?: Ids): Promise<Answer> {
    const row = { ...(rows[id] as Row), ...over };
    const scene = ids ?? (await row.ready?.(desk)) ?? {};
    return desk.call(id, scene, {
      ...row,
      body: await (typeof row.body === 'function' ? row.body(desk) : row.body),
    });
  }

  for (const [id, what, over, status, code, facts] of refusals)
    test(`${id}: ${what} is ${code}`, async () =>
      refused(await tried(id, over), status, code, facts));

  /**
   * What gives more than a token of `gatehouse:clients` holds, where the row of the success does
   * not.
   */
  const beyond: Readonly<Record<string, Partial<Row>>> = {
    proposeClient: {
      body: (desk) => ({
        ...plain(desk),
        owner_only: true,
        redirect_uri: '',
        scopes: ['mwoauth-authonlyprivate'],
      }),
    },
    updateClient: {
      ready: (desk) => desk.app({ protocol: 'oauth1', grantTypes: [] }),
      body: { rsa_public_key: pem('rsa') },
    },
    revise: {
      ready: (desk) =>
        desk.app({ ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] }),
      body: { scopes: ['patrol'] },
    },
  };

  for (const id of [...inBrowser, ...Object.keys(beyond)]) {
    const row = { ...(rows[id] as Row), ...beyond[id] };
    for (const by of ['token', 'signature'] as const)
      test(`${id}: more than the caller holds, by ${by}, is browser_session_required`, async () => {
        const ids = (await row.ready?.(desk)) ?? {};
        const before = 'client_id' in ids ? await desk.client(ids) : undefined;
        const said = { as: row.as, by, scopes: [routeOf(id).scope ?? ''], body: bodyOf(row, desk) };
        refused(await desk.call(id, ids, said), 403, 'browser_session_required');
        if (before) assert.deepEqual(await desk.client(ids), before, 'nothing was written');
      });
    test(`${id}: ten minutes and a second after the last proof is reauthentication_required`, async () => {
      const ids = (await row.ready?.(desk)) ?? {};
      const headers = { ...(await desk.session(row.as)) };
      desk.world.advanceClock(601);
      const answer = await desk.call(id, ids, {
        ...row,
        body: bodyOf(row, desk),
        by: 'nothing',
        headers,
      });
      desk.world.advanceClock(-601);
      refused(answer, 403, 'reauthentication_required');
    });
  }

  for (const id of ['proposeClient', 'acceptOffer']) {
    test(`${id}: without a confirmed address is email_not_confirmed`, async () => {
      const { store } = desk.world.server;
      const nora = {
        ...desk.people.ada,
        name: desk.fresh('Nora'),
        email: 'nora@example.org',
        emailConfirmedAt: null,
        passwordHash: null,
      };
      const made = await store.createAccount(nora);
      assert.ok(made.outcome === 'created');
      const ids = await approved(desk);
      await desk.act('ada', 'offer', ids, { userId: made.account.id });
      const cookie = await desk.world.sessionCookie(made.account);
      const route = routeOf(id);
      const answer = await desk.world.app.inject({
        method: 'POST',
        url: `/api/v1${route.path.replace(':client_id', ids.client_id)}`,
        headers: {
          cookie,
          'x-csrf-token': csrfToken(cookie.split('=')[1] ?? ''),
          'content-type': 'application/json',
        },
        payload: JSON.stringify(
          id === 'proposeClient' ? { ...plain(desk), email: nora.email } : {},
        ),
      });
      desk.judge(route, answer);
      refused(answer, 403, 'email_not_confirmed');
    });
  }

  for (const [id, kind] of [
    ['inviteMaintainer', 'invitation'],
    ['offerClient', 'offer'],
  ] as const) {
    test(`${id}: somebody who does not want to be invited, and a sender who invited enough today`, async () => {
      const { store } = desk.world.server;
      const ids = await approved(desk);
      await store.setInvitationsDeclined(desk.people.ben.id, true);
      refused(await tried(id, { body: { user: 'Ben' } }, ids), 403, 'invitations_declined');
      await store.setInvitationsDeclined(desk.people.ben.id, false);
      const key = `letters ${kind} from account ${desk.people.ada.id}`;
      for (let count = 0; count < 30; count++)
        await store.increment(key, desk.world.now, instant(desk.world.now + 60));
      const answer = await tried(id, { body: { user: 'Ben' } }, ids);
      refused(answer, 429, 'too_many_invitations');
      assert.equal(answer.headers['retry-after'], '86400');
      await store.clear(key);
    });
  }

  // What holds for every route on an app.

  const onApps = apiRoutes.filter(({ path }) => path.startsWith('/clients/:client_id'));
  const actions = onApps.filter(({ method }) => method !== 'GET');

  for (const { id } of onApps) {
    for (const [what, ids] of [
      ['no app', { client_id: '0'.repeat(32) }],
      ['no identifier', { client_id: 'nothing' }],
    ] as const)
      test(`${id}: ${what} is a 404`, async () =>
        refused(await tried(id, {}, ids), 404, 'invalid_consumer_key'));
    test(`${id}: a hidden app is a 404 for a stranger to it`, async () => {
      const ids = await hidden(desk);
      for (const as of ['dan', 'ben'] as const)
        refused(await tried(id, { as }, ids), 404, 'invalid_consumer_key');
    });
  }

  for (const { id } of actions) {
    test(`${id}: an app of the configuration is changed there`, async () =>
      refused(await tried(id, {}, { client_id: portal }), 409, 'managed_by_configuration'));

    test(`${id}: decided on an older edition is a 412 that tells what happened, and does nothing`, async () => {
      const row = rows[id] as Row;
      await desk.vouch(id, row);
      const ids = (await row.ready?.(desk)) ?? {};
      const seen = await desk.seen(row.as, ids);
      await desk.touch(ids);
      const before = await desk.client(ids);
      const say = (token: string) =>
        desk.call(id, ids, { ...row, body: bodyOf(row, desk), seen: token });
      const since = [
        {
          at: '2027-01-15T08:00:00Z',
          action: 'touch',
          reason: 'in between',
          changes: [{ field: 'redirect_uri', before: 'a', after: 'b' }],
        },
      ];
      refused(await say(seen), 412, 'change_conflict', { since });
      const another: Part = row.as === 'rita' ? 'rex' : 'rita';
      refused(await say(await desk.seen(another, ids)), 412, 'change_conflict', { since: [] });
      assert.deepEqual(await desk.client(ids), before);
      const fresh = await say(await desk.seen(row.as, ids));
      assert.ok(fresh.statusCode < 300, fresh.body);
    });

    test(`${id}: If-Match with anything but one change token is a 400; * names none`, async () => {
      const row = rows[id] as Row;
      const ids = (await row.ready?.(desk)) ?? {};
      const say = (value: string) =>
        desk.call(id, ids, { ...row, body: bodyOf(row, desk), headers: { 'if-match': value } });
      for (const value of [
        '',
        'x',
        '"x"',
        'a'.repeat(40),
        `W/"${'a'.repeat(40)}"`,
        `"${'a'.repeat(40)}", "${'b'.repeat(40)}"`,
      ])
        refused(await say(value), 400, 'invalid_request', { field: 'If-Match' });
      refused(await say(`"${'a'.repeat(40)}"`), 412, 'change_conflict', { since: [] });
      assert.ok((await say('*')).statusCode < 300);
    });
  }

  test('of two who decide on the same edition one does', async () => {
    const ids = await proposed(desk);
    const [hers, his] = [await desk.seen('rita', ids), await desk.seen('rex', ids)];
    const answers = await Promise.all([
      desk.call('approveClient', ids, { as: 'rita', body: {}, seen: hers }),
      desk.call('approveClient', ids, { as: 'rex', body: {}, seen: his }),
    ]);
    assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [200, 409]);
  });

  test('advice is waved through, what is wrong is not', async () => {
    const say = (redirect_uri: string) =>
      desk.call(
        'proposeClient',
        {},
        { body: { ...plain(desk), redirect_uri, ignore_warnings: true } },
      );
    assert.equal((await say('https://reader.example/')).statusCode, 201);
    refused(await say('http://reader.example/'), 400, 'invalid_field', { ignorable: false });
  });

  test('a first yes is written down, and a second reviewer says theirs', async () => {
    const ids = await risky(desk);
    const say = async (as: Part) =>
      (await desk.call('approveClient', ids, { as, body: {} })).json();
    const [one, two] = [await say('rex'), await say('rita')];
    assert.deepEqual(
      [one.waiting, one.stage, two.waiting, two.stage],
      [true, 'proposed', false, 'approved'],
    );
  });

  // Read-only: nothing is written, everything is read, and credentials that are there work on.

  test('read-only: every write is a 503 with Retry-After, every read goes on, and so do tokens and refreshing', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-api-'));
    const database = join(folder, 'gatehouse.db');
    const writing = await Desk.open({ database });
    const scenes: (readonly [string, Row, Ids])[] = [];
    for (const { id } of apiRoutes) {
      const row = rows[id] as Row;
      await writing.vouch(id, row);
      scenes.push([id, row, (await row.ready?.(writing)) ?? {}]);
    }
    const bought = await writing.buy('ben', ['gatehouse:consents']);
    const reading = await Desk.open(
      { database, settings: { 'read-only': 'moving house' } },
      writing,
    );
    t.after(async () => {
      await reading.close();
      await writing.close();
      rmSync(folder, { recursive: true });
    });
    const trail = async () => (await reading.world.server.store.listAudit({ limit: 1 }))[0]?.id;
    const last = await trail();
    for (const [id, row, ids] of scenes) {
      const answer = await reading.call(id, ids, { ...row, body: bodyOf(row, reading) });
      if (routeOf(id).method === 'GET') assert.equal(answer.statusCode, 200, answer.body);
      else {
        refused(answer, 503, 'readonly', {
          detail: 'Nothing can be changed at the moment: moving house',
        });
        assert.equal(answer.headers['retry-after'], '300');
      }
    }
    assert.equal(await trail(), last, 'nothing was written');
    reading.world.advanceClock(60);
    const refreshed = await reading.world.app.inject({
      ...{ method: 'POST', url: '/oauth2/token', headers: bought.headers },
      payload: `grant_type=refresh_token&refresh_token=${bought.refresh}`,
    });
    for (const token of [bought.access, refreshed.json().access_token]) {
      const answer = await reading.call(
        'listConsents',
        {},
        { by: 'nothing', headers: { authorization: `Bearer ${token}` } },
      );
      assert.equal(answer.statusCode, 200, answer.body);
    }
    for (const [id, codes] of reading.heard) desk.heard.get(id)?.add([...codes][0] ?? '');
  });

  // Nothing was forgotten.

  test('every refusal a route names was heard from it', () => {
    for (const { id, refusals: named } of apiRoutes) {
      const heard = desk.heard.get(id) ?? new Set();
      assert.deepEqual(
        named.filter((code) => !heard.has(code) && code !== 'not_logged_in'),
        [],
        id,
      );
    }
  });

  test('every kind of refusal was heard, but two: a blocked person has no session or token, and no address names an unknown action', () => {
    const heard = new Set([...desk.heard.values()].flatMap((codes) => [...codes]));
    const own = [
      'invalid_request',
      'invalid_token',
      'insufficient_scope',
      'cross_site',
      'method_not_allowed',
      'server_error',
      'not_logged_in',
    ];
    const unheard = Object.keys(problemTitles).filter(
      (code) => !heard.has(code) && !own.includes(code),
    );
    assert.deepEqual(unheard, ['user_blocked', 'invalid_field_action']);
    assert.ok(anywhere.every((code) => Object.hasOwn(problemTitles, code)));
  });
});
