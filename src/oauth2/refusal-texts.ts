import { unreadableFormMessage } from '#encoding/form.ts';
import type {
  AuthorizationProblem,
  BearerRefusal,
  GrantProblem,
  InvalidScope,
  OAuth2Refusal,
  PkceProblem,
  RequestProblem,
} from './refusals.ts';
import { MAX_SCOPE_LENGTH } from './scope-request.ts';

// What a developer reads of a refusal: which parameter, what is wrong with it, and what to send
// instead. ASCII alone (RFC 6749 §5.2).

/** Most bytes of `state`, as it was sent: escaped. */
export const MAX_STATE_BYTES = 2048;
/** Most bytes of a form at the endpoints that apps call. */
export const MAX_FORM_BYTES = 65_536;

/** Text of a stranger, in the characters that `error_description` may have. */
const toPrintableAscii = (text: string): string => text.replace(/[^\x21\x23-\x5b\x5d-\x7e]/g, '?');

const grantMessages: Readonly<Record<GrantProblem, string>> = {
  unknown: 'The code or token is not known.',
  expired: 'The code or token expired.',
  revoked: 'The code or token was revoked.',
  used: 'The code or token was used before; what it bought has been revoked.',
  superseded: 'The refresh token was replaced, and its successor was used: take that one.',
  'other-client': 'The code or token belongs to another client.',
  'redirect-uri': 'redirect_uri is not the one of the authorization request.',
  'other-address':
    'The code or token was issued at other addresses of this server (/w/rest.php/oauth2 or /oauth2): use it there.',
  verifier: 'code_verifier does not fit code_challenge.',
  'verifier-unexpected':
    'code_verifier was sent, and the authorization request had no code_challenge.',
  'no-consent': 'Consent was revoked.',
  'no-scopes': 'Nothing of what it was issued for is allowed any more.',
  user: 'The user can no longer be acted for.',
};

const pkceMessages: Readonly<Record<PkceProblem, string>> = {
  'pkce-needed': 'code_challenge is missing: this app uses PKCE with code_challenge_method=S256.',
  'pkce-or-exemption-needed':
    'code_challenge is missing: use PKCE with code_challenge_method=S256, or register the app with the exemption from PKCE (pkce_optional).',
  's256-needed': 'code_challenge_method has to be S256.',
};

/** True for what is wrong with the challenge of a request. */
export const isPkceProblem = (problem: string): problem is PkceProblem =>
  Object.hasOwn(pkceMessages, problem);

/** What a parameter has to be; for those that say nothing by themselves. */
const expectedValues: Readonly<Record<string, string>> = {
  response_type: 'the only one is code',
  grant_type: 'authorization_code, refresh_token or client_credentials',
  code_challenge: '43 to 128 of the characters A-Z a-z 0-9 - . _ ~ (RFC 7636)',
  code_verifier: '43 to 128 of the characters A-Z a-z 0-9 - . _ ~ (RFC 7636)',
  prompt: 'none stands alone',
};

function describeRequestProblem({
  parameter,
  problem,
}: {
  readonly parameter: string;
  readonly problem: RequestProblem;
}): string {
  const name = toPrintableAscii(parameter);
  const hint = expectedValues[parameter] === undefined ? '' : `: ${expectedValues[parameter]}`;
  switch (problem) {
    case 'not-a-form':
      return 'Send the parameters as a form: Content-Type: application/x-www-form-urlencoded.';
    case 'too-large':
      return `The body is too large: at most ${MAX_FORM_BYTES} bytes are read.`;
    case 'encoded':
      return 'Send the body without Content-Encoding.';
    case 'in-query':
      return `${name} was sent in the query: send it in the body, as a form.`;
    case 'too-long':
      return parameter === 'state'
        ? `state is longer than ${MAX_STATE_BYTES} bytes as it is sent.`
        : `${name} is too long.`;
    case 'repeated':
      return `${name} is repeated: send it once.`;
    case 'missing':
    case 'malformed':
      return parameter === 'body' ? unreadableFormMessage('body') : `${name} is ${problem}${hint}.`;
  }
}

