import { z } from 'zod';
import { readable } from '../app-access.ts';
import type { Call, Said } from './route.ts';
import { showOutcome } from './shapes.ts';

/** How every action on an app may be refused, whatever it is. */
export const onApp = [
  'invalid_consumer_key',
  'change_conflict',
  'managed_by_configuration',
] as const;
/**
 * How an action that may give a credential, or decides who has it, may be refused besides (ADR 17).
 */
export const byPersonAlone = ['browser_session_required', 'reauthentication_required'] as const;
export const clientParams = z.object({ client_id: z.string().max(64) });
const MOST = 100;

/** `cursor` is what `next` of the page before said. */
export const paging = {
  cursor: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9_-]+$/)
    .refine((text) => readCursor(text) !== undefined, 'is no cursor of ours')
    .optional()
    .describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(MOST).default(25),
};

const writeCursor = (value: number) => Buffer.from(`c${value}`).toString('base64url');

/** Where a page continues; undefined: there is no cursor, or it is none of ours. */
export function readCursor(cursor: string | undefined): number | undefined {
  const text = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
  return /^c\d{1,15}$/.test(text) ? Number(text.slice(1)) : undefined;
}

/**
 * A page of a list: one more than the limit was asked for, to know whether there is more. Rows that
 * `show` has nothing for are left out.
 */
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
  for (const row of shown) {
    const item = await show(row);
    if (item !== undefined) items.push(item);
  }
  if (next === null) return { status: 200, body: { items, next } };
  const query = new URLSearchParams(
    Object.entries({ ...call.query, cursor: next }).map(([name, value]) => [name, String(value)]),
  );
  // Relative to this very address, whatever stands before it (RFC 8288 §3.1).
  return { status: 200, body: { items, next }, headers: { link: `<?${query}>; rel="next"` } };
}

/** Submits an action on the app of the path and shows what it led to. */
export async function submit(
  call: Pick<Call, 'world' | 'actor' | 'seen'> & {
    readonly params: { readonly client_id: string };
  },
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
  if (!answer.ok) return { refusal: await readable(call, params.client_id, answer.refusal) };
  return { status, body: await showOutcome(world, actor, answer.value) };
}
