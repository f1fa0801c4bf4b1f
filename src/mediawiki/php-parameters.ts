import { groupByName, type NameValuePair } from '#encoding/form.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import { accept, type Result } from '#kernel/result.ts';
import { bodyBytes, rawQuery, readSignedForm } from '#oauth1/parse.ts';
import { type OAuth1Refusal, rejectParameter } from '#oauth1/refusals.ts';
import type { RawParameterSources } from '#oauth1/strict-parameters.ts';
import { type PhpForm, parseFormAsPhp } from './php-form.ts';

// What of a request is signed, as the reference sees it (protocols 1.6). It signs PHP's idea of a
// query; where that is another than RFC 5849 has, a signature over either is taken, if what is read
// afterwards is covered by it.

/** The sources of parameters. */
interface ParameterSources {
  readonly query: PhpForm;
  readonly body: PhpForm;
  readonly header: readonly NameValuePair[];
  /** How large query and body are together. */
  readonly byteLength: number;
}

/**
 * PHP's way with a query: of two of the same name the last one counts; a name with `[]` adds to a
 * list, and every one is kept.
 */
function keepLastOfEachName(pairs: readonly NameValuePair[]): readonly NameValuePair[] {
  const last = new Map(pairs.map(([name], index) => [name, index]));
  return pairs.filter(([name], index) => name.includes('[]') || last.get(name) === index);
}

/**
 * Later sources replace the names of earlier ones, so that a parameter sent by two ways is signed
 * once.
 */
function overlayByName(
  ...sources: readonly (readonly NameValuePair[])[]
): readonly NameValuePair[] {
  let merged: readonly NameValuePair[] = [];
  for (const source of sources) {
    const names = new Set(source.map(([name]) => name));
    merged = [...merged.filter(([name]) => !names.has(name)), ...source];
  }
  return merged;
}

/**
 * What a handler reads: the form over the query, and of a repeated name the last value. Each is one
 * that has to be signed.
 */
const effectiveParameters = (query: PhpForm, body: PhpForm): readonly NameValuePair[] =>
  overlayByName(keepLastOfEachName(query.pairs), keepLastOfEachName(body.pairs));

/**
 * The variable of PHP that a name in a query sets: its name, and the key in a list; undefined: it
 * has a form that is not rebuilt here.
 */
function parsePhpVariable(
  name: string,
): { readonly name: string; readonly key: string | null } | undefined {
  const match = /^([^[\]]+)(?:\[([^[\]]*)\])?$/.exec(name.replace(/^ +/, ''));
  const variable = match?.[1]?.replace(/[. ]/g, '_');
  if (variable === undefined || /^\d+$/.test(variable)) return undefined;
  return { name: variable, key: match?.[2] ?? null };
}

/**
 * A query as the reference signs it when names have brackets, dots or blanks: as they were sent,
 * and as the variables that PHP makes of them. Undefined when no name has, or when the last value
 * of a name would not be signed: it is what is read afterwards.
 */
function asPhpVariables(pairs: readonly NameValuePair[]): readonly NameValuePair[] | undefined {
  if (!pairs.some(([name]) => /[. [\]]/.test(name))) return undefined;
  const values = groupByName(pairs);
  const variables = new Map<string, string | Map<string, string>>();
  for (const [sent, value] of pairs) {
    const variable = parsePhpVariable(sent);
    if (variable === undefined) return undefined;
    const { name, key } = variable;
    const known = variables.get(name);
    const list = typeof known === 'object' ? known : new Map<string, string>();
    if (key === null) variables.set(name, value);
    else variables.set(name, list.set(key === '' ? String(list.size) : key, value));
  }
  for (const [name, value] of variables)
    values.set(name, typeof value === 'string' ? [value] : [...value.values()]);
  const covered = [...new Map(pairs)].every(([name, last]) => values.get(name)?.includes(last));
  return covered
    ? [...values].flatMap(([name, all]) => all.map((value): NameValuePair => [name, value]))
    : undefined;
}

