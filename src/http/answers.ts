import type { FastifyReply } from 'fastify';
import { bodyAdvice, type OAuth1Refusal } from '#oauth1/refusals.ts';
import type { AuthorizeProblem, OAuth2Refusal, PkceProblem } from '#oauth2/refusals.ts';
import type { Note } from '#pages/words.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { formatChallenges } from '#wire/authorization.ts';
import { formEncode, type Pair } from '#wire/form.ts';

// The one place where refusals become HTTP. A kind without a status does not compile.

const oauth2Status = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  foreign_token: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  access_denied: 400,
} as const satisfies Record<OAuth2Refusal['kind'], number>;

const oauth1Status = {
  parameter_absent: 400,
  parameter_rejected: 400,
  version_rejected: 400,
  signature_method_rejected: 400,
  insecure_transport: 400,
  timestamp_refused: 401,
  consumer_key_unknown: 401,
  consumer_key_refused: 403,
  wrong_protocol: 400,
  owner_only: 403,
  no_secret: 403,
  address_refused: 403,
  token_rejected: 401,
  token_used: 401,
  signature_invalid: 401,
  body_unavailable: 401,
  body_hash_invalid: 401,
  nonce_used: 401,
  callback_rejected: 400,
  callback_misleading: 400,
  permission_unknown: 401,
  verifier_invalid: 401,
  user_refused: 403,
} as const satisfies Record<OAuth1Refusal['kind'], number>;

