import type { ClientId, UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { openStore } from '#store/open.ts';
import { access, audit, type Consented, change, tokenId } from './things.ts';

/**
 * A node that does not rest: it issues tokens, looks them up, revokes some, and writes the audit
 * trail of an app of its own, until it is told to stop. It tells after each round how many there
 * were, and in the end what it wrote and what was refused.
 */
const [location = '', clientId = '', userId = '', start = ''] = process.argv.slice(2);
const store = await openStore(location, { connections: 4, migrate: false });
const owned = {
  user: Number(userId) as UserId,
  app: { id: clientId as ClientId },
  consent: { id: 1 },
} as unknown as Consented;

/** What a node wrote. */
export interface Written {
  readonly tokens: readonly string[];
  readonly revoked: readonly string[];
  readonly editions: number;
  readonly faults: readonly string[];
}

const tokens: string[] = [];
const revoked: string[] = [];
const faults: string[] = [];
let editions = 0;
let going = true;
process.on('message', () => {
  going = false;
});

async function round(): Promise<void> {
  const now = instant(Date.now() / 1000);
  const id = `${Date.now().toString(16).padStart(12, '0')}${tokenId().slice(12)}` as ReturnType<
    typeof tokenId
  >;
  await store.saveAccessToken(access(owned, { id, issuedAt: now, expiresAt: instant(now + 3600) }));
  tokens.push(id);
  if ((await store.findAccessToken(id)) === undefined) faults.push(`lost ${id}`);
  if (tokens.length % 3 === 0) {
    await store.revokeAccessToken(id);
    revoked.push(id);
    if ((await store.findAccessToken(id))?.token.revoked !== true) faults.push(`not revoked ${id}`);
  }
  const applied = await store.applyChange(
    change(owned.app.id, Number(start) + editions, [], {
      audit: audit(owned.app.id, { at: now, reason: String(editions) }),
    }),
  );
  if (applied.outcome !== 'applied') faults.push(applied.outcome);
  editions += 1;
  if (
    (await store.listAudit({ clientId: owned.app.id, limit: 1 }))[0]?.recordVersion !==
    Number(start) + editions
  )
    faults.push(`the trail of ${editions} ends elsewhere`);
}

for (let rounds = 1; going; rounds += 1) {
  await round().catch((fault: Error) => faults.push(String(fault.cause ?? fault)));
  process.send?.(rounds);
}
await store.close();
process.send?.({ tokens, revoked, editions, faults } satisfies Written);
process.disconnect?.();