/**
 * The same list with a pair of nothing for each empty piece, which the reference signs
 * (`a=1&&b=2`).
 */
const withEmptyPieces = (
  { emptyPieces }: PhpForm,
  pairs: readonly NameValuePair[],
): readonly NameValuePair[] => [...pairs, ...Array<NameValuePair>(emptyPieces).fill(['', ''])];

/** Most bytes of all lists together: of what is larger than half of it, one list alone is tried. */
const MAX_BYTES = 1_048_576;

/** The first parameter of the protocol that comes twice; undefined: none does. */
function findRepeatedProtocolParameter(pairs: readonly NameValuePair[]): string | undefined {
  const seen = new Set<string>();
  for (const [name] of pairs) {
    if (!name.startsWith('oauth_')) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/**
 * The lists of parameters of which one has to be signed, the usual one first; at most six. The
 * parameters that are read are those of the first: the header over the body over the query, and the
 * last value of a repeated name. As a signature does not cover the order of values (RFC 5849
 * §3.4.1.3.2), every value counts only for names that are not the protocol's: of two nonces the one
 * that is spent would be anybody's choice.
 */
function candidateParameterLists({
  query,
  body,
  header,
  byteLength,
}: ParameterSources): readonly (readonly NameValuePair[])[] {
  const last = keepLastOfEachName(query.pairs);
  const everyValue =
    last.length === query.pairs.length || findRepeatedProtocolParameter(query.pairs) !== undefined
      ? []
      : [query.pairs];
  const variables = asPhpVariables(query.pairs);
  const queries = [last, ...everyValue, ...(variables === undefined ? [] : [variables])];
  const plain = queries.map((pairs) => () => overlayByName(pairs, body.pairs, header));
  const empty = queries.map(
    (pairs) => () =>
      overlayByName(withEmptyPieces(query, pairs), withEmptyPieces(body, body.pairs), header),
  );
  const lists = query.emptyPieces + body.emptyPieces === 0 ? plain : [...plain, ...empty];
  return lists.slice(0, Math.max(1, Math.floor(MAX_BYTES / byteLength))).map((list) => list());
}

/**
 * Reads query and form as PHP does, in every way that the reference may have signed them. Refuses a
 * protocol parameter that stands twice in the form.
 */
export function readPhpParameters({
  query,
  form,
  header,
}: RawParameterSources): Result<readonly (readonly NameValuePair[])[], OAuth1Refusal> {
  const body = parseFormAsPhp(form);
  const repeatedName = findRepeatedProtocolParameter(body.pairs);
  if (repeatedName !== undefined)
    return rejectParameter(repeatedName, 'repeated', ' stands twice in the form: send it once.');
  return accept(
    candidateParameterLists({
      query: parseFormAsPhp(query),
      body,
      header,
      byteLength: query.length + form.length,
    }),
  );
}

/** A form is signed with POST alone (protocols 1.6). */
export const isPostedForm = ({
  method,
  headers,
}: Pick<RawRequest, 'method' | 'headers'>): boolean =>
  method.toUpperCase() === 'POST' &&
  /^application\/x-www-form-urlencoded/i.test(singleHeader({ headers }, 'content-type') ?? '');

const noBytes = new Uint8Array();

/**
 * What a handler of the dialect reads from query and form, byte for byte what has to be signed.
 * Nothing of a form that is no form there, is not at hand or is too large.
 */
export function readDialectParameters(rawRequest: RawRequest): readonly NameValuePair[] {
  const query = rawQuery(rawRequest.target.split('#', 1)[0] ?? '');
  const form = readSignedForm(rawRequest, { isSignedForm: isPostedForm }, bodyBytes(rawRequest));
  return effectiveParameters(
    parseFormAsPhp(query),
    parseFormAsPhp((form.ok && form.value) || noBytes),
  );
}
