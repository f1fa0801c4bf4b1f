import type { Stage } from '#registry/model/client.ts';
import type { ActionName } from '#registry/registry.ts';
import {
  clients,
  keepers,
  managing,
  type Relation,
  type Rule,
  review,
  rule,
  two,
} from './attackers-table.ts';

// One row for every address of the server. A route without one fails the test.

/** What a step of a protocol gives at most, and for which apps. */
export interface Grant {
  readonly gives: 'code' | 'token' | 'facts' | 'end';
  /** Stages of the app; `own`: those at which it does for the app's owner alone. */
  readonly stages: readonly Stage[];
  readonly own: readonly Stage[];
  /**
   * How far a reviewer may have suspended the app; with `new-consents` for those who allowed it
   * before.
   */
  readonly suspension: readonly string[];
  /** What the caller must have; the play leaves out one after the other. */
  readonly needs: readonly Need[];
  /**
   * The most that a credential may hold: what the app asked for, what was held before, or all that
   * the app is registered for.
   */
  readonly scopes: 'none' | 'asked' | 'held' | 'registered';
}
export type Need = 'same app' | 'secret' | 'verifier' | 'same door' | 'no way into the dialect';

/** Every step of the protocols. */
export const grants = {
  consent: {
    gives: 'code',
    stages: ['approved'],
    own: ['proposed'],
    suspension: ['none', 'new-consents'],
    needs: [],
    scopes: 'asked',
  },
  code: {
    ...{
      gives: 'token',
      stages: ['approved'],
      own: ['proposed'],
      suspension: ['none', 'new-consents'],
      scopes: 'asked',
    },
    needs: ['same app', 'secret', 'verifier', 'same door'],
  },
  refresh: {
    ...{
      gives: 'token',
      stages: ['approved'],
      own: ['proposed'],
      suspension: ['none', 'new-consents'],
      scopes: 'held',
    },
    needs: ['same app', 'secret', 'no way into the dialect'],
  },
  machine: {
    ...{
      gives: 'token',
      stages: ['approved'],
      own: [],
      suspension: ['none', 'new-consents'],
      scopes: 'registered',
    },
    needs: ['secret'],
  },
  handshake: {
    ...{
      gives: 'token',
      stages: ['approved'],
      own: ['proposed'],
      suspension: ['none', 'new-consents'],
      scopes: 'asked',
    },
    needs: ['same app', 'secret', 'verifier'],
  },
  introspect: {
    ...{
      gives: 'facts',
      stages: ['approved'],
      own: ['proposed'],
      suspension: ['none', 'new-consents'],
      scopes: 'held',
    },
    needs: ['same app', 'secret'],
  },
  revoke: {
    ...{
      gives: 'end',
      stages: ['approved'],
      own: ['proposed'],
      suspension: ['none', 'new-consents'],
      scopes: 'none',
    },
    needs: ['same app', 'secret'],
  },
} as const satisfies Readonly<Record<string, Grant>>;
export type GrantName = keyof typeof grants;

/**
 * An action, a rule of its own, steps of a protocol, or null: anybody is answered, and nothing
 * changes.
 */
export type Row = ActionName | Rule | readonly GrantName[] | null;

/** What is only read: who is answered at all. What may stand in the answer, the marks decide. */
const read = (who: readonly Relation[], lent: Rule['lent'] = null): Rule => rule(who, lent, 'yes');
const looks = ['owner', 'maintainer', 'reviewer'] as const;
const insiders = [...managing, ...review];

