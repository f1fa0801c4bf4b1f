import { setTimeout as pause } from 'node:timers/promises';
import type { ClientId, ConsentId, Digest, EncryptedSecret, UserId } from '#kernel/ids.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import type {
  NonceClaim,
  TemporaryCredentialRecords,
  TemporaryCredentials,
} from '#oauth1/records.ts';
import type { LuaScript } from './lua.ts';
import * as scripts from './scripts.ts';
import { asList, assertInserted, checkSize, type RedisContext } from './values.ts';

/** Whoever keeps the book of nonces is known to be awake for as long after it was last heard. */
const AWAKE_MS = 1000;
/** An answer that took longer may be from somebody who just woke up. */
const PROMPT_ANSWER_MS = 100;
/** In this time a member of a Cluster hears from the others what happened while it was stopped. */
const FAILOVER_NEWS_MS = 200;

// All keys of one script share a hash tag, so that a Cluster keeps them on one server.
export const nonceBookKey = 'gh:{oauth1}:book';
const nonceKey = ({ key }: NonceClaim) => `gh:{oauth1}:nonce:${key}`;
const temporaryKey = (token: string) => `gh:{oauth1}:pair:${token}`;

function toTemporaryCredentials(
  token: string,
  fields: readonly (string | null)[],
): TemporaryCredentials | undefined {
  const [client, sealed, callback, expires, user, consent, verifier, used] = fields;
  if (expires == null) return undefined;
  return {
    token,
    clientId: client as ClientId,
    encryptedSecret: sealed as EncryptedSecret,
    callback: callback as string,
    expiresAt: Number(expires) as Instant,
    authorized:
      user == null
        ? null
        : {
            userId: Number(user) as UserId,
            consentId: consent == null || consent === '' ? null : (Number(consent) as ConsentId),
            verifierDigest: verifier as Digest,
          },
    used: used === '1',
  };
}

type RunWithNonce = (
  script: LuaScript,
  nonce: NonceClaim,
  keys?: readonly string[],
  ...values: readonly (string | number)[]
) => Promise<unknown>;

/** Runs scripts that use up a nonce: its claim and what it is claimed for happen together. */
function makeNonceRunner(
  { connection, clock, ttlSecondsUntil }: RedisContext,
  nonceTtlSeconds: Seconds,
): RunWithNonce {
  let lastAnswerAt = Number.NEGATIVE_INFINITY;
  /**
   * A member of a Cluster that was stopped, and whose place another took meanwhile, answers what
   * has waited in front of it before it hears of that. So no nonce is laid in front of one that has
   * been silent: it gives a sign of life first, and has time to hear the news if that was slow.
   */
  async function ensureAwake(): Promise<void> {
    const askedAt = performance.now();
    if (askedAt - lastAnswerAt < AWAKE_MS) return;
    await connection.sendCommand('EXISTS', nonceBookKey);
    if (performance.now() - askedAt < PROMPT_ANSWER_MS) return;
    await pause(FAILOVER_NEWS_MS);
    await connection.sendCommand('EXISTS', nonceBookKey);
  }
  return async (script, nonce, keys = [], ...values) => {
    await ensureAwake();
    const nonceValues = [
      clock.now(),
      nonce.expiresAt - nonceTtlSeconds,
      ttlSecondsUntil(nonce.expiresAt),
    ];
    const outcome = await connection.runScript(
      script,
      [nonceBookKey, nonceKey(nonce), ...keys],
      ...nonceValues,
      ...values,
    );
    lastAnswerAt = performance.now();
    return outcome;
  };
}

type NonceVerbs = 'claimNonce' | 'saveTemporaryCredentials' | 'redeemTemporaryCredentials';

/** Verbs that use up a nonce. */
function makeNonceVerbs(
  context: RedisContext,
  nonceTtlSeconds: Seconds,
): Pick<TemporaryCredentialRecords, NonceVerbs> {
  const { ttlSecondsUntil } = context;
  const runWithNonce = makeNonceRunner(context, nonceTtlSeconds);
  return {
    claimNonce: async (nonce) =>
      (await runWithNonce(scripts.claimNonce, nonce)) as 'first' | 'seen',
    async saveTemporaryCredentials(
      nonce,
      { token, clientId, encryptedSecret, callback, expiresAt },
    ) {
      const temporaryValues = [
        clientId,
        encryptedSecret,
        checkSize(callback),
        expiresAt,
        ttlSecondsUntil(expiresAt),
      ];
      const outcome = await runWithNonce(
        scripts.saveTemporary,
        nonce,
        [temporaryKey(token)],
        ...temporaryValues,
      );
      assertInserted(outcome, 'a pair');
      return outcome as 'saved' | 'nonce-seen';
    },
    async redeemTemporaryCredentials(nonce, token, verifierDigest, now, usedUntil) {
      const values = [now, verifierDigest, usedUntil, ttlSecondsUntil(usedUntil)];
      const outcome = await runWithNonce(
        scripts.redeemTemporary,
        nonce,
        [temporaryKey(token)],
        ...values,
      );
      return outcome as Awaited<
        ReturnType<TemporaryCredentialRecords['redeemTemporaryCredentials']>
      >;
    },
  };
}

/** Nonces and temporary credentials of OAuth 1. */
export function makeTemporaryCredentialStore(
  context: RedisContext,
  nonceTtlSeconds: Seconds,
): TemporaryCredentialRecords {
  const { connection, ttlSecondsUntil } = context;
  return {
    ...makeNonceVerbs(context, nonceTtlSeconds),
    async findTemporaryCredentials(token, now) {
      const temporary = toTemporaryCredentials(
        token,
        asList(
          await connection.runScript(
            scripts.readFields,
            [temporaryKey(token)],
            ...scripts.temporaryFields,
          ),
        ),
      );
      return temporary !== undefined && temporary.expiresAt > now ? temporary : undefined;
    },
    authorizeTemporaryCredentials: async (
      token,
      { userId, consentId, verifierDigest },
      now,
      expiresAt,
    ) =>
      (await connection.runScript(
        scripts.authorizeTemporary,
        [temporaryKey(token)],
        now,
        userId,
        consentId ?? '',
        verifierDigest,
        expiresAt,
        ttlSecondsUntil(expiresAt),
      )) as 'authorized' | 'already-authorized' | 'gone',
    deleteTemporaryCredentials: async (token) =>
      void (await connection.sendCommand('DEL', temporaryKey(token))),
  };
}
