import type { Config } from '#config/config.ts';
import { makeOpenStore, type OpenConfiguredStore } from '#server/open-store.ts';
import { isPostgresLocation } from '#store/open.ts';
import { openPostgres } from '#store/postgres/open.ts';
import * as redis from '#store/redis/open.ts';
import { openSqlite } from '#store/sqlite/open.ts';

/** The store of a configuration at a place of its own, opened at once: every backend is at hand. */
export const openStoreAt = (config: Config, location: string): OpenConfiguredStore =>
  makeOpenStore(config, {
    open: (options) =>
      isPostgresLocation(location)
        ? openPostgres(location, options)
        : openSqlite(location.replace(/^sqlite:/, ''), options),
    redis,
  });
