import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

// Optimised code loses some of the counts, and when code is optimised differs from run to run.
// Without it they are exact.
for (const flag of ['--no-opt', '--no-maglev']) setFlagsFromString(flag);

/**
 * Counts the work of a function in steps, which are the same on every machine and in every run:
 * each block of the project that is entered (the engine's coverage counts every turn of a loop and
 * every call), and for what the engine does in one call with a text or a list (a search, a split, a
 * sort, a match of an expression) the length it was given. Expressions count as linear here: that
 * they are is what `npm run lint` proves. `before` runs once, uncounted. `packages`: those whose
 * blocks count beside the project's.
 */
export function countSteps(
  work: () => unknown,
  warmUp: () => unknown = work,
  packages: readonly string[] = [],
): number {
  const counted = countNative();
  try {
    // Once before it counts: what is made at the first call is made once.
    warmUp();
    takeBlockCount(packages);
    counted.clear();
    work();
    const native = counted.steps();
    return takeBlockCount(packages) + native;
  } finally {
    counted.restore();
  }
}

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

let session: Session | undefined;

const isCounted = (url: string, packages: readonly string[]): boolean =>
  url.startsWith('file:') &&
  url !== import.meta.url &&
  (!url.includes('/node_modules/') ||
    packages.some((name) => url.includes(`/node_modules/${name}/`)));

/**
 * How many blocks of the project were entered since the last call. The counting goes on until the
 * process ends.
 */
function takeBlockCount(packages: readonly string[]): number {
  session ??= startCoverage();
  let coverage: Coverage | undefined;
  // A session of this very thread answers before the call returns.
  session.post('Profiler.takePreciseCoverage', (fault, answer) => {
    if (fault) throw fault;
    coverage = answer as unknown as Coverage;
  });
  return (coverage as Coverage | undefined)?.result
    .filter(({ url }) => isCounted(url, packages))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0) as number;
}

function startCoverage(): Session {
  const made = new Session();
  made.connect();
  made.post('Profiler.enable');
  made.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return made;
}

/**
 * Methods that look at the whole of what they are called on. A sort looks at everything once for
 * each doubling.
 */
const wholeText = [
  'includes lastIndexOf split search match matchAll replace replaceAll trim trimStart trimEnd',
  'toLowerCase toUpperCase toLocaleLowerCase localeCompare isWellFormed toWellFormed concat repeat padStart padEnd',
].flatMap((names) => names.split(' '));
const wholeList = [
  'includes indexOf lastIndexOf find findIndex findLast some every filter map flatMap flat forEach reduce join concat reverse splice',
  'toSorted toReversed fill shift unshift',
].flatMap((names) => names.split(' '));

/**
 * Where a match that ended at `end` began; of a mere yes that is not known, so all of it counts.
 */
const matchStart = (answer: unknown, end: number): number =>
  Array.isArray(answer) ? end - String(answer[0]).length : 0;

type Method = (this: unknown, ...given: unknown[]) => unknown;

function countNative(): { steps(): number; clear(): void; restore(): void } {
  let steps = 0;
  const undo: (() => void)[] = [];
  function wrap(
    holder: object,
    name: string | symbol,
    cost: (self: unknown, given: unknown[], answer: unknown) => number,
  ): void {
    const original = Object.getOwnPropertyDescriptor(holder, name);
    if (typeof original?.value !== 'function') return;
    const method = original.value as Method;
    const counting: Method = function (...given) {
      const answer = Reflect.apply(method, this, given);
      steps += cost(this, given, answer);
      return answer;
    };
    Object.defineProperty(holder, name, { ...original, value: counting });
    undo.push(() => Object.defineProperty(holder, name, original));
  }
  const length = (self: unknown) => (self as { readonly length?: number }).length ?? 0;
  const uncounted = <T>(work: () => T): T => {
    const stepsBefore = steps;
    const answer = work();
    steps = stepsBefore;
    return answer;
  };
  for (const name of wholeText) wrap(String.prototype, name, length);
  // Marks that follow each other are put in order by comparing them.
  wrap(
    String.prototype,
    'normalize',
    (self) =>
      uncounted(
        () =>
          String(self)
            .match(/\p{M}+/gu)
            ?.reduce((sum, { length: run }) => sum + run * run, 0) ?? 0,
      ) + length(self),
  );
  // A host is spelt in ASCII by going over it once for each of its letters.
  wrap(URL, 'parse', (_self, [text]) =>
    uncounted(() => {
      const place =
        /^[^:]*:[/\\]*([^/\\?#]*)/.exec(String(text).replace(/[\t\n\r]/g, ''))?.[1] ?? '';
      return new Set(place.match(/[^\0-\x7f]/gu)).size * place.length + String(text).length;
    }),
  );
  for (const name of ['startsWith', 'endsWith'])
    wrap(String.prototype, name, (_self, [needle]) => length(needle));
  // A search that goes on from somewhere looks no further than to what it finds.
  wrap(
    String.prototype,
    'indexOf',
    (self, [, from = 0], found) =>
      (Number(found) < 0 ? length(self) : Number(found) + 1) - Number(from),
  );
  // A slice of a text shares its characters; a slice of a list copies them.
  for (const name of wholeList) wrap(Array.prototype, name, length);
  wrap(
    Array.prototype,
    'slice',
    (self, [from = 0, to = Number.MAX_SAFE_INTEGER]) =>
      Math.min(length(self), Number(to)) - Number(from),
  );
  wrap(Array.prototype, 'sort', (self) => length(self) * Math.ceil(Math.log2(length(self) + 2)));
  // An expression that goes on where it stopped looks at what it matches, and at the rest when
  // there is no more.
  for (const name of ['exec', 'test'])
    wrap(RegExp.prototype, name, (self, [text], answer) => {
      const { lastIndex, sticky, global } = self as RegExp;
      const found = answer !== null && answer !== false && (sticky || global);
      return found ? lastIndex - matchStart(answer, lastIndex) : String(text).length;
    });
  // What an expression splits, the engine tries it on place by place: the text is counted once, by
  // its method.
  const split = RegExp.prototype[Symbol.split];
  RegExp.prototype[Symbol.split] = function (this: RegExp, text: string, limit?: number) {
    return uncounted(() => split.call(this, text, limit));
  };
  undo.push(() => {
    RegExp.prototype[Symbol.split] = split;
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
