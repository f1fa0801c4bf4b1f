import type { Dialect } from '#http/dialect.ts';
import * as dialects from './dialects.ts';

/** The dialect that comes with this server; null: none does. Settings say whether it is served. */
export const installedDialect: Dialect | null = Object.values<Dialect>(dialects)[0] ?? null;
