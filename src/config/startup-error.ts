/** The program cannot do what it was started for; the message names the setting and the remedy. */
export class StartupError extends Error {
  /** What the process exits with: 2 for a wrong setting or argument, 3 for what may pass. */
  readonly exitCode: 2 | 3 = 2;
}

/**
 * The settings are well formed, and the database or Redis they name cannot be reached at the
 * moment; the message names the remedy.
 */
export class UnreachableError extends StartupError {
  override readonly exitCode = 3;
}
