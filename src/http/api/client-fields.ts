import * as z from 'zod';
import { apiScopes } from './route.ts';

// What requests about an app have in common.

/** The scope for one's own apps. */
export const clientScope = apiScopes.clients;

/** Why something is done. */
export const reason = z.string().max(1000).default('').describe('Why; at most 255 characters');

export const ignoreWarningsField = {
  ignore_warnings: z.boolean().default(false).describe('Wave advice through'),
};

/** Values under the names of the registry's fields; absent ones stay absent. */
export const toRegistryFields = (
  body: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
        value,
      ]),
  );
