import type { BearerRefusal, OAuth2Refusal } from './refusals.ts';

// HTTP statuses, for the endpoints and for whoever guards an API. A kind without a status does not
// compile.

/** RFC 6749 §5.2. */
const statusByKind = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  foreign_token: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  access_denied: 400,
} as const satisfies Record<OAuth2Refusal['kind'], number>;

/** The HTTP status of a refusal at the endpoints that an app calls. */
export function oauth2StatusOf(refusal: OAuth2Refusal): 400 | 401 | 413 | 415 {
  const problem = refusal.kind === 'invalid_request' ? refusal.problem : undefined;
  if (problem === 'too-large') return 413;
  return problem === 'encoded' ? 415 : statusByKind[refusal.kind];
}

/** RFC 6750 §3.1. */
const bearerStatusByKind = {
  invalid_token: 401,
  not_allowed: 403,
} as const satisfies Record<BearerRefusal['kind'], number>;

/** The HTTP status of a bearer token that is refused at an API. */
export const bearerStatusOf = ({ kind }: BearerRefusal): 401 | 403 => bearerStatusByKind[kind];
