import * as z from 'zod';
import { cutPage, type Page } from '#kernel/paging.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { ApiCall, ApiResponse } from './route.ts';
import { serializeOutcome } from './serializers.ts';

/** How every action on an app may be refused, whatever it is. */
export const commonAppRefusals = [
  'invalid_consumer_key',
  'change_conflict',
  'managed_by_configuration',
] as const;
/**
 * How an action that may give a credential, or decides who has it, may be refused besides (ADR 17).
 */
export const sessionOnlyRefusals = [
  'browser_session_required',
  'reauthentication_required',
] as const;
/** The refusal of an app that the caller may not know of, or that does not exist. */
export const noSuchApp = { kind: 'invalid_consumer_key' } as const satisfies RegistryRefusal;
export const clientParams = z.object({ client_id: z.string().max(64) });
const MAX_PAGE_SIZE = 100;

/** `cursor` is what `next` of the page before said. */
export const paginationQuery = {
  cursor: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9_-]+$/)
    .refine((text) => parseCursor(text) !== undefined, 'is no cursor of ours')
    .optional()
    .describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(25),
};

const formatCursor = (value: number) => Buffer.from(`c${value}`).toString('base64url');

/** Where a page continues; undefined: there is no cursor, or it is none of ours. */
export function parseCursor(cursor: string | undefined): number | undefined {
  const text = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
  return /^c\d{1,15}$/.test(text) ? Number(text.slice(1)) : undefined;
}

/** Answers a part of a list: of the rows one more than the limit was asked for. */
export async function paginate<T>(
  call: ApiCall<unknown, { readonly limit: number }>,
  rows: readonly T[],
  cursorOf: (row: T) => number,
  serialize: (row: T) => Promise<unknown>,
): Promise<ApiResponse> {
  return respondWithPage(call, cutPage(rows, call.query.limit, cursorOf), serialize);
}

/** Answers a part of a list, with the address of the next. */
export async function respondWithPage<T>(
  call: ApiCall<unknown, { readonly limit: number }>,
  page: Page<T>,
  serialize: (row: T) => Promise<unknown>,
): Promise<ApiResponse> {
  const items: unknown[] = [];
  for (const row of page.items) items.push(await serialize(row));
  const next = page.next === null ? null : formatCursor(page.next);
  if (next === null) return { status: 200, body: { items, next } };
  const query = new URLSearchParams(
    Object.entries({ ...call.query, cursor: next }).map(([name, value]) => [name, String(value)]),
  );
  // Relative to this very address, whatever stands before it (RFC 8288 §3.1).
  return { status: 200, body: { items, next }, headers: { link: `<?${query}>; rel="next"` } };
}

/** Submits an action on the app of the path and shows what it led to. */
export async function submitAction(
  call: Pick<ApiCall, 'services' | 'actor' | 'ifMatch'> & {
    readonly params: { readonly client_id: string };
  },
  action: string,
  values: Readonly<Record<string, unknown>> = {},
  status = 200,
): Promise<ApiResponse> {
  const { services, actor, params, ifMatch } = call;
  const answer = await services.registry.submit(actor, action, {
    reason: '',
    ...values,
    clientId: params.client_id,
    ...(ifMatch === undefined ? {} : { etag: ifMatch }),
  });
  if (!answer.ok) {
    const query = services.registry.query(actor);
    return { refusal: await query.visibleRefusal(params.client_id, answer.refusal) };
  }
  return { status, body: await serializeOutcome(services, actor, answer.value) };
}
