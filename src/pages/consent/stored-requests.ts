import type { FastifyRequest } from 'fastify';
import { addSeconds, instant, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';

// Requests that wait for a decision, under the handles of their pages.

/** For how long a person may think. */
const DECISION_TTL_SECONDS = seconds(600);
/** For how long a request can still be named after it expired. */
const EXPIRED_REQUEST_TTL_SECONDS = seconds(86_400);

/** What an app asked for, before it is stored. */
export type PendingAuthorization = Omit<AuthorizationRequest, 'digest' | 'expiresAt'>;

export interface StoredRequestDependencies {
  readonly authorizationRequests: AuthorizationRequests;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
}

/** Stores what is asked of a person, and answers the path where they decide. */
export async function storeAuthorizationRequest(
  { authorizationRequests, idGenerator, clock }: StoredRequestDependencies,
  request: PendingAuthorization,
): Promise<string> {
  const handle = idGenerator.secret();
  await authorizationRequests.saveRequest({
    ...request,
    digest: digestOf(handle),
    expiresAt: addSeconds(clock.now(), DECISION_TTL_SECONDS),
  });
  return `/authorize/${handle}`;
}

/** The request a handle names, also one that has expired or was decided. */
export async function findAuthorizationRequest(
  { authorizationRequests, clock }: Omit<StoredRequestDependencies, 'idGenerator'>,
  handle: string,
): Promise<AuthorizationRequest | undefined> {
  const asOf = instant(clock.now() - EXPIRED_REQUEST_TTL_SECONDS);
  return /^[\w-]{51}$/.test(handle)
    ? authorizationRequests.findRequest(digestOf(handle), asOf)
    : undefined;
}

/** The handle in the address of a decision. */
export const handleParameter = (request: FastifyRequest): string =>
  (request.params as { readonly handle: string }).handle;
