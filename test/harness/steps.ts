import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

// Optimised code loses some of the counts, and when code is optimised differs from run to run. The interpreter counts exactly.
for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug']) setFlagsFromString(flag);

/**
 * Counts the work of a function in steps, which are the same on every machine and in every run: each block of the project that is entered (the
 * engine's coverage counts every turn of a loop and every call), and for what the engine does in one call
 * with a text or a list (a search, a split, a sort, a match of an expression) the length it was given. Expressions count as linear here:
 * that they are is what `npm run lint` proves.
 */
export function stepsOf(work: () => unknown): number {
  const session = new Session();
  session.connect();
  const ask = <T>(method: string, parameters: object = {}): T => {
    let answer: T | undefined;
    // A session of this very thread answers before the call returns.
    session.post(method as 'Profiler.enable', parameters as never, (fault: Error | null, result?: unknown) => {
      if (fault) throw fault;
      answer = result as T;
    });
    return answer as T;
  };
  interface Coverage {
    readonly result: readonly {
      readonly url: string;
      readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
    }[];
  }
  const take = () =>
    ask<Coverage>('Profiler.takePreciseCoverage')
      .result.filter(({ url }) => url.startsWith('file:') && !url.includes('/node_modules/'))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
      .reduce((sum, { count }) => sum + count, 0);
  ask('Profiler.enable');
  ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const counted = countNative();
  try {
    // Once before it counts: what is made at the first call is made once.
    work();
    take();
    counted.clear();
    work();
    return take() + counted.steps();
  } finally {
    counted.restore();
    ask('Profiler.stopPreciseCoverage');
    ask('Profiler.disable');
    session.disconnect();
  }
}

/** Methods that look at the whole of what they are called on. A sort looks at everything once for each doubling. */
const wholeText = [
  'includes indexOf lastIndexOf startsWith endsWith split search match matchAll replace replaceAll trim trimStart trimEnd normalize',
  'toLowerCase toUpperCase toLocaleLowerCase localeCompare isWellFormed toWellFormed concat repeat padStart padEnd',
].flatMap((names) => names.split(' '));
const wholeList = [
  'includes indexOf lastIndexOf find findIndex findLast some every filter map flatMap flat forEach reduce join concat reverse splice',
  'toSorted toReversed fill shift unshift',
].flatMap((names) => names.split(' '));

type Method = (this: unknown, ...given: unknown[]) => unknown;

function countNative(): { steps(): number; clear(): void; restore(): void } {
  let steps = 0;
  const undo: (() => void)[] = [];
  function wrap(holder: object, name: string | symbol, cost: (self: unknown, given: unknown[]) => number): void {
    const was = Object.getOwnPropertyDescriptor(holder, name);
    if (typeof was?.value !== 'function') return;
    const method = was.value as Method;
    const counting: Method = function (...given) {
      steps += cost(this, given);
      return Reflect.apply(method, this, given);
    };
    Object.defineProperty(holder, name, { ...was, value: counting });
    undo.push(() => Object.defineProperty(holder, name, was));
  }
  const length = (self: unknown) => (self as { readonly length?: number }).length ?? 0;
  for (const name of wholeText) wrap(String.prototype, name, length);
  // A slice of a text shares its characters; a slice of a list copies them.
  for (const name of wholeList) wrap(Array.prototype, name, length);
  wrap(Array.prototype, 'slice', (self, [from = 0, to = Number.MAX_SAFE_INTEGER]) => Math.min(length(self), Number(to)) - Number(from));
  wrap(Array.prototype, 'sort', (self) => length(self) * Math.ceil(Math.log2(length(self) + 2)));
  // An expression that goes on where it stopped looks at the rest alone.
  for (const name of ['exec', 'test'])
    wrap(RegExp.prototype, name, (self, [text]) => {
      const { lastIndex, sticky, global } = self as RegExp;
      return sticky || global ? Math.max(0, String(text).length - lastIndex) : String(text).length;
    });
  wrap(JSON, 'parse', (_self, [text]) => String(text).length);
  wrap(globalThis, 'decodeURIComponent', (_self, [text]) => String(text).length);
  wrap(globalThis, 'encodeURIComponent', (_self, [text]) => String(text).length);
  return {
    steps: () => steps,
    clear() {
      steps = 0;
    },
    restore() {
      for (const back of undo) back();
    },
  };
}
