import type { FastifyReply } from 'fastify';
import { formatChallenges } from '#encoding/authorization.ts';
import { formEncode, type NameValuePair } from '#encoding/form.ts';
import { oauth1StatusOf } from '#oauth1/refusal-statuses.ts';
import { HELP_PAGE_PATH, problemReport } from '#oauth1/refusal-texts.ts';
import type { OAuth1Refusal } from '#oauth1/refusals.ts';
import { oauth2StatusOf } from '#oauth2/refusal-statuses.ts';
import { describeOAuth2Refusal } from '#oauth2/refusal-texts.ts';
import type { OAuth2Refusal } from '#oauth2/refusals.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';

// The one place where refusals become HTTP. The statuses of both protocols stand beside their
// refusals, since the guard answers with them too.

/** Of the registry, over the API. */
export const apiStatusByRefusal = {
  not_logged_in: 401,
  user_blocked: 403,
  readonly: 503,
  invalid_field_action: 404,
  missing_field: 400,
  invalid_field: 400,
  permission_denied: 403,
  email_not_confirmed: 403,
  email_mismatched: 400,
  consumer_exists: 409,
  invalid_consumer_key: 404,
  not_proposed: 409,
  not_approved: 409,
  not_disabled: 409,
  change_conflict: 412,
  invalid_access_token: 404,
  managed_by_configuration: 409,
  nothing_to_do: 409,
  not_found: 404,
  too_many: 409,
  too_many_invitations: 429,
  invitations_declined: 403,
  last_secret: 409,
  needs_another_reviewer: 409,
  browser_session_required: 403,
  reauthentication_required: 403,
} as const satisfies Record<RegistryRefusal['kind'], number>;

/**
 * Where a page says it otherwise: a person cannot answer a challenge, and what a form cannot do
 * about the state of things is a conflict.
 */
const pageStatusOverrides: Partial<Record<RegistryRefusal['kind'], number>> = {
  not_logged_in: 403,
  invalid_field_action: 409,
  email_mismatched: 409,
  change_conflict: 409,
};

/** HTTP statuses of what the registry refuses, as pages answer them. */
export const pageStatusOf = ({ kind }: RegistryRefusal): number =>
  pageStatusOverrides[kind] ?? apiStatusByRefusal[kind];

/** Where a developer sees why requests of their app were refused (RFC 8288). */
const HELP_LINK = `<${HELP_PAGE_PATH}>; rel="help"`;

/** Sends JSON that must not be kept (RFC 6749 §5.1). */
export const sendJson = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply
    .code(status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send(JSON.stringify(body));

/**
 * Answers an OAuth 2 refusal (RFC 6749 §5.2). At the token endpoint "the client cannot act for this
 * user" is an invalid grant.
 */
export function sendOAuth2Refusal(reply: FastifyReply, refusal: OAuth2Refusal): FastifyReply {
  if (refusal.kind === 'invalid_client')
    reply.header(
      'www-authenticate',
      formatChallenges([{ scheme: 'Basic', params: { realm: 'gatehouse', charset: 'UTF-8' } }]),
    );
  if (refusal.kind === 'invalid_request' && refusal.problem === 'encoded')
    reply.header('accept-encoding', 'identity');
  const status = oauth2StatusOf(refusal);
  if (refusal.kind === 'foreign_token')
    return sendJson(reply, status, { error: 'invalid_request' });
  const error = refusal.kind === 'access_denied' ? 'invalid_grant' : refusal.kind;
  return sendJson(reply.header('link', HELP_LINK), status, {
    error,
    error_description: describeOAuth2Refusal(refusal),
  });
}

/**
 * Answers an OAuth 1 refusal (RFC 5849 §3.2) with a real status; the problem is told in the body,
 * and with a challenge in the header.
 */
export function sendOAuth1Refusal(reply: FastifyReply, refusal: OAuth1Refusal): FastifyReply {
  const status = oauth1StatusOf(refusal);
  const problem = problemReport(refusal);
  if (status === 401)
    reply.header(
      'www-authenticate',
      formatChallenges([
        { scheme: 'OAuth', params: { realm: 'gatehouse', ...Object.fromEntries(problem) } },
      ]),
    );
  return sendForm(reply.header('link', HELP_LINK), status, problem);
}

/** Sends a form-encoded body that must not be kept (RFC 5849 §2.1). */
export const sendForm = (
  reply: FastifyReply,
  status: number,
  pairs: readonly NameValuePair[],
): FastifyReply =>
  reply
    .code(status)
    .header('content-type', 'application/x-www-form-urlencoded')
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send(formEncode(pairs));
