import type { Clock } from './clock.ts';

/**
 * Where the program tells the operator what happened. Fields never carry a secret, a token or a
 * password.
 */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A fault: something that should not happen. */
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The least that is written; `silent`: nothing. */
export type LogLevel = 'info' | 'warn' | 'error' | 'silent';

/** One JSON line for each event, on standard error or wherever `write` puts it. */
export function jsonLog(
  level: LogLevel,
  clock: Clock,
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Log {
  const ranks = { info: 0, warn: 1, error: 2, silent: 3 } as const;
  const at =
    (own: 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (ranks[own] >= ranks[level])
        write(
          `${JSON.stringify({ at: new Date(clock.millis()).toISOString(), level: own, event, ...fields })}\n`,
        );
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