/** Every route of the JSON API by its `id`. */
export const apiRows: Readonly<Record<string, ActionName | Rule | null>> = {
  listClients: null,
  getClient: null,
  listScopes: null,
  listSites: null,
  whoAmI: read(['anybody']),
  proposeClient: 'propose',
  updateClient: 'update',
  resetSecret: 'update',
  listSecrets: read(keepers, clients),
  addSecret: 'add-secret',
  retireSecret: 'retire-secret',
  listRevisions: read(looks, insiders),
  revise: 'revise',
  withdrawRevision: 'withdraw-revision',
  getTeam: read([...looks, 'invited', 'offered'], insiders),
  inviteMaintainer: 'invite',
  removeMaintainer: 'leave',
  join: 'join',
  offerClient: 'offer',
  acceptOffer: 'accept-offer',
  declineOffer: 'decline-offer',
  declineInvitations: read(['anybody'], clients),
  listInvitations: read(['anybody'], clients),
  auditOfClient: read(looks, insiders),
  impactOfClient: read(looks, insiders),
  listReviews: read(['reviewer'], review),
  riskOfClient: read(['reviewer'], review),
  approveClient: 'approve',
  rejectClient: 'reject',
  disableClient: 'disable',
  reenableClient: 'reenable',
  haltClient: 'halt',
  setPkceExemption: 'set-pkce-exemption',
  approveRevision: 'approve-revision',
  rejectRevision: 'reject-revision',
  listConsents: read(['anybody'], ['gatehouse:consents']),
  renounceConsent: 'renounce',
  listAudit: read(['anybody'], ['gatehouse:audit']),
};

const administers = rule(['administrator'], 'never', 'no', ['account']);
const administer = read(['administrator'], 'never');
const signedIn = read(['anybody'], 'never');
const reviews = read(['reviewer'], 'never');
/** About the caller's own account alone. */
const own = rule(['anybody'], 'never', 'yes', ['profile']);
const ownPage = read([...keepers, 'invited', 'offered'], 'never');
const each = <T>(
  method: string,
  row: T,
  ...paths: readonly string[]
): Readonly<Record<string, T>> =>
  Object.fromEntries(paths.map((path) => [`${method} ${path}`, row]));

/** What changes something, by any method but GET: pages, protocols and the dialect. */
const changing: Readonly<Record<string, Row>> = {
  'POST /my/apps/new': 'propose',
  'POST /my/apps/:id/revise': 'revise',
  'POST /my/apps/:id/retire-secret': 'retire-secret',
  'POST /my/apps/:id/reset': 'update',
  'POST /my/apps/:id/add-secret': 'add-secret',
  'POST /my/apps/:id/accept-offer': 'accept-offer',
  'POST /my/apps/:id/update': 'update',
  'POST /my/apps/:id/withdraw': 'withdraw-revision',
  'POST /my/apps/:id/invite': 'invite',
  'POST /my/apps/:id/leave': 'leave',
  'POST /my/apps/:id/offer': 'offer',
  'POST /my/apps/:id/decline': 'leave',
  'POST /my/apps/:id/decline-offer': 'decline-offer',
  'POST /my/apps/:id/join': 'join',
  'POST /review/:id': rule(
    ['reviewer'],
    'never',
    'yes',
    [
      'stage',
      'suppressed',
      'suspension',
      'approvals',
      'revision',
      'wider',
      'narrower',
      'described',
    ],
    two,
  ),
  'POST /review/:id/claim': rule(['reviewer'], 'never', 'yes'),
  'POST /review/:id/release': rule(['reviewer'], 'never', 'yes'),
  'POST /review/:id/pkce': 'set-pkce-exemption',
  'POST /review/:id/offer': rule(['reviewer'], 'never', 'no', ['offer']),
  'POST /review/next': rule(['reviewer'], 'never', 'yes'),
  'POST /consents/:id/end': 'renounce',
  'POST /admin/people/:id/block': administers,
  'POST /admin/people/:id/unblock': administers,
  'POST /admin/people/:id/groups': administers,
  'POST /w/rest.php/oauth2/client': 'propose',
  'POST /w/rest.php/oauth2/client/:key/reset_secret': 'update',
  ...each(
    'POST',
    own,
    ...[
      '/account/profile',
      '/account/prove',
      '/account/prove/options',
      '/account/password',
      '/account/email',
      '/account/email/confirm',
    ],
    ...[
      '/account/passkeys',
      '/account/passkeys/options',
      '/account/passkeys/rename',
      '/account/passkeys/remove',
    ],
    ...['/account/sessions/end', '/account/sessions/end-all', '/my/help'],
  ),
  ...each(
    'POST',
    null,
    ...[
      '/register',
      '/register/finish',
      '/sign-in',
      '/sign-in/passkey',
      '/sign-in/passkey/options',
      '/sign-out',
      '/setup',
    ],
    ...[
      '/password/forgotten',
      '/password/new',
      '/w/api.php',
      '/w/rest.php/*',
      '/w/rest.php/oauth2/resource/:type',
    ],
  ),
  'POST /authorize/:handle': ['consent', 'handshake'],
  ...each('POST', ['consent'], '/oauth2/authorize', '/w/rest.php/oauth2/authorize'),
  ...each(
    'POST',
    ['code', 'refresh', 'machine'],
    '/oauth2/token',
    '/w/rest.php/oauth2/access_token',
  ),
  ...each(
    'POST',
    ['handshake'],
    '/oauth1/initiate',
    '/oauth1/token',
    '/w/index.php',
    '/w/index.php/*',
    '/wiki/*',
  ),
  'POST /oauth2/introspect': ['introspect'],
  'POST /oauth2/revoke': ['revoke'],
};