function describeInvalidScope({ scope, why }: InvalidScope): string {
  const name = toPrintableAscii(scope);
  switch (why) {
    case 'unknown':
      return `The scope ${name} is unknown: scopes_supported of the metadata lists them all.`;
    case 'malformed':
      return `The scope ${name} is malformed: names are separated by one space and have no quotes or backslashes.`;
    case 'too-long':
      return `scope is longer than ${MAX_SCOPE_LENGTH} characters.`;
    case 'not-registered':
      return `The scope ${name} is not allowed: the client is not registered for it.`;
    case 'not-in-grant':
      return `The scope ${name} is not allowed: the refresh token was not granted it.`;
    case 'withdrawn':
      return `The scope ${name} is not allowed any more: the user took it back.`;
  }
}

const invalidClientMessages = {
  missing:
    'Client authentication is missing: send Basic, or client_id (and client_secret) in the body.',
  'in-query':
    'client_id was sent in the query: send it in the body, or as Basic. A client_secret in an address is in logs: change it.',
  twice: 'Use one way of client authentication: Basic, or the body.',
  // Alike, so that nobody learns which clients exist.
  'secret-missing': 'Client authentication failed.',
  'unknown-or-wrong': 'Client authentication failed.',
  'grant-type': 'The grant type is not allowed.',
  'other-scheme':
    'Authorization has a scheme that is not read here: use Basic, or leave it out and send client_id in the body.',
  'basic-malformed':
    'The Basic credentials cannot be read: base64 of client_id:client_secret, each form-encoded first.',
} as const;

const unauthorizedClientMessages = {
  'grant-type': 'The client is not registered for this grant type.',
  public: 'Only a client that keeps a secret may do this.',
  'owner-only': 'The app is for its owner alone: use the token that it was created with.',
} as const;

const clientUnusableMessage =
  'The app may not be used: it is not approved, was stopped, or is not for this user.';

/** Why an app may not act for somebody, by the kind of denial. */
const accessDeniedMessages: Readonly<Record<string, string>> = {
  'client-suppressed': clientUnusableMessage,
  'client-not-usable': clientUnusableMessage,
  'client-suspended': clientUnusableMessage,
  'user-blocked': 'The user is blocked.',
  'wrong-site': 'The app is for another site.',
  'address-not-allowed': 'The app does not allow requests from this address.',
};

/** What a developer needs to know of an OAuth 2 refusal, in ASCII (RFC 6749 §5.2). */
export function describeOAuth2Refusal(
  refusal: Exclude<OAuth2Refusal, { kind: 'foreign_token' }> | AuthorizationProblem,
): string {
  switch (refusal.kind) {
    case 'invalid_request':
      return isPkceProblem(refusal.problem)
        ? pkceMessages[refusal.problem]
        : describeRequestProblem({ parameter: refusal.parameter, problem: refusal.problem });
    case 'invalid_client':
      return invalidClientMessages[refusal.problem];
    case 'invalid_grant':
      return grantMessages[refusal.problem];
    case 'unauthorized_client':
      return unauthorizedClientMessages[refusal.problem];
    case 'unsupported_grant_type':
      return `grant_type is not served: use ${refusal.supported.join(', ')}.`;
    case 'unsupported_response_type':
      return 'Use response_type=code.';
    case 'invalid_scope':
      return describeInvalidScope(refusal);
    case 'access_denied':
      return accessDeniedMessages[refusal.problem] ?? 'Access was denied.';
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

const bearerTokenMessages: Readonly<Record<BearerRefusal['problem'], string>> = {
  // Alike, so that nobody learns which tokens exist.
  malformed: 'The token is not known here: it is incomplete, of another server, or ended long ago.',
  unknown: 'The token is not known here: it is incomplete, of another server, or ended long ago.',
  expired: 'The token expired.',
  revoked: 'The token was revoked.',
  'no-consent': 'The user ended the app: ask them again.',
  'not-usable': clientUnusableMessage,
  'user-blocked': 'The user is blocked.',
  'wrong-site': 'The token is for another site.',
  'address-not-allowed': 'The app does not allow requests from this address.',
};

/** What a developer needs to know of a bearer token that is refused, in ASCII (RFC 6750 §3). */
export const describeBearerRefusal = (refusal: BearerRefusal): string =>
  bearerTokenMessages[refusal.problem];
