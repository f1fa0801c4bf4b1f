import type { PostgresOptions } from './postgres/open.ts';
import type { Store } from './store.ts';

/** What every backend may be given; each takes what it has a use for. */
export interface StoreOptions extends PostgresOptions {
  /** SQLite brings its schema up to date when it is opened, unless this is false. */
  readonly migrate?: boolean;
}

/** Does a location name a PostgreSQL database? */
export const isPostgresLocation = (location: string): boolean => /^postgres(?:ql)?:/.test(location);

/**
 * Loads the backend of a location, and no other: `postgres://…`, or `sqlite:PATH`, or a path alone,
 * or `:memory:`. Answers how to open the store there.
 */
export async function loadStore(location: string): Promise<(options?: StoreOptions) => Store> {
  if (isPostgresLocation(location)) {
    const { openPostgres } = await import('./postgres/open.ts');
    return (options) => openPostgres(location, options);
  }
  const { openSqlite } = await import('./sqlite/open.ts');
  return (options) => openSqlite(location.replace(/^sqlite:/, ''), options);
}

/**
 * Opens the store that `location` names (see loadStore). Whatever is asked before `prepareSchema`
 * may find an old schema.
 */
export const openStore = async (location: string, options?: StoreOptions): Promise<Store> =>
  (await loadStore(location))(options);
