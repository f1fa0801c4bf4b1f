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
