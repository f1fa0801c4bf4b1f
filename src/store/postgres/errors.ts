import pg from 'pg';
import { Unavailable } from '#kernel/unavailable.ts';

/** SQLSTATE classes, and single states, after which asking again later may help. */
const transientStates = [
  '08', // connection exceptions
  '28', // the server does not let us in: the password is being changed, or was
  '53', // too many connections, disk full, out of memory
  '54000', // the queue of notifications is full
  '57', // shut down, starting, recovering; the statement took too long
  '58', // the server's own trouble with its files
  '3D000', // the database is not there (yet)
  '25006', // read-only: this server is not the primary any more
  '25P03', // the transaction was left alone for too long
  '25P04', // the transaction took too long
  '55P03', // a lock was not to be had in time
];

/** What went wrong with a statement, or with a connection. */
export interface FaultClass {
  /**
   * `retry`: the unit met another and can be run again. `stale`: a prepared plan does not fit the
   * tables any more.
   */
  readonly kind: 'retry' | 'stale' | 'unavailable' | 'fault';
  /** The connection must not be used again. */
  readonly connectionBroken: boolean;
  readonly state: string;
}

/**
 * Reads a fault of node-postgres. Whatever did not come from the server as a fault of SQL is
 * trouble with the connection.
 */
export function classifyFault(fault: unknown): FaultClass {
  if (!(fault instanceof pg.DatabaseError) || fault.code === undefined)
    return {
      kind: 'unavailable',
      connectionBroken: true,
      state: (fault as NodeJS.ErrnoException | null)?.code ?? 'connection lost',
    };
  const { code: state, routine } = fault;
  // Unique violation: two units looked, found nothing, and both wrote. Run again, one of them finds
  // it.
  if (state === '40001' || state === '40P01' || state === '23505')
    return { kind: 'retry', connectionBroken: false, state };
  if (state === '0A000' && routine === 'RevalidateCachedQuery')
    return { kind: 'stale', connectionBroken: false, state };
  if (transientStates.some((start) => state.startsWith(start)))
    return { kind: 'unavailable', connectionBroken: state !== '57014' && state !== '55P03', state };
  return { kind: 'fault', connectionBroken: false, state };
}

/**
 * What such a fault is to the program. The words of the server may hold values, and stay in the
 * cause.
 */
export const toUnavailable = (fault: unknown): Unavailable =>
  new Unavailable(`the database is not available (${classifyFault(fault).state})`, 2, {
    cause: fault,
  });