/** Of the registry, over the API. */
export const registryStatus = {
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

/** Where a page says it otherwise: a person cannot answer a challenge, and what a form cannot do about the state of things is a conflict. */
const onPages: Partial<Record<RegistryRefusal['kind'], number>> = {
  not_logged_in: 403,
  invalid_field_action: 409,
  email_mismatched: 409,
  change_conflict: 409,
};

/** HTTP statuses of what the registry refuses, as pages answer them. */
export const refusedStatus = ({ kind }: RegistryRefusal): number => onPages[kind] ?? registryStatus[kind];

const grantWords: Readonly<Record<string, string>> = {
  unknown: 'The code or token is not known.',
  expired: 'The code or token expired.',
  revoked: 'The code or token was revoked.',
  used: 'The code or token was used before; what it bought has been revoked.',
  superseded: 'The refresh token was replaced, and its successor was used: take that one.',
  'other-client': 'The code or token belongs to another client.',
  'redirect-uri': 'redirect_uri is not the one of the authorization request.',
  'other-address': 'The code or token was issued at other addresses of this server (/w/rest.php/oauth2 or /oauth2): use it there.',
  verifier: 'code_verifier does not fit code_challenge.',
  'verifier-unexpected': 'code_verifier was sent, and the authorization request had no code_challenge.',
  'no-consent': 'The user took the consent back.',
  'no-scopes': 'Nothing of what it was issued for is allowed any more.',
  user: 'The user can no longer be acted for.',
};

const pkceWords: Readonly<Record<PkceProblem, string>> = {
  'pkce-needed': 'code_challenge is missing: this app uses PKCE with code_challenge_method=S256.',
  'pkce-or-exemption-needed':
    'code_challenge is missing: use PKCE with code_challenge_method=S256, or register the app with the exemption from PKCE (pkce_optional).',
  's256-needed': 'code_challenge_method has to be S256.',
};

/** What a developer needs to know of an OAuth 2 refusal, in one sentence of ASCII (RFC 6749 §5.2). */
export function oauth2Words(refusal: Exclude<OAuth2Refusal, { kind: 'foreign_token' }> | AuthorizeProblem): string {
  switch (refusal.kind) {
    case 'invalid_request':
      if (refusal.problem in pkceWords) return pkceWords[refusal.problem as PkceProblem];
      return `${refusal.parameter.replace(/[^\x21\x23-\x5b\x5d-\x7e]/g, '?')} is ${refusal.problem}.`;
    case 'invalid_client':
      return {
        missing: 'Client authentication is missing.',
        twice: 'Use one way of client authentication.',
        'secret-missing': 'Client authentication failed.',
        'unknown-or-wrong': 'Client authentication failed.',
        'grant-type': 'The grant type is not allowed.',
      }[refusal.problem];
    case 'invalid_grant':
      return grantWords[refusal.problem] ?? 'The grant is not valid.';
    case 'unauthorized_client':
      return 'The client may not do this.';
    case 'unsupported_grant_type':
      return 'Use authorization_code, refresh_token or client_credentials.';
    case 'unsupported_response_type':
      return 'Use response_type=code.';
    case 'invalid_scope':
      return 'A scope is unknown, malformed, or more than the client may ask for.';
    case 'access_denied':
      return `Access was denied: ${refusal.problem}.`;
    case 'unknown_client':
      return 'The app is not known.';
    case 'redirect_uri_mismatch':
      return 'redirect_uri is not the registered one.';
    case 'login_required':
      return 'Nobody is signed in, and prompt=none forbids to ask.';
    case 'consent_required':
      return 'The resource owner has not consented to this, and prompt=none forbids to ask.';
    case 'redirect_uri_misleading':
      return 'redirect_uri leads to another host than it shows.';
  }
}

/** Sends JSON that must not be kept (RFC 6749 §5.1). */
export const sendJson = (reply: FastifyReply, status: number, body: object): FastifyReply =>
  reply
    .code(status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send(JSON.stringify(body));

/** Answers an OAuth 2 refusal (RFC 6749 §5.2). At the token endpoint "the client cannot act for this user" is an invalid grant. */
export function sendOAuth2Refusal(reply: FastifyReply, refusal: OAuth2Refusal): FastifyReply {
  if (refusal.kind === 'invalid_client')
    reply.header('www-authenticate', formatChallenges([{ scheme: 'Basic', params: { realm: 'gatehouse', charset: 'UTF-8' } }]));
  if (refusal.kind === 'foreign_token') return sendJson(reply, oauth2Status[refusal.kind], { error: 'invalid_request' });
  const error = refusal.kind === 'access_denied' ? 'invalid_grant' : refusal.kind;
  return sendJson(reply, oauth2Status[refusal.kind], { error, error_description: oauth2Words(refusal) });
}

/** Parameters of an `oauth_problem` body: the kind, and what the developer needs to mend it. */
export function oauth1Problem(refusal: OAuth1Refusal): readonly Pair[] {
  const problem: Pair = ['oauth_problem', refusal.kind];
  switch (refusal.kind) {
    case 'parameter_absent':
      return [problem, ['oauth_parameters_absent', refusal.parameter]];
    case 'parameter_rejected':
      return [problem, ['oauth_parameters_rejected', refusal.parameter], ['oauth_problem_advice', refusal.problem]];
    case 'version_rejected':
      return [problem, ['oauth_acceptable_versions', '1.0-1.0']];
    case 'signature_method_rejected':
      return [problem, ['oauth_acceptable_signature_methods', refusal.supported.join(' ')]];
    case 'timestamp_refused':
      return [problem, ['oauth_acceptable_timestamps', `${refusal.ours - 300}-${refusal.ours + 300}`]];
    case 'body_unavailable':
    case 'body_hash_invalid':
      return [problem, ['oauth_problem_advice', bodyAdvice[refusal.kind]]];
    default:
      return [problem];
  }
}

/** Answers an OAuth 1 refusal (RFC 5849 §3.2) with a real status and an `oauth_problem` body. */
export function sendOAuth1Refusal(reply: FastifyReply, refusal: OAuth1Refusal): FastifyReply {
  const status = oauth1Status[refusal.kind];
  if (status === 401) reply.header('www-authenticate', formatChallenges([{ scheme: 'OAuth', params: { realm: 'gatehouse' } }]));
  return sendForm(reply, status, oauth1Problem(refusal));
}

/** Sends a form-encoded body that must not be kept (RFC 5849 §2.1). */
export const sendForm = (reply: FastifyReply, status: number, pairs: readonly Pair[]): FastifyReply =>
  reply
    .code(status)
    .header('content-type', 'application/x-www-form-urlencoded')
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send(formEncode(pairs));

/** What a person is told of an app that may not act for them; a hidden one is as unknown as one that was never there. */
function refusedApp(why: string): { readonly status: number; readonly note: Note } {
  if (why === 'client-suppressed') return { status: 400, note: 'app-unknown' };
  return { status: 403, note: why === 'client-halted' ? 'app-halted' : 'app-refused' };
}

/** What a person is told when a request of an app cannot be shown to them for a decision. */
export function refusalForPerson(refusal: OAuth1Refusal | AuthorizeProblem): {
  readonly status: number;
  readonly note: Note;
  readonly values?: Readonly<Record<string, string>>;
} {
  switch (refusal.kind) {
    case 'token_rejected':
      return { status: 400, note: 'request-expired' };
    case 'token_used':
      return { status: 400, note: 'request-answered' };
    case 'consumer_key_unknown':
    case 'unknown_client':
      return { status: 400, note: 'app-unknown' };
    case 'redirect_uri_mismatch':
    case 'callback_rejected':
      return { status: 400, note: 'redirect-mismatch' };
    case 'redirect_uri_misleading':
    case 'callback_misleading':
      return { status: 400, note: 'redirect-misleading' };
    case 'owner_only':
      return { status: 403, note: 'owner-only' };
    case 'consumer_key_refused':
      return refusedApp(refusal.why.kind);
    case 'access_denied':
      return refusedApp(refusal.problem);
    case 'user_refused':
      return { status: 403, note: 'user-refused' };
    case 'wrong_protocol':
      return { status: 400, note: 'wrong-protocol' };
    case 'invalid_request':
      if (refusal.problem in pkceWords) return { status: 400, note: refusal.problem as PkceProblem };
      return { status: 400, note: 'bad-parameter', values: { parameter: refusal.parameter } };
    case 'parameter_absent':
    case 'parameter_rejected':
      return { status: 400, note: 'bad-parameter', values: { parameter: refusal.parameter } };
    default:
      return { status: 400, note: 'bad-request', values: { kind: refusal.kind } };
  }
}
