/** Where a base string of a developer's library leaves the server's. */
export interface Difference {
  readonly part: 'method' | 'uri' | 'parameters';
  readonly ours: string;
  readonly theirs: string;
}

const decode = (text: string) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** As many differences as help anybody. */
const MAX_DIFFERENCES = 50;

/** Method, address and parameters of a base string, each decoded once. */
function splitBaseString(text: string): {
  readonly method: string;
  readonly uri: string;
  readonly parameters: readonly string[];
} {
  const first = text.indexOf('&');
  const second = first < 0 ? -1 : text.indexOf('&', first + 1);
  const end = (at: number) => (at < 0 ? text.length : at);
  return {
    method: decode(text.slice(0, end(first))),
    uri: first < 0 ? '' : decode(text.slice(first + 1, end(second))),
    parameters: (second < 0 ? '' : decode(text.slice(second + 1))).split('&'),
  };
}

const parameterName = (parameter: string) => {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter : parameter.slice(0, equals);
};

/** The first parameter of each name. */
function firstByName(parameters: readonly string[]): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const parameter of parameters) {
    const name = parameterName(parameter);
    if (!first.has(name)) first.set(name, parameter);
  }
  return first;
}

/**
 * Parameters of ours that are not in theirs, beside theirs of that name; then theirs with a name
 * that ours lack.
 */
function* parameterDifferences(
  ours: readonly string[],
  theirs: readonly string[],
): Generator<Difference> {
  const [ourTexts, theirTexts] = [new Set(ours), new Set(theirs)];
  const [ourNames, theirNames] = [firstByName(ours), firstByName(theirs)];
  for (const parameter of ours)
    if (!theirTexts.has(parameter))
      yield {
        part: 'parameters',
        ours: parameter,
        theirs: theirNames.get(parameterName(parameter)) ?? '',
      };
  for (const parameter of theirs)
    if (!ourTexts.has(parameter) && !ourNames.has(parameterName(parameter)))
      yield { part: 'parameters', ours: '', theirs: parameter };
}

/**
 * Compares two base strings part by part, and the parameters one by one, in time that grows as the
 * texts do; at most 50 differences. Empty: they are the same.
 */
export function compareBaseStrings(ours: string, theirs: string): readonly Difference[] {
  const [left, right] = [splitBaseString(ours), splitBaseString(theirs.trim())];
  const found: Difference[] = [];
  for (const part of ['method', 'uri'] as const)
    if (left[part] !== right[part]) found.push({ part, ours: left[part], theirs: right[part] });
  for (const difference of parameterDifferences(left.parameters, right.parameters)) {
    if (found.length === MAX_DIFFERENCES) return found;
    found.push(difference);
  }
  if (found.length === 0 && ours !== theirs.trim())
    found.push({
      part: 'parameters',
      ours: left.parameters.join('&'),
      theirs: right.parameters.join('&'),
    });
  return found;
}