/** What is read. Nobody's GET changes anything. */
const reading: Readonly<Record<string, Row>> = {
  ...each(
    'GET',
    null,
    ...[
      '/',
      '/scopes',
      '/continue/:handle',
      '/apps',
      '/apps/:id',
      '/healthz',
      '/readyz',
      '/oauth2/jwks',
      '/.well-known/oauth-authorization-server',
      '/problems/:code',
    ],
    ...[
      '/assets/gatehouse.css',
      '/assets/gatehouse.js',
      '/assets/passkeys.js',
      '/api/v1/openapi.json',
    ],
    ...[
      '/register',
      '/register/sent',
      '/register/finish',
      '/sign-in',
      '/setup',
      '/password/forgotten',
      '/password/sent',
      '/password/new',
    ],
    ...[
      '/w/api.php',
      '/w/index.php',
      '/w/index.php/*',
      '/wiki/*',
      '/w/rest.php/*',
      '/account/email/confirm',
    ],
    ...['/w/rest.php/oauth2/access_token', '/w/rest.php/oauth2/client/:key/reset_secret'],
  ),
  ...each('GET', ['consent'], '/oauth2/authorize', '/w/rest.php/oauth2/authorize'),
  ...each('GET', ['handshake'], '/oauth1/authorize', '/oauth1/authenticate'),
  'GET /authorize/:handle': ['consent', 'handshake'],
  ...each(
    'GET',
    signedIn,
    '/account',
    '/account/passkeys',
    '/account/prove',
    '/consents',
    '/consents/export.json',
    '/my/help',
    '/my/apps',
  ),
  ...each('GET', read(['developer'], 'never'), '/my/apps/new'),
  ...each(
    'GET',
    ownPage,
    ...['/my/apps/:id', '/my/apps/:id/revise', '/my/apps/:id/history', '/my/apps/:id/test'],
    ...[
      'accept-offer',
      'add-secret',
      'decline',
      'decline-offer',
      'invite',
      'join',
      'leave',
      'offer',
      'reset',
      'retire-secret',
    ].map((name) => `/my/apps/:id/${name}`),
    ...['/my/apps/:id/update', '/my/apps/:id/withdraw'],
  ),
  ...each('GET', reviews, '/review', '/review/:id'),
  ...each(
    'GET',
    administer,
    '/admin',
    '/admin/groups',
    '/admin/people',
    '/admin/people/:id',
    '/admin/scopes',
  ),
  ...each('GET', read(['anybody'], 'never'), '/admin/audit', '/admin/audit.jsonl'),
  'GET /w/rest.php/oauth2/client': read(['anybody']),
  'GET /w/rest.php/oauth2/resource/:type': read(['anybody']),
};

/** Every other address, by path; POST stands for each method that changes something. */
export const otherRows: Readonly<Record<string, Row>> = { ...changing, ...reading };
