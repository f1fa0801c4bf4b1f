import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { accountBlock, accountUnblock } from '#cli/account-block.ts';
import { clientDecisions } from '#cli/client-decisions.ts';
import { type Command, type Io, parseArguments } from '#cli/command.ts';
import { keysRotate } from '#cli/keys-rotate.ts';
import { TestServer } from '#harness/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { KeyCommands } from '#operations/key-commands.ts';
import { operatorBy } from '#registry/actor.ts';

// Commands that take something away say what, and ask whoever sits at a terminal. Scripts go on as
// before.

const commands: readonly Command[] = [...clientDecisions, accountBlock, accountUnblock];

describe('a command that takes something away', () => {
  let world: TestServer;
  let owner: Account;
  let id: ClientId;
  let apps = 0;
  before(async () => {
    world = new TestServer();
    owner = await world.createPerson('Ada', ['developer']);
  });
  after(() => world.close());
  beforeEach(async () => {
    apps += 1;
    const made = await world.createClient(owner, { name: `App ${apps}`, confidential: true });
    id = made.client.id;
    await world.issueCode(made, owner);
  });

  /** One call of a command. `terminal`: what is answered there; undefined: there is none. */
  async function call(words: string, more: readonly string[], terminal?: boolean) {
    const said = { out: '', err: '', asked: '' };
    const { registry, accounts } = world.server.services;
    const io: Io = {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
      stdin: async () => '',
      readFile: () => '',
      isInteractive: terminal !== undefined,
      confirm: async (question) => {
        said.asked += question;
        return terminal ?? assert.fail('nobody is there to be asked');
      },
      env: {},
      loadConfig: () => assert.fail('no settings are read'),
      openKeys: () => assert.fail('no keys are opened'),
      open: async () => ({
        registry,
        accounts,
        query: registry.query(operatorBy('os:root')),
        clients: world.clients,
        operator: operatorBy('os:root'),
        auditLog: world.server.store,
        close: async () => {},
      }),
    };
    const command = commands.find((one) => one.words === words) ?? assert.fail(words);
    const code = await command.run(
      parseArguments(command, [words.startsWith('client') ? id : owner.name, ...more]),
      io,
    );
    return { code, ...said };
  }
  const state = async () => {
    const client = await world.server.store.findClient(id);
    const trail = await world.server.store.listAudit({ clientId: id, limit: 100 } as never);
    return JSON.stringify(
      [client, trail, (await world.server.store.findAccount(owner.id))?.blocked],
      (_, value) => (typeof value === 'bigint' ? String(value) : value),
    );
  };

  const destructive = [
    ['client disable', [], /is approved, and would be disabled/],
    ['client disable', ['--suppress'], /would be disabled/],
    ['client halt', ['--stop', 'new-consents'], /Nobody new can allow it/],
    ['client halt', ['--stop', 'all'], /its tokens stop working/],
    ['client reset-secret', [], /Every secret of it stops at once/],
    ['account block', [], /signed out everywhere/],
  ] as const;

  for (const [words, more, sentence] of destructive) {
    const line = [words, ...more].join(' ');
    test(`${line} --dry-run says what would happen, and changes nothing`, async () => {
      const earlier = await state();
      const { code, out, asked } = await call(words, [...more, '--dry-run'], true);
      assert.deepEqual([code, asked], [0, '']);
      assert.match(out, /^This would happen; nothing was changed\./);
      assert.match(out, sentence);
      assert.match(
        out,
        words.startsWith('client')
          ? /People who allow it: 1\./
          : /Apps it allows, which cannot act for it: \d+\./,
      );
      const { out: json } = await call(words, [...more, '--dry-run', '--json']);
      const told = JSON.parse(json);
      assert.equal(told.dry_run, true);
      assert.notDeepEqual(told.impact ?? told.after, told.before);
      assert.doesNotMatch(json + out, /secret"|shown once/);
      assert.equal(await state(), earlier);
    });

    test(`${line} asks at a terminal, and takes a no`, async () => {
      const earlier = await state();
      const { code, out, err, asked } = await call(words, more, false);
      assert.deepEqual([code, out], [1, '']);
      assert.match(asked, sentence);
      assert.match(asked, /Do it\? \[y\/N\] $/);
      assert.match(err, /nothing was changed/);
      assert.equal(await state(), earlier);
    });

    test(`${line} is done after a yes, with --yes, and where nobody can be asked`, async () => {
      for (const [given, terminal] of [
        [[], true],
        [['--yes'], false],
        [[], undefined],
      ] as const) {
        const earlier = await state();
        const { code, err } = await call(words, [...more, ...given], terminal);
        assert.deepEqual([code, err], [0, '']);
        assert.notEqual(await state(), earlier);
        await world.server.services.accounts.setBlocked(
          { account: null, via: 'cli', address: null },
          owner.id,
          false,
        );
        const made = await world.createClient(owner, { name: `App ${++apps}`, confidential: true });
        id = made.client.id;
      }
    });
  }

  test('what would be refused is refused before anybody is asked, with the same words', async () => {
    for (const more of [['--dry-run'], [], ['--yes']]) {
      const { code, err, asked } = await call(
        'client reject',
        more,
        more.length === 0 ? true : undefined,
      );
      assert.deepEqual([code, asked], [1, '']);
      assert.match(err, /nothing was changed: The app is approved/);
    }
  });

  test('what takes nothing away is never asked about, and has a dry run too', async () => {
    const { code } = await call('client halt', ['--stop', 'new-consents', '--yes'], false);
    assert.equal(code, 0);
    const { out } = await call('client halt', ['--stop', 'none', '--dry-run', '--json']);
    assert.equal(JSON.parse(out).after.suspension, 'none');
    assert.equal((await world.server.store.findClient(id))?.suspension, 'new-consents');
    assert.equal((await call('client halt', ['--stop', 'none'], false)).asked, '');
    assert.equal((await world.server.store.findClient(id))?.suspension, 'none');
  });

  test('stands in the audit trail with who used it, and not in what the owner reads', async () => {
    assert.equal((await call('client disable', ['--reason', 'leaked'], undefined)).code, 0);
    const [line] = await world.server.store.listAudit({ clientId: id, limit: 1 });
    assert.deepEqual(
      [line?.action, line?.via, line?.actorId, line?.address, line?.reason],
      ['disable', 'cli', null, 'os:root', 'leaked'],
    );
    const cookie = await world.sessionCookie(owner);
    const { body } = await world.app.inject({ url: `/my/apps/${id}`, headers: { cookie } });
    assert.ok(body.includes('leaked') && !body.includes('os:root'));
  });

  test('an app nobody knows is said to be unknown', async () => {
    id = 'f'.repeat(32) as ClientId;
    assert.match(
      (await call('client disable', ['--dry-run'])).err,
      /there is no app with client_id f+/,
    );
  });
});

test('new signing keys at once name those that leave, and ask', async () => {
  let made = 0;
  const openKeys = async (): Promise<KeyCommands> => ({
    overview: async () =>
      ({
        master: [],
        signing: [
          { madeAt: 2, signsFrom: 2, state: 'signing', kids: ['k1', 'k2'] },
          { madeAt: 1, signsFrom: 1, state: 'retired', kids: ['k0'] },
        ],
      }) as never,
    rotate: async () => ({ refused: 'no-keys' }),
    rotateSigning: async () => {
      made += 1;
      return { signsFrom: 5 as never };
    },
    retire: async () => assert.fail(),
  });
  for (const [more, terminal, answer, code, told, count] of [
    [['--signing', '--at-once', '--dry-run'], true, false, 0, /: k1 k2\./, 0],
    [['--signing', '--at-once'], true, false, 1, /k1 k2[\s\S]*Do it/, 0],
    [['--signing', '--at-once'], true, true, 0, /k1 k2[\s\S]*Do it/, 1],
    [['--signing', '--at-once'], false, false, 0, /sign from now on/, 2],
    [['--signing'], true, false, 0, /are published/, 3],
    [['--signing', '--dry-run'], false, false, 1, /--dry-run goes with/, 3],
  ] as const) {
    let said = '';
    const write = (text: string) => {
      said += text;
    };
    const io = { out: write, err: write, isInteractive: terminal, openKeys };
    const confirm = async (question: string) => {
      said += question;
      return answer;
    };
    assert.equal(
      await keysRotate.run(parseArguments(keysRotate, more), { ...io, confirm } as never),
      code,
    );
    assert.match(said, told);
    assert.equal(made, count, more.join(' '));
  }
});
