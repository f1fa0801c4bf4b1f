import { z } from 'zod';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { type Actor, mayDo, RIGHTS } from '#registry/actor.ts';
import type { Client } from '#registry/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import type { World } from '../../world.ts';
import type { Call, Said } from './route.ts';
import { looksAfter, showOutcome } from './shapes.ts';

export const noSuchApp: RegistryRefusal = { kind: 'invalid_consumer_key' };
export const clientParams = z.object({ client_id: z.string().max(64) });
const MOST = 100;

/** `cursor` is what `next` of the page before said. */
export const paging = {
  cursor: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional()
    .describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(MOST).default(25),
};

const writeCursor = (value: number) => Buffer.from(`c${value}`).toString('base64url');

/** Where a page continues; undefined: at the beginning, or the cursor is none of ours. */
export function readCursor(cursor: string | undefined): number | undefined {
  const text = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
  return /^c\d{1,15}$/.test(text) ? Number(text.slice(1)) : undefined;
}

/** A page of a list: one more than the limit was asked for, to know whether there is more. */
export async function page<T>(
  call: Call<unknown, { readonly limit: number }>,
  rows: readonly T[],
  place: (row: T) => number,
  show: (row: T) => Promise<unknown>,
): Promise<Said> {
  const { limit } = call.query;
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? writeCursor(place(last)) : null;
  const items: unknown[] = [];
  for (const row of shown) items.push(await show(row));
  if (next === null) return { status: 200, body: { items, next } };
  const url = new URL(call.request.raw.url ?? '/', call.world.issuer);
  url.searchParams.set('cursor', next);
  return { status: 200, body: { items, next }, headers: { link: `<${url.pathname}${url.search}>; rel="next"` } };
}

/** The app of the path, if this caller may know of it: a hidden one is for its keepers and those who may see hidden ones. */
export async function findVisible({ world, actor }: Pick<Call, 'world' | 'actor'>, id: string): Promise<Client | undefined> {
  const client = /^[0-9a-f]{32}$/.test(id) ? await world.records.findClient(id as ClientId) : undefined;
  if (client === undefined || (!client.suppressed && client.stage !== 'configured') || maySeeHidden(actor)) return client;
  return looksAfter(actor, client, await world.records.teamOf(client.id)) ? client : undefined;
}

/** Keepers and reviewers: those whose business an app is. */
export async function isInsider({ world, actor }: Pick<Call, 'world' | 'actor'>, client: Client): Promise<boolean> {
  return mayDo(actor, RIGHTS.review) || looksAfter(actor, client, await world.records.teamOf(client.id));
}

/** Submits an action on the app of the path and shows what it led to. */
export async function submit(
  call: Pick<Call, 'world' | 'actor' | 'seen'> & { readonly params: { readonly client_id: string } },
  action: string,
  values: Readonly<Record<string, unknown>> = {},
  status = 200,
): Promise<Said> {
  const { world, actor, params, seen } = call;
  const answer = await world.registry.submit(actor, action, {
    reason: '',
    ...values,
    clientId: params.client_id,
    ...(seen === undefined ? {} : { changeToken: seen }),
  });
  if (!answer.ok) return { refusal: answer.refusal };
  return { status, body: await showOutcome(world, actor, answer.value) };
}

/** The account a caller names, by number or by name. */
export async function personNamed(world: World, asked: number | string): Promise<UserId | undefined> {
  if (typeof asked === 'number') return asked as UserId;
  return (await world.records.findAccountByName(asked))?.id;
}

/** Somebody signed in; a token of an app that acts for itself has nobody behind it. */
export const signedIn = (actor: Actor): UserId | undefined => (actor.kind === 'person' ? actor.account?.id : undefined);
