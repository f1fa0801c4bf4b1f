import type { ActionName } from '#registry/registry.ts';

// Who is allowed what, as data, for the property in attackers.test.ts. It is written down here a
// second time on purpose, from ADR 15, ADR 17 and docs/endpoints.md: nothing of it is read from the
// rules it judges.

/** What somebody is to an app, or on this server. */
export type Relation =
  | 'anybody'
  | 'developer'
  | 'reviewer'
  | 'suppressor'
  /** Who proposed what waits, and reviewers, as far as the audit trail is lent. */
  | 'auditor'
  | 'administrator'
  | 'owner'
  | 'maintainer'
  | 'invited'
  | 'offered'
  | 'self';

/** What may be different afterwards, of the app the request is about. */
export type Aspect =
  | 'created'
  | 'owner'
  | 'team'
  | 'offer'
  | 'stage'
  | 'suppressed'
  | 'suspension'
  | 'approvals'
  | 'revision'
  /** In force: scopes beyond those there were, or a place where codes go. */
  | 'wider'
  | 'narrower'
  | 'described'
  | 'exempted'
  /** Secrets, keys and addresses that let more callers be the app. */
  | 'opened'
  | 'closed'
  /** What a person allowed an app. */
  | 'consents'
  /** Groups, and whether somebody is blocked. */
  | 'account'
  /** Address and names of a person. */
  | 'profile';

export interface Rule {
  /** Any of these is enough; nobody: the action has no door over HTTP. */
  readonly who: readonly Relation[];
  /** Through an app: `never`; with one of these scopes; null: with any token. */
  readonly lent: 'never' | readonly string[] | null;
  /**
   * A browser session whose proof is older than ten minutes: does it do? `idle`: as long as no
   * credential is given and nothing is widened.
   */
  readonly stale: 'no' | 'idle' | 'yes';
  readonly changes: readonly Aspect[];
  /** Whether the answer may carry a new credential of the app. */
  readonly gives: boolean;
  /** People who must say yes where the app holds, or would hold, a scope of the risk `security`. */
  readonly yes?: 2;
}

export const clients = ['gatehouse:clients'];
export const managing = [...clients, 'oauthmanageownclient'];
export const review = ['gatehouse:review'];
export const keepers = ['owner', 'maintainer'] as const;
export const rule = (
  who: readonly Relation[],
  lent: Rule['lent'],
  stale: Rule['stale'],
  changes: readonly Aspect[] = [],
  more: Partial<Pick<Rule, 'gives' | 'yes'>> = {},
): Rule => ({ who, lent, stale, changes, gives: false, ...more });
const gives = { gives: true } as const;
export const two = { yes: 2 } as const;

/**
 * With which scopes an app may be what its person is: a maintainer's token of another scope is a
 * stranger (ADR 17).
 */
export const relationLent: Readonly<Record<Relation, 'never' | readonly string[] | null>> = {
  anybody: null,
  self: null,
  developer: managing,
  owner: managing,
  maintainer: managing,
  invited: managing,
  offered: managing,
  reviewer: review,
  suppressor: [...review, 'gatehouse:audit'],
  auditor: ['gatehouse:audit'],
  administrator: 'never',
};

