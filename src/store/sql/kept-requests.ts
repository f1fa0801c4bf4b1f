import type { PendingRequestRecords } from '#accounts/kept-requests.ts';
import type { Driver } from '../driver.ts';
import { execute, fetchOne, sql } from './statement.ts';

const insertPendingRequest = sql(
  'INSERT INTO kept_requests (digest, path, expires_at) VALUES (:digest, :path, :expires)',
);
const findPath = sql<{ path: string }>(
  'SELECT path FROM kept_requests WHERE digest = :digest AND expires_at > :now',
);

/** Requests of people who have not signed in yet. */
export function makePendingRequestStore(driver: Driver): PendingRequestRecords {
  return {
    savePendingRequest: async ({ digest, path, expiresAt }) =>
      void (await driver.write(
        () => execute(insertPendingRequest, { digest, path, expires: expiresAt }),
        'autocommit',
      )),
    findPendingRequest: async (digest, now) =>
      (await driver.read(fetchOne(findPath, { digest, now })))?.path,
  };
}
