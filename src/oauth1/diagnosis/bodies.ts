import { type NameValuePair, parseForm } from '#encoding/form.ts';
import { decodeUtf8 } from '#encoding/percent.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import { type Finding, type FindingKind, makeFinding } from './finding.ts';

// What libraries sign of a body that no signature covers (RFC 5849 §3.4.1.3.1 takes forms alone).

/** More members than these are nobody's mistake. */
const MAX_MEMBERS = 500;
const MAX_DEPTH = 8;

interface BodyPairs {
  readonly found: Finding;
  readonly pairs: readonly NameValuePair[];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JoinName = (outer: string, inner: string, inList: boolean) => string;

const isNested = (value: Json): value is readonly Json[] | { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null;

/**
 * Members with one value each, names put together in one of the ways that form libraries do;
 * undefined: too many or too deep.
 */
function flattenMembers(value: Json, name: JoinName): readonly NameValuePair[] | undefined {
  const pairs: NameValuePair[] = [];
  function walk(one: Json, path: string, depth: number): boolean {
    if (pairs.length > MAX_MEMBERS || depth > MAX_DEPTH) return false;
    if (!isNested(one)) {
      pairs.push([path, one === null ? '' : String(one)]);
      return true;
    }
    const list = Array.isArray(one);
    return Object.entries(one).every(([inner, member]) =>
      walk(member, path === '' && !list ? inner : name(path, inner, list), depth + 1),
    );
  }
  return walk(value, '', 0) ? pairs : undefined;
}

const bracketed: JoinName = (outer, inner) => `${outer}[${inner}]`;
const emptyBrackets: JoinName = (outer, inner, inList) =>
  inList ? `${outer}[]` : `${outer}[${inner}]`;
const repeated: JoinName = (outer, inner, inList) => (inList ? outer : `${outer}.${inner}`);

function* pairsFromJson(text: string): Generator<readonly NameValuePair[]> {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return;
  }
  if (!isNested(value) || Array.isArray(value)) return;
  const members = Object.entries(value);
  if (members.length > MAX_MEMBERS) return;
  const plain = (nested: (one: Json) => string, nothing: string) =>
    members.map(
      ([name, one]): NameValuePair => [
        name,
        isNested(one) ? nested(one) : one === null ? nothing : String(one),
      ],
    );
  yield plain((one) => JSON.stringify(one), '');
  yield plain((one) => JSON.stringify(one), 'null');
  yield plain((one) => (Array.isArray(one) ? one.join(',') : '[object Object]'), 'null');
  for (const name of [bracketed, emptyBrackets, repeated]) {
    const pairs = flattenMembers(value, name);
    if (pairs !== undefined) yield pairs;
  }
}

interface Part {
  readonly name: string;
  readonly file: string | null;
  readonly text: string;
}

const headerAttribute = (line: string, name: string): string | undefined => {
  const at = line.toLowerCase().indexOf(`; ${name}="`);
  if (at < 0) return undefined;
  const start = at + name.length + 4;
  const end = line.indexOf('"', start);
  return end < 0 ? undefined : line.slice(start, end);
};

/** The parts of a multipart form (RFC 7578), as far as their names and texts go. */
function parseMultipart(text: string, type: string): readonly Part[] {
  const start = type.toLowerCase().indexOf('boundary=');
  const value = start < 0 ? '' : type.slice(start + 'boundary='.length);
  const boundary = value.startsWith('"') ? value.split('"')[1] : value.split(';', 1)[0]?.trim();
  if (boundary === undefined || boundary === '') return [];
  const pieces = text.split(`--${boundary}`);
  return pieces.length > MAX_MEMBERS
    ? []
    : pieces.slice(1, -1).flatMap((piece) => {
        const lines = piece.replaceAll('\r\n', '\n');
        const end = lines.indexOf('\n\n');
        const disposition = lines
          .slice(0, Math.max(end, 0))
          .split('\n')
          .find((line) => /^content-disposition:/i.test(line));
        const name = disposition && headerAttribute(disposition, 'name');
        if (disposition === undefined || name === undefined) return [];
        const content = lines.slice(end + 2);
        const file = headerAttribute(disposition, 'filename') ?? null;
        return [{ name, file, text: content.endsWith('\n') ? content.slice(0, -1) : content }];
      });
}

function* pairsFromMultipart(text: string, type: string): Generator<readonly NameValuePair[]> {
  const parts = parseMultipart(text, type);
  const fields = parts
    .filter(({ file }) => file === null)
    .map((part): NameValuePair => [part.name, part.text]);
  if (fields.length > 0) yield fields;
  if (fields.length < parts.length) {
    yield parts.map((part): NameValuePair => [part.name, part.text]);
    yield parts.map((part): NameValuePair => [part.name, part.file ?? part.text]);
    yield parts.map((part): NameValuePair => [part.name, part.file === null ? part.text : '']);
    yield parts.map(
      (part): NameValuePair => [part.name, part.file === null ? part.text : `@${part.file}`],
    );
  }
}

/** What may have been signed of a body that is not signed here, with the mistake that it is. */
export function* bodyMistakes(rawRequest: RawRequest): Generator<BodyPairs> {
  const text =
    rawRequest.body === undefined || rawRequest.body.length === 0
      ? undefined
      : decodeUtf8(rawRequest.body);
  const type = singleHeader(rawRequest, 'content-type') ?? '';
  if (text === undefined) return;
  const mistake = (kind: FindingKind, pairs: readonly NameValuePair[]): BodyPairs => ({
    pairs,
    found: makeFinding(kind, {
      type: type === '' ? '–' : type,
      method: rawRequest.method.toUpperCase(),
    }),
  });
  for (const pairs of pairsFromJson(text)) yield mistake('json-signed', pairs);
  if (/^[ \t]*multipart\//i.test(type))
    for (const pairs of pairsFromMultipart(text, type)) yield mistake('multipart-signed', pairs);
  const form = parseForm(text);
  if (form.ok && form.value.length > 0 && form.value.length <= MAX_MEMBERS)
    yield mistake('body-signed', form.value);
  yield mistake('body-signed', [[text, '']]);
}
