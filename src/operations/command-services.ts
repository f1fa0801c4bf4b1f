import type { Accounts } from '#accounts/accounts.ts';
import type { Config } from '#config/config.ts';
import type { Actor } from '#registry/actor.ts';
import { type AdminCommands, makeAdminCommands } from '#registry/admin-commands.ts';
import type { AuditChain } from '#registry/audit.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import type { Registry } from '#registry/registry.ts';
import { composeServer } from '#server/compose.ts';
import { createPlatform } from '#server/platform.ts';
import { requireAccurateClock } from './clock-check.ts';

/** What a command may use: the same verbs as the pages. */
export interface CommandServices {
  readonly accounts: Accounts;
  readonly clients: AdminCommands;
  /** Who uses the command, for the audit log. */
  readonly operator: Actor;
  readonly registry: Registry;
  /** What the operator may read. */
  readonly query: RegistryQueries;
  readonly auditLog: AuditChain;
  close(): Promise<void>;
}

/**
 * Opens the store and the keys for one command. `operator`: who uses it, for the audit log.
 * `writeLog`: where the lines of the log go.
 */
export async function openCommandServices(
  config: Config,
  operator: Actor,
  writeLog: (line: string) => void,
): Promise<CommandServices> {
  const platform = await createPlatform(config, writeLog);
  const { services, store, prepare } = composeServer(config, platform);
  try {
    await prepare();
    await requireAccurateClock(store, platform.clock);
  } catch (fault) {
    await store.close();
    throw fault;
  }
  const { accounts, registry } = services;
  return {
    accounts,
    registry,
    operator,
    clients: makeAdminCommands(registry, operator),
    query: registry.query(operator),
    auditLog: store,
    close: () => store.close(),
  };
}
