import type { FastifyReply } from 'fastify';
import { refusalText, withRenamedFields } from '#registry/refusal-texts.ts';
import { fieldRefusals, type RegistryRefusal, refusalCode } from '#registry/refusals.ts';
import { apiStatusByRefusal } from '../responses.ts';

/** A time as it goes over the wire: UTC, whole seconds. */
export const formatTimestamp = (at: number): string =>
  new Date(at * 1000).toISOString().replace('.000', '');

/** `redirectUri` to `redirect_uri`. */
export const toSnakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Short titles of problems, the same for every occurrence (RFC 9457 §3.1.3). */
export const problemTitles = {
  not_logged_in: 'Sign in first',
  user_blocked: 'Account blocked',
  readonly: 'Read-only',
  invalid_field_action: 'No such action',
  missing_field: 'Field missing',
  invalid_field: 'Field not valid',
  permission_denied: 'Not allowed',
  email_not_confirmed: 'E-mail address not confirmed',
  email_mismatched: 'Another e-mail address',
  consumer_exists: 'App exists',
  invalid_consumer_key: 'No such app',
  not_proposed: 'App does not wait for a review',
  not_approved: 'App is not approved',
  not_disabled: 'App is not disabled',
  change_conflict: 'This app changed since you opened it',
  invalid_access_token: 'No such consent',
  managed_by_configuration: 'App of the configuration',
  nothing_to_do: 'Nothing to change',
  not_found: 'Not found',
  too_many: 'Too many',
  too_many_invitations: 'Too many invitations',
  invitations_declined: 'Does not want to be invited',
  last_secret: 'Last secret',
  needs_another_reviewer: 'Another reviewer is needed',
  browser_session_required: 'Only in a browser session',
  reauthentication_required: 'Confirm that it is you',
  invalid_request: 'Request cannot be read',
  invalid_token: 'Token not valid',
  insufficient_scope: 'Scope missing',
  cross_site: 'CSRF token missing or expired',
  method_not_allowed: 'Method not allowed',
  server_error: 'Internal server error',
} as const satisfies Record<RegistryRefusal['kind'], string> & Readonly<Record<string, string>>;
export type ProblemCode = keyof typeof problemTitles;

/** A problem document (RFC 9457). */
export const problemDocument = (
  status: number,
  kind: ProblemCode,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify({
    type: `/problems/${kind}`,
    title: problemTitles[kind],
    status,
    detail,
    code: kind,
    ...extra,
  });

/** Sends a problem document. */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  ...problem: Tail<Parameters<typeof problemDocument>>
): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .send(problemDocument(status, ...problem));
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest]
  ? Rest
  : never;

/** What a program needs of a refusal, beside its words. */
function refusalDetails(refusal: RegistryRefusal): Readonly<Record<string, unknown>> {
  switch (refusal.kind) {
    case 'missing_field':
      return { field: toSnakeCase(refusal.field) };
    case 'invalid_field': {
      const { kind, ...rest } = refusal.problem;
      return {
        field: toSnakeCase(refusal.field),
        problem: kind.replaceAll('-', '_'),
        ...rest,
        ignorable: refusal.ignorable,
      };
    }
    case 'permission_denied':
      return refusal.right === null ? {} : { right: refusal.right };
    case 'consumer_exists':
      return refusal.version === null ? {} : { version: refusal.version };
    case 'not_proposed':
    case 'not_approved':
    case 'not_disabled':
      return { stage: refusal.stage };
    case 'change_conflict':
      return {
        since: refusal.since.map(({ at, action, reason, changes }) => ({
          at: formatTimestamp(at),
          action,
          reason,
          changes: changes.map((change) => ({ ...change, field: toSnakeCase(change.field) })),
        })),
      };
    case 'needs_another_reviewer':
      return { why: refusal.why.replaceAll('-', '_') };
    case 'browser_session_required':
      return refusal.scopes.length === 0 ? {} : { missing_scopes: refusal.scopes };
    case 'not_found':
    case 'too_many':
      return { what: refusal.what };
    default:
      return {};
  }
}

/** Answers a refusal of the registry as a problem document. */
export function sendRefusal(reply: FastifyReply, refusal: RegistryRefusal): FastifyReply {
  const status = apiStatusByRefusal[refusal.kind];
  if (status === 503) reply.header('retry-after', '300');
  if (status === 429) reply.header('retry-after', '86400');
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="gatehouse"');
  // Every field that is wrong, so that a caller mends them together (RFC 9457 §3.2).
  const errors = fieldRefusals(refusal).map((fieldRefusal) => ({
    code: fieldRefusal.kind,
    detail: refusalText(withRenamedFields(fieldRefusal, toSnakeCase)),
    ...refusalDetails(fieldRefusal),
  }));
  return sendProblem(
    reply,
    status,
    refusal.kind,
    refusalText(withRenamedFields(refusal, toSnakeCase)),
    {
      reference_code: refusalCode(refusal),
      ...refusalDetails(refusal),
      ...(errors.length > 0 ? { errors } : {}),
    },
  );
}