/** Every action of the registry. One without a line does not compile, and fails the test. */
export const actionRules: Readonly<Record<ActionName, Rule>> = {
  propose: rule(['developer'], managing, 'idle', ['created', 'consents'], gives),
  update: rule(keepers, managing, 'idle', ['opened', 'closed', 'approvals', 'consents'], gives),
  'add-secret': rule(keepers, clients, 'no', ['opened'], gives),
  'retire-secret': rule(keepers, clients, 'yes', ['closed']),
  'set-introspector': rule([], 'never', 'no'),
  // Whatever it changes needs a recent proof; who asks for what is so is answered.
  'set-pkce-exemption': rule(['reviewer'], review, 'idle', ['exempted', 'approvals'], two),
  revise: rule(keepers, clients, 'idle', [
    'revision',
    'approvals',
    'wider',
    'narrower',
    'described',
  ]),
  'withdraw-revision': rule(keepers, clients, 'yes', ['revision', 'approvals']),
  approve: rule(
    ['reviewer'],
    review,
    'yes',
    ['stage', 'suspension', 'suppressed', 'approvals'],
    two,
  ),
  reject: rule(['reviewer'], review, 'yes', ['stage', 'suppressed', 'approvals']),
  disable: rule(['reviewer'], review, 'yes', ['stage', 'suppressed', 'approvals']),
  reenable: rule(
    ['reviewer'],
    review,
    'yes',
    ['stage', 'suspension', 'suppressed', 'approvals'],
    two,
  ),
  expire: rule([], 'never', 'no'),
  halt: rule(['reviewer'], review, 'yes', ['suspension', 'approvals'], two),
  'approve-revision': rule(
    ['reviewer'],
    review,
    'yes',
    ['revision', 'approvals', 'wider', 'narrower', 'described'],
    two,
  ),
  'reject-revision': rule(['reviewer'], review, 'yes', ['revision', 'approvals']),
  invite: rule(['owner'], 'never', 'no', ['team', 'approvals']),
  join: rule(['invited'], clients, 'yes', ['team', 'approvals']),
  leave: rule(['owner', 'self'], clients, 'yes', ['team', 'approvals']),
  offer: rule(['owner', 'reviewer'], 'never', 'no', ['offer']),
  'accept-offer': rule(['offered'], 'never', 'no', [
    'owner',
    'offer',
    'team',
    'stage',
    'approvals',
    'revision',
  ]),
  'decline-offer': rule(['owner', 'offered'], clients, 'yes', ['offer']),
  accept: rule(['anybody'], 'never', 'yes', ['consents']),
  renounce: rule(['self'], ['gatehouse:consents'], 'yes', ['consents']),
};

/** Scopes of the play: their risk, and what they lend of the rights over apps. */
export const scopeTable: Readonly<
  Record<string, { readonly security: boolean; readonly lends: readonly string[] }>
> = {
  basic: { security: false, lends: [] },
  editpage: { security: false, lends: [] },
  highvolume: { security: false, lends: [] },
  sendemail: { security: true, lends: [] },
  'gatehouse:clients': {
    security: true,
    lends: ['mwoauthproposeconsumer', 'mwoauthupdateownconsumer'],
  },
  oauthmanageownclient: {
    security: true,
    lends: ['mwoauthproposeconsumer', 'mwoauthupdateownconsumer', 'mwoauthmanagemygrants'],
  },
  'gatehouse:review': {
    security: true,
    lends: ['mwoauthmanageconsumer', 'mwoauthsuppress', 'mwoauthviewsuppressed'],
  },
  'gatehouse:consents': { security: true, lends: ['mwoauthmanagemygrants'] },
  'gatehouse:audit': { security: true, lends: ['mwoauthviewprivate', 'mwoauthviewsuppressed'] },
};

/**
 * Who may find these in an answer, at any address; through an app, with a scope of `relationLent`.
 */
export const fieldReaders: Readonly<Record<Field, readonly Relation[]>> = {
  restrictions: ['owner', 'maintainer', 'reviewer'],
  'own restrictions': ['owner', 'maintainer'],
  labels: ['owner', 'maintainer'],
  /** What a revision that nobody decided on would make of the app. */
  revision: ['owner', 'maintainer', 'invited', 'offered', 'reviewer', 'auditor'],
  /** The name of a hidden app. */
  name: ['suppressor'],
};
/** Fields that are marked in the play; `own restrictions`: of owner-only apps. */
export type Field = 'restrictions' | 'own restrictions' | 'labels' | 'revision' | 'name';
/** With one of these an app sees its person's contact address. */
export const contactScopes: readonly string[] = [...managing, ...review];

/** Rights over apps by group; everybody may end what they allowed. */
export const groupRights: Readonly<Record<string, readonly string[]>> = {
  developer: ['mwoauthproposeconsumer', 'mwoauthupdateownconsumer'],
  reviewer: ['mwoauthmanageconsumer', 'mwoauthsuppress', 'mwoauthviewsuppressed'],
  administrator: [
    ...[
      'mwoauthproposeconsumer',
      'mwoauthupdateownconsumer',
      'mwoauthmanageconsumer',
      'mwoauthsuppress',
      'mwoauthviewsuppressed',
    ],
    ...['mwoauthviewprivate', 'userrights'],
  ],
};
