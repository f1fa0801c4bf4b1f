import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The clock of a process of the program, moved from outside while it runs; its steady time goes on.
 */
export interface SkewedClock {
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds that are added to the real time; heard within 20 ms. */
  set(ms: number): void;
  remove(): void;
}

const clockModule = (file: string) => `
import { readFileSync } from 'node:fs';
const RealDate = globalThis.Date;
const real = RealDate.now.bind(RealDate);
let ahead = 0;
const look = () => { ahead = Number(readFileSync(${JSON.stringify(file)}, 'utf8')) || 0; };
look();
setInterval(look, 20).unref();
globalThis.Date = class extends RealDate {
  constructor(...given) { super(...(given.length === 0 ? [real() + ahead] : given)); }
  static now() { return real() + ahead; }
};
`;

/** Makes a clock that is `ms` ahead, for a process that is started with its environment. */
export function createSkewedClock(ms = 0): SkewedClock {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-clock-'));
  const [file, program] = [join(directory, 'ahead'), join(directory, 'clock.mjs')];
  const set = (ahead: number) => writeFileSync(file, String(ahead));
  set(ms);
  writeFileSync(program, clockModule(file));
  return {
    environment: { NODE_OPTIONS: `--import=${program}` },
    set,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
