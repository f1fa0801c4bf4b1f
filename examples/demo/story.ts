/** Prints what happens as a readable transcript and counts what went wrong. */
export class Story {
  #step = 0;
  #failed = 0;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  chapter(title: string): void {
    this.#print(`\n${title}\n${'─'.repeat(title.length)}`);
  }

  /**
   * Runs one step, prints what it answered, and remembers a failure; the value is needed by the
   * next step, so a failure ends the chapter.
   */
  async step<T>(
    title: string,
    act: () => Promise<{ readonly said: string; readonly value: T }>,
  ): Promise<T> {
    this.#step += 1;
    try {
      const { said, value } = await act();
      this.#print(`  ${String(this.#step).padStart(2)}. ${title}\n      → ${said}`);
      return value;
    } catch (fault) {
      this.#failed += 1;
      this.#print(
        `  ${String(this.#step).padStart(2)}. ${title}\n      ✗ ${(fault as Error).message}`,
      );
      throw new StepFailed();
    }
  }

  get failed(): number {
    return this.#failed;
  }
}

export class StepFailed extends Error {}

/** Throws unless the two are equal; the message says what came instead. */
export function expect(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted)
    throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`);
}

/** A secret as a transcript shows it: enough to recognise it, too little to use it. */
export const masked = (secret: string) => `${secret.slice(0, 6)}…`;
