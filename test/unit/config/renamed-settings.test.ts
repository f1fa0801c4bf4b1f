import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import { renamedFlag, renamedKey, renamedVariables } from '#config/renamed-settings.ts';
import { fileSettingName, settingDescriptions } from '#config/setting-names.ts';
import { runCommand } from '#harness/command.ts';

// A setting under the name it had before is an error that names the new one: it is neither read nor
// ignored.

const problemsOf = (environment: Readonly<Record<string, string>>, file = '') => {
  const config = readConfig({ config: 'gatehouse.yaml' }, environment, () => file);
  return config.ok ? [] : config.refusal;
};

test('a renamed variable is refused with its new name, also where it names a file', () => {
  for (const name of ['GATEHOUSE_ACCESS_TOKEN_FOR', 'GATEHOUSE_ACCESS_TOKEN_FOR_FILE']) {
    const [problem, ...more] = problemsOf({ [name]: '60' });
    assert.deepEqual(more, []);
    assert.equal(problem?.setting, name);
    assert.match(problem.remedy, new RegExp(`^${name.replace('_FOR', '_TTL')}, its name now`));
  }
  assert.deepEqual(problemsOf({ GATEHOUSE_ACCESS_TOKEN_TTL: '60' }), []);
});

test('a renamed key of the configuration file is refused with its new name, at every level', () => {
  for (const [text, before, now] of [
    ['database_memory: off', 'database_memory', 'database_cache'],
    ['idle_proposals_for: P1D', 'idle_proposals_for', 'idle_proposal_ttl'],
    ['review: { involved_for: P1D }', 'review.involved_for', 'review.involvement_window'],
    ['review: { old_secrets_for: P1D }', 'review.old_secrets_for', 'review.old_secrets_ttl'],
  ] as const) {
    const [problem, ...more] = problemsOf({}, text);
    assert.deepEqual(more, []);
    assert.equal(problem?.setting, before);
    assert.match(problem.remedy, new RegExp(`^${now}, its name now`));
  }
});

test('a renamed flag is refused with its new name', async () => {
  for (const args of [['--access-token-for', '60'], ['--access-token-for=60']]) {
    const { status, err } = await runCommand(['serve', ...args]);
    assert.equal(status, 2);
    assert.match(err, /--access-token-for is called --access-token-ttl now/);
  }
});

test('every new name is one of a setting, and no old name is', () => {
  const variables = settingDescriptions.map(({ env }) => env);
  for (const [before, now] of renamedVariables) {
    assert.ok(variables.includes(now.replace(/_FILE$/, '')), now);
    assert.ok(!variables.includes(before), before);
  }
  for (const { flag } of settingDescriptions) {
    assert.equal(renamedFlag(flag ?? ''), undefined);
    assert.equal(renamedKey(fileSettingName(flag ?? '')), undefined);
  }
});
