import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import type { Driver } from '../driver.ts';
import type { Row } from './schema.ts';
import { execute, fetchOne, sql } from './statement.ts';

const insertRequest = sql(`
  INSERT INTO authorization_requests (digest, client_id, user_id, request, expires_at)
  VALUES (:digest, :client_id, :user_id, :request, :expires_at)`);

const findRequest = sql<Row<'authorization_requests'>>(
  `SELECT * FROM authorization_requests WHERE digest = :digest AND expires_at > :now`,
);

/**
 * A request is written by `JSON.stringify` alone, so its text is the same as long as nobody changed
 * it.
 */
const replaceRequest = sql(
  `UPDATE authorization_requests SET request = :next, expires_at = :expires_at WHERE digest = :digest AND request = :found`,
);

const toRequest = (row: { readonly request: string }) =>
  JSON.parse(row.request) as AuthorizationRequest;

/** Answers the requests that wait for a decision. */
export function makeAuthorizationRequestStore(driver: Driver): AuthorizationRequests {
  return {
    saveRequest: async (request) =>
      void (await driver.write(
        () =>
          execute(insertRequest, {
            digest: request.digest,
            client_id: request.clientId,
            user_id: request.userId,
            request: JSON.stringify(request),
            expires_at: request.expiresAt,
          }),
        'autocommit',
      )),
    async findRequest(digest, now) {
      const row = await driver.read(fetchOne(findRequest, { digest, now }));
      return row && toRequest(row);
    },
    async replaceRequest(found, next) {
      const texts = { found: JSON.stringify(found), next: JSON.stringify(next) };
      const { digest, expiresAt: expires_at } = next;
      return (await driver.write<number>(
        () => execute(replaceRequest, { digest, expires_at, ...texts }),
        'autocommit',
      )) > 0
        ? 'replaced'
        : 'changed';
    },
  };
}
