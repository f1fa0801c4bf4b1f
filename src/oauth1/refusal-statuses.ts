import { isTooLarge, type OAuth1Refusal } from './refusals.ts';

/**
 * HTTP statuses of RFC 5849 §3.2, for its endpoints and for signed API requests alike: 400 for what
 * is missing, malformed or not supported, 401 for credentials that do not hold, and 403 where they
 * hold and may not be used so. A kind without a status does not compile.
 */
const statusByKind = {
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

/** The HTTP status of a refusal; 413 where more came than is read (RFC 9110 §15.5.14). */
export const oauth1StatusOf = (refusal: OAuth1Refusal): 400 | 401 | 403 | 413 =>
  isTooLarge(refusal) ? 413 : statusByKind[refusal.kind];
