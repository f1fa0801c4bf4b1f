import type pg from 'pg';
import { classifyFault, toUnavailable } from './errors.ts';

/**
 * What was sent together: all of it comes back before anybody goes on. The first that failed is
 * why.
 */
export async function awaitAll<T>(sent: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(sent);
  const failed = settled
    .filter((one): one is PromiseRejectedResult => one.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  if (failed.length > 0)
    throw failed.find((fault) => fault instanceof BrokenConnection) ?? failed[0];
  return settled.map((one) => (one as PromiseFulfilledResult<T>).value);
}

export async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await checkAnswer(client.query('COMMIT'));
  if (command !== 'COMMIT') throw new Error('the server did not commit');
}

/** The connection is in no state to go on. */
export class BrokenConnection extends Error {}

/** What the server answered. A connection that cannot be used again has a fault of its own. */
export async function checkAnswer<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (fault) {
    const { kind, connectionBroken: broken } = classifyFault(fault);
    if (broken) throw new BrokenConnection('the connection broke', { cause: fault });
    throw kind === 'unavailable' ? toUnavailable(fault) : fault;
  }
}
