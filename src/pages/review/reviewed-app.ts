import { pageStatusOf } from '#http/responses.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Registry } from '#registry/registry.ts';
import { notFound, type PageResponse, type SignedInCall } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import type { Words } from '../words.ts';

/** Who may open the pages of reviewers. */
export const reviewers = { right: RIGHTS.review } as const;

/**
 * Serves the app that the address names to whoever may know of it; to others there is nothing at
 * the address.
 */
export const forReviewedApp =
  (
    { registry }: { readonly registry: Pick<Registry, 'query'> },
    serve: (call: SignedInCall, client: Client) => Promise<PageResponse>,
  ) =>
  async (call: SignedInCall): Promise<PageResponse> => {
    const client = await registry.query(call.actor).findClient(call.params.id ?? '');
    return client === undefined ? notFound : serve(call, client);
  };

/** Says why something was refused, where no form is shown again. */
export function refusalNote(words: Words, refusal: RegistryRefusal): PageResponse {
  if (refusal.kind === 'readonly')
    return { status: 503, note: 'readonly', values: { reason: refusal.reason } };
  if (refusal.kind === 'invalid_consumer_key') return notFound;
  return {
    status: pageStatusOf(refusal),
    note: 'refused',
    values: { why: refusalText(words, refusal) },
  };
}
