import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { personActor } from '#harness/consents.ts';
import type { UserId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { makeSecretBox } from '#keys/secret-box.ts';
import { type Actor, OPERATOR, RIGHTS } from '#registry/actor.ts';
import { type Client, suspensions } from '#registry/model/client.ts';
import { type ActionName, actions, makeRegistry } from '#registry/registry.ts';
import { makeAccountStore } from '#store/sql/accounts.ts';
import { migrateSqlite } from '#store/sql/migrate.ts';
import { makeOutboxStore } from '#store/sql/outbox.ts';
import { makeRegistryStore } from '#store/sql/registry.ts';
import { makeReviewAssignmentStore } from '#store/sql/review-assignments.ts';
import { SqliteDriver } from '#store/sqlite/driver.ts';
import { rules } from '../unit/registry/world.ts';
import {
  type App,
  type Ask,
  cast,
  copyOf,
  everybody,
  IDLE_FOR,
  INVOLVED_FOR,
  type Model,
  OLD_SECRETS_FOR,
  predict,
  reviewers,
  type Step,
  selfApproved,
  type Who,
} from './registry-model.ts';

/** How many histories; more when GATEHOUSE_PROPERTY_RUNS says so. */
const RUNS = Math.max(300, Number(process.env.GATEHOUSE_PROPERTY_RUNS ?? 0));
const START = 1_790_000_000;
const NOBODY = 999_999;
/** More would only be strangers to each other. */
const MOST_APPS = 3;

const tables = [
  ...([
    'clients',
    'client_secrets',
    'revisions',
    'approvals',
    'maintainers',
    'offers',
    'audit',
    'notices',
  ] as const),
  ...(['consents', 'token_credentials', 'access_tokens', 'involvements'] as const),
] as const;
type Row = Readonly<Record<string, string | number | null>>;
type Dump = Readonly<Record<(typeof tables)[number], readonly Row[]>>;

/**
 * Registry 1.2, as the trail names what was done; `configured` and everything absent is impossible.
 */
const moves: Readonly<Record<string, readonly string[]>> = {
  propose: ['null>proposed'],
  'propose-autoapproved': ['null>approved'],
  'create-owner-only': ['null>approved'],
  approve: ['proposed>approved', 'expired>approved', 'rejected>approved'],
  reject: ['proposed>rejected'],
  // From a stage that is not approved only when hiding or showing (registry 3.7).
  // An app that two people must look at again.
  'accept-offer': ['approved>proposed'],
  disable: ['approved>disabled', 'proposed>disabled', 'rejected>disabled', 'expired>disabled'],
  reenable: ['disabled>approved'],
  expire: ['proposed>expired'],
};
/** What else of a client each line may change. */
const mayHide = ['approve', 'reject', 'disable', 'reenable'];
const mayHalt = ['halt', 'approve', 'reenable'];

const kinds = {
  oauth1: { protocol: 'oauth1', grantTypes: [] },
  oauth2: { protocol: 'oauth2', grantTypes: ['authorization_code'] },
  public: { protocol: 'oauth2', grantTypes: ['authorization_code'], confidential: false },
  'owner-only': { protocol: 'oauth2', grantTypes: ['client_credentials'], ownerOnly: true },
  'owner-only-oauth1': { protocol: 'oauth1', grantTypes: [], ownerOnly: true },
} as const;

const scopeSets = [
  ['highvolume'],
  ['highvolume', 'createaccount'],
  ['editpage'],
  ['editpage', 'sendemail'],
  ['highvolume', 'editpage'],
  ['sendemail'],
  [],
];

/** A choice whose meaning depends on what is there when its turn comes. */
interface Said {
  readonly action: ActionName;
  readonly who:
    | Who
    | 'the owner'
    | 'on the team'
    | 'the one it is offered to'
    | 'the one who said yes';
  readonly app: number;
  readonly apt: boolean;
  readonly token: 'none' | 'right' | 'stale' | 'forged';
  readonly page: boolean;
  readonly nth: number;
  readonly right: boolean;
  readonly suppress: boolean;
  readonly reset: boolean;
  readonly person: Who | 'on the team';
  readonly suspension: (typeof suspensions)[number];
  readonly kind: keyof typeof kinds;
  readonly name: 'A' | 'B';
  readonly version: '1.0' | '2.0';
  readonly site: '*' | 'here';
  readonly addresses: string | null;
  readonly scopes: readonly string[];
  readonly changing: readonly ('name' | 'site' | 'scopes')[];
  readonly expiresIn: number | null;
}

const names = Object.keys(actions) as readonly ActionName[];

/** What can seldom be done is done when it can be. */
const rare: readonly ActionName[] = [
  'withdraw-revision',
  'approve-revision',
  'reject-revision',
  'retire-secret',
  'leave',
  'accept-offer',
  'expire',
  'join',
  'decline-offer',
  'revise',
  'reject',
];

/** Whoever might: the others come as well, less often. */
const owners = ['the owner', 'the owner', 'on the team', 'operator'] as const;
const deciders = ['rita', 'rolf', 'sven', 'sven', 'operator'] as const;
const usual: Readonly<Record<ActionName, readonly Said['who'][]>> = {
  propose: ['olga', 'otto', 'olga', 'rita', 'operator'],
  update: owners,
  approve: deciders,
  reject: deciders,
  disable: deciders,
  reenable: deciders,
  expire: ['operator'],
  halt: deciders,
  'set-introspector': [...owners, ...deciders],
  'set-pkce-exemption': [...owners, ...deciders],
  'add-secret': owners,
  'retire-secret': owners,
  revise: owners,
  'approve-revision': deciders,
  'reject-revision': deciders,
  'withdraw-revision': owners,
  invite: owners,
  join: ['on the team'],
  leave: ['on the team', 'the owner'],
  offer: [...owners, ...deciders],
  'accept-offer': ['the one it is offered to'],
  'decline-offer': ['the one it is offered to', 'the owner'],
  accept: ['uwe', 'mia', 'the owner', 'otto'],
  renounce: ['the one who said yes'],
};

/** The registry over a database of its own, which the test can look into. */
async function open() {
  let [now, drawn] = [START, 0];
  const clock = { now: () => instant(now), millis: () => now * 1000 };
  const entropy = {
    bytes: (count: number) => {
      const parts = Array.from({ length: Math.ceil(count / 64) }, () =>
        createHash('sha512').update(String(drawn++)).digest(),
      );
      return Buffer.concat(parts).subarray(0, count);
    },
  };
  const driver = new SqliteDriver(':memory:');
  migrateSqlite(driver.database);
  const store = {
    ...makeAccountStore(driver),
    ...makeOutboxStore(driver),
    ...makeRegistryStore(driver),
    ...makeReviewAssignmentStore(driver),
  };
  const demoted = new Set<Who>();
  const rightsNow = (who: Who): ReadonlySet<string> =>
    new Set(
      cast[who].filter(
        (right) => !demoted.has(who) || (right !== RIGHTS.review && right !== RIGHTS.suppress),
      ),
    );
  const mint = makeIdGenerator(clock, entropy);
  const registry = makeRegistry({
    records: store,
    // Nobody's day is spent: the budget has tests of its own.
    emailBudget: { consumeSenderQuota: async () => true, consumeReceiverQuota: async () => true },
    accounts: store,
    rules,
    etagKey: new Uint8Array(32),
    settings: {
      readOnly: null,
      autoApprove: [{ scopes: selfApproved, protocols: ['https'] }],
      twoPersonRisks: ['security'],
      allowOwnApps: false,
      involvementSeconds: seconds(INVOLVED_FOR),
      oldSecretsTtlSeconds: seconds(OLD_SECRETS_FOR),
      notifyGroups: ['oauthadmin'],
      emailEnabled: true,
      webhookEndpoints: ['bot'],
      idleProposalTtlSeconds: seconds(IDLE_FOR),
      accessTokenTtlSeconds: seconds(3600),
    },
    idGenerator: mint,
    secretBox: makeSecretBox([{ id: 'm1', key: new Uint8Array(32) }], entropy),
    clock,
    rightsOf: ({ name }) => rightsNow(name as Who),
    issueOwnerToken: () => ({
      token: { id: mint.tokenId(), issuedAt: clock.now(), expiresAt: instant(now + 1_000_000_000) },
      jwt: `ey${mint.randomHex(20)}`,
    }),
  });
  const ids = new Map<Who, UserId>();
  for (const who of everybody) {
    if (who === 'stranger' || who === 'operator') continue;
    const groups = reviewers.includes(who) ? ['oauthadmin'] : [];
    const about = { name: who, email: `${who}@example.org`, realName: '', passwordHash: null };
    const made = await store.createAccount({
      ...about,
      groups,
      emailConfirmedAt: clock.now(),
      createdAt: clock.now(),
    });
    assert.ok(made.outcome === 'created');
    ids.set(who, made.account.id);
  }
  await store.setBlocked(ids.get('bea') as UserId, true);
  const selects = tables.map(
    (table) => [table, driver.database.prepare(`SELECT * FROM ${table}`)] as const,
  );
  return {
    store,
    demoted,
    registry,
    ids,
    names: new Map<number, Who>([...ids].map(([who, id]) => [id, who])),
    plain: [] as string[],
    close: () => driver.close(),
    pass: (span: number) => {
      now += span;
    },
    dump: () =>
      Object.fromEntries(
        selects.map(([table, select]) => [table, select.all()]),
      ) as unknown as Dump,
    async actor(who: Who, page: boolean): Promise<Actor> {
      if (who === 'operator') return OPERATOR;
      const id = ids.get(who);
      const account = id === undefined ? null : ((await store.findAccount(id)) ?? null);
      return personActor(account, rightsNow(who), page ? 'page' : 'api', () => clock.now());
    },
  };
}
type Real = Awaited<ReturnType<typeof open>>;

/** True when the app has what the action is about, whoever may do it. */
const isAbout = (action: ActionName, app: App | undefined): boolean =>
  (!action.endsWith('-offer') || app?.offer != null) &&
  (!action.endsWith('-revision') || app?.revision != null) &&
  (!['join', 'leave'].includes(action) || app?.team.size !== 0);

/**
 * Settles what was said on what is there. When it is to be apt and cannot be done, the next action
 * that can be is done instead: of histories drawn without looking, nine in ten actions would be
 * refused. Whether its change token is right is another matter.
 */
function settle(model: Model, said: Said): Ask {
  const apps =
    model.apps.length === 0
      ? [undefined]
      : model.apps.map((_, index) => model.apps[(said.app + index) % model.apps.length]);
  const plain = about(
    model,
    said,
    said.action,
    said.who,
    apps.find((app) => isAbout(said.action, app)) ?? apps[0],
  );
  if (!said.apt) return plain;
  const order = said.nth < 2 ? rare : names;
  // Coprime to the number of actions, so that every one has its turn.
  const stride = [1, 3, 5, 7, 9, 13][said.nth] ?? 1;
  for (const [turn] of order.entries()) {
    const action = order[
      (Math.max(0, order.indexOf(said.action)) + turn * stride) % order.length
    ] as ActionName;
    if (action === 'propose' && model.apps.length >= MOST_APPS) continue;
    const who = usual[action][(said.nth + turn) % usual[action].length] as Said['who'];
    for (const app of apps) {
      const ask = about(model, said, action, who, app);
      const step = predict(copyOf(model), { ...ask, seen: app?.edition ?? 'none' });
      if (step !== 'no' && (step !== null || said.reset)) return ask;
    }
  }
  return plain;
}

function about(
  model: Model,
  said: Said,
  action: ActionName,
  by: Said['who'],
  app: App | undefined,
): Ask {
  const consent = model.consents[said.nth % Math.max(1, model.consents.length)];
  const teammate =
    [...(app?.team.keys() ?? [])][said.nth % Math.max(1, app?.team.size ?? 0)] ?? 'mia';
  const roles = {
    'the owner': app?.owner ?? 'olga',
    'on the team': teammate,
    'the one it is offered to': app?.offer?.to ?? 'mia',
    'the one who said yes': consent?.user ?? 'uwe',
  } as const;
  const edition = app?.edition ?? 0;
  const revising = action === 'revise' && app !== undefined;
  const as = <K extends 'name' | 'site' | 'scopes'>(field: K, given: Ask[K]) =>
    (revising && !said.changing.includes(field) ? app[field] : given) as Ask[K];
  const who = by in roles ? roles[by as keyof typeof roles] : (by as Who);
  return {
    who,
    action,
    app: app?.id ?? 'f'.repeat(32),
    seen: {
      none: 'none',
      right: edition,
      stale: edition === 0 ? 1 : edition - 1,
      forged: 'forged',
    }[said.token] as Ask['seen'],
    page: said.page && who !== 'operator',
    reason: `for ${said.nth}`,
    name: as('name', said.name),
    site: as('site', said.site),
    scopes: as('scopes', ['basic', ...said.scopes]),
    version: said.version,
    kind: said.kind,
    suppress: said.suppress,
    reset: said.reset,
    addresses: said.addresses,
    suspension: said.suspension,
    person: said.person === 'on the team' ? teammate : said.person,
    expiresAt: said.expiresIn === null ? null : model.now + said.expiresIn,
    secretId: app?.secrets[said.nth % Math.max(1, app.secrets.length)]?.id ?? NOBODY,
    revisionId: said.right ? (app?.revision?.id ?? NOBODY) : NOBODY,
    consentId: consent?.id ?? NOBODY,
  };
}

/** The same as a form would send it. */
function valuesOf(real: Real, ask: Ask, actor: Actor): Readonly<Record<string, unknown>> {
  const userId = real.ids.get(ask.person) ?? NOBODY;
  const viewer =
    ask.seen === 'forged'
      ? actor === OPERATOR
        ? { ...OPERATOR, kind: 'person', account: null }
        : OPERATOR
      : actor;
  const edition = typeof ask.seen === 'number' ? ask.seen : 0;
  const token =
    ask.seen === 'none'
      ? {}
      : {
          etag: real.registry.etagFor(
            viewer as Actor,
            { id: ask.app, recordVersion: edition } as Client,
          ),
        };
  const { reason, name, site, scopes, suppress, suspension, secretId, revisionId, consentId } = ask;
  const numbers = { secretId, revisionId, consentId, userId };
  const common = {
    clientId: ask.app,
    reason,
    ...token,
    name,
    site,
    scopes,
    suppress,
    introspector: suppress,
    suspension,
    ...numbers,
  };
  if (ask.action === 'set-pkce-exemption') return { ...common, pkceOptional: suppress };
  if (ask.action === 'update') {
    const restrictions =
      ask.addresses === null ? {} : { restrictions: { addresses: ask.addresses.split(' ') } };
    return { ...common, ...restrictions, resetSecret: ask.reset };
  }
  if (ask.action === 'add-secret')
    return {
      ...common,
      label: 'more',
      ...(ask.expiresAt === null ? {} : { expiresAt: ask.expiresAt }),
    };
  if (ask.action !== 'propose') return common;
  const owner = actor.kind === 'person' ? ask.who : ask.person;
  const about = {
    description: reason,
    email: `${owner}@example.org`,
    redirectUri: 'https://reader.example/cb',
    termsAccepted: true,
  };
  return { ...common, ...about, ...kinds[ask.kind], version: ask.version, ownerId: userId };
}

/** What the database says, in the words of the model. */
function pictureOf({ names }: Real, dump: Dump): unknown {
  const whoIs = (id: unknown): Who => names.get(id as number) ?? 'operator';
  const of = (
    table: 'client_secrets' | 'revisions' | 'approvals' | 'maintainers' | 'offers',
    id: unknown,
  ) => dump[table].filter((row) => row.client_id === id);
  return {
    apps: dump.clients.map((row) => {
      const [open] = of('revisions', row.id).filter(({ stage }) => stage === 'proposed');
      const [offer] = of('offers', row.id);
      const yes = (revision: unknown) =>
        of('approvals', row.id)
          .filter((one) => one.revision_id === revision)
          .map((one) => whoIs(one.reviewer_id));
      const { name, site, scopes } = open
        ? (JSON.parse(String(open.fields)) as Client)
        : ({} as Client);
      return {
        ...{
          id: row.id,
          name: row.name,
          version: row.version,
          site: row.site,
          scopes: JSON.parse(String(row.scopes)),
        },
        ...{
          oauth1: row.protocol === 'oauth1',
          ownerOnly: row.owner_only === 1,
          confidential: row.confidential === 1,
        },
        ...{
          owner: whoIs(row.owner_id),
          addresses: JSON.parse(String(row.restrictions)).addresses.join(' '),
        },
        ...{
          stage: row.stage,
          stageAt: row.stage_at,
          suppressed: row.suppressed === 1,
          suspension: row.suspension,
          edition: row.changes,
          introspector: row.introspector === 1,
          pkceOptional: row.pkce_optional === 1,
        },
        secrets: of('client_secrets', row.id).map((one) => ({
          id: one.id,
          expiresAt: one.expires_at,
        })),
        team: of('maintainers', row.id).map((one) => [
          whoIs(one.user_id),
          one.accepted_at === null ? 'invited' : 'accepted',
        ]),
        offer: offer ? { to: whoIs(offer.to_id), by: whoIs(offer.offered_by) } : null,
        registeredAt: row.registered_at,
        past: dump.involvements
          .filter((one) => one.client_id === row.id)
          .map((one) => `${whoIs(one.user_id)} ${one.part} ${one.until}`)
          .sort(),
        yes: yes(0),
        revision: open
          ? {
              id: open.id,
              next: { name, site, scopes },
              by: whoIs(open.proposed_by),
              at: open.proposed_at,
              yes: yes(open.id),
            }
          : null,
      };
    }),
    consents: dump.consents.map((row) => ({
      ...{
        id: row.id,
        user: whoIs(row.user_id),
        app: row.client_id,
        site: row.site,
        scopes: JSON.parse(String(row.scopes)),
      },
    })),
  };
}

const order = new Map(everybody.map((who, index) => [who, index]));
const sorted = (people: Iterable<Who>) =>
  [...people].sort((one, other) => (order.get(one) ?? 0) - (order.get(other) ?? 0));

/**
 * The model as plain data. Accounts were made in the order of the cast, which is the order of their
 * rows.
 */
const plainly = ({ apps, consents }: Model): unknown => ({
  apps: apps.map(({ stoppedAt: _stoppedAt, invitedBy: _invitedBy, ...app }) => ({
    ...app,
    past: [...app.past].map(([part, until]) => `${part} ${until}`).sort(),
    scopes: [...app.scopes],
    team: sorted(app.team.keys()).map((who) => [who, app.team.get(who)]),
    yes: sorted(app.yes.keys()),
    revision: app.revision && { ...app.revision, yes: sorted(app.revision.yes.keys()) },
  })),
  consents,
});

/**
 * Rows that are new in the model get the numbers they have in the database: both keep them in the
 * order they were made.
 */
function number(model: Model, dump: Dump): void {
  for (const app of model.apps) {
    const secrets = dump.client_secrets.filter((row) => row.client_id === app.id);
    app.secrets.forEach((secret, index) => {
      secret.id ||= Number(secrets[index]?.id ?? 0);
    });
    if (app.revision)
      app.revision.id ||= Number(
        dump.revisions.findLast((row) => row.client_id === app.id)?.id ?? 0,
      );
  }
  model.consents.forEach((consent, index) => {
    consent.id ||= Number(dump.consents[index]?.id ?? 0);
  });
}

/** What the histories came by. */
const seen = { done: new Set<string>(), refused: new Set<string>() };

/** The rows added since; the old ones are as they were. */
function added(before: readonly Row[], after: readonly Row[]): readonly Row[] {
  assert.deepEqual(after.slice(0, before.length), before);
  return after.slice(before.length);
}

interface Made {
  readonly step: Step;
  readonly ask: Ask;
}
const byKey = (one: { readonly key: unknown }, other: { readonly key: unknown }) =>
  String(one.key) < String(other.key) ? -1 : 1;

/**
 * One line for each, in the words of whoever did it, on the edition it made; each told once by
 * mail, and the endpoint of all but consents.
 */
const owed = ({ ids }: Real, made: readonly Made[], now: number) => ({
  lines: made.map(({ step, ask }) => ({
    at: now,
    action: step.line,
    actor_id: ids.get(ask.who) ?? null,
    via: ask.who === 'operator' ? 'cli' : ask.page ? 'page' : 'api',
    address: ask.who === 'operator' ? null : '192.0.2.7',
    client_id: step.app,
    edition: step.edition,
    reason: step.told === null ? '' : ask.reason,
  })),
  notices: made
    .flatMap(({ step: { app, line, edition, told }, ask }) => {
      const about = {
        event: line,
        actor: ask.who === 'operator' ? null : ask.who,
        reason: edition === 0 ? '' : ask.reason,
        client: app,
      };
      const mails = (told ?? []).map((who) => ({
        key: `${app}-${edition}-mail-${ids.get(who)}`,
        target: { kind: 'mail', userId: ids.get(who) },
      }));
      const hooks =
        told === null
          ? []
          : [{ key: `${app}-${edition}-hook-bot`, target: { kind: 'webhook', endpoint: 'bot' } }];
      return [...mails, ...hooks].map((notice) => ({ ...notice, state: 'waiting', ...about }));
    })
    .sort(byKey),
});

/** The same as it was written. */
const written = (before: Dump, after: Dump) => ({
  lines: added(before.audit, after.audit).map(({ id: _id, changes: _changes, ...line }) => line),
  notices: added(before.notices, after.notices)
    .map(({ key, target, facts, state }) => {
      const { event, actor, reason, client } = JSON.parse(String(facts));
      return {
        key,
        target: JSON.parse(String(target)),
        state,
        event,
        actor,
        reason,
        client: client.id,
      };
    })
    .sort(byKey),
});

/**
 * What holds of the step from one dump to the next, apart from where it leads and whom it is told.
 */
function check(real: Real, before: Dump, after: Dump, made: readonly Made[]): void {
  const lines = added(before.audit, after.audit);
  // The trail tells every change of a client, and the stage moves along the table alone.
  const changed = new Set(made.map(({ step }) => step.app));
  for (const row of after.clients) {
    const old = before.clients.find(({ id }) => id === row.id);
    if (!changed.has(String(row.id))) assert.deepEqual(row, old);
    const applied = made.filter(
      ({ step }) => step.app === row.id && step.told !== null && step.edition > 0,
    ).length;
    assert.equal(Number(row.changes), Number(old?.changes ?? 0) + applied);
    const state: Record<string, unknown> = {
      stage: old?.stage ?? null,
      suppressed: old ? old.suppressed === 1 : null,
      suspension: old?.suspension ?? null,
    };
    for (const line of lines.filter(({ client_id }) => client_id === row.id)) {
      for (const { field, before: from, after: to } of JSON.parse(String(line.changes))) {
        if (!(field in state)) continue;
        assert.equal(from, state[field]);
        state[field] = to;
        const action = String(line.action);
        if (field === 'stage') {
          assert.ok(moves[action]?.includes(`${from}>${to}`), `${action}: ${from} to ${to}`);
        } else if (from !== null)
          assert.ok(
            (field === 'suppressed' ? mayHide : mayHalt).includes(action),
            `${action}: ${field} ${from} to ${to}`,
          );
      }
    }
    assert.deepEqual(state, {
      stage: row.stage,
      suppressed: row.suppressed === 1,
      suspension: row.suspension,
    });
    assert.ok(
      after.revisions.filter((one) => one.client_id === row.id && one.stage === 'proposed')
        .length <= 1,
      'one open revision',
    );
  }

  // Secrets are nowhere in plain text, and not even their digests are told.
  const everything = JSON.stringify(after);
  for (const secret of real.plain)
    assert.ok(!everything.includes(secret), 'a secret in plain text');
  const trail = JSON.stringify([after.audit, after.notices]);
  for (const { digest, sealed } of after.client_secrets)
    for (const hidden of [digest, sealed])
      assert.ok(hidden === null || !trail.includes(String(hidden)), 'a digest in the trail');
  // One permanent pair for each consent of an OAuth 1 app, none for the others.
  const oauth1 = new Set(
    after.clients.filter(({ protocol }) => protocol === 'oauth1').map(({ id }) => id),
  );
  const signing = after.consents
    .filter(({ client_id }) => oauth1.has(client_id))
    .map(({ id }) => id);
  assert.deepEqual(after.token_credentials.map((row) => row.consent_id).sort(), signing.sort());
}

/** Submits one thing, or two at once: then they come out as if one had come after the other. */
class Submit implements fc.AsyncCommand<Model, Real> {
  readonly said: readonly Said[];
  constructor(said: readonly Said[]) {
    this.said = said;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const before = real.dump();
    const settled = this.said.map((said) => settle(model, said));
    // Two that are judged before the unit of work, by more than the edition: which versions there
    // are, and what was accepted before a suspension.
    const alone = ({ action, app }: Ask) =>
      action === 'propose' ||
      (action === 'accept' &&
        model.apps.some(({ id, suspension }) => id === app && suspension !== 'none'));
    const asks = settled.some(alone) ? settled.slice(0, 1) : settled;
    const actors = await Promise.all(asks.map((ask) => real.actor(ask.who, ask.page)));
    const answers = await Promise.all(
      asks.map((ask, index) =>
        real.registry.submit(
          actors[index] as Actor,
          ask.action,
          valuesOf(real, ask, actors[index] as Actor),
        ),
      ),
    );
    const after = real.dump();
    asks.forEach((ask, index) => {
      const answer = answers[index];
      if (ask.action === 'propose') ask.app = answer?.ok ? answer.value.client.id : '';
      (answer?.ok ? seen.done : seen.refused).add(ask.action);
      if (!answer?.ok) return;
      const { secret, credentials, accessToken } = answer.value;
      real.plain.push(
        ...[secret, credentials?.secret, accessToken].filter((text) => typeof text === 'string'),
      );
      // Of two resets at once the later one wins.
      if (secret !== null && asks.length === 1)
        assert.ok(
          after.client_secrets.some(({ digest }) => digest === digestOf(secret)),
          'shown is not kept',
        );
    });

    const turns = asks.length === 1 ? ['0'] : ['01', '10'];
    const trials = turns.map((turn) => {
      const trial = copyOf(model);
      const steps = [...turn].map(Number).map((index) => ({
        index,
        ask: asks[index] as Ask,
        step: predict(trial, asks[index] as Ask),
      }));
      number(trial, after);
      const made = steps.flatMap(({ ask, step }) =>
        step === 'no' || step === null ? [] : [{ ask, step }],
      );
      const accepted = asks.map(
        (_, index) => steps.find((one) => one.index === index)?.step !== 'no',
      );
      return {
        trial,
        made,
        want: { accepted, picture: plainly(trial), ...owed(real, made, model.now) },
      };
    });
    const got = {
      accepted: answers.map(({ ok }) => ok),
      picture: pictureOf(real, after),
      ...written(before, after),
    };
    const fits = trials.find(({ want }) => isDeepStrictEqual(got, want)) ?? trials[0];
    const refusals = answers.map((answer) => (answer.ok ? 'yes' : answer.refusal.kind));
    assert.ok(fits);
    assert.deepEqual(got, fits.want, `${JSON.stringify(asks)}: ${refusals}`);
    // Refused, or as asked already: no row is other than it was.
    if (fits.made.length === 0) assert.deepEqual(after, before);
    else check(real, before, after, fits.made);
    Object.assign(model, fits.trial);
  }
  toString = () => JSON.stringify(this.said);
}

class Wait implements fc.AsyncCommand<Model, Real> {
  readonly span: number;
  constructor(span: number) {
    this.span = span;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    real.pass(this.span);
    model.now += this.span;
  }
  toString = () => `wait ${this.span}`;
}

class Block implements fc.AsyncCommand<Model, Real> {
  readonly who: Who;
  constructor(who: Who) {
    this.who = who;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const blocked = !model.blocked.has(this.who);
    await real.store.setBlocked(real.ids.get(this.who) as UserId, blocked);
    if (blocked) {
      model.blocked.add(this.who);
      for (const { yes, revision } of model.apps) {
        yes.delete(this.who);
        revision?.yes.delete(this.who);
      }
    } else model.blocked.delete(this.who);
  }
  toString = () => `block or unblock ${this.who}`;
}

class Demote implements fc.AsyncCommand<Model, Real> {
  readonly who: Who;
  constructor(who: Who) {
    this.who = who;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    for (const demoted of [model.demoted, real.demoted])
      if (!demoted.delete(this.who)) demoted.add(this.who);
  }
  toString = () => `demote or promote ${this.who}`;
}

const from = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const saying = (action: ActionName): fc.Arbitrary<Said> =>
  fc.record({
    action: fc.constant(action),
    who: fc.oneof(
      { weight: 3, arbitrary: from(...usual[action]) },
      { weight: 1, arbitrary: from<Said['who']>('on the team', ...everybody) },
    ),
    app: fc.nat(3),
    apt: from(true, true, true, false),
    token: from(
      'none',
      'none',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'stale',
      'forged',
    ),
    page: from(true, true, false, false, false),
    nth: fc.nat(5),
    right: from(true, true, true, false),
    suppress: from(false, false, true),
    reset: fc.boolean(),
    person: from<Said['person']>(
      'mia',
      'otto',
      'rita',
      'uwe',
      'bea',
      'stranger',
      'olga',
      'on the team',
    ),
    suspension: from(...suspensions),
    kind: from('oauth2', 'oauth2', 'oauth1', 'public', 'owner-only', 'owner-only-oauth1'),
    name: from('A', 'B'),
    version: from('1.0', '2.0'),
    site: from('*', 'here'),
    addresses: from(null, '192.0.2.0/24', '0.0.0.0/0 ::/0'),
    scopes: from(...scopeSets),
    changing: from<Said['changing']>(
      ['scopes'],
      ['scopes'],
      ['scopes', 'name'],
      ['name'],
      ['site'],
      ['site'],
      [],
    ),
    expiresIn: from(null, null, 86_400, -1, 0),
  });
/** What needs something else before it comes more often. */
const weights: Partial<Readonly<Record<ActionName, number>>> = {
  ...{
    propose: 3,
    approve: 5,
    accept: 3,
    'add-secret': 3,
    reject: 2,
    disable: 4,
    expire: 3,
    'retire-secret': 2,
    revise: 5,
    'approve-revision': 4,
  },
  ...{
    'reject-revision': 2,
    'withdraw-revision': 2,
    join: 3,
    leave: 5,
    offer: 2,
    'accept-offer': 4,
    'decline-offer': 2,
  },
};
const anything = fc.oneof(
  ...names.map((name) => ({ weight: weights[name] ?? 1, arbitrary: saying(name) })),
);
const commands = [
  ...Array.from({ length: 8 }, () => anything.map((said) => new Submit([said]))),
  fc.tuple(anything, anything).map((said) => new Submit(said)),
  fc.oneof(
    {
      weight: 2,
      arbitrary: from(
        1,
        86_400,
        INVOLVED_FOR,
        INVOLVED_FOR + 1,
        OLD_SECRETS_FOR,
        IDLE_FOR,
        IDLE_FOR + 1,
        IDLE_FOR + 1,
      ).map((span) => new Wait(span)),
    },
    {
      weight: 1,
      arbitrary: from<Who>('olga', 'otto', 'mia', 'rita', 'rolf').map((who) => new Block(who)),
    },
    { weight: 1, arbitrary: from<Who>('rita', 'rolf', 'sven').map((who) => new Demote(who)) },
  ),
];

const first: Said = {
  ...{
    action: 'propose',
    who: 'olga',
    app: 0,
    apt: false,
    token: 'none',
    page: false,
    nth: 0,
    right: true,
    suppress: false,
    reset: false,
  },
  ...{
    person: 'mia',
    suspension: 'new-consents',
    kind: 'oauth2',
    name: 'A',
    version: '1.0',
    site: '*',
    addresses: null,
    scopes: ['editpage'],
  },
  ...{ changing: [], expiresIn: null },
};
const more: Said = { ...first, action: 'add-secret', who: 'the owner' };
/** How a history may begin, so that it need not come by everything by itself. */
const beginning: readonly Said[] = [
  { ...first, action: 'approve', who: 'rita' },
  ...[more, more, more, more],
  { ...first, action: 'accept', who: 'uwe', scopes: [] },
  { ...first, action: 'halt', who: 'rolf' },
  { ...first, action: 'invite', person: 'otto' },
  { ...first, action: 'invite' },
  { ...first, action: 'join', who: 'mia' },
  { ...first, action: 'invite', person: 'rita' },
  { ...first, action: 'join', who: 'rita' },
  { ...first, action: 'revise', scopes: ['editpage', 'sendemail'], changing: ['scopes'] },
  { ...first, action: 'approve-revision', who: 'rita' },
  { ...first, action: 'offer', person: 'rita' },
  { ...first, action: 'accept-offer', who: 'rita' },
  { ...first, who: 'otto', kind: 'owner-only', name: 'B' },
];
const beginnings = fc.oneof(
  { weight: 1, arbitrary: fc.constant([]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        from({ ...first }, { ...first, scopes: ['editpage', 'sendemail'] }),
        fc.subarray([...beginning]),
      )
      .map(([one, rest]) => [one, ...rest]),
  },
);

test('any history: the registry does what its model does, refusals write nothing, every change has its line, edition and notices', async () => {
  await fc.assert(
    fc.asyncProperty(
      beginnings,
      fc.commands(commands, { maxCommands: 40, size: 'max' }),
      async (start, history) => {
        const real = await open();
        const model: Model = {
          now: START,
          blocked: new Set(['bea']),
          demoted: new Set(),
          apps: [],
          consents: [],
        };
        for (const said of start) await new Submit([said]).run(model, real);
        await fc.asyncModelRun(() => ({ model, real }), history);
        await real.close();
      },
    ),
    { numRuns: RUNS },
  );
});

const risky: Said = { ...first, who: 'rita', scopes: ['editpage', 'sendemail'] };
const by = (who: Said['who'], action: ActionName, more: Partial<Said> = {}): Said => ({
  ...risky,
  who,
  action,
  ...more,
});
const renamed: Partial<Said> = { name: 'B', changing: ['name'] };
const approvedByTwo = [by('rolf', 'approve'), by('sven', 'approve')];
const maintained = [by('rita', 'invite', { person: 'rolf' }), by('rolf', 'join')];

/**
 * Ways round the rule that two independent people decide, each with what must not have come of it.
 */
const waysRound: readonly (readonly [
  name: string,
  history: readonly (Said | Demote | Block)[],
  failed: (app: App) => boolean,
])[] = [
  [
    'a change that adds no scope',
    [...approvedByTwo, by('rita', 'revise', renamed), by('rita', 'approve-revision')],
    ({ name }) => name === 'A',
  ],
  [
    'a second account',
    [
      by('rita', 'offer', { person: 'mia' }),
      by('mia', 'accept-offer'),
      by('rita', 'approve'),
      by('rolf', 'approve'),
    ],
    ({ stage }) => stage === 'proposed',
  ],
  [
    'to leave, say yes, and come again',
    [
      ...[
        ...maintained,
        ...approvedByTwo.map((said) => ({
          ...said,
          who: said.who === 'rolf' ? ('operator' as const) : said.who,
        })),
      ],
      ...[
        by('rolf', 'revise', renamed),
        by('rolf', 'leave', { person: 'rolf' }),
        by('rolf', 'approve-revision'),
        by('sven', 'approve-revision'),
      ],
    ],
    ({ name }) => name === 'A',
  ],
  [
    'the yes of somebody blocked since',
    [by('rolf', 'approve'), new Block('rolf'), by('sven', 'approve')],
    ({ stage }) => stage === 'proposed',
  ],
  [
    'the yes of somebody demoted since',
    [by('rolf', 'approve'), new Demote('rolf'), by('sven', 'approve')],
    ({ stage }) => stage === 'proposed',
  ],
  [
    'an app for its owner alone',
    [by('rita', 'approve'), by('rolf', 'approve')],
    ({ stage, ownerOnly }) => ownerOnly && stage === 'proposed',
  ],
  [
    'an owner who undoes a stop',
    [...approvedByTwo, by('rolf', 'disable'), by('rita', 'reenable'), by('rolf', 'reenable')],
    ({ stage }) => stage === 'disabled',
  ],
  [
    'an owner who undoes a suspension',
    [
      ...approvedByTwo,
      by('rolf', 'halt', { suspension: 'all' }),
      by('rita', 'halt', { suspension: 'none' }),
      by('rolf', 'halt', { suspension: 'none' }),
    ],
    ({ suspension }) => suspension === 'all',
  ],
  [
    'hidden, and enabled from there',
    [
      by('rolf', 'reject'),
      by('sven', 'disable', { suppress: true }),
      by('sven', 'reenable'),
      by('rolf', 'reenable'),
    ],
    ({ stage }) => stage === 'disabled',
  ],
  [
    'an invitation accepted between the yeses',
    [
      by('rita', 'invite', { person: 'rolf' }),
      by('rolf', 'approve'),
      by('rolf', 'join'),
      by('sven', 'approve'),
    ],
    ({ stage }) => stage === 'proposed',
  ],
  [
    'an approved app that is sold',
    [
      ...approvedByTwo,
      by('rita', 'offer', { person: 'mia' }),
      by('mia', 'accept-offer'),
      by('rita', 'approve'),
      by('sven', 'approve'),
    ],
    ({ stage, owner }) => stage === 'proposed' && owner === 'mia',
  ],
  [
    'another content after the first yes',
    [
      by('rolf', 'approve'),
      by('rita', 'update', { addresses: '192.0.2.0/24' }),
      by('sven', 'approve'),
    ],
    ({ stage }) => stage === 'proposed',
  ],
];
for (const [name, history, failed] of waysRound) {
  test(`a way round two independent people: ${name}`, async () => {
    const real = await open();
    const model: Model = {
      now: START,
      blocked: new Set(['bea']),
      demoted: new Set(),
      apps: [],
      consents: [],
    };
    const kind = name === 'an app for its owner alone' ? 'owner-only' : 'oauth2';
    for (const said of [{ ...risky, kind } as const, ...history])
      await ('action' in said ? new Submit([said]) : said).run(model, real);
    assert.ok(model.apps[0] && failed(model.apps[0]), JSON.stringify(model.apps[0]));
    await real.close();
  });
}

test('the histories did every action, and were refused every action', () => {
  assert.deepEqual(
    [[...seen.done].sort(), [...seen.refused].sort()],
    [[...names].sort(), [...names].sort()],
  );
});
