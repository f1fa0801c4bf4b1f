import pg from 'pg';

/** What the network may take on top of the server's own limit. */
const NETWORK_MS = 2000;

/**
 * Queries are sent without waiting for the answers of those before. Not yet in the types of the
 * library.
 */
const pipelined = { pipeline: true };

const BIGINT = 20;

const NUMERIC = 1700;

const types: pg.CustomTypesConfig = {
  // Ours are counts, numbers of rows and seconds: all below 2^53.
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === BIGINT || oid === NUMERIC
      ? Number
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/** A pool whose connections give up by themselves on whatever takes too long. */
export function createPool(
  url: string,
  {
    connections,
    connectMs,
    statementMs,
  }: { readonly connections: number; readonly connectMs: number; readonly statementMs: number },
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    // The one wait that is not of a statement: at a commit, for the queue of notifications.
    lock_timeout: statementMs,
    query_timeout: statementMs + NETWORK_MS,
    idle_in_transaction_session_timeout: statementMs + NETWORK_MS,
    idleTimeoutMillis: 60_000,
    maxLifetimeSeconds: 1800,
    keepAlive: true,
    application_name: 'gatehouse',
    allowExitOnIdle: true,
    types,
    ...pipelined,
  });
  // An idle connection that breaks is gone from the pool already; without a listener it would end
  // the process.
  pool.on('error', () => {});
  return pool;
}
