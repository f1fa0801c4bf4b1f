import { createHmac } from 'node:crypto';
import { equalSecrets } from '#keys/digest.ts';
import { type Actor, accountOf } from './actor.ts';
import type { Client } from './model/client.ts';

/** What ETags are made with. */
export interface EtagKey {
  readonly etagKey: Uint8Array;
}

/** True for a text of the form of our ETags. */
export const isEtag = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

const viewerOf = (actor: Actor) => `${actor.kind} ${accountOf(actor)?.id ?? ''}`;

/**
 * 40 hexadecimal digits over what this viewer saw: the version of the record, and a proof that it
 * was we who named it. Good for this viewer alone.
 */
export function etagFor(
  { etagKey }: EtagKey,
  actor: Actor,
  client: Pick<Client, 'id' | 'recordVersion'>,
): string {
  const recordVersion = client.recordVersion.toString(16).padStart(8, '0');
  const mac = createHmac('sha256', etagKey)
    .update(`${viewerOf(actor)}\n${client.id}\n${recordVersion}`)
    .digest('hex');
  return recordVersion + mac.slice(0, 32);
}

/**
 * The version of the record that an ETag names; null: it is not one of ours, or another viewer's.
 * Compared in constant time.
 */
export function recordVersionOf(
  key: EtagKey,
  actor: Actor,
  { id }: Pick<Client, 'id'>,
  etag: string,
): number | null {
  if (!isEtag(etag)) return null;
  const recordVersion = Number.parseInt(etag.slice(0, 8), 16);
  return equalSecrets(etag, etagFor(key, actor, { id, recordVersion })) ? recordVersion : null;
}
