import type { FastifyRequest } from 'fastify';
import { parseForm, unreadableFormMessage } from '#encoding/form.ts';
import { readJson } from '#encoding/json.ts';
import { csrfProblem, csrfTokenInHeader } from '#http/csrf.ts';
import type { Services } from '#http/world.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import {
  bodyProblem,
  failureData,
  type ParameterType,
  parseParameter,
} from '../../client-management.ts';
import { restLayerError } from '../../oauth2-errors.ts';

/** A field of a body. */
export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly required?: boolean;
  readonly fallback?: unknown;
}

/** The answer to a body that is refused. */
export interface BodyError {
  readonly status: number;
  readonly body: object;
}

type Fields = Readonly<Record<string, unknown>>;

const refuseBody = (status: number, key: string, text: string) =>
  refuse<BodyError>({ status, body: restLayerError(status, key, text) });

type BodyRefused = ReturnType<typeof refuseBody>;

/** What is repeated of a value that does not fit. */
function echoValue(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'string' ? value.slice(0, 200) : '';
}

/**
 * All scopes of an app: its layer knows the word, and what is registered is refused for it
 * (protocols 2.11).
 */
const DEFAULT_SCOPE = '#default';

const contentTypeOf = ({ headers }: FastifyRequest): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

const FORM = 'application/x-www-form-urlencoded';

/** The fields of a body, as they came. */
function parseFields(bytes: Buffer, isForm: boolean): Result<Fields, BodyError> {
  const refuseUnreadable = (text: string) => refuseBody(400, 'rest-json-body-parse-error', text);
  if (isForm) {
    // A description may be longer than the forms of our own endpoints.
    const form = parseForm(bytes);
    return form.ok
      ? accept(Object.assign(Object.create(null), Object.fromEntries(form.value)))
      : refuseUnreadable(unreadableFormMessage('body'));
  }
  const content = readJson(bytes);
  if (!content.ok) return refuseUnreadable(content.refusal.words);
  const fields = content.value;
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    return refuseUnreadable('The body is an object with the fields by name.');
  return accept(Object.assign(Object.create(null), fields));
}

/** Why a request with this body is not read at all; null: it is. */
function requestProblem(
  { origin }: Pick<Services, 'origin'>,
  request: FastifyRequest,
  bytes: Buffer,
  sessionSecret: string | null,
): BodyRefused | null {
  if (bytes.length === 0)
    return refuseBody(411, 'rest-request-body-expected', 'A request body is needed.');
  const type = contentTypeOf(request);
  const isForm = type === FORM;
  if (!isForm && type !== 'application/json')
    return refuseBody(
      415,
      'rest-unsupported-content-type',
      'Use application/json or application/x-www-form-urlencoded.',
    );
  // A page of another site can send a form with a person's cookies, but not JSON (protocols 3.2).
  if (
    sessionSecret !== null &&
    (isForm || csrfProblem(origin, request, sessionSecret, csrfTokenInHeader(request)) !== null)
  )
    return refuseBody(
      403,
      'rest-badtoken',
      'A browser session sends JSON, from a page of this server, with its token in X-CSRF-Token.',
    );
  return null;
}

/** What is answered to fields that nothing here knows; null: there are none. */
function unknownFieldsProblem(fields: Fields, rules: readonly Parameter[]): BodyRefused | null {
  const unknownFields = Object.keys(fields).filter(
    (name) => !rules.some((rule) => rule.name === name),
  );
  if (unknownFields.length === 0) return null;
  const shape = bodyProblem(
    '*',
    '',
    'extraneous-body-fields',
    'The body has fields that are not known here.',
    { bodyParameters: unknownFields.map((name) => name.slice(0, 64)).slice(0, 20) },
  );
  return refuse({ status: 400, body: { ...shape, errorKey: 'rest-extraneous-body-fields' } });
}

function parseValue(
  { scopes }: Pick<Services, 'scopes'>,
  { name, type, required, fallback }: Parameter,
  value: unknown,
  isForm: boolean,
): Result<unknown, BodyError> {
  if (value === undefined) {
    if (!required) return accept(fallback);
    const body = bodyProblem(name, '', 'missingparam', `${name} is missing.`);
    return refuse({ status: 400, body });
  }
  const parsed = parseParameter(type, value, isForm);
  const unknown =
    name === 'scopes' && 'value' in parsed
      ? (parsed.value as readonly string[]).find(
          (scope) => scope !== DEFAULT_SCOPE && !scopes.has(scope),
        )
      : undefined;
  if (!('failure' in parsed) && unknown === undefined) return accept(parsed.value);
  const failure = 'failure' in parsed ? parsed.failure : 'badvalue';
  const body = bodyProblem(
    name,
    unknown ?? echoValue(value),
    failure,
    `${name} has a value that does not fit.`,
    failureData(failure),
  );
  return refuse({ status: 400, body });
}

/** Reads the body by the rules of its parameters. */
export function parseBody(
  services: Pick<Services, 'origin' | 'scopes'>,
  request: FastifyRequest,
  rules: readonly Parameter[],
  sessionSecret: string | null,
): Result<Fields, BodyError> {
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const problem = requestProblem(services, request, bytes, sessionSecret);
  if (problem !== null) return problem;
  const isForm = contentTypeOf(request) === FORM;
  const fields = parseFields(bytes, isForm);
  if (!fields.ok) return fields;
  const unknown = unknownFieldsProblem(fields.value, rules);
  if (unknown !== null) return unknown;
  const read: Record<string, unknown> = {};
  for (const rule of rules) {
    const value = parseValue(services, rule, fields.value[rule.name] ?? undefined, isForm);
    if (!value.ok) return value;
    read[rule.name] = value.value;
  }
  return accept(read);
}
