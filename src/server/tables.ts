import { readFileSync } from 'node:fs';
import builtInGroups from '#accounts/data/groups.json' with { type: 'json' };
import { ADMINISTER_RIGHT, loadRights } from '#accounts/rights.ts';
import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { RIGHTS } from '#registry/actor.ts';
import builtInScopes from '#registry/model/data/scopes.json' with { type: 'json' };
import { loadScopes } from '#registry/model/scopes.ts';

/** Rights that some group must give, or a part of the server is closed to everybody. */
const requiredRights = {
  [ADMINISTER_RIGHT]: 'administer accounts and groups',
  [RIGHTS.propose]: 'propose an app',
  [RIGHTS.review]: 'review an app',
  [RIGHTS.manageConsents]: 'allow an app, or take that back',
};

/**
 * Reads a table that a setting may replace by a file. Throws StartupError that names the setting,
 * the file and every problem.
 */
function readTable<T>(
  setting: { readonly name: string; readonly path: string | null; readonly builtIn: unknown },
  load: (json: unknown) => T,
): T {
  if (setting.path === null) return load(setting.builtIn);
  try {
    return load(readJson(setting.path));
  } catch (fault) {
    if (fault instanceof StartupError) throw new StartupError(`${setting.name}: ${fault.message}`);
    throw new StartupError(`${setting.name}, file ${setting.path}: ${(fault as Error).message}
The format is in docs/configuration.md, "Scopes and groups".`);
  }
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (fault) {
    throw new StartupError(`the file ${path} cannot be read as JSON: ${(fault as Error).message}`);
  }
};

/** Groups with their rights, and the scopes: built in, or from the files that settings name. */
export const loadTables = (config: Pick<Config, 'groupsFile' | 'scopesFile'>) => ({
  rights: readTable(
    { name: '--groups (GATEHOUSE_GROUPS)', path: config.groupsFile, builtIn: builtInGroups },
    (json) => loadRights(json, requiredRights),
  ),
  scopes: readTable(
    { name: '--scopes (GATEHOUSE_SCOPES)', path: config.scopesFile, builtIn: builtInScopes },
    loadScopes,
  ),
});
