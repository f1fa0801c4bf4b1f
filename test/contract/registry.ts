import assert from 'node:assert/strict';
import type { Digest, EncryptedSecret, SiteId, UserId } from '#kernel/ids.ts';
import type { NewClient } from '#registry/records.ts';
import type { Case } from './store.ts';
import {
  access,
  at,
  audit,
  change,
  client,
  clientId,
  consented,
  creation,
  NOW,
  noSuch,
  notice,
  person,
  registered,
  secret,
  tally,
  text,
  tokenId,
} from './things.ts';

const everywhere = '*' as SiteId;

/** Clients and their changes, revisions, teams and consents. */
export const registryCases: readonly Case[] = [
  [
    'a client is made once: applied, exists by identifier and by owner, name and version',
    async (store) => {
      const owner = await person(store);
      const wish = client(owner, {
        scopes: ['basic', 'a"b'],
        restrictions: { addresses: ['192.0.2.0/24'], pages: ['A "page"'] },
      });
      const given = secret({ expiresAt: at(50) });
      const made = await store.applyChange(creation(wish, given));
      assert.ok(made.outcome === 'applied');
      const { number, recordVersion: edition, secrets, ...kept } = made.client;
      assert.deepEqual(kept, wish);
      assert.equal(edition, 0);
      assert.ok(number > 0);
      const [{ id: _id, ...first } = { id: 0 }] = secrets;
      assert.deepEqual(first, given);
      assert.deepEqual(await store.findClient(wish.id), made.client);
      assert.deepEqual(await store.applyChange(creation({ ...client(owner), id: wish.id })), {
        outcome: 'exists',
      });
      assert.deepEqual(await store.applyChange(creation(client(owner, { name: wish.name }))), {
        outcome: 'exists',
      });
      assert.equal(
        (await store.applyChange(creation(client(owner, { name: wish.name, version: '2' }))))
          .outcome,
        'applied',
      );
      assert.deepEqual(
        (await store.findClientsNamed(owner, wish.name)).map(({ version }) => version),
        ['2', '1.0'],
      );
      assert.equal(await store.findClient(noSuch.client), undefined);
    },
  ],
  [
    '50 registrations of one name at once: one is applied, and only it has an audit line and a notice',
    async (store) => {
      const owner = await person(store);
      const name = text('App');
      const told = Array.from({ length: 50 }, () => {
        const wish = client(owner, { name });
        return { wish, note: notice(wish.id) };
      });
      const answers = await Promise.all(
        told.map(({ wish, note }) =>
          store.applyChange(creation(wish, secret(), { notifications: [note] })),
        ),
      );
      assert.deepEqual(tally(answers.map(({ outcome }) => outcome)), { applied: 1, exists: 49 });
      const lines = await Promise.all(
        told.map(({ wish }) => store.listAudit({ clientId: wish.id, limit: 9 })),
      );
      assert.equal(lines.flat().length, 1);
      const keys = new Set(told.map(({ note }) => note.key));
      assert.equal(
        (await store.listNotifications({ limit: 1000 })).filter(({ key }) => keys.has(key)).length,
        1,
      );
    },
  ],
  [
    '50 different registrations at once are all applied',
    async (store) => {
      const owner = await person(store);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => store.applyChange(creation(client(owner)))),
      );
      assert.deepEqual(tally(answers.map(({ outcome }) => outcome)), { applied: 50 });
      assert.equal(await store.countClients({ ownerId: owner }), 50);
    },
  ],
  [
    'a change passes for the edition it was decided on: applied, stale, unknown, exists',
    async (store) => {
      const owner = await person(store);
      const app = await registered(store, owner);
      const other = await registered(store, owner);
      const save = (wish: Partial<NewClient>, edition = app.recordVersion) =>
        store.applyChange(
          change(app.id, edition, [{ kind: 'save-client', client: { ...app, ...wish } }]),
        );
      assert.deepEqual(await save({ name: other.name }), { outcome: 'exists' });
      const saved = await save({ description: 'other', suspension: 'all', suppressed: true });
      assert.ok(saved.outcome === 'applied');
      assert.deepEqual(saved.client, {
        ...app,
        description: 'other',
        suspension: 'all',
        suppressed: true,
        recordVersion: 1,
      });
      assert.deepEqual(await store.findClient(app.id), saved.client);
      assert.deepEqual(await save({ description: 'late' }), { outcome: 'stale' });
      assert.equal((await store.findClient(app.id))?.description, 'other');
      assert.deepEqual(
        await store.applyChange(change(noSuch.client, 0, [{ kind: 'clear-approvals' }])),
        {
          outcome: 'unknown',
        },
      );
    },
  ],
  [
    '50 changes of one edition at once: one is applied, and the trail has one line',
    async (store) => {
      const app = await registered(store, await person(store));
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          store.applyChange(
            change(app.id, 0, [
              { kind: 'save-client', client: { ...app, description: `by ${index}` } },
            ]),
          ),
        ),
      );
      assert.deepEqual(tally(answers.map(({ outcome }) => outcome)), { applied: 1, stale: 49 });
      const winner = answers.findIndex(({ outcome }) => outcome === 'applied');
      assert.equal((await store.findClient(app.id))?.description, `by ${winner}`);
      assert.equal(
        (await store.listAudit({ clientId: app.id, afterRecordVersion: 0, limit: 99 })).length,
        1,
      );
    },
  ],
  [
    'a change that faults in the middle leaves nothing behind',
    async (store) => {
      const app = await registered(store, await person(store));
      const broken = change(app.id, 0, [
        { kind: 'save-client', client: { ...app, description: 'half' } },
        { kind: 'invite', userId: noSuch.user, by: null, at: NOW },
      ]);
      await assert.rejects(store.applyChange(broken));
      assert.deepEqual(await store.findClient(app.id), app);
      assert.equal((await store.listAudit({ clientId: app.id, limit: 9 })).length, 1);
      assert.equal(
        (await store.applyChange(change(app.id, 0, [{ kind: 'clear-approvals' }]))).outcome,
        'applied',
      );
    },
  ],
  [
    'secrets are added and taken away',
    async (store) => {
      const app = await registered(store, await person(store));
      const added = await store.applyChange(
        change(app.id, 0, [
          { kind: 'add-secret', secret: secret({ label: 'second', expiresAt: at(9) }) },
        ]),
      );
      assert.ok(added.outcome === 'applied');
      assert.deepEqual(
        added.client.secrets.map(({ label, expiresAt }) => [label, expiresAt]),
        [
          ['first', null],
          ['second', at(9)],
        ],
      );
      const ids = added.client.secrets.map(({ id }) => id);
      const retired = await store.applyChange(
        change(app.id, 1, [{ kind: 'remove-secrets', ids: ids.slice(0, 1) }]),
      );
      assert.ok(retired.outcome === 'applied');
      assert.deepEqual(
        (await store.findClient(app.id))?.secrets.map(({ label }) => label),
        ['second'],
      );
    },
  ],
  [
    'clients are listed newest first under every filter, alone and together, and counted alike',
    async (store) => {
      const [owner, keeper, gone] = [await person(store), await person(store), await person(store)];
      const name = text('Listed');
      const one = await registered(store, owner, { name, stage: 'proposed', protocol: 'oauth1' });
      const two = await registered(store, owner, { name, version: '2', suppressed: true });
      const three = await registered(store, gone);
      await store.setBlocked(gone, true);
      await store.applyChange(
        change(one.id, 0, [{ kind: 'invite', userId: keeper, by: owner, at: NOW }]),
      );
      await store.applyChange(change(one.id, 1, [{ kind: 'join', userId: keeper, at: NOW }]));
      await store.applyChange(
        change(two.id, 0, [{ kind: 'invite', userId: keeper, by: owner, at: NOW }]),
      );
      await store.applyChange(
        change(two.id, 1, [
          {
            kind: 'open-revision',
            revision: { clientId: two.id, fields: two, proposedBy: owner, proposedAt: NOW },
          },
        ]),
      );
      const cases = [
        [{ ownerId: owner }, [two, one]],
        [{ ownerId: owner, limit: 1 }, [two]],
        [{ ownerId: owner, below: two.number }, [one]],
        [{ ownerId: owner, suppressed: false }, [one]],
        [{ ownerId: owner, stage: 'proposed' }, [one]],
        [{ ownerId: owner, protocol: 'oauth2' }, [two]],
        [{ ownerId: owner, hasOpenRevision: true }, [two]],
        [{ ownerId: owner, hasOpenRevision: false }, [one]],
        [{ ownerId: owner, orphaned: false }, [two, one]],
        [{ ownerId: gone, orphaned: true }, [three]],
        [{ ownerId: gone, orphaned: false }, []],
        [{ managerId: keeper }, [one]],
        [{ managerId: owner }, [two, one]],
        [{ name }, [two, one]],
        [
          {
            name,
            protocol: 'oauth1',
            stage: 'proposed',
            ownerId: owner,
            suppressed: false,
            hasOpenRevision: false,
            orphaned: false,
          },
          [one],
        ],
        [{ ownerId: noSuch.user }, []],
      ] as const;
      for (const [filter, wanted] of cases) {
        const found = await store.listClients(filter);
        assert.deepEqual(
          found.map(({ id }) => id),
          wanted.map(({ id }) => id),
          JSON.stringify(filter),
        );
        if (!('limit' in filter) && !('below' in filter))
          assert.equal(await store.countClients(filter), wanted.length);
      }
    },
  ],
  [
    'proposals are idle before the very second, oldest first, at most so many',
    async (store) => {
      const owner = await person(store);
      const long = at(-900_000_000);
      const apps = [
        await registered(store, owner, { stage: 'proposed', stageAt: at(-800_000_000) }),
        await registered(store, owner, { stage: 'proposed', stageAt: long }),
      ];
      await registered(store, owner, { stage: 'approved', stageAt: long });
      const idle = async (before: typeof long, limit = 9) =>
        (await store.listIdleProposals(before, limit)).map(({ id }) => id);
      assert.deepEqual(await idle(long), []);
      assert.deepEqual(await idle(at(-800_000_000)), [apps[1]?.id]);
      assert.deepEqual(await idle(at(-799_999_999)), [apps[1]?.id, apps[0]?.id]);
      assert.deepEqual(await idle(at(-799_999_999), 1), [apps[1]?.id]);
    },
  ],
  [
    'revisions: one is open, it is closed once, the newest comes first; approvals are counted for each',
    async (store) => {
      const [owner, one, two] = [await person(store), await person(store), await person(store)];
      const app = await registered(store, owner);
      const open = {
        kind: 'open-revision',
        revision: { clientId: app.id, fields: app, proposedBy: owner, proposedAt: at(5) },
      } as const;
      assert.equal(await store.openRevision(app.id), undefined);
      await store.applyChange(change(app.id, 0, [open]));
      const first = await store.openRevision(app.id);
      assert.ok(first);
      assert.equal(first.fields.name, app.name);
      assert.deepEqual(
        [first.proposedBy, first.proposedAt, first.closedAt, first.stage],
        [owner, at(5), null, 'proposed'],
      );
      await assert.rejects(store.applyChange(change(app.id, 1, [open])), 'two cannot be open');
      const yes = (reviewerId: UserId, revisionId: number | null, subject = 'this') =>
        ({ kind: 'first-approval', reviewerId, revisionId, subject, at: NOW }) as const;
      await store.applyChange(
        change(app.id, 1, [yes(one, first.id, 'old'), yes(one, first.id), yes(two, null)]),
      );
      assert.deepEqual(await store.approvalsOf(app.id, first.id), [
        { reviewerId: one, subject: 'this' },
      ]);
      assert.deepEqual(await store.approvalsOf(app.id, null), [
        { reviewerId: two, subject: 'this' },
      ]);
      await store.applyChange(
        change(app.id, 2, [
          { kind: 'close-revision', id: first.id, stage: 'rejected', at: at(7) },
          open,
        ]),
      );
      const [second, closed] = await store.listRevisions(app.id);
      assert.deepEqual(closed, { ...first, stage: 'rejected', closedAt: at(7) });
      assert.equal(second?.stage, 'proposed');
      await store.applyChange(change(app.id, 3, [{ kind: 'clear-approvals' }]));
      assert.deepEqual(await store.approvalsOf(app.id, first.id), []);
    },
  ],
  [
    'a part somebody took is kept once, with its latest end; every secret ends at the time that is set, or before',
    async (store) => {
      const [owner, one] = [await person(store), await person(store)];
      const app = await registered(store, owner);
      const part = (userId: UserId, part: 'owner' | 'maintainer', time: number) =>
        ({ kind: 'involve', userId, part, at: at(time) }) as const;
      assert.deepEqual(await store.involvementsIn(app.id), []);
      await store.applyChange(
        change(app.id, 0, [
          part(one, 'owner', 5),
          part(one, 'maintainer', 2),
          part(one, 'owner', 9),
          part(one, 'owner', 7),
        ]),
      );
      assert.deepEqual(await store.involvementsIn(app.id), [
        { userId: one, part: 'maintainer', until: at(2) },
        { userId: one, part: 'owner', until: at(9) },
      ]);
      const secret = (label: string, expiresAt: ReturnType<typeof at> | null) =>
        ({
          kind: 'add-secret',
          secret: { label, digest: label as Digest, encrypted: null, createdAt: NOW, expiresAt },
        }) as const;
      const given = [secret('early', at(3)), secret('late', at(30)), secret('open', null)];
      await store.applyChange(change(app.id, 1, [...given, { kind: 'end-secrets', at: at(20) }]));
      const ends = new Map(
        (await store.findClient(app.id))?.secrets.map(({ label, expiresAt }) => [label, expiresAt]),
      );
      assert.deepEqual(
        [ends.get('early'), ends.get('late'), ends.get('open')],
        [at(3), at(20), at(20)],
      );
    },
  ],
  [
    'a team: invited, joined, left; an offer takes the place of another and ends',
    async (store) => {
      const [owner, one, two] = [await person(store), await person(store), await person(store)];
      const app = await registered(store, owner);
      await store.applyChange(
        change(app.id, 0, [
          { kind: 'invite', userId: one, by: owner, at: at(2) },
          { kind: 'invite', userId: one, by: null, at: at(3) },
          { kind: 'invite', userId: two, by: owner, at: at(1) },
          { kind: 'offer', toId: one, by: owner, at: NOW },
          { kind: 'offer', toId: two, by: null, at: at(4) },
        ]),
      );
      const invited = { invitedBy: owner, acceptedAt: null };
      const offer = { clientId: app.id, toId: two, offeredBy: null, offeredAt: at(4) };
      assert.deepEqual(await store.teamOf(app.id), {
        maintainers: [
          { userId: two, invitedAt: at(1), ...invited },
          { userId: one, invitedAt: at(2), ...invited },
        ],
        offer,
      });
      assert.deepEqual(await store.invitationsOf(one), [{ clientId: app.id, kind: 'maintain' }]);
      assert.deepEqual(
        (await store.invitationsOf(two)).map(({ kind }) => kind),
        ['maintain', 'own'],
      );
      await store.applyChange(
        change(app.id, 1, [
          { kind: 'join', userId: one, at: at(9) },
          { kind: 'leave', userId: two },
          { kind: 'end-offer' },
        ]),
      );
      assert.deepEqual(await store.teamOf(app.id), {
        maintainers: [{ userId: one, invitedBy: owner, invitedAt: at(2), acceptedAt: at(9) }],
        offer: null,
      });
      assert.deepEqual(await store.invitationsOf(one), []);
      assert.deepEqual(await store.teamOf(noSuch.client), { maintainers: [], offer: null });
    },
  ],
  [
    'an owner-only app is born with its consent and credential; a new grant ends the old and keeps the identifier',
    async (store) => {
      const owner = await person(store);
      const grant = (token: string) => ({
        consent: {
          userId: owner,
          clientId: wish.id,
          site: everywhere,
          scopes: ['basic'],
          acceptedAt: NOW,
        },
        credentials: { token, encryptedSecret: 'v1.m1.s.t' as EncryptedSecret },
        token: { id: tokenId(), issuedAt: NOW, expiresAt: at(900) },
      });
      const wish = client(owner, { ownerOnly: true });
      const [first, second] = [grant(text('token')), grant(text('token'))];
      const made = await store.applyChange(
        change(wish.id, null, [
          { kind: 'create-client', client: wish, secret: null, grant: first },
        ]),
      );
      assert.equal(made.outcome, 'applied');
      const consent = await store.findConsent(owner, wish.id, everywhere);
      assert.ok(consent);
      assert.equal(await store.tokenOfConsent(consent.id), first.credentials.token);
      assert.deepEqual((await store.findAccessToken(first.token.id))?.consent, consent);
      await store.applyChange(change(wish.id, 0, [{ kind: 'regrant', grant: second }]));
      const next = await store.findConsent(owner, wish.id, everywhere);
      assert.ok(next && next.id !== consent.id);
      assert.equal(await store.tokenOfConsent(next.id), first.credentials.token);
      assert.equal((await store.findAccessToken(first.token.id))?.consent, undefined);
      assert.deepEqual((await store.findAccessToken(second.token.id))?.consent, next);
      await store.applyChange(change(wish.id, 1, [{ kind: 'end-consents-of', userId: owner }]));
      assert.equal(await store.findConsentById(next.id), undefined);
    },
  ],
  [
    'apps of the configuration: saved, taken by identifier or by name; their values live in this process',
    async (store) => {
      const owner = await person(store);
      const own = client(owner, { managed: true, skipConsent: true });
      const given = secret();
      assert.equal(await store.saveConfiguredClients([own], new Map([[own.id, given]])), 'saved');
      const found = await store.findClient(own.id);
      assert.ok(found?.skipConsent);
      assert.equal(found.stage, 'approved');
      assert.deepEqual(found.secrets, [{ ...given, id: -found.number }]);
      assert.equal(
        await store.saveConfiguredClients([{ ...own, name: text('Renamed') }], new Map()),
        'saved',
      );
      const taken = await registered(store, owner);
      const other = client(owner, { managed: true });
      assert.deepEqual(
        await store.saveConfiguredClients([other, { ...own, id: taken.id }], new Map()),
        {
          taken: taken.id,
        },
      );
      assert.equal(await store.findClient(other.id), undefined);
      const namesake = client(owner, { managed: true, name: taken.name, version: taken.version });
      assert.deepEqual(await store.saveConfiguredClients([namesake], new Map()), {
        taken: namesake.id,
      });
      assert.equal(await store.saveConfiguredClients([], new Map()), 'saved');
      assert.equal((await store.findClient(own.id))?.stage, 'configured');
    },
  ],
  [
    'a consent: stored, its scopes replaced, the same again writes nothing, renounced by its own person alone',
    async (store) => {
      const { user, app, consent } = await consented(store);
      const wish = {
        userId: user,
        clientId: app.id,
        site: everywhere,
        scopes: ['basic'],
        acceptedAt: at(9),
      };
      assert.deepEqual(await store.findConsent(user, app.id, everywhere), consent);
      assert.equal(await store.findConsent(user, app.id, 'here' as SiteId), undefined);
      assert.deepEqual(await store.findConsentById(consent.id), consent);
      const line = (action: string) => audit(app.id, { action, actorId: user });
      assert.deepEqual(await store.saveConsent(wish, null, line('accept')), consent);
      const more = await store.saveConsent(
        { ...wish, scopes: ['basic', 'edit'] },
        null,
        line('accept'),
      );
      assert.deepEqual(more, { ...consent, scopes: ['basic', 'edit'] });
      assert.deepEqual(await store.findConsentById(consent.id), more);
      const here = await store.saveConsent(
        { ...wish, site: 'here' as SiteId },
        null,
        line('accept'),
      );
      assert.deepEqual(await store.listConsents(user), [here, more]);
      assert.equal(
        await store.revokeConsent(more.id, await person(store), line('renounce')),
        'unknown',
      );
      assert.equal(await store.revokeConsent(more.id, user, line('renounce')), 'revoked');
      assert.equal(await store.revokeConsent(more.id, user, line('renounce')), 'unknown');
      assert.deepEqual(await store.listConsents(user), [here]);
      const lines = await store.listAudit({ clientId: app.id, about: 'consents', limit: 99 });
      assert.deepEqual(
        lines.map(({ action, changes }) => [action, changes[0]?.before, changes[0]?.after]),
        [
          ['renounce', ['basic', 'edit'], null],
          ['accept', null, ['basic']],
          ['accept', ['basic'], ['basic', 'edit']],
          ['accept', null, ['basic']],
        ],
      );
    },
  ],
  [
    '50 times the same yes at once is one consent with one pair and one line; renounced 50 times it ends once',
    async (store) => {
      const user = await person(store);
      const app = await registered(store, await person(store));
      const wish = {
        userId: user,
        clientId: app.id,
        site: everywhere,
        scopes: ['basic'],
        acceptedAt: NOW,
      };
      const yes = () => ({ token: text('token'), encryptedSecret: 'v1.m1.s.t' as EncryptedSecret });
      const saved = await Promise.all(
        Array.from({ length: 50 }, () =>
          store.saveConsent(wish, yes(), audit(app.id, { action: 'accept', actorId: user })),
        ),
      );
      const [{ id } = { id: noSuch.consent }] = saved;
      assert.equal(new Set(saved.map((each) => each.id)).size, 1);
      assert.equal(
        (await store.listAudit({ clientId: app.id, about: 'consents', limit: 99 })).length,
        1,
      );
      const ended = await Promise.all(
        Array.from({ length: 50 }, () =>
          store.revokeConsent(id, user, audit(app.id, { action: 'renounce', actorId: user })),
        ),
      );
      assert.deepEqual(tally(ended), { revoked: 1, unknown: 49 });
    },
  ],
  [
    'approvals at once add to one consent: none is lost, the order of before stays; what is withdrawn leaves every site; a stale one writes nothing',
    async (store) => {
      const { user, app, consent } = await consented(store);
      const line = () => audit(app.id, { action: 'accept', actorId: user });
      const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
      const gate = {
        recordVersion: app.recordVersion,
        existingConsentOnly: false,
        allowedScopes: ['basic', ...names],
        withdrawnScopes: [],
      };
      const wish = (scopes: readonly string[]) => ({
        userId: user,
        clientId: app.id,
        site: everywhere,
        scopes,
        acceptedAt: at(9),
      });
      await Promise.all(
        names.map((name) => store.acceptConsent(wish(['basic', name]), null, line(), gate)),
      );
      const all = await store.findConsentById(consent.id);
      assert.equal(all?.scopes[0], 'basic');
      assert.deepEqual([...(all?.scopes ?? [])].sort(), ['basic', ...names].sort());
      assert.deepEqual(
        await store.acceptConsent(wish(['s3', 's1']), null, line(), gate),
        all,
        'what was allowed before changes nothing',
      );
      const here = await store.acceptConsent(
        { ...wish(['basic', 's1', 's2']), site: 'here' as SiteId },
        null,
        line(),
        gate,
      );
      assert.ok(here !== 'stale');
      const less = await store.acceptConsent(wish(['basic']), null, line(), {
        ...gate,
        withdrawnScopes: ['s1', 'unknown'],
      });
      assert.deepEqual(less, { ...all, scopes: all?.scopes.filter((scope) => scope !== 's1') });
      assert.deepEqual((await store.findConsentById(here.id))?.scopes, ['basic', 's2']);
      const narrow = await store.acceptConsent(wish(['s5']), null, line(), {
        ...gate,
        allowedScopes: ['basic', 's0', 's5'],
      });
      assert.ok(narrow !== 'stale');
      assert.deepEqual(
        [...narrow.scopes].sort(),
        ['basic', 's0', 's5'],
        'what a review took from the client goes',
      );
      const lines = await store.listAudit({ clientId: app.id, about: 'consents', limit: 99 });
      assert.equal(
        await store.acceptConsent(wish(['s9', 'new']), null, line(), {
          ...gate,
          recordVersion: 7,
          withdrawnScopes: ['s2'],
        }),
        'stale',
      );
      assert.deepEqual(
        await store.listAudit({ clientId: app.id, about: 'consents', limit: 99 }),
        lines,
      );
      assert.deepEqual(await store.findConsentById(consent.id), narrow);
    },
  ],
  [
    'the impact of switching off: people, tokens that would be accepted, calls of a day',
    async (store) => {
      const world = await consented(store);
      const { app } = world;
      const tokens = [
        access(world),
        access(world, { expiresAt: NOW }),
        access(world, { revoked: true }),
        access(world, { userId: null, consentId: null, grantType: 'client_credentials' }),
        access(world, { consentId: noSuch.consent }),
      ];
      for (const token of tokens) await store.saveAccessToken({ ...token, revoked: false });
      await store.revokeAccessToken(tokens[2]?.id ?? tokenId());
      const hour = Math.floor(NOW / 3600);
      await store.saveUsage({
        marks: [],
        calls: [
          { clientId: app.id, hour, calls: 5 },
          { clientId: app.id, hour: hour - 24, calls: 7 },
        ],
      });
      assert.deepEqual(await store.impactOf(app.id, NOW, at(-10)), {
        users: 1,
        tokens: 2,
        calls: 5,
      });
      assert.deepEqual(await store.impactOf(clientId(), NOW, at(-10)), {
        users: 0,
        tokens: 0,
        calls: 0,
      });
      await store.revokeConsent(world.consent.id, world.user, audit(app.id));
      assert.deepEqual(await store.impactOf(app.id, NOW, at(-10)), {
        users: 0,
        tokens: 1,
        calls: 5,
      });
    },
  ],
];
