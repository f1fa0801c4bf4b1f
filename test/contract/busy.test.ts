import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { isUnavailable } from '#kernel/unavailable.ts';
import { SqliteDriver } from '#store/sqlite/driver.ts';
import { openSqlite } from '#store/sqlite/open.ts';
import { makeStorePorts } from '#store/store.ts';
import { NOW, nonce, person } from './things.ts';

test('a SQLite file that somebody else holds: writes reject all together, and later work again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-busy-'));
  const path = join(directory, 'gatehouse.db');
  const store = openSqlite(path);
  const user = await person(store);
  const holder = new DatabaseSync(path);
  holder.exec('BEGIN IMMEDIATE');
  const claims = [nonce(), nonce()];
  await Promise.all(claims.map((claim) => assert.rejects(store.claimNonce(claim), isUnavailable)));
  assert.equal((await store.findAccount(user))?.id, user, 'reads go on');
  holder.exec('ROLLBACK');
  for (const claim of claims) assert.equal(await store.claimNonce(claim), 'first');
  holder.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a SQLite file that may not grow any more: what does not fit rejects, and nothing of it is there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-full-'));
  const path = join(directory, 'gatehouse.db');
  await openSqlite(path).close();
  const driver = new SqliteDriver(path);
  driver.database.exec('PRAGMA max_page_count = 120');
  const store = makeStorePorts(driver);
  const answered: string[] = [];
  let refused = 0;
  for (let count = 0; count < 400; count += 1) {
    const claim = { key: `${count}`.padStart(900, 'x'), expiresAt: NOW };
    try {
      await store.claimNonce(claim);
      answered.push(claim.key);
    } catch (fault) {
      assert.ok(isUnavailable(fault), String(fault));
      refused += 1;
    }
  }
  assert.ok(answered.length > 0 && refused > 0);
  await driver.close();
  const again = openSqlite(path);
  for (const key of answered) assert.equal(await again.claimNonce({ key, expiresAt: NOW }), 'seen');
  await again.close();
  rmSync(directory, { recursive: true, force: true });
});
