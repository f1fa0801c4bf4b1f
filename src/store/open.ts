import { openPostgres, type PostgresOptions } from './postgres.ts';
import { openSqlite } from './sqlite.ts';
import type { Store } from './store.ts';

/**
 * Opens the store that `location` names: `postgres://…`, or `sqlite:PATH`, or a path alone, or `:memory:`. Whatever is asked before `ready`
 * may find an old schema.
 */
export function openStore(location: string, options: PostgresOptions & { readonly migrate?: boolean } = {}): Store {
  if (/^postgres(?:ql)?:/.test(location)) return openPostgres(location, options);
  return openSqlite(location.replace(/^sqlite:/, ''), options);
}
