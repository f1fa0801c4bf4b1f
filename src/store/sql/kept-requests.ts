import type { KeptRequestRecords } from '#accounts/kept-requests.ts';
import type { Driver } from '../driver.ts';
import { one, write, written } from './statement.ts';

const keep = written(
  'INSERT INTO kept_requests (digest, path, expires_at) VALUES (:digest, :path, :expires)',
);
const find = written<{ path: string }>(
  'SELECT path FROM kept_requests WHERE digest = :digest AND expires_at > :now',
);

/** Requests of people who have not signed in yet. */
export function keptRequestStore(driver: Driver): KeptRequestRecords {
  return {
    keepRequest: async ({ digest, path, expiresAt }) =>
      void (await driver.write(() => write(keep, { digest, path, expires: expiresAt }), 'once')),
    keptRequest: async (digest, now) => (await driver.read(one(find, { digest, now })))?.path,
  };
}
