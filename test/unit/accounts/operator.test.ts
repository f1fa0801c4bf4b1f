import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountBlock as block, accountUnblock as unblock } from '#cli/account-block.ts';
import { accountResetPassword } from '#cli/account-reset-password.ts';
import { type Command, type Io, parseArguments } from '#cli/command.ts';
import { TestServer } from '#harness/world.ts';
import type { CommandServices } from '#operations/command-services.ts';
import { OPERATOR } from '#registry/actor.ts';

/** Runs a command over a world that stays open. */
async function run(world: TestServer, command: Command, ...argv: readonly string[]) {
  let [out, err] = ['', ''];
  const { accounts, registry } = world.server.services;
  const verbs: CommandServices = {
    accounts,
    registry,
    clients: world.clients,
    operator: OPERATOR,
    query: registry.query(OPERATOR),
    auditLog: world.server.store,
    close: async () => {},
  };
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    open: async () => verbs,
  } as unknown as Io;
  const code = await command.run(parseArguments(command, argv), io);
  return { code, out, err };
}

test('the operator prints a link that sets a password, once; a newer one ends it', async () => {
  const world = new TestServer();
  const { accounts } = world.server.services;
  await world.createPerson('Ada');
  const from = { address: '192.0.2.1', agent: '' };
  const first =
    /token=([\w-]{51})/.exec((await run(world, accountResetPassword, 'ada')).out)?.[1] ?? '';
  const { link } = JSON.parse((await run(world, accountResetPassword, 'Ada', '--json')).out);
  const [url, second] = link.split('?token=');
  assert.equal(url, 'https://gate.example/password/new');
  assert.equal((await accounts.resetPassword(first, 'another horse', from)).ok, false);
  assert.equal((await accounts.resetPassword(second, 'another horse', from)).ok, true);
  assert.equal((await accounts.resetPassword(second, 'another horse', from)).ok, false);
  assert.equal((await accounts.signIn('Ada', 'another horse', from)).ok, true);
  const nobody = await run(world, accountResetPassword, 'Nobody');
  assert.deepEqual([nobody.code, nobody.out], [1, '']);
  assert.match(nobody.err, /account list/);
  await world.close();
});

test('the operator blocks a person, who is signed out everywhere and gets no link, and lets them come back', async () => {
  const world = new TestServer();
  const { accounts } = world.server.services;
  const ada = await world.createPerson('Ada');
  const cookie = await world.sessionCookie(ada);
  const visit = async () =>
    (await world.app.inject({ url: '/account', headers: { cookie } })).statusCode;
  assert.equal(await visit(), 200);
  assert.equal((await run(world, block, 'Ada')).code, 0);
  assert.equal(await visit(), 303);
  assert.deepEqual(await accounts.sessionsOf(ada), []);
  const refused = await run(world, accountResetPassword, 'Ada');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /unblock/);
  assert.deepEqual(JSON.parse((await run(world, unblock, 'Ada', '--json')).out), {
    name: 'Ada',
    blocked: false,
  });
  assert.equal((await world.server.store.findAccount(ada.id))?.blocked, false);
  assert.equal(await visit(), 303, 'the old session does not come back');
  await world.close();
});
