import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConsentTestServer } from './approvals.ts';

/**
 * What no refusal may change: consents, credentials, scopes, rows of the registry, and what waits
 * for a decision or an exchange.
 */
const protectedTables = [
  ...[
    'consents',
    'token_credentials',
    'codes',
    'access_tokens',
    'refresh_tokens',
    'revoked_families',
  ],
  ...['authorization_requests', 'temporary_credentials'],
  ...[
    'clients',
    'client_secrets',
    'revisions',
    'approvals',
    'maintainers',
    'offers',
    'involvements',
    'audit',
    'notices',
  ],
  ...['accounts', 'passkeys', 'account_tokens'],
] as const;
/** What a refusal may write, each by name. */
type WritableTable = 'nonces' | 'limits' | 'failures';

/** A world whose tables can be looked at from beside. */
export class InspectableTestServer extends ConsentTestServer {
  readonly #directory: string;
  readonly #database: DatabaseSync;

  constructor(settings: Readonly<Record<string, string>> = {}, file = '') {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-state-'));
    const path = join(directory, 'state.db');
    super(settings, file, { database: `sqlite:${path}` });
    this.#directory = directory;
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  /** Every row of a table. */
  rowsOf(
    table: (typeof protectedTables)[number] | WritableTable,
  ): readonly Readonly<Record<string, unknown>>[] {
    return this.#database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all();
  }

  /** Everything that no refusal may change, as it is now. */
  protectedRows(): Readonly<Record<string, readonly unknown[]>> {
    return Object.fromEntries(
      protectedTables.map((table) => [table, this.rowsOf(table).map((row) => ({ ...row }))]),
    );
  }

  override async close(): Promise<void> {
    this.#database.close();
    await super.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
