import type { PendingRequest, PendingRequestRecords } from '#accounts/kept-requests.ts';
import type { Digest } from '#kernel/ids.ts';
import { seconds } from '#kernel/time.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import * as scripts from './scripts.ts';
import { assertInserted, checkSize, parseUnexpired, type RedisContext } from './values.ts';

/**
 * Requests for a decision are kept so much longer than they can be decided on, so that a person who
 * comes late is shown which app they were for.
 */
const DAY = seconds(86_400);
const requestKey = (digest: Digest) => `gh:request:{${digest}}`;
const pendingRequestKey = (digest: Digest) => `gh:kept:{${digest}}`;

/** Requests that wait for a decision, and those of people who have not signed in yet. */
export function makeRequestStore({
  connection,
  ttlSecondsUntil,
}: RedisContext): AuthorizationRequests & PendingRequestRecords {
  return {
    async saveRequest(request) {
      const value = checkSize(JSON.stringify(request));
      const outcome = await connection.sendCommand(
        'SET',
        requestKey(request.digest),
        value,
        'NX',
        'EX',
        String(ttlSecondsUntil(request.expiresAt) + DAY),
      );
      assertInserted(outcome === null ? 'there' : outcome, 'a request');
    },
    findRequest: async (digest, now) =>
      parseUnexpired<AuthorizationRequest>(
        await connection.sendCommand('GETEX', requestKey(digest)),
        now,
      ),
    async replaceRequest(found, next) {
      const texts = [JSON.stringify(found), checkSize(JSON.stringify(next))];
      const outcome = await connection.runScript(
        scripts.replaceText,
        [requestKey(next.digest)],
        ...texts,
        ttlSecondsUntil(next.expiresAt) + DAY,
      );
      return outcome as 'replaced' | 'changed';
    },

    async savePendingRequest(request) {
      const value = checkSize(JSON.stringify(request));
      const outcome = await connection.sendCommand(
        'SET',
        pendingRequestKey(request.digest),
        value,
        'NX',
        'EX',
        String(ttlSecondsUntil(request.expiresAt)),
      );
      assertInserted(outcome === null ? 'there' : outcome, 'a kept request');
    },
    findPendingRequest: async (digest, now) =>
      parseUnexpired<PendingRequest>(
        await connection.sendCommand('GETEX', pendingRequestKey(digest)),
        now,
      )?.path,
  };
}
