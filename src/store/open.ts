import { openPostgres, type PostgresOptions } from './postgres/open.ts';
import { openSqlite } from './sqlite/open.ts';
import type { Store } from './store.ts';

/** Does a location name a PostgreSQL database? */
export const isPostgresLocation = (location: string): boolean => /^postgres(?:ql)?:/.test(location);

/**
 * Opens the store that `location` names: `postgres://…`, or `sqlite:PATH`, or a path alone, or
 * `:memory:`. Whatever is asked before `ready` may find an old schema.
 */
export function openStore(
  location: string,
  options: PostgresOptions & { readonly migrate?: boolean } = {},
): Store {
  if (isPostgresLocation(location)) return openPostgres(location, options);
  return openSqlite(location.replace(/^sqlite:/, ''), options);
}
